"""A picture that leaves has the stamp inside and nothing else; not one of its pixels is another."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import shutil
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from syndicate.errors import Faulty, NotStampable
from syndicate.media.file_stamp import FileStamp
from syndicate.media.pictures.iim import cut
from syndicate.media.pictures.picture_stamp import stamp_picture
from syndicate.media.worker_limits import WorkerLimits
from syndicate.media.worker_pool import MediaWorkers
from tests.support.pictures import (
    SECRET,
    chunk,
    encoded,
    full_jpeg,
    full_png,
    full_webp,
    picture,
    webp_chunk,
    with_chunks,
    with_webp_chunks,
)
from tests.test_media_xmp import STAMP

TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
MADE: dict[str, Callable[..., bytes]] = {"jpg": full_jpeg, "png": full_png, "webp": full_webp}


def stamped(content: bytes, suffix: str, folder: Path, stamp: FileStamp = STAMP) -> bytes:
    source, target = folder / f"given.{suffix}", folder / f"stamped.{suffix}"
    source.write_bytes(content)
    stamp_picture(source, target, TYPES[suffix], stamp)
    return target.read_bytes()


def frames(content: bytes) -> list[tuple[str, bytes]]:
    """The pixels of every frame, as they stand in the file: not turned, not converted."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the list of further pictures is broken in our JPEG
        image = Image.open(io.BytesIO(content))
    with image:
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            found.append((image.mode, image.tobytes()))
    return found


def exiftool(path: Path, *options: str) -> dict[str, Any]:
    program = shutil.which("exiftool")
    if program is None:
        pytest.skip("exiftool not found: apt-get install libimage-exiftool-perl")
    answer = subprocess.run(
        [program, "-json", "-G1", "-charset", "iptc=UTF8", *options, str(path)],
        capture_output=True,
        check=True,
    )
    (found,) = json.loads(answer.stdout)
    return dict(found)


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("suffix", TYPES)
def test_exiftool_reads_the_stamp_and_finds_nothing_of_camera_place_and_faces(
    suffix: str, orientation: int, tmp_path: Path
) -> None:
    content = stamped(MADE[suffix](orientation), suffix, tmp_path)
    found = exiftool(tmp_path / f"stamped.{suffix}")
    said = {
        "XMP-dc:Rights": "稿件来源:萧山网 · © 2026 萧山日报社",
        "XMP-dc:Creator": "王小明",
        "XMP-dc:Title": "湘湖晨雾 <初冬> & “三江”",
        "XMP-dc:Description": "第一行\n第二行",
        "XMP-iptcCore:AltTextAccessibility": "雾中的湖面，远处有三座桥",
        "XMP-dc:Date": "2026:11:29 08:00:00+00:00",
        "XMP-photoshop:Headline": "湘湖晨雾 <初冬> & “三江”",
        "XMP-photoshop:Credit": "萧山网",
        "XMP-photoshop:Source": "萧山日报",
        "XMP-photoshop:Instructions": "稿件来源:萧山网",
        "XMP-xmpRights:Marked": True,
        "XMP-xmpRights:UsageTerms": "未经授权不得转载",
        "XMP-xmpRights:WebStatement": "https://feeds.xsnet.example/terms",
        "XMP-plus:LicensorName": "萧山网",
        "XMP-plus:LicensorURL": "https://feeds.xsnet.example/",
    }
    assert {name: found.get(name) for name in said} == said
    raw = exiftool(tmp_path / f"stamped.{suffix}", "-n")  # as it stands: newer releases show a label
    assert raw["XMP-plus:DataMining"] in {STAMP.data_mining, "DMI-PROHIBITED"}
    assert "digitalCapture" in raw["XMP-iptcExt:DigitalSourceType"]
    if suffix == "jpg":
        assert found["IPTC:CodedCharacterSet"] == "UTF8"
        assert found["IPTC:By-line"] == "王小明"
        assert found["IPTC:Credit"] == "萧山网"
        assert found["IPTC:Source"] == "萧山日报"
        assert found["IPTC:CopyrightNotice"] == "稿件来源:萧山网 · © 2026 萧山日报社"
        assert found["IPTC:SpecialInstructions"] == "稿件来源:萧山网"
    names = {name.partition(":")[2] for name in found}
    assert not {name for name in names if "GPS" in name or "Serial" in name or "Region" in name}
    assert not names & {"Make", "Model", "MakerNote", "ThumbnailImage", "MPImage1", "Comment", "Artist"}
    assert SECRET not in content
    assert exiftool(tmp_path / f"stamped.{suffix}", "-validate", "-warning", "-a") == {
        "SourceFile": str(tmp_path / f"stamped.{suffix}"),
        "ExifTool:Validate": "OK",
    }


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", TYPES)
def test_pixels_profile_and_orientation_stay_as_they_were(
    suffix: str, orientation: int, tmp_path: Path
) -> None:
    given = MADE[suffix](orientation)
    content = stamped(given, suffix, tmp_path)
    assert frames(content) == frames(given)
    given = given.replace(b"MPF\x00", b"mpf\x00")
    with Image.open(io.BytesIO(given)) as before, Image.open(io.BytesIO(content)) as after:
        assert after.info["icc_profile"] == before.info["icc_profile"]
        assert after.getexif().get(0x0112, 1) == orientation


