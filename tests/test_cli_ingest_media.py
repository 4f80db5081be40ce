"""Pictures come in with the documents that name them, from beside them or inside an archive, or alone."""

from __future__ import annotations

import base64
import io
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.ingest_helpers import article
from tests.support.shell import Shell, started

ONE = "湘湖三期的游步道昨天贯通,沿线新种了三千株樱花,市民周末就能去走一走。"
TWO = "区园林管理处介绍,步道全长十二公里,沿途设有六处驿站和两座停车场。"


def picture(colour: int) -> bytes:
    """A JPEG of one colour: another colour is another file."""
    written = io.BytesIO()
    Image.new("RGB", (64, 48), (30 * colour, 90, 200)).save(written, "JPEG")
    return written.getvalue()


def part(kind: str, location: str, data: str) -> str:
    """One part of an archive; its data in base64."""
    head = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\nContent-Location: {location}"
    return f"--b\r\n{head}\r\n\r\n{data}"


def page(*elements: str, headline: str = "湘湖水质再提升") -> str:
    return article(f"<p>{ONE}</p>{''.join(elements)}<p>{TWO}</p>", headline=headline)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell(tmp_path / "var")
    made.good("init")
    return made


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def taken(shell: Shell, *paths: Path) -> dict[str, Any]:
    """What became of each document, by the name of its file."""
    outcome = shell("ingest", *map(str, paths), "--json")
    return {Path(one["path"]).name: one for one in outcome.lines}


def noted(result: dict[str, Any]) -> list[str]:
    return [note["code"] for note in result["notes"]]


def test_a_saved_page_brings_its_files_and_a_second_time_brings_nothing(shell: Shell, inbox: Path) -> None:
    (inbox / "湘湖_files").mkdir()
    (inbox / "湘湖_files" / "lake.jpg").write_bytes(picture(1))
    (inbox / "湘湖_files" / "frame.html").write_text("<html><p>广告</p></html>")
    (inbox / "湘湖.html").write_text(
        page("<figure><img src='湘湖_files/lake.jpg'><figcaption>湖边。记者 甲一 摄</figcaption></figure>")
    )
    (inbox / "alone.jpg").write_bytes(picture(2))
    (inbox / "alone.toml").write_text(
        'headline = "桥"\nsource = "萧山日报"\npublished = 2018-01-22T08:01:00+08:00\n', encoding="utf-8"
    )
    first = taken(shell, inbox)
    assert sorted(first) == ["alone.jpg", "湘湖.html"]
    assert [one["action"] for one in first.values()] == ["created", "created"]
    (media,) = first["湘湖.html"]["media"]
    assert (media["action"], media["medium"], media["file"]) == ("created", "picture", "lake.jpg")
    assert "media_left_out" not in noted(first["湘湖.html"])
    again = taken(shell, inbox)
    assert {name: one["action"] for name, one in again.items()} == dict.fromkeys(first, "unchanged")
    assert [one["id"] for one in again.values()] == [one["id"] for one in first.values()]


def test_a_picture_that_comes_later_makes_a_new_version(shell: Shell, inbox: Path) -> None:
    (inbox / "a.html").write_text(page("<img src='a.jpg'>"))
    first = taken(shell, inbox)["a.html"]
    assert (first["action"], noted(first)) == ("created", ["media_left_out"])
    (inbox / "a.jpg").write_bytes(picture(3))
    second = taken(shell, inbox)
    assert (second["a.html"]["action"], second["a.html"]["version"]) == ("updated", 2)
    assert (noted(second["a.html"]), sorted(second)) == ([], ["a.html"])


