"""Hostile pictures: each is taken for what it is, or refused with a reason, and none harms the server."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from syndicate.errors import Faulty
from syndicate.media import file_types
from syndicate.media.file_types import file_type
from syndicate.media.inspection import Inspected, MadeFile
from syndicate.media.pictures.exif import orientation, read_exif
from syndicate.media.pictures.iim import read_iim
from syndicate.media.pictures.picture_inspection import inspect_picture
from syndicate.media.pictures.picture_renditions import make_picture_renditions
from syndicate.media.pictures.picture_stamp import stamp_picture
from syndicate.media.worker_limits import WorkerLimits
from syndicate.media.worker_pool import MediaWorkers
from tests.support.pictures import (
    SECRET,
    chunk,
    data_set,
    encoded,
    face_xmp,
    full_jpeg,
    full_png,
    full_webp,
    photoshop,
    picture,
    segment,
    srgb,
    webp_chunk,
    with_chunks,
    with_segments,
    with_webp_chunks,
)
from tests.test_media_xmp import LAUGHS, STAMP

JPEG = encoded(picture(), "JPEG")
PNG = encoded(picture(), "PNG")


@pytest.fixture(scope="module")
def workers() -> Iterator[MediaWorkers]:
    pool = MediaWorkers(1, WorkerLimits(memory=1 << 30, cpu_seconds=20))
    yield pool
    pool.close()


def take(content: bytes, folder: Path, name: str = "湘湖.jpg") -> Inspected:
    path = folder / "given"
    path.write_bytes(content)
    found = file_type(path)
    assert found is not None
    return inspect_picture(path, found, name=name)


def make(content: bytes, folder: Path) -> list[MadeFile]:
    return make_picture_renditions(folder / "given", take(content, folder), folder, name="湘湖.jpg")


def refusal(content: bytes, folder: Path) -> str:
    with pytest.raises(Faulty) as caught:
        make(content, folder)
    (fault,) = caught.value.faults
    assert "湘湖.jpg" in caught.value.text.zh
    return fault.code


def header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    )


def flat_png(width: int, height: int) -> bytes:
    """A grey picture of one bit a pixel: some kilobytes, however large it is."""
    rows = zlib.compressobj(9)
    data = b"".join(rows.compress(bytes(1 + (width + 7) // 8)) for _ in range(height)) + rows.flush()
    return header(width, height, 1, 0) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_a_picture_of_100_megapixels_in_20_kilobytes_is_refused_before_it_is_decoded(
    workers: MediaWorkers, tmp_path: Path
) -> None:
    content = flat_png(10_000, 10_000)
    assert len(content) < 20_000
    assert refusal(content, tmp_path) == "media_too_large"
    (tmp_path / "given").write_bytes(content)
    with pytest.raises(Faulty, match="10000×10000"):
        workers.run("湘湖.png", inspect_picture, tmp_path / "given", file_types.PNG, name="湘湖.png")


@pytest.mark.parametrize(
    ("width", "height"), [(30_001, 1), (1, 30_001), (0xFFFF, 0xFFFF), (0x7FFFFFFF, 0x7FFFFFFF)]
)
def test_an_edge_that_is_too_long_is_refused(width: int, height: int, tmp_path: Path) -> None:
    png = header(width, height) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    assert refusal(png, tmp_path) in {"media_too_large", "media_damaged"}
    if width <= 0xFFFF:
        at = JPEG.index(b"\xff\xc0") + 5
        jpeg = JPEG[:at] + struct.pack(">HH", height, width) + JPEG[at + 4 :]
        assert refusal(jpeg, tmp_path) == "media_too_large"


def test_the_largest_jpeg_that_is_taken_is_decoded_in_little_memory(
    workers: MediaWorkers, tmp_path: Path
) -> None:
    (tmp_path / "given").write_bytes(encoded(Image.new("L", (12_000, 9_999), 90), "JPEG", quality=20))
    small = WorkerLimits(memory=400 << 20)
    seen = workers.run_within(
        small, "a.jpg", inspect_picture, tmp_path / "given", file_types.JPEG, name="a.jpg"
    )
    assert (seen.width, seen.height) == (12_000, 9_999)
    made = workers.run_within(
        small, "a.jpg", make_picture_renditions, tmp_path / "given", seen, tmp_path, name="a.jpg"
    )
    assert (made[0].width, made[0].height) == (1600, 1333)


def test_a_picture_for_which_the_memory_is_too_small_is_refused_and_the_next_is_made(
    workers: MediaWorkers, tmp_path: Path
) -> None:
    content = flat_png(8_000, 7_900)
    seen = take(content, tmp_path)
    with pytest.raises(Faulty) as caught:
        workers.run_within(
            WorkerLimits(memory=120 << 20),
            "a.png",
            make_picture_renditions,
            tmp_path / "given",
            seen,
            tmp_path,
            name="a.png",
        )
    assert caught.value.faults[0].code == "media_too_large"
    (tmp_path / "given").write_bytes(PNG)
    assert workers.run("b.png", make_picture_renditions, tmp_path / "given", seen, tmp_path, name="b.png")


def test_a_jpeg_of_very_many_scans_costs_no_more_than_its_limit(tmp_path: Path) -> None:
    progressive = encoded(Image.new("RGB", (4000, 4000)), "JPEG", progressive=True)
    first = progressive.index(b"\xff\xda")
    second = progressive.index(b"\xff\xda", first + 2)
    bomb = progressive[:second] + progressive[first:second] * 2_000 + progressive[second:]
    (tmp_path / "given").write_bytes(bomb)
    pool = MediaWorkers(1, WorkerLimits(cpu_seconds=1, seconds=30))
    seen = Inspected(type=file_types.JPEG)
    try:
        with pytest.raises(Faulty) as caught:
            pool.run("a.jpg", make_picture_renditions, tmp_path / "given", seen, tmp_path, name="a.jpg")
    finally:
        pool.close()
    assert caught.value.faults[0].code == "media_too_costly"


@pytest.mark.parametrize(
    "script",
    [b"<?php system('id'); ?>", b"#!/bin/sh\nid\n", b"<script>alert(1)</script>", b"GIF89a=1;alert(1)//"],
)
def test_a_script_with_the_name_of_a_picture_is_no_picture(script: bytes, tmp_path: Path) -> None:
    (tmp_path / "given").write_bytes(script)
    found = file_type(tmp_path / "given")
    if found is not None:
        assert refusal(script, tmp_path) == "media_damaged"


@pytest.mark.parametrize(
    "polyglot",
    [
        with_segments(JPEG, segment(0xFE, b"*/=alert(1);/*" + SECRET)),
        with_segments(JPEG, segment(0xE0, b"JFXX" + b"<?php " + SECRET)),
        JPEG + b"<script>" + SECRET + b"</script>",
        JPEG + b"PK\x03\x04" + SECRET,
        JPEG[:2] + segment(0xE5, b"%PDF-1.7 " + SECRET) + JPEG[2:],
        with_chunks(PNG, chunk(b"tEXt", b"x\x00<?php " + SECRET)) + SECRET,
    ],
)
def test_the_other_half_of_a_polyglot_never_leaves(polyglot: bytes, tmp_path: Path) -> None:
    seen = take(polyglot, tmp_path)
    for one in make(polyglot, tmp_path):
        assert SECRET not in one.path.read_bytes()
    stamp_picture(tmp_path / "given", tmp_path / "stamped", seen.type.content_type, STAMP)
    assert SECRET not in (tmp_path / "stamped").read_bytes()


def test_svg_is_refused_with_a_fault_of_its_own(tmp_path: Path) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    assert refusal(svg, tmp_path) == "media_svg"


@pytest.mark.parametrize("brand", [b"heic", b"avif"])
def test_what_phones_write_and_browsers_do_not_show_is_refused_with_advice(
    brand: bytes, tmp_path: Path
) -> None:
    assert refusal(b"\x00\x00\x00\x18ftyp" + brand + bytes(12), tmp_path) == "media_unsupported"


def test_an_animated_webp_of_10000_frames_shows_its_first(workers: MediaWorkers, tmp_path: Path) -> None:
    webp = encoded(picture(), "WEBP", save_all=True, append_images=[Image.new("RGB", (120, 80), "red")])
    at = webp.index(b"ANMF", webp.index(b"ANMF") + 4)
    body = webp[8:] + webp[at:] * 9_998
    (tmp_path / "given").write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    path = tmp_path / "given"
    seen = workers.run("a.webp", inspect_picture, path, file_types.WEBP, name="a.webp")
    assert [note.code for note in seen.notes] == ["media_first_frame"]
    assert workers.run("a.webp", make_picture_renditions, path, seen, tmp_path, name="a.webp")
    stamp_picture(path, tmp_path / "stamped", "image/webp", STAMP)
    with Image.open(tmp_path / "stamped") as image:
        assert getattr(image, "n_frames", 1) == 10_000


def tiff_block(*entries: tuple[int, int, int, int], order: str = "<") -> bytes:
    start = b"II*\x00" if order == "<" else b"MM\x00*"
    inside = b"".join(struct.pack(f"{order}HHII", *entry) for entry in entries)
    return start + struct.pack(f"{order}IH", 8, len(entries)) + inside + bytes(4)


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"II*\x00",
        b"II*\x00\xff\xff\xff\xff",
        b"II*\x00\x08\x00\x00\x00\xff\xff",
        b"XX*\x00\x08\x00\x00\x00",
        tiff_block((0x0112, 3, 0xFFFFFFFF, 6)),
        tiff_block((0x0112, 3, 1, 0x0009)),
        tiff_block((0x0112, 99, 1, 6)),
        tiff_block((0x013B, 2, 0xFFFFFFFF, 0)),
        tiff_block((0x013B, 2, 100, 0xFFFFFFF0)),
        tiff_block((0x8769, 4, 1, 0xFFFFFFFF)),
        tiff_block((0x8769, 4, 1, 8)),
        tiff_block(*[(0x8769, 4, 1, 8)] * 3000),
        tiff_block((0x0112, 3, 0, 6)),
    ],
)
@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_exif_with_wrong_lengths_is_passed_over(kind: str, block: bytes, tmp_path: Path) -> None:
    assert orientation(read_exif(block)) == 1
    content = {
        "jpeg": with_segments(JPEG, segment(0xE1, b"Exif\x00\x00" + block)),
        "png": with_chunks(PNG, chunk(b"eXIf", block)),
        "webp": with_webp_chunks(encoded(picture(), "WEBP"), webp_chunk(b"EXIF", block)),
    }[kind]
    seen = take(content, tmp_path)
    assert (seen.width, seen.height) == (120, 80)
    assert make(content, tmp_path)
    stamp_picture(tmp_path / "given", tmp_path / "stamped", seen.type.content_type, STAMP)
    assert b"Exif" not in (tmp_path / "stamped").read_bytes()


def test_xmp_with_a_billion_laughs_is_not_read_and_the_picture_is_taken(tmp_path: Path) -> None:
    laughs = f'<!DOCTYPE r [<!ENTITY l0 "ha">{LAUGHS}]>'.encode()
    packet = face_xmp("<photoshop:Credit>&l9;</photoshop:Credit>").replace(
        b"<x:xmpmeta", laughs + b"<x:xmpmeta"
    )
    content = with_segments(JPEG, segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + packet))
    seen = take(content, tmp_path)
    assert seen.fields.credit is None
    assert [note.code for note in seen.notes] == ["media_fields_unreadable"]


@pytest.mark.parametrize(
    "stream",
    [
        b"\x1c",
        b"\x1c\x02\x6e\xff\xff",
        b"\x1c\x02\x6e\x80\x04\xff\xff\xff\xff",
        b"\x1c\x02\x6e\xff\xff" + b"a" * 100,
        b"\x1c\x02\x6e\x00\x64abc",
        b"\x00" * 100,
        data_set(2, 0, b"\x00\x04") * 50_000,
    ],
)
def test_iim_with_wrong_lengths_ends_where_it_is_wrong(stream: bytes) -> None:
    assert read_iim(data_set(2, 80, b"a") + stream) == {80: ["a"]}


def test_absurdly_long_fields_are_cut(tmp_path: Path) -> None:
    long = "长" * 20_000
    content = with_segments(
        JPEG,
        segment(
            0xE1,
            b"http://ns.adobe.com/xap/1.0/\x00"
            + face_xmp(f"<photoshop:Headline>{long}</photoshop:Headline>"),
        ),
        photoshop(b"".join(data_set(2, 25, b"k%d" % number) for number in range(1500))),
    )
    fields = take(content, tmp_path).fields
    assert fields.headline == "长" * 500
    assert len(fields.keywords) == 100


def bad_profiles() -> dict[str, bytes]:
    good = srgb()
    return {
        "empty": b"\x00" * 128,
        "cut": good[:200],
        "longer-than-it-says": good + bytes(1 << 20),
        "huge-length": b"\xff\xff\xff\xff" + good[4:],
        "many-tags": good[:128] + b"\xff\xff\xff\xff" + good[132:],
        "offsets": good[:128]
        + struct.pack(">I", 9)
        + struct.pack(">4sII", b"rXYZ", 0xFFFFFFF0, 0xFF) * 9
        + good[240:],
        "cmyk": good[:16] + b"CMYK" + good[20:],
        "no-signature": good[:36] + b"evil" + good[40:],
    }


@pytest.mark.parametrize("kind", bad_profiles())
def test_a_broken_colour_profile_is_left_out_with_a_note(kind: str, tmp_path: Path) -> None:
    content = encoded(picture(), "JPEG", icc_profile=bad_profiles()[kind])
    assert [note.code for note in take(content, tmp_path).notes] == ["media_profile_left_out"]
    with Image.open(make(content, tmp_path)[0].path) as image:
        assert image.getpixel((10, 20)) == pytest.approx((254, 0, 0), abs=12)


@pytest.mark.parametrize(
    "bomb", [zlib.compress(bytes(64 << 20), 9), b"not packed", zlib.compress(srgb())[:-9]]
)
def test_a_png_whose_profile_is_a_bomb_or_broken_is_refused(bomb: bytes, tmp_path: Path) -> None:
    assert refusal(with_chunks(PNG, chunk(b"iCCP", b"p\x00\x00" + bomb)), tmp_path) == "media_damaged"


def test_a_text_of_a_png_that_is_a_bomb_is_passed_over(tmp_path: Path) -> None:
    bomb = zlib.compress(bytes(64 << 20), 9)
    content = with_chunks(
        PNG,
        chunk(b"zTXt", b"Title\x00\x00" + bomb),
        chunk(b"iTXt", b"XML:com.adobe.xmp\x00\x01\x00\x00\x00" + bomb),
    )
    seen = take(content, tmp_path)
    assert seen.fields.headline is None


@pytest.mark.parametrize("make_one", [full_jpeg, full_png, full_webp])
def test_a_picture_cut_or_changed_anywhere_is_taken_or_refused_and_nothing_else(
    make_one: object, tmp_path: Path
) -> None:
    content = make_one(6)  # type: ignore[operator]
    chance = random.Random(9)
    for _ in range(60):
        broken = bytearray(
            content[: chance.randrange(1, len(content))] if chance.random() < 0.3 else content
        )
        for _ in range(chance.randrange(1, 6)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        (tmp_path / "given").write_bytes(broken)
        if file_type(tmp_path / "given") is None:
            continue
        try:
            found = {str(one.name) for one in make(bytes(broken), tmp_path)}
        except Faulty as refused:
            found = {fault.code for fault in refused.faults}
        assert found == {"web", "preview", "thumbnail"} or found <= {"media_damaged", "media_too_large"}


def test_a_picture_that_is_cut_off_in_its_data_is_damaged(tmp_path: Path) -> None:
    end = JPEG.index(b"\xff\xda") + 40
    assert refusal(JPEG[:end], tmp_path) == "media_damaged"
    assert refusal(encoded(picture(), "TIFF")[:-5000], tmp_path) == "media_damaged"
    assert refusal(encoded(picture(mode="P"), "GIF")[:-200], tmp_path) == "media_damaged"
    short = header(500, 500) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    assert refusal(short, tmp_path) == "media_damaged"


def test_a_file_of_more_than_128_megabytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    with path.open("wb") as file:
        file.write(JPEG)
        file.truncate((128 << 20) + 1)
    with pytest.raises(Faulty) as caught:
        inspect_picture(path, file_types.JPEG, name="large.jpg")
    assert caught.value.faults[0].code == "media_too_large"


def test_pillow_sees_nothing_of_the_metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    opened = Image.open

    def spy(file: io.BytesIO, **options: object) -> Image.Image:
        seen.append(file.getvalue())
        return opened(file, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Image, "open", spy)
    for content in (full_jpeg(), full_png(), full_webp()):
        make(content, tmp_path)
    assert len(seen) == 6
    assert not [one for one in seen if SECRET in one]
