"""Files of sound and film that are broken, lie or attack are refused with a reason, or do no harm."""

from __future__ import annotations

import http.server
import random
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from mutagen.id3 import ID3, TIT2

from syndicate.errors import Faulty, NotStampable
from syndicate.media.file_types import FLAC, M4A, MP3, MP4, OGG, QUICKTIME, WEBM, MediaType, file_type
from syndicate.media.recordings.mp4_boxes import Box, box_bytes
from syndicate.media.recordings.probe import probe
from syndicate.media.recordings.programs import ProgramFailed, ProgramLimits, run
from syndicate.media.recordings.recording_inspection import inspect_recording
from syndicate.media.recordings.recording_stamp import stamp_recording
from syndicate.media.recordings.webvtt import read_transcript
from tests.support.recordings import RECORDINGS, STAMP

FILM = (RECORDINGS / "film.mp4").read_bytes()
SOUND = (RECORDINGS / "sound.mp3").read_bytes()


def refused(path: Path, found: MediaType) -> list[str]:
    """The codes of the faults for which the file is refused; it cannot be stamped either."""
    with pytest.raises(Faulty) as caught:
        inspect_recording(path, found, name=path.name)
    assert all(fault.text.zh and fault.text.en for fault in caught.value.faults)
    with pytest.raises(NotStampable):
        stamp_recording(path, path.with_name("out"), found.content_type, STAMP)
    assert not path.with_name("out").exists()
    return [fault.code for fault in caught.value.faults]


def outcome(path: Path, found: MediaType) -> set[str]:
    """The codes of the faults of a file, or `taken`. It can be stamped, or leaves nothing behind."""
    target = path.with_name("out")
    try:
        stamp_recording(path, target, found.content_type, STAMP)
    except NotStampable:
        assert not target.exists()
    try:
        inspect_recording(path, found, name=path.name)
    except Faulty as error:
        return {fault.code for fault in error.faults}
    return {"taken"}