def test_one_file_that_cannot_be_had_leaves_the_story_and_the_other_files_whole(
    shell: Shell, inbox: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.jpg").write_bytes(picture(4))
    (inbox / "out.jpg").symlink_to(tmp_path / "secret.jpg")
    (inbox / "good.jpg").write_bytes(picture(5))
    (inbox / "script.jpg").write_text("<script>alert(1)</script>")
    os.mkfifo(inbox / "pipe.jpg")
    names = ["../secret.jpg", "out.jpg", "script.jpg", "https://cdn.example/a.jpg", "good.jpg", "湘" * 250]
    names += ["pipe.jpg", "nothing.jpg"]
    (inbox / "a.html").write_text(page(*(f"<p><img src='{name}'></p>" for name in names)))
    result = taken(shell, inbox)["a.html"]
    assert [one["file"] for one in result["media"]] == ["good.jpg"]
    assert noted(result) == ["media_left_out"] * 7
    assert [note["text"] for note in result["notes"] if "secret" in note["text"]]


def test_an_archived_page_brings_the_files_inside_it(shell: Shell, inbox: Path) -> None:
    html = base64.b64encode(page("<img src='http://www.xsnet.cn/pics/lake.jpg?w=1'>").encode()).decode()
    parts = [
        "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n",
        part("text/html; charset=utf-8", "http://www.xsnet.cn/news/1.html", html),
        part("image/jpeg", "http://www.xsnet.cn/pics/lake.jpg?w=1", base64.b64encode(picture(6)).decode()),
        "--b--\r\n",
    ]
    (inbox / "a.mht").write_text("\r\n".join(parts), encoding="ascii")
    result = taken(shell, inbox)["a.mht"]
    assert [(one["action"], one["file"]) for one in result["media"]] == [("created", "lake.jpg")]
    assert noted(result) == []


def test_a_setting_refuses_documents_whose_files_are_not_there_and_no_others(
    shell: Shell, inbox: Path, tmp_path: Path
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('ingest_refuse_notes = ["media_left_out"]\n')
    (inbox / "a.html").write_text(page("<img src='a.jpg'>"))
    (inbox / "b.html").write_text(page("<img src='lost.jpg'>", headline="另一篇稿件"))
    (inbox / "a.jpg").write_bytes(picture(7))
    outcome = shell("--config", str(settings), "ingest", str(inbox), "--json")
    found = {Path(one["path"]).name: one for one in map(json.loads, outcome.out.splitlines())}
    assert {name: one["action"] for name, one in found.items()} == {
        "a.html": "created",
        "b.html": "refused",
    }
    assert [fault["code"] for fault in found["b.html"]["faults"]] == ["media_left_out"]


def test_in_a_followed_folder_pictures_may_come_before_with_or_after_their_page(
    shell: Shell, inbox: Path
) -> None:
    follow = ("ingest", "--watch", str(inbox), "--settle", "0.3", "--json")
    with started(shell.data, *follow) as running:
        running.wait_for("监看")
        (inbox / "early.jpg").write_bytes(picture(1))
        (inbox / "alone.jpg").write_bytes(picture(2))
        (inbox / "alone.jpg.toml").write_text(
            'headline = "桥"\nsource = "萧山日报"\npublished = 2018-01-22T08:01:00+08:00\n'
        )
        alone = running.line()
        assert (Path(alone["path"]).name, alone["action"]) == ("alone.jpg", "created")
        (inbox / "a.html").write_text(page("<img src='early.jpg'>", "<img src='late.jpg'>"))
        first = running.line()
        assert [one["file"] for one in first["media"]] == ["early.jpg"]
        assert noted(first) == ["media_left_out"]
        (inbox / "late.jpg").write_bytes(picture(3))
        second = running.line()
        assert (second["id"], second["action"], second["version"]) == (first["id"], "updated", 2)
        assert [one["file"] for one in second["media"]] == ["early.jpg", "late.jpg"]
        assert [one["action"] for one in second["media"]] == ["unchanged", "created"]
        assert running.stop(signal.SIGTERM) == 0, running.errors.read_text()
        assert list(running.lines()) == []


def test_a_story_is_withheld_without_its_picture_on_request(shell: Shell, inbox: Path) -> None:
    (inbox / "a.jpg").write_bytes(picture(1))
    (inbox / "湘湖.html").write_text(page('<img src="a.jpg">'))
    story = taken(shell, inbox)["湘湖.html"]["id"]
    shown = shell.good("item", "show", story, "--json").json
    (link,) = shown["associations"]
    shell.good("item", "hold", story, "--withhold", "--alone")
    # Its own hold is there to lift, and the picture has none.
    refused = shell("item", "release", link["item"], "--json")
    assert (refused.code, refused.json["error"]) == (1, "not_held")
    shell.good("item", "release", story)