KINDS = {
    "progressive": ("jpg", encoded(picture(), "JPEG", progressive=True)),
    "grey": ("jpg", encoded(picture(mode="L"), "JPEG")),
    "cmyk": ("jpg", encoded(picture(mode="CMYK"), "JPEG")),
    "restarts": ("jpg", encoded(picture(), "JPEG", restart_marker_blocks=1)),
    "palette": ("png", encoded(picture(mode="P"), "PNG", transparency=0)),
    "16-bit": ("png", encoded(Image.new("I;16", (9, 9), 40_000), "PNG")),
    "transparent": ("png", encoded(picture(mode="RGBA"), "PNG")),
    "animated-png": (
        "png",
        encoded(picture(), "PNG", save_all=True, append_images=[Image.new("RGB", (120, 80), "red")]),
    ),
    "lossless": ("webp", encoded(picture(mode="RGBA"), "WEBP", lossless=True)),
    "simple": ("webp", encoded(picture(), "WEBP")),
    "odd": ("webp", encoded(picture(31, 17), "WEBP", quality=1)),
    "alpha": ("webp", encoded(Image.new("RGBA", (31, 17), (1, 2, 3, 77)), "WEBP", quality=50)),
    "animated-webp": (
        "webp",
        encoded(
            picture(),
            "WEBP",
            save_all=True,
            append_images=[Image.new("RGB", (120, 80), c) for c in ("red", "blue")],
        ),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_jpeg_png_and_webp_is_stamped_without_a_change_to_its_pixels(
    kind: str, tmp_path: Path
) -> None:
    suffix, given = KINDS[kind]
    content = stamped(given, suffix, tmp_path)
    assert frames(content) == frames(given)
    assert exiftool(tmp_path / f"stamped.{suffix}")["XMP-photoshop:Instructions"] == "稿件来源:萧山网"


@pytest.mark.parametrize("suffix", TYPES)
def test_equal_input_gives_equal_bytes_and_a_second_stamp_takes_the_place_of_the_first(
    suffix: str, tmp_path: Path
) -> None:
    once = stamped(MADE[suffix](3), suffix, tmp_path)
    assert stamped(MADE[suffix](3), suffix, tmp_path) == once
    other = dataclasses.replace(STAMP, credit="别的报", caption=None)
    twice = stamped(stamped(MADE[suffix](3), suffix, tmp_path, other), suffix, tmp_path)
    assert twice == once


def test_what_hides_in_the_frame_of_an_animated_webp_does_not_leave(tmp_path: Path) -> None:
    webp = KINDS["animated-webp"][1]
    at = webp.index(b"ANMF")
    size = int.from_bytes(webp[at + 4 : at + 8], "little")
    frame = webp[at + 8 : at + 8 + size] + webp_chunk(b"hide", SECRET)
    end = at + 8 + size + size % 2
    body = webp[8:at] + webp_chunk(b"ANMF", frame) + webp[end:]
    given = b"RIFF" + len(body).to_bytes(4, "little") + body
    content = stamped(given, "webp", tmp_path)
    assert SECRET in given
    assert SECRET not in content
    assert frames(content) == frames(given)


def test_fields_longer_than_iim_takes_are_cut_between_characters(tmp_path: Path) -> None:
    long = dataclasses.replace(STAMP, byline="王小明、" * 20, credit="萧山网" * 20, caption="字" * 2000)
    stamped(full_jpeg(), "jpg", tmp_path, long)
    found = exiftool(tmp_path / "stamped.jpg")
    assert found["IPTC:By-line"] == "王小明、王小明、王小"
    assert found["IPTC:Caption-Abstract"] == "字" * 666
    assert found["XMP-dc:Creator"] == "王小明、" * 20
    assert exiftool(tmp_path / "stamped.jpg", "-validate")["ExifTool:Validate"] == "OK"
    assert cut("a🌫️", 5) == "a🌫".encode()
    assert cut("a🌫", 4) == b"a"


JPEG, PNG, WEBP = full_jpeg(), full_png(), full_webp()


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        (b"", "jpg"),
        (JPEG[:200], "jpg"),
        (JPEG[: JPEG.index(b"\xff\xda") + 200], "jpg"),
        (PNG, "jpg"),
        (JPEG, "png"),
        (JPEG, "webp"),
        (b"\xff\xd8\xff\xd9", "jpg"),
        (b"\xff\xd8\xff\xe1\x00\x00" + JPEG[2:], "jpg"),
        (JPEG.replace(b"\xff\xc0", b"\xff\xc9"), "jpg"),
        (PNG[:-40], "png"),
        (PNG.replace(b"IDAT", b"IDAX"), "png"),
        (with_chunks(PNG, chunk(b"CgBI", b"\x50\x00\x20\x02")), "png"),
        (WEBP[:60], "webp"),
        (b"RIFF\x04\x00\x00\x00WEBP", "webp"),
        (with_webp_chunks(WEBP[:12]), "webp"),
        (b"RIFF\xff\xff\xff\xffWEBPVP8 \xff\xff\xff\xff", "webp"),
    ],
)
def test_a_damaged_file_or_one_of_another_type_does_not_leave(
    content: bytes, suffix: str, tmp_path: Path
) -> None:
    with pytest.raises(NotStampable) as caught:
        stamped(content, suffix, tmp_path)
    assert caught.value.code == "not_stampable"
    assert not (tmp_path / f"stamped.{suffix}").exists()


