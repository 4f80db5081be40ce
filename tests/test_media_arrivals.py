"""In a followed folder a picture is taken in with its document, whichever of them arrives first."""

from __future__ import annotations

from pathlib import Path

import pytest

from syndicate.cli.ingestion.document_files import sign_of
from syndicate.cli.ingestion.media_arrivals import Arrived, MediaArrivals


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return tmp_path.resolve()


def put(inbox: Path, *names: str) -> list[Path]:
    """Files of these names."""
    files = [inbox / name for name in names]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_text("{}")
    return files


def test_documents_are_told_from_what_lies_beside_them(inbox: Path) -> None:
    files = put(inbox, "a.html", "a.jpg", "a_files/b.html", "c.toml", "d.json", "d.mp3", "e.json", "d.vtt")
    documents, rest = MediaArrivals([inbox]).split(files)
    assert [file.name for file in documents] == ["a.html", "e.json"]
    assert [file.name for file in rest] == ["a.jpg", "b.html", "c.toml", "d.json", "d.mp3", "d.vtt"]


def test_a_picture_that_arrives_after_its_document_makes_it_due_again(inbox: Path) -> None:
    arrivals = MediaArrivals([inbox], patience=60)
    page, picture = put(inbox, "page.html", "Lake.JPG")
    arrivals.names(page, {inbox / "lake.jpg": None})
    assert arrivals.judge([picture], now=0) == Arrived(again=[page], done=[picture])
    arrivals.names(page, {picture: sign_of(picture), inbox / "lake.jpg": None})
    assert arrivals.judge([picture], now=0) == Arrived(done=[picture])
    picture.write_text("another")
    assert arrivals.judge([picture], now=0) == Arrived(again=[page], done=[picture])
    (part,) = put(inbox, "page_files/b.jpg")
    arrivals.names(page, {part: None})
    assert arrivals.judge([part], now=0) == Arrived(again=[page], done=[part])
    (script,) = put(inbox, "page_files/b.js")
    assert arrivals.judge([script], now=0) == Arrived(done=[script])


def test_a_picture_that_arrives_before_its_document_waits_for_it(inbox: Path) -> None:
    arrivals = MediaArrivals([inbox], patience=60)
    (picture,) = put(inbox, "lake.jpg")
    assert arrivals.judge([picture], now=0) == Arrived(later=[picture])
    (page,) = put(inbox, "page.html")
    arrivals.names(page, {picture: sign_of(picture)})
    assert arrivals.judge([picture], now=59) == Arrived(done=[picture])


def test_a_picture_that_nobody_names_stands_alone_after_a_while(inbox: Path) -> None:
    arrivals = MediaArrivals([inbox], patience=60)
    (picture,) = put(inbox, "lake.jpg")
    assert arrivals.judge([picture], now=5) == Arrived(later=[picture])
    assert arrivals.judge([picture], now=64) == Arrived(later=[picture])
    assert arrivals.judge([picture], now=65) == Arrived(alone=[picture])
    assert arrivals.judge([picture], now=66) == Arrived(later=[picture])
    arrivals.forget([picture])
    assert arrivals.judge([picture], now=200) == Arrived(later=[picture])


def test_a_sidecar_and_its_file_stand_alone_in_whichever_order_they_come(inbox: Path) -> None:
    arrivals = MediaArrivals([inbox], patience=60)
    (sidecar,) = put(inbox, "lake.toml")
    assert arrivals.judge([sidecar], now=0) == Arrived(later=[sidecar])
    (picture,) = put(inbox, "lake.jpg")
    assert arrivals.judge([sidecar, picture], now=9) == Arrived(alone=[picture], done=[sidecar])
    assert arrivals.judge([sidecar], now=10) == Arrived(alone=[picture], done=[sidecar])
    (orphan,) = put(inbox, "none.toml")
    assert arrivals.judge([orphan], now=10) == Arrived(later=[orphan])
    assert arrivals.judge([orphan], now=70) == Arrived(refused=[orphan])


def test_a_picture_of_a_ninjs_document_of_its_name_is_not_alone(inbox: Path) -> None:
    (picture,) = put(inbox, "wire.jpg")
    (inbox / "wire.json").write_text('{"uri": "urn:x:1"}')
    arrivals = MediaArrivals([inbox], patience=60)
    assert arrivals.split([inbox / "wire.json"])[0] == [inbox / "wire.json"]
    assert arrivals.judge([picture], now=0) == Arrived(later=[picture])


def test_words_that_arrive_late_make_their_recording_due(inbox: Path) -> None:
    words, sound = put(inbox, "talk.vtt", "talk.mp3")
    assert MediaArrivals([inbox]).judge([words], now=0) == Arrived(done=[words])
    put(inbox, "talk.toml")
    assert MediaArrivals([inbox]).judge([words], now=0) == Arrived(alone=[sound], done=[words])
