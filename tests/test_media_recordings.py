"""What a file of sound or film is and says of itself is read, with ffmpeg on the machine and without it."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mutagen.id3 import COMM, ID3, TDRC, TIT2, TPE1, TXXX
from mutagen.mp4 import MP4
from mutagen.oggvorbis import OggVorbis

from syndicate.errors import Faulty
from syndicate.media.file_types import file_type
from syndicate.media.inspection import Inspected
from syndicate.media.recordings.recording_inspection import inspect_recording
from syndicate.media.recordings.recording_stamp import stamp_recording
from syndicate.media.recordings.webvtt import read_transcript, write_webvtt
from syndicate.model.item import Medium
from tests.support.recordings import RECORDINGS, STAMP

FILES = {
    "sound.mp3": ("audio/mpeg", 1567, None),
    "sound.m4a": ("audio/mp4", 1500, None),
    "sound.ogg": ("audio/ogg", 1500, None),
    "sound.opus": ("audio/ogg", 1500, None),
    "sound.flac": ("audio/flac", 1000, None),
    "sound.wav": ("audio/wav", 1000, None),
    "film.mp4": ("video/mp4", 1500, (64, 48)),
    "upright.mov": ("video/quicktime", 1500, (48, 64)),
    "film.webm": ("video/webm", 1500, (64, 48)),
}


def inspected(path: Path) -> Inspected:
    found = file_type(path)
    assert found is not None
    return inspect_recording(path, found, name=path.name)


def codes(found: Inspected) -> list[str]:
    return [note.code for note in found.notes]


def copied(name: str, folder: Path) -> Path:
    return Path(shutil.copy(RECORDINGS / name, folder / name))


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")


@pytest.fixture
def ffmpeg() -> str:
    program = shutil.which("ffmpeg")
    if program is None:
        pytest.skip("ffmpeg not found: apt-get install ffmpeg")
    return program


@pytest.mark.parametrize("name", FILES)
def test_type_duration_and_upright_size_are_read_with_ffprobe(name: str, ffmpeg: str) -> None:
    content_type, duration, size = FILES[name]
    found = inspected(RECORDINGS / name)
    assert found.type.content_type == content_type
    assert found.duration is not None
    assert abs(found.duration - duration) < 10
    assert ((found.width, found.height) if found.width else None) == size
    assert "media_tools_missing" not in codes(found)


@pytest.mark.parametrize("name", [name for name in FILES if name != "film.webm"])
@pytest.mark.usefixtures("no_programs")
def test_without_ffprobe_the_same_is_read_and_a_note_says_what_is_missing(name: str) -> None:
    content_type, duration, size = FILES[name]
    found = inspected(RECORDINGS / name)
    assert found.type.content_type == content_type
    assert found.duration is not None
    assert abs(found.duration - duration) < 10
    assert ((found.width, found.height) if found.width else None) == size
    (note,) = (note for note in found.notes if note.code == "media_tools_missing")
    assert "apt-get install ffmpeg" in note.text.zh
    assert "apt-get install ffmpeg" in note.text.en


@pytest.mark.usefixtures("no_programs")
def test_without_ffprobe_a_webm_is_taken_for_what_its_first_bytes_say() -> None:
    found = inspected(RECORDINGS / "film.webm")
    assert (found.type.medium, found.duration) == (Medium.VIDEO, None)
    assert codes(found) == ["media_tools_missing", "media_original_stays"]


@pytest.mark.parametrize("name", ["sound.wav", "film.webm"])
def test_a_file_without_a_place_for_the_stamp_is_taken_and_a_note_says_that_it_stays(
    name: str, ffmpeg: str
) -> None:
    assert codes(inspected(RECORDINGS / name)) == ["media_original_stays"]


def test_an_mp4_with_sound_alone_is_a_sound(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    data = (RECORDINGS / "sound.m4a").read_bytes()
    path.write_bytes(data.replace(b"ftypM4A ", b"ftypisom", 1))
    found = inspected(path)
    assert (found.type.content_type, found.type.medium) == ("audio/mp4", Medium.AUDIO)


def test_a_film_that_calls_itself_a_sound_is_a_film(tmp_path: Path) -> None:
    path = tmp_path / "sound.m4a"
    data = (RECORDINGS / "film.mp4").read_bytes()
    path.write_bytes(data.replace(b"ftypisom", b"ftypM4A ", 1))
    found = inspected(path)
    assert (found.type.content_type, found.type.medium) == ("video/mp4", Medium.VIDEO)


def test_a_codec_that_players_do_not_open_is_noted(tmp_path: Path, ffmpeg: str) -> None:
    path = tmp_path / "old.mp4"
    source = "testsrc=size=32x32:rate=5:duration=0.4"
    command = [ffmpeg, "-v", "error", "-f", "lavfi", "-i", source, "-c:v", "mpeg4", str(path)]
    subprocess.run(command, check=True, timeout=60)
    (note,) = inspected(path).notes
    assert note.code == "media_codec_unusual"
    assert note.text.en.endswith("mpeg4")


def test_a_fragmented_mp4_is_taken_and_a_note_says_how_to_remux_it(tmp_path: Path, ffmpeg: str) -> None:
    path = tmp_path / "live.mp4"
    flags = "frag_keyframe+empty_moov"
    command = [ffmpeg, "-v", "error", "-i", str(RECORDINGS / "film.mp4"), "-c", "copy", "-movflags", flags]
    subprocess.run([*command, str(path)], check=True, timeout=60)
    (note,) = inspected(path).notes
    assert note.code == "media_original_stays"
    assert "-movflags +faststart" in note.text.zh


def test_the_fields_of_an_id3_tag_are_read(tmp_path: Path) -> None:
    path = copied("sound.mp3", tmp_path)
    tags = ID3()
    tags.add(TIT2(encoding=3, text=["湘湖\u200b  晨声"]))
    tags.add(TPE1(encoding=3, text=["记者 王琳"]))
    tags.add(COMM(encoding=3, lang="zho", desc="", text=["湖边的早晨"]))
    tags.add(TDRC(encoding=3, text=["2026-01-01T08:00:00"]))
    for name, text in (("SOURCE", "新华社"), ("Credit", "新华社"), ("keywords", "湘湖，早晨; 声音")):
        tags.add(TXXX(encoding=3, desc=name, text=[text]))
    tags.save(path)
    found = inspected(path)
    fields = found.fields
    assert (fields.headline, fields.byline, fields.caption) == ("湘湖 晨声", "记者 王琳", "湖边的早晨")
    assert (fields.source, fields.credit) == ("新华社", "新华社")
    assert fields.keywords == ("湘湖", "早晨", "声音")
    assert fields.created is None
    assert codes(found) == ["created_without_zone"]


def test_the_fields_of_an_mp4_and_of_vorbis_comments_are_read(tmp_path: Path) -> None:
    film: Any = MP4(copied("film.mp4", tmp_path))
    film["\xa9ART"], film["desc"], film["cprt"] = ["王琳"], ["湖"], ["萧山网"]
    film["\xa9day"] = ["2026-01-01T08:00:00+08:00"]
    film["----:com.apple.iTunes:SOURCE"] = ["萧山网-萧山电视台".encode()]
    film.save()
    fields = inspected(tmp_path / "film.mp4").fields
    assert (fields.byline, fields.caption, fields.copyright) == ("王琳", "湖", "萧山网")
    assert fields.source == "萧山网-萧山电视台"
    assert fields.created == datetime(2026, 1, 1, tzinfo=UTC)
    sound: Any = OggVorbis(copied("sound.ogg", tmp_path))
    sound["ORGANIZATION"], sound["DATE"] = ["萧山网"], ["2026"]
    sound.save()
    found = inspected(tmp_path / "sound.ogg")
    assert (found.fields.credit, found.fields.created, found.notes) == ("萧山网", None, ())


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("湘湖晨声".encode("gb18030"), "湘湖晨声"),
        ("朱镕基访萧山".encode("gbk"), "朱镕基访萧山"),
        ("湘湖".encode(), "湘湖"),
        ("Müller".encode("latin-1"), "Müller"),
        ("Café".encode("latin-1"), "Café"),
    ],
)
def test_texts_that_a_tag_calls_latin_1_are_read_as_they_were_meant(
    written: bytes, read: str, tmp_path: Path
) -> None:
    path = copied("sound.mp3", tmp_path)
    tags = ID3()
    tags.add(TIT2(encoding=0, text=[written.decode("latin-1")]))
    tags.save(path)
    assert inspected(path).fields.headline == read


def test_an_id3v1_tag_in_gbk_is_read(tmp_path: Path) -> None:
    path = copied("sound.mp3", tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[ID3(path).size :] + b"TAG" + "湘湖晨声".encode("gbk").ljust(125, b"\0"))
    assert inspected(path).fields.headline == "湘湖晨声"


@pytest.mark.parametrize(
    "name", ["sound.mp3", "sound.m4a", "sound.ogg", "sound.flac", "film.mp4", "upright.mov"]
)
def test_what_a_stamp_says_is_what_inspection_reads(name: str, tmp_path: Path) -> None:
    target = tmp_path / name
    stamp_recording(RECORDINGS / name, target, FILES[name][0], STAMP)
    fields = inspected(target).fields
    assert fields.headline == STAMP.headline
    assert fields.byline == STAMP.byline
    assert fields.caption == STAMP.caption
    assert fields.source == STAMP.source
    assert fields.credit == STAMP.credit
    assert fields.copyright is not None
    assert STAMP.stamp in fields.copyright


VTT = """WEBVTT - 湘湖晨声

