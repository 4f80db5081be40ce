"""The picture, the sound and the film of the demonstration are small, and whole with their sidecars."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

import pytest

from syndicate.config import load
from syndicate.ingest.draft import finish
from syndicate.ingest.sidecar import read_sidecar, sidecar_names
from syndicate.media.file_types import file_type
from syndicate.media.recordings.recording_inspection import inspect_recording
from syndicate.media.recordings.recording_stamp import stamp_recording
from syndicate.media.recordings.webvtt import read_transcript
from tests.support.ingest_helpers import NOW
from tests.support.recordings import STAMP

MEDIA = {"xianghu-morning.jpg": "daily", "xianghu-melody.mp3": "radio", "xianghu-boat.mp4": "tv"}


@pytest.fixture(scope="module")
def shipped() -> Path:
    with as_file(files("syndicate") / "demo" / "media") as folder:
        return folder


@pytest.mark.parametrize("name", MEDIA)
def test_the_sidecar_makes_it_an_item_of_its_outlet(name: str, shipped: Path) -> None:
    found = file_type(shipped / name)
    assert found is not None
    assert found.medium is not None
    assert found.suffix == Path(name).suffix
    beside = next(one for one in sidecar_names(name) if (shipped / one).is_file())
    publisher = load(None, {}).publisher
    data = (shipped / beside).read_bytes()
    sidecar = read_sidecar(data, name=beside, medium=found.medium, publisher=publisher)
    item = finish(sidecar.draft, name=name, publisher=publisher, now=NOW).item
    assert item.outlet == MEDIA[name]
    assert "示范" in item.headline


@pytest.mark.parametrize("name", ["xianghu-melody.mp3", "xianghu-boat.mp4"])
def test_sound_and_film_take_the_stamp_and_have_a_transcript_of_their_length(
    name: str, shipped: Path, tmp_path: Path
) -> None:
    found = file_type(shipped / name)
    assert found is not None
    inspected = inspect_recording(shipped / name, found, name=name)
    assert {note.code for note in inspected.notes} <= {"media_tools_missing"}
    stamp_recording(shipped / name, tmp_path / name, found.content_type, STAMP)
    cues = read_transcript((shipped / name).with_suffix(".vtt").read_bytes(), name=name)
    assert inspected.duration is not None
    assert abs(inspected.duration - cues[-1].end) < 100


def test_all_of_it_is_less_than_300_kilobytes(shipped: Path) -> None:
    assert sum(one.stat().st_size for one in shipped.iterdir()) < 300_000
