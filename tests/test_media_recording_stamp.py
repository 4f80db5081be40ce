"""The stamp is inside every sound and film that leaves; place, device and cover are not."""

from __future__ import annotations

import io
import os
import re
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mutagen.id3 import APIC, GEOB, ID3, PRIV, TIT2, TXXX
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis

from syndicate.errors import NotStampable
from syndicate.media.recordings.mp4_boxes import Box, Extent, box_bytes, read_box, top_boxes
from syndicate.media.recordings.mp4_stamp import arrange
from syndicate.media.recordings.mp4_tracks import chunk_offsets
from syndicate.media.recordings.recording_stamp import stamp_recording
from tests.support.recordings import RECORDINGS, STAMP, ffprobe, ffprobe_tags, stream_hashes

TYPES = {
    "sound.mp3": "audio/mpeg",
    "sound.m4a": "audio/mp4",
    "sound.ogg": "audio/ogg",
    "sound.opus": "audio/ogg",
    "sound.flac": "audio/flac",
    "film.mp4": "video/mp4",
    "upright.mov": "video/quicktime",
}
PICTURE = b"\xff\xd8\xff\xe0" + b"a cover picture of somebody else" * 100


def stamped(source: Path, folder: Path, content_type: str) -> Path:
    target = folder / f"stamped{source.suffix}"
    stamp_recording(source, target, content_type, STAMP)
    return target


def spoilt(folder: Path, name: str, tags: ID3) -> Path:
    source = folder / name
    source.write_bytes((RECORDINGS / name).read_bytes())
    tags.save(source, v1=2)
    return source


@pytest.mark.parametrize("name", TYPES)
def test_ffprobe_reads_the_stamp_and_the_terms(name: str, tmp_path: Path) -> None:
    tags = ffprobe_tags(stamped(RECORDINGS / name, tmp_path, TYPES[name]))
    assert re.fullmatch("(2026 )?稿件来源:萧山网 · 版权归萧山网所有", tags["copyright"])
    assert tags["comment"] == tags["attribution"] == "稿件来源:萧山网"
    assert tags["title"] == "湘湖晨声"
    assert tags["artist"] == "记者 王琳"
    assert tags["credit"] == tags["licensor"] == "萧山网"
    assert tags["source"] == "萧山网-萧山人民广播电台"
    assert tags["usageterms"] == "未经本网协议授权不得转载"
    assert tags["webstatement"] == "http://127.0.0.1:8080/terms"
    assert tags["licensorurl"] == "https://www.xsnet.cn/"
    assert tags["datamining"] == "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"
    assert tags["uri"] == STAMP.uri
    assert tags["date"].startswith("2026-01-01T00:00:00")


@pytest.mark.parametrize("name", TYPES)
def test_sound_and_picture_stay_as_they_are(name: str, tmp_path: Path) -> None:
    source = RECORDINGS / name
    assert stream_hashes(stamped(source, tmp_path, TYPES[name])) == stream_hashes(source)


@pytest.mark.parametrize("name", TYPES)
def test_the_same_file_and_stamp_give_the_same_bytes_also_when_stamped_before(
    name: str, tmp_path: Path
) -> None:
    first = stamped(RECORDINGS / name, tmp_path, TYPES[name]).read_bytes()
    assert stamped(RECORDINGS / name, tmp_path, TYPES[name]).read_bytes() == first
    (tmp_path / f"again{Path(name).suffix}").write_bytes(first)
    assert stamped(tmp_path / f"again{Path(name).suffix}", tmp_path, TYPES[name]).read_bytes() == first


def test_an_mp3_has_links_to_the_terms_and_the_licensor_and_terms_of_use(tmp_path: Path) -> None:
    tags = ID3(stamped(RECORDINGS / "sound.mp3", tmp_path, "audio/mpeg"))
    assert tags.version == (2, 4, 0)
    assert tags["WCOP"].url == "http://127.0.0.1:8080/terms"
    assert tags["WPUB"].url == "https://www.xsnet.cn/"
    assert tags["USER:zho"].text == "未经本网协议授权不得转载"
    assert tags["TCOP"].text == ["2026 稿件来源:萧山网 · 版权归萧山网所有"]


def test_an_mp3_loses_cover_private_frames_and_every_other_tag(tmp_path: Path) -> None:
    tags = ID3()
    tags.add(APIC(encoding=3, mime="image/jpeg", type=3, desc="", data=PICTURE))
    tags.add(PRIV(owner="acme.example", data=b"serial 4711"))
    tags.add(GEOB(encoding=3, mime="text/plain", filename="route.gpx", desc="", data=b"30.16,120.25"))
    tags.add(TXXX(encoding=3, desc="DEVICE", text=["Recorder 7"]))
    source = spoilt(tmp_path, "sound.mp3", tags)
    ape = b"APETAGEX" + struct.pack("<IIII", 2000, 32, 0, 0) + bytes(8)
    lyrics = b"LYRICSBEGINsecret words"
    end = source.read_bytes()[-128:]
    with source.open("r+b") as file:
        file.seek(-128, os.SEEK_END)
        file.write(lyrics + b"%06d" % len(lyrics) + b"LYRICS200" + ape + end)
    target = stamped(source, tmp_path, "audio/mpeg")
    data = target.read_bytes()
    for word in (b"cover", b"serial", b"route", b"Recorder", b"secret", b"APETAGEX", b"TAG\x00"):
        assert word not in data
    assert data[-128:-125] != b"TAG"
    assert data == stamped(RECORDINGS / "sound.mp3", tmp_path, "audio/mpeg").read_bytes()