NOTE 编辑:此处待核

STYLE
::cue { background: url(http://example.com/x) }

1
00:00.000 --> 00:01.500 align:start evil:1
<v 王琳>湘湖的<b>早晨</b><script>alert(1)</script>

00:00:01.500 --> 01:00:02.000
第二句
第二行
"""
SRT = "1\r\n00:00:00,000 --> 00:00:01,500\r\n湖\r\n\r\n2\r\n00:00:02,000 --> 00:00:03,000\r\n再见\r\n"


def test_a_transcript_keeps_words_and_times_and_loses_notes_styles_and_foreign_markup() -> None:
    cues = read_transcript(VTT.encode(), name="sound.vtt")
    assert [(cue.start, cue.end, cue.settings) for cue in cues] == [
        (0, 1500, "align:start"),
        (1500, 3_602_000, ""),
    ]
    assert cues[0].text == "<v 王琳>湘湖的<b>早晨</b>alert(1)"
    assert cues[1].text == "第二句\n第二行"
    written = write_webvtt(cues).decode()
    assert "NOTE" not in written
    assert "http" not in written
    assert read_transcript(written.encode(), name="again") == cues


def test_subrip_becomes_webvtt_also_in_gb18030() -> None:
    cues = read_transcript(SRT.encode("gb18030"), name="sound.srt")
    assert write_webvtt(cues).decode() == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\n湖\n\n00:00:02.000 --> 00:00:03.000\n再见\n"
    )


def test_a_transcript_with_the_stamp_has_it_on_top_and_once(tmp_path: Path) -> None:
    source, target, again = (tmp_path / name for name in ("a.vtt", "b.vtt", "c.vtt"))
    source.write_text(VTT, encoding="utf-8")
    stamp_recording(source, target, "text/vtt", STAMP)
    assert target.read_text(encoding="utf-8").startswith("WEBVTT\n\nNOTE\n稿件来源:萧山网\n")
    stamp_recording(target, again, "text/vtt", STAMP)
    assert again.read_bytes() == target.read_bytes()
    found = inspected(target)
    assert (found.type.content_type, found.duration) == ("text/vtt", 3_602_000)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("WEBVTT\n\n00:01.000 -> 00:02.000\nwords\n", [3]),
        ("WEBVTT\n\n00:02.000 --> 00:01.000\nwords\n", [3]),
        ("WEBVTT\n\n00:61.000 --> 00:99.000\nwords\n\n1\nnothing\n", [3, 6]),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\nwords\n00:02.000 --> 00:03.000\nmore\n", [4]),
        ("WEBVTT\n", [None]),
        ("<html>not a transcript</html>", [None]),
        ("", [None]),
    ],
)
def test_a_transcript_with_mistakes_is_refused_with_the_line_of_each(text: str, lines: list[int]) -> None:
    with pytest.raises(Faulty) as caught:
        read_transcript(text.encode(), name="sound.vtt")
    assert [fault.line for fault in caught.value.faults] == lines
    assert {fault.code for fault in caught.value.faults} <= {
        *("cue_times", "cue_text", "transcript_empty", "transcript_invalid"),
    }


def test_the_last_cue_of_a_long_transcript_counts_hours() -> None:
    hours = timedelta(hours=99, minutes=59, seconds=59) // timedelta(milliseconds=1)
    (cue,) = read_transcript(b"WEBVTT\n\n00:00.000 --> 99:59:59.000\nlong\n", name="long.vtt")
    assert cue.end == hours
