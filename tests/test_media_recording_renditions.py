"""Previews and frames of films are small, upright, without a word of the source, always the same."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from syndicate.errors import Faulty
from syndicate.media.file_types import MP4, file_type
from syndicate.media.inspection import Inspected
from syndicate.media.recordings.mp4_boxes import top_boxes
from syndicate.media.recordings.recording_inspection import inspect_recording
from syndicate.media.recordings.recording_limits import rendition_limits, stamping_limits
from syndicate.media.recordings.recording_renditions import film_frame, make_preview, make_transcript
from syndicate.media.recordings.recording_stamp import stamp_recording
from syndicate.media.worker_pool import MediaWorkers
from syndicate.model.media import RenditionName
from tests.support.recordings import RECORDINGS, STAMP, ffprobe, ffprobe_tags


@pytest.fixture(scope="module")
def large_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of 1000 × 600 pixels with sound and a title."""
    program = shutil.which("ffmpeg")
    if program is None:
        pytest.skip("ffmpeg not found: apt-get install ffmpeg")
    path = tmp_path_factory.mktemp("film") / "large.mp4"
    inputs = ["-f", "lavfi", "-i", "testsrc=size=1000x600:rate=50:duration=0.4"]
    inputs += ["-f", "lavfi", "-i", "sine=duration=0.4"]
    words = ["-metadata", "title=secret title", "-metadata", "comment=secret comment"]
    subprocess.run(
        [program, "-v", "error", *inputs, *words, "-pix_fmt", "yuv420p", path], check=True, timeout=60
    )
    return path


def inspected(path: Path) -> Inspected:
    found = file_type(path)
    assert found is not None
    return inspect_recording(path, found, name=path.name)


def test_a_films_preview_is_480_pixels_high_h264_with_aac_and_can_start_at_once(
    large_film: Path, tmp_path: Path
) -> None:
    made = make_preview(large_film, inspected(large_film), tmp_path)
    assert made is not None
    assert (made.name, made.content_type) == (RenditionName.PREVIEW, "video/mp4")
    assert (made.width, made.height) == (800, 480)
    film, sound = ffprobe(made.path)["streams"]
    assert (film["codec_name"], film["pix_fmt"], film["avg_frame_rate"]) == ("h264", "yuv420p", "30/1")
    assert (sound["codec_name"], sound["channels"]) == ("aac", 1)
    with made.path.open("rb") as file:
        kinds = [one.kind for one in top_boxes(file, made.path.stat().st_size)]
    assert kinds.index(b"moov") < kinds.index(b"mdat")


def test_a_sounds_preview_is_mp3_in_mono_with_64_kilobits(tmp_path: Path) -> None:
    ffprobe(RECORDINGS / "sound.wav")
    made = make_preview(RECORDINGS / "sound.wav", inspected(RECORDINGS / "sound.wav"), tmp_path)
    assert made is not None
    (sound,) = ffprobe(made.path)["streams"]
    assert (made.content_type, sound["codec_name"], sound["channels"]) == ("audio/mpeg", "mp3", 1)
    assert int(sound["bit_rate"]) == 64_000


def test_a_preview_says_nothing_of_the_source_is_the_same_every_time_and_takes_the_stamp(
    large_film: Path, tmp_path: Path
) -> None:
    first = make_preview(large_film, inspected(large_film), tmp_path)
    assert first is not None
    data = first.path.read_bytes()
    assert b"secret" not in data
    again = make_preview(large_film, inspected(large_film), tmp_path)
    assert again is not None
    assert again.path.read_bytes() == data
    stamp_recording(first.path, tmp_path / "out.mp4", first.content_type, STAMP)
    assert ffprobe_tags(tmp_path / "out.mp4")["attribution"] == STAMP.stamp


def test_the_preview_of_an_upright_film_is_upright(tmp_path: Path) -> None:
    ffprobe(RECORDINGS / "upright.mov")
    made = make_preview(RECORDINGS / "upright.mov", inspected(RECORDINGS / "upright.mov"), tmp_path)
    assert made is not None
    assert (made.width, made.height) == (48, 64)


@pytest.mark.parametrize(("name", "size"), [("upright.mov", (48, 64)), ("film.webm", (64, 48))])
def test_a_frame_of_a_film_is_upright_and_never_enlarged(
    name: str, size: tuple[int, int], tmp_path: Path
) -> None:
    ffprobe(RECORDINGS / name)
    frame = film_frame(RECORDINGS / name, inspected(RECORDINGS / name), tmp_path)
    assert frame is not None
    (picture,) = ffprobe(frame)["streams"]
    assert (picture["codec_name"], picture["width"], picture["height"]) == ("png", *size)


def test_a_sound_has_no_frame(tmp_path: Path) -> None:
    assert film_frame(RECORDINGS / "sound.mp3", inspected(RECORDINGS / "sound.mp3"), tmp_path) is None


def test_without_ffmpeg_there_is_no_preview_and_no_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    film = RECORDINGS / "film.mp4"
    assert make_preview(film, inspected(film), tmp_path) is None
    assert film_frame(film, inspected(film), tmp_path) is None


def test_a_film_that_is_noise_inside_gives_no_frame_and_no_preview(tmp_path: Path) -> None:
    ffprobe(RECORDINGS / "film.mp4")
    data = (RECORDINGS / "film.mp4").read_bytes()
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    path = tmp_path / "noise.mp4"
    path.write_bytes(data[:start] + b"\xa5" * (end - start) + data[end:])
    found = Inspected(type=MP4, duration=1500)
    assert film_frame(path, found, tmp_path) is None
    assert make_preview(path, found, tmp_path) is None
    assert [one.name for one in tmp_path.iterdir()] == ["noise.mp4"]


def test_a_transcript_in_subrip_becomes_webvtt(tmp_path: Path) -> None:
    source = tmp_path / "sound.srt"
    source.write_text("1\n00:00:00,000 --> 00:00:01,500\n湖\n", encoding="gb18030")
    made = make_transcript(source, tmp_path, name="sound.srt")
    assert (made.name, made.content_type, made.duration) == (RenditionName.TRANSCRIPT, "text/vtt", 1500)
    assert made.path.read_text(encoding="utf-8") == "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\n湖\n"


def test_limits_grow_with_the_recording_and_a_large_film_is_stamped_within_them(tmp_path: Path) -> None:
    source, target = tmp_path / "long.mp4", tmp_path / "out.mp4"
    film = (RECORDINGS / "film.mp4").read_bytes()
    at, more = film.index(b"mdat"), 300 << 20
    length = int.from_bytes(film[at - 4 : at])
    with source.open("wb") as file:  # sparse
        file.write(film[: at - 4] + (length + more).to_bytes(4) + film[at : at - 4 + length])
        file.seek(more, os.SEEK_CUR)
        file.write(film[at - 4 + length :])
    size = source.stat().st_size
    workers = MediaWorkers()
    try:
        with pytest.raises(Faulty) as caught:
            workers.run("film", stamp_recording, source, target, "video/mp4", STAMP)
        assert caught.value.faults[0].code == "media_too_large"
        assert not target.exists()
        limits = stamping_limits(size)
        workers.run_within(limits, "film", stamp_recording, source, target, "video/mp4", STAMP)
    finally:
        workers.close()
    assert target.stat().st_size > size
    hour = rendition_limits(size, 3_600_000, previews=True)
    assert hour.seconds > 7200
    assert rendition_limits(size, 3_600_000, previews=False).seconds < 600