def written(folder: Path, data: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize(
    ("name", "found"), [("film.mp4", MP4), ("sound.m4a", M4A), ("upright.mov", QUICKTIME)]
)
def test_an_mp4_that_was_cut_off_anywhere_is_refused_as_cut_off(
    name: str, found: MediaType, share: float, tmp_path: Path
) -> None:
    data = (RECORDINGS / name).read_bytes()
    assert refused(written(tmp_path, data[: int(len(data) * share)]), found) == ["media_truncated"]


def test_an_mp4_whose_table_of_contents_at_its_end_is_missing_is_refused_as_cut_off(tmp_path: Path) -> None:
    at = FILM.index(b"moov") - 4
    assert FILM.index(b"mdat") < at
    assert refused(written(tmp_path, FILM[:at]), MP4) == ["media_truncated"]


@pytest.mark.parametrize(
    ("length", "code"),
    [
        (0xFFFFFFFF, "media_truncated"),
        (7, "media_damaged"),
        (2, "media_damaged"),
        (1, "media_truncated"),
    ],
)
def test_absurd_lengths_of_boxes_are_refused(length: int, code: str, tmp_path: Path) -> None:
    at = FILM.index(b"moov") - 4
    data = FILM[:at] + length.to_bytes(4) + FILM[at + 4 :]
    assert refused(written(tmp_path, data), MP4) in ([code], ["media_damaged"])


@pytest.mark.parametrize(
    "kind", [b"trak", b"stbl", b"mdia", b"stco", b"stsz", b"stsd", b"mvhd", b"hdlr", b"tkhd"]
)
@pytest.mark.parametrize("value", [0, 1, 9, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wrong_length_of_any_inner_box_does_no_harm(kind: bytes, value: int, tmp_path: Path) -> None:
    at = FILM.index(kind) - 4
    path = written(tmp_path, FILM[:at] + value.to_bytes(4) + FILM[at + 4 :])
    with pytest.raises(Faulty) as caught:
        inspect_recording(path, MP4, name="file")
    assert {fault.code for fault in caught.value.faults} <= {
        "media_truncated",
        "media_damaged",
        "media_empty",
    }


def test_deeply_nested_boxes_are_refused(tmp_path: Path) -> None:
    inside = b""
    for _ in range(200):
        inside = (len(inside) + 8).to_bytes(4) + b"moov" + inside
    assert refused(written(tmp_path, FILM[:32] + inside), MP4) == ["media_too_complex"]


def test_deeply_nested_metadata_is_not_followed(tmp_path: Path) -> None:
    inside = b""
    for _ in range(5_000):
        inside = (len(inside) + 12).to_bytes(4) + b"meta" + bytes(4) + inside
    at = FILM.index(b"moov") - 4
    head = FILM[at:].replace(b"udta", b"free")
    tags = box_bytes(Box(b"udta", inside))
    path = written(tmp_path, FILM[:at] + (len(head) + len(tags)).to_bytes(4) + head[4:] + tags)
    assert inspect_recording(path, MP4, name="file").fields.headline is None
    stamp_recording(path, tmp_path / "out.mp4", "video/mp4", STAMP)


def test_ten_thousand_tracks_are_refused(tmp_path: Path) -> None:
    at = FILM.index(b"moov") - 4
    start = FILM.index(b"trak") - 4
    track = FILM[start : start + int.from_bytes(FILM[start : start + 4])]
    head = FILM[at + 8 :] + track * 10_000
    path = written(tmp_path, FILM[:at] + (len(head) + 8).to_bytes(4) + b"moov" + head)
    with pytest.raises(Faulty) as caught:
        inspect_recording(path, MP4, name="file")
    assert [fault.code for fault in caught.value.faults] == ["media_too_complex"]


def test_a_table_that_claims_four_billion_entries_is_refused(tmp_path: Path) -> None:
    at = FILM.index(b"stco") + 8
    path = written(tmp_path, FILM[:at] + b"\xff\xff\xff\xff" + FILM[at + 4 :])
    assert refused(path, MP4) == ["media_damaged"]


def test_offsets_that_point_outside_the_media_data_are_refused(tmp_path: Path) -> None:
    at = FILM.index(b"stco") + 12
    path = written(tmp_path, FILM[:at] + b"\x7f\xff\xff\xff" + FILM[at + 4 :])
    assert refused(path, MP4) == ["media_damaged"]


def test_a_film_whose_data_is_in_another_file_is_refused(tmp_path: Path) -> None:
    at = FILM.index(b"url ") - 4
    data = FILM[: at + 8] + bytes(4) + FILM[at + 12 :]
    assert refused(written(tmp_path, data), MP4) == ["media_external"]


def test_an_encrypted_film_is_refused(tmp_path: Path) -> None:
    assert refused(written(tmp_path, FILM.replace(b"avc1", b"encv")), MP4) == ["media_encrypted"]


def test_a_tag_with_a_cover_picture_of_two_gigabytes_is_refused_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp3"
    frame = b"APIC" + (2_000_000_000).to_bytes(4) + bytes(2) + b"\x00image/jpeg\x00\x03\x00"
    tag = b"ID3\x03\x00\x00" + b"\x7f\x7f\x7f\x7f"  # all that a tag can claim: 256 MiB
    with path.open("wb") as file:  # sparse
        file.write(tag + frame)
        file.seek(10 + (1 << 28) - 1)
        file.write(SOUND[ID3(RECORDINGS / "sound.mp3").size :])
    assert file_type(path) == MP3
    with pytest.raises(Faulty) as caught:
        inspect_recording(path, MP3, name="sound.mp3")
    assert [fault.code for fault in caught.value.faults] == ["tag_too_large"]


def test_a_frame_that_claims_two_gigabytes_in_a_small_tag_is_left_alone(tmp_path: Path) -> None:
    frame = b"APIC" + (2_000_000_000).to_bytes(4) + bytes(2) + b"\x00image/jpeg\x00\x03\x00"
    tag = b"ID3\x03\x00\x00" + bytes((0, 0, 0, len(frame))) + frame
    path = written(tmp_path, tag + SOUND, "sound.mp3")
    assert inspect_recording(path, MP3, name="sound.mp3").duration
    stamp_recording(path, tmp_path / "out.mp3", "audio/mpeg", STAMP)
    assert b"APIC" not in (tmp_path / "out.mp3").read_bytes()


def test_a_tag_that_is_longer_than_its_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, b"ID3\x04\x00\x00\x00\x7f\x7f\x7f" + SOUND, "sound.mp3")
    assert refused(path, MP3) in (["media_truncated"], ["media_damaged"])


def test_a_script_in_an_mp3_does_not_leave_and_its_tag_is_no_markup(tmp_path: Path) -> None:
    path = written(tmp_path, SOUND, "sound.mp3")
    tags = ID3()
    tags.add(TIT2(encoding=3, text=["<script>alert(1)</script>\x00\x1b[2J"]))
    tags.save(path)
    size = ID3(path).size
    data = path.read_bytes()
    path.write_bytes(data[:size] + b"<html><script>alert(2)</script>" + data[size:])
    found = inspect_recording(path, MP3, name="sound.mp3")
    assert found.fields.headline is not None
    assert "\x1b" not in found.fields.headline
    stamp_recording(path, tmp_path / "out.mp3", "audio/mpeg", STAMP)
    assert b"script" not in (tmp_path / "out.mp3").read_bytes()


@pytest.mark.parametrize("found", [MP3, MP4, OGG, FLAC])
@pytest.mark.parametrize(
    "data",
    [b"", bytes(100_000), b"<html></html>", b"\xff" * 50_000, b"ID3", b"OggS", b"fLaC", b"\0\0\0\x08moov"],
)
def test_what_is_no_sound_is_refused_whatever_it_is_called(
    data: bytes, found: MediaType, tmp_path: Path
) -> None:
    assert set(refused(written(tmp_path, data), found)) <= {
        "media_damaged",
        "media_truncated",
        "media_empty",
    }


def test_endless_zeros_are_no_known_type_and_no_program_waits_for_them(tmp_path: Path) -> None:
    path = tmp_path / "zeros.mp3"
    with path.open("wb") as file:
        file.truncate(300_000_000)
    assert file_type(path) is None
    with pytest.raises(Faulty):
        inspect_recording(path, MP3, name="zeros.mp3")
    with path.open("r+b") as file:
        file.write(b"ID3\x04\x00\x00\x00\x00\x00\x00")
    with pytest.raises(Faulty) as caught:
        inspect_recording(path, MP3, name="zeros.mp3")
    assert caught.value.faults[0].code == "media_damaged"


@pytest.mark.parametrize(("name", "found"), [("sound.ogg", OGG), ("sound.opus", OGG), ("sound.flac", FLAC)])
@pytest.mark.parametrize("at", [30, 60, 90, 200])
def test_damage_in_the_head_of_a_sound_is_refused_or_does_no_harm(
    name: str, found: MediaType, at: int, tmp_path: Path
) -> None:
    data = (RECORDINGS / name).read_bytes()
    path = written(tmp_path, data[:at] + b"\xff" * 8 + data[at + 8 :], name)
    assert outcome(path, found) <= {"media_damaged", "tag_too_large", "media_empty", "taken"}


def test_two_sounds_in_one_ogg_file_do_not_leave(tmp_path: Path) -> None:
    data = (RECORDINGS / "sound.ogg").read_bytes()
    path = written(tmp_path, data + data, "sound.ogg")
    found = inspect_recording(path, OGG, name="sound.ogg")
    assert "media_original_stays" in [note.code for note in found.notes]
    with pytest.raises(NotStampable):
        stamp_recording(path, tmp_path / "out", "audio/ogg", STAMP)


def test_an_ogg_page_that_was_cut_off_at_the_end_is_left_out(tmp_path: Path) -> None:
    data = (RECORDINGS / "sound.ogg").read_bytes()
    path = written(tmp_path, data[:-100], "sound.ogg")
    stamp_recording(path, tmp_path / "out.ogg", "audio/ogg", STAMP)
    assert inspect_recording(tmp_path / "out.ogg", OGG, name="out.ogg").fields.headline == STAMP.headline


def test_four_billion_comments_are_refused(tmp_path: Path) -> None:
    comments = (0).to_bytes(4, "little") + b"\xff\xff\xff\xff" + bytes(1000)
    info = (RECORDINGS / "sound.flac").read_bytes()[4:42]
    sound = (RECORDINGS / "sound.flac").read_bytes()
    start = sound.index(b"\xff\xf8")
    block = bytes([0x84]) + len(comments).to_bytes(3) + comments
    path = written(tmp_path, b"fLaC" + bytes([0]) + info[1:] + block + sound[start:], "sound.flac")
    with pytest.raises(Faulty) as caught:
        inspect_recording(path, FLAC, name="sound.flac")
    assert [fault.code for fault in caught.value.faults] == ["tag_too_large"]


def test_a_transcript_of_a_hundred_megabytes_is_refused_unread() -> None:
    with pytest.raises(Faulty) as caught:
        read_transcript(b"WEBVTT\n" + bytes(11_000_000), name="long.vtt")
    assert [fault.code for fault in caught.value.faults] == ["too_large"]


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A web server, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}/part.ts\n#EXTINF:1,\n{secret}\n",
    "concat": "ffconcat version 1.0\nfile {address}/part.mp4\nfile {secret}\n",
    "m3u": "{address}/part.mp3\n{secret}\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("found", [MP3, MP4, OGG, WEBM])
def test_a_playlist_that_calls_itself_a_film_opens_no_file_and_no_address(
    kind: str, found: MediaType, listener: tuple[str, list[str]], tmp_path: Path
) -> None:
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe not found: apt-get install ffmpeg")
    address, asked = listener
    secret = written(tmp_path, SOUND, "secret.mp3")
    text = PLAYLISTS[kind].format(address=address, secret=secret)
    path = written(tmp_path, text.encode(), f"film{found.suffix}")
    assert file_type(path) is None
    with pytest.raises((ProgramFailed, AssertionError)):
        assert probe(path, found.content_type) is None
    with pytest.raises(Faulty):
        inspect_recording(path, found, name=path.name)
    assert asked == []


def test_a_name_that_looks_like_an_address_or_an_option_is_a_name(tmp_path: Path) -> None:
    for name in ("-i", "http:", "concat:a|b", "%03d.mp3", "湘湖'\";.mp3"):
        path = written(tmp_path, SOUND, name)
        assert inspect_recording(path, MP3, name=name).duration


def test_a_program_that_says_too_much_or_runs_too_long_is_ended() -> None:
    limits = ProgramLimits(seconds=0.5, cpu_seconds=1)
    with pytest.raises(ProgramFailed, match="timeout"):
        run(["/bin/sleep", "60"], limits)
    with pytest.raises(ProgramFailed, match="output"):
        run(["/bin/cat", "/dev/zero"], ProgramLimits(seconds=20))


def test_a_program_gets_none_of_the_servers_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "geheim")
    assert run(["/usr/bin/env"], ProgramLimits()).splitlines() == [b"LC_ALL=C.UTF-8", b"PATH=/usr/bin:/bin"]