def test_two_tags_one_behind_the_other_are_both_taken_out(tmp_path: Path) -> None:
    tags = ID3()
    tags.add(TIT2(encoding=3, text=["不是本网"]))
    source = spoilt(tmp_path, "sound.mp3", tags)
    data = source.read_bytes()
    source.write_bytes(data[: ID3(source).size] + data)
    assert "不是本网".encode() not in stamped(source, tmp_path, "audio/mpeg").read_bytes()


def test_what_stands_between_two_sounds_that_were_joined_is_taken_out(tmp_path: Path) -> None:
    tags = ID3()
    tags.add(TIT2(encoding=3, text=["不是本网"]))
    tags.add(APIC(encoding=3, mime="image/jpeg", type=3, desc="", data=PICTURE))
    source = spoilt(tmp_path, "sound.mp3", tags)
    source.write_bytes(source.read_bytes() + b"<script>alert(1)</script>" + source.read_bytes())
    target = stamped(source, tmp_path, "audio/mpeg")
    for word in ("不是本网".encode(), b"cover", b"script", b"TAG\x00"):
        assert word not in target.read_bytes()
    once, twice = ffprobe(RECORDINGS / "sound.mp3"), ffprobe(target)
    assert float(twice["format"]["duration"]) > 1.9 * float(once["format"]["duration"])


def test_a_film_carries_the_stamp_as_xmp_and_begins_with_its_table_of_contents(tmp_path: Path) -> None:
    target = stamped(RECORDINGS / "film.mp4", tmp_path, "video/mp4")
    with target.open("rb") as file:
        boxes = top_boxes(file, target.stat().st_size)
        xmp = read_box(file, boxes[2]).data
    assert [one.kind for one in boxes] == [b"ftyp", b"moov", b"uuid", b"mdat"]
    assert xmp.startswith(bytes.fromhex("be7acfcb97a942e89c71999491e3afac"))
    assert "稿件来源:萧山网".encode() in xmp
    assert b"DMI-PROHIBITED" in xmp


def test_a_film_loses_place_and_device(tmp_path: Path) -> None:
    source = RECORDINGS / "upright.mov"
    assert ffprobe_tags(source)["com.apple.quicktime.make"] == "Acme"
    target = stamped(source, tmp_path, "video/quicktime")
    data = target.read_bytes()
    assert not [name for name in ffprobe_tags(target) if "apple" in name or "location" in name]
    for word in (b"com.apple", b"+30.16", b"Acme", b"Camera 7", b"Handler", b"FFMP"):
        assert word not in data
    assert ffprobe(target)["streams"][0]["side_data_list"][0]["rotation"] == 90


@pytest.mark.parametrize(("handler", "format_"), [(b"meta", b"gpmd"), (b"sbtl", b"tx3g")])
def test_a_track_of_positions_is_taken_out_and_its_data_overwritten(
    handler: bytes, format_: bytes, tmp_path: Path
) -> None:
    source = tmp_path / "route.mp4"
    positions = b"+30.1600+120.2500/" * 4
    film = (RECORDINGS / "film.mp4").read_bytes()
    source.write_bytes(with_track_of_positions(film, positions, handler, format_))
    assert len(ffprobe(source)["streams"]) == 3
    target = stamped(source, tmp_path, "video/mp4")
    assert b"120.25" not in target.read_bytes()
    assert stream_hashes(target) == stream_hashes(RECORDINGS / "film.mp4")


def with_track_of_positions(film: bytes, positions: bytes, kind: bytes, format_: bytes) -> bytes:
    """The film with a third track, as cameras and drones write them; its data stands at the end."""
    file = io.BytesIO(film)
    boxes = top_boxes(file, len(film))
    head = read_box(file, next(one for one in boxes if one.kind == b"moov"))
    track = read_box(file, next(one for one in boxes if one.kind == b"moov")).every(b"trak")[0]
    number, handler = track.child(b"tkhd"), track.child(b"mdia", b"hdlr")
    samples = track.child(b"mdia", b"minf", b"stbl")
    assert number is not None
    assert handler is not None
    assert samples is not None
    number.data = number.data[:12] + (3).to_bytes(4) + number.data[16:]
    handler.data = handler.data[:8] + kind + handler.data[12:]
    entry = box_bytes(Box(format_, bytes(6) + b"\x00\x01" + bytes(4)))
    one = (1).to_bytes(4)
    samples.children = [
        Box(b"stsd", bytes(4) + one + entry),
        Box(b"stts", bytes(4) + one + one + (1000).to_bytes(4)),
        Box(b"stsc", bytes(4) + one + one + one + one),
        Box(b"stsz", bytes(8) + one + len(positions).to_bytes(4)),
        Box(b"stco", bytes(4) + one + bytes(4)),
    ]
    head.children.append(track)
    others = b"".join(
        film[one.start - 8 : one.end] for one in boxes if one.kind in {b"ftyp", b"free", b"mdat"}
    )
    start = len(others) + 8
    samples.children[-1].data = bytes(4) + one + start.to_bytes(4)
    return others + box_bytes(Box(b"mdat", positions)) + box_bytes(head)