def test_a_stamp_that_cannot_be_read_back_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syndicate.media.pictures.picture_stamp.iim_stream", lambda stamp: os.urandom(9))
    with pytest.raises(NotStampable):
        stamped(JPEG, "jpg", tmp_path)
    assert not (tmp_path / "stamped.jpg").exists()


def test_a_full_disk_leaves_no_half_of_a_file(tmp_path: Path) -> None:
    limits = WorkerLimits(file_size=1000)
    workers = MediaWorkers()
    (tmp_path / "given.jpg").write_bytes(JPEG)
    try:
        with pytest.raises(Faulty) as caught:
            workers.run_within(
                limits,
                "a.jpg",
                stamp_picture,
                tmp_path / "given.jpg",
                tmp_path / "stamped.jpg",
                "image/jpeg",
                STAMP,
            )
    finally:
        workers.close()
    assert caught.value.faults[0].code == "media_too_large"
    assert not (tmp_path / "stamped.jpg").exists()


def test_other_types_have_no_stamp(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(encoded(picture(mode="P"), "GIF"))
    with pytest.raises(NotStampable):
        stamp_picture(tmp_path / "a.gif", tmp_path / "b.gif", "image/gif", STAMP)


@pytest.mark.parametrize("suffix", TYPES)
def test_a_file_cut_anywhere_is_stamped_whole_or_not_at_all(suffix: str, tmp_path: Path) -> None:
    given = MADE[suffix](6)
    for end in range(0, len(given), 53):
        try:
            content = stamped(given[:end], suffix, tmp_path)
        except NotStampable:
            continue
        assert frames(content) == frames(given)