def test_a_program_writes_no_file_larger_than_its_limit(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed):
        run(
            ["/bin/dd", "if=/dev/zero", f"of={tmp_path}/big", "bs=1M", "count=8"],
            ProgramLimits(file_size=1 << 20),
        )
    assert (tmp_path / "big").stat().st_size <= 1 << 20


def test_a_film_that_is_nothing_but_subtitles_is_refused_as_empty(tmp_path: Path) -> None:
    at = FILM.index(b"moov")
    head = FILM[at:]
    for kind in (b"vide", b"soun"):
        head = head.replace(kind, b"sbtl")
    for codec in (b"avc1", b"mp4a"):
        head = head.replace(codec, b"tx3g")
    data = FILM[:at] + head
    path = written(tmp_path, data, "film.mp4")
    with pytest.raises(Faulty) as caught:
        inspect_recording(path, MP4, name="film.mp4")
    assert [fault.code for fault in caught.value.faults] == ["media_empty"]


@pytest.mark.parametrize(
    "name",
    [
        "sound.mp3",
        "sound.m4a",
        "sound.ogg",
        "sound.opus",
        "sound.flac",
        "sound.wav",
        "film.mp4",
        "upright.mov",
    ],
)
def test_damage_anywhere_is_refused_or_does_no_harm(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any error but a refusal fails this test; the same damage is done every time."""
    monkeypatch.setenv("PATH", "")  # what ffprobe says of it is not asked here
    whole = (RECORDINGS / name).read_bytes()
    found = file_type(RECORDINGS / name)
    assert found is not None
    chance = random.Random(name)
    outcomes = set()
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 2, 8])):
            at = chance.randrange(len(data) if chance.random() < 0.3 else min(len(data), 1500))
            wrong = (
                bytes([chance.randrange(256)]),
                b"\xff\xff\xff\xff",
                bytes(4),
                b"\x00\x00\x00\x08",
                b"",
            )
            data[at : at + chance.choice([1, 4])] = chance.choice(wrong)
        outcomes |= outcome(written(tmp_path, bytes(data), name), found)
    assert outcomes <= {"media_truncated", "media_damaged", "media_external", "media_too_complex"} | {
        *("tag_too_large", "media_encrypted", "media_empty", "taken"),
    }


def test_an_ogg_file_of_another_codec_is_taken_and_stays(tmp_path: Path) -> None:
    program = shutil.which("ffmpeg")
    if program is None:
        pytest.skip("ffmpeg not found: apt-get install ffmpeg")
    path = tmp_path / "sound.ogg"
    command = [program, "-v", "error", "-f", "lavfi", "-i", "sine=duration=0.3", "-c:a", "flac", str(path)]
    subprocess.run(command, check=True, timeout=60)
    found = inspect_recording(path, OGG, name="sound.ogg")
    assert "media_original_stays" in [note.code for note in found.notes]
    assert outcome(path, OGG) == {"taken"}