@pytest.mark.parametrize(("name", "read"), [("sound.ogg", OggVorbis), ("sound.opus", OggOpus)])
def test_an_ogg_file_keeps_no_comment_of_its_source(
    name: str, read: type[OggVorbis | OggOpus], tmp_path: Path
) -> None:
    source = tmp_path / name
    source.write_bytes((RECORDINGS / name).read_bytes())
    sound: Any = read(source)
    sound.tags["device"] = ["Recorder 7"]
    sound.tags["metadata_block_picture"] = ["cover" * 20_000]
    sound.save()
    target = stamped(source, tmp_path, "audio/ogg")
    assert target.read_bytes() == stamped(RECORDINGS / name, tmp_path, "audio/ogg").read_bytes()
    assert b"Recorder" not in target.read_bytes()
    assert stream_hashes(target) == stream_hashes(RECORDINGS / name)


def test_a_value_with_control_characters_stays_one_value(tmp_path: Path) -> None:
    target = tmp_path / "out.mp3"
    stamp = replace(STAMP, headline="湘湖\x00晨声", terms_url="http://127.0.0.1:8080/条款")
    stamp_recording(RECORDINGS / "sound.mp3", target, "audio/mpeg", stamp)
    tags = ID3(target)
    assert tags["TIT2"].text == ["湘湖晨声"]
    assert tags["WCOP"].url == "http://127.0.0.1:8080/%E6%9D%A1%E6%AC%BE"


@pytest.mark.parametrize("content_type", ["audio/wav", "video/webm", "application/octet-stream"])
def test_a_kind_without_a_place_for_the_stamp_does_not_leave(content_type: str, tmp_path: Path) -> None:
    target = tmp_path / "out"
    with pytest.raises(NotStampable) as caught:
        stamp_recording(RECORDINGS / "sound.wav", target, content_type, STAMP)
    assert caught.value.code == "not_stampable"
    assert not target.exists()


@pytest.mark.parametrize("name", TYPES)
def test_a_file_of_another_kind_is_not_stamped_and_leaves_no_file_behind(name: str, tmp_path: Path) -> None:
    target = tmp_path / "out"
    for content_type in {*TYPES.values()} - {TYPES[name], "audio/mpeg"}:
        if {content_type, TYPES[name]} <= {"audio/mp4", "video/mp4", "video/quicktime"}:
            continue
        with pytest.raises(NotStampable):
            stamp_recording(RECORDINGS / name, target, content_type, STAMP)
        assert not target.exists()


def test_places_beyond_four_gibibytes_are_written_with_eight_bytes() -> None:
    film = (RECORDINGS / "film.mp4").read_bytes()
    file = io.BytesIO(film)
    boxes = top_boxes(file, len(film))
    head = read_box(file, next(one for one in boxes if one.kind == b"moov"))
    data = next(one for one in boxes if one.kind == b"mdat")
    before = len(box_bytes(head))
    samples = [one.child(b"mdia", b"minf", b"stbl") for one in head.every(b"trak")]
    starts = [list(chunk_offsets(one)) for one in samples if one is not None]
    arrange(head, [Extent(b"free", 0, 0), data], 1 << 32, 0)
    moved = [list(chunk_offsets(one)) for one in samples if one is not None]
    assert [one.child(b"co64") is not None for one in samples if one is not None] == [True, True]
    assert len(box_bytes(head)) == before + 4 * sum(map(len, starts))
    shift = (1 << 32) + len(box_bytes(head)) + 8 + 8 - data.start
    assert moved == [[start + shift for start in found] for found in starts]


MEASURED = """
import resource, sys
from pathlib import Path
from tests.support.recordings import STAMP
from syndicate.media.recordings.recording_stamp import stamp_recording
source, target = map(Path, sys.argv[1:])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
stamp_recording(source, target, "video/mp4", STAMP)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_stays_flat_for_a_film_of_150_megabytes(tmp_path: Path) -> None:
    source, target = tmp_path / "long.mp4", tmp_path / "out.mp4"
    film = (RECORDINGS / "film.mp4").read_bytes()
    at = film.index(b"mdat")
    length = int.from_bytes(film[at - 4 : at])
    with source.open("wb") as file:  # sparse: it takes no room on the disk
        file.write(film[: at - 4] + (length + 150_000_000).to_bytes(4) + film[at : at - 4 + length])
        file.seek(150_000_000, os.SEEK_CUR)
        file.write(film[at - 4 + length :])
    command = [sys.executable, "-c", MEASURED, str(source), str(target)]
    grown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert int(grown.stdout) < 40_000, "kilobytes"
    assert target.stat().st_size > 150_000_000
