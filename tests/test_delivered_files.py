"""What leaves by the real route, read by programs that are not ours: by ExifTool and by ffprobe."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from syndicate.ingest.sidecar import read_sidecar
from syndicate.media.file_types import suffix_of
from syndicate.model.item import Item, Medium
from syndicate.model.parties import PartnerId
from tests.support.factories import STAFF
from tests.support.media_house import STAMP, licence, mandate
from tests.support.pictures import encoded, face_xmp, picture, segment, srgb, with_segments
from tests.support.recordings import RECORDINGS, ffprobe_tags
from tests.support.servers import Serving, serving

BASE = "https://feeds.xsnet.example"
CAPTURE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
_SOURCE_TYPE = f"<Iptc4xmpExt:DigitalSourceType>{CAPTURE}</Iptc4xmpExt:DigitalSourceType>"
PICTURES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
RENDITIONS = ("original", "web", "preview", "thumbnail")
SOUNDS_AND_FILMS = {
    "sound.mp3": Medium.AUDIO,
    "sound.m4a": Medium.AUDIO,
    "sound.ogg": Medium.AUDIO,
    "sound.opus": Medium.AUDIO,
    "sound.flac": Medium.AUDIO,
    "film.mp4": Medium.VIDEO,
    "upright.mov": Medium.VIDEO,
}
SIDECAR = """headline = "湘湖晨雾 <{name}> & “三江”"
caption = "第一段\\n第二段"
byline = "记者 甲一"
source = "{source}"
alt = "雾中的湖面"
published = 2026-11-02T09:00:00+08:00
"""
SOURCES = {
    Medium.PICTURE: "萧山网-萧山日报",
    Medium.AUDIO: "萧山网-萧山人民广播电台",
    Medium.VIDEO: "萧山网-萧山电视台",
}


def _camera() -> bytes:
    """What a camera says of itself and of the place: nobody's credit, but all that must not leave."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "SECRET-maker", "SECRET-model", 6
    inside = exif.get_ifd(0x8769)
    inside[0x927C], inside[0xA431], inside[0xA435] = b"SECRET-note", "SECRET-serial", "SECRET-lens-serial"
    place = exif.get_ifd(0x8825)
    place[1], place[2], place[3], place[4] = "N", (30.0, 10.0, 5.0), "E", (120.0, 15.0, 9.0)
    return exif.tobytes()


def _red_is_blue() -> bytes:
    """A profile in which the red of the file is sRGB's blue, and the blue its red."""
    profile = bytearray(srgb())
    red, blue = (profile.index(tag) for tag in (b"rXYZ", b"bXYZ"))  # in the table of tags
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


def _taken(suffix: str) -> bytes:
    """A picture that lies on its side, with faces, place and serial numbers, as a camera's file."""
    image, exif, packet = picture(1200, 800), _camera(), face_xmp(_SOURCE_TYPE)
    match suffix:
        case "jpg":
            jpeg = encoded(image, "JPEG", quality=92, exif=exif, icc_profile=srgb())
            return with_segments(jpeg, segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + packet))
        case "png":
            from PIL.PngImagePlugin import PngInfo

            texts = PngInfo()
            texts.add_itxt("XML:com.adobe.xmp", packet.decode())
            return encoded(image, "PNG", exif=exif, icc_profile=_red_is_blue(), pnginfo=texts)
        case _:
            return encoded(image, "WEBP", exif=exif, icc_profile=srgb(), xmp=packet)


async def _take_in(here: Serving, path: Path, medium: Medium) -> Item:
    publisher = here.house.settings.publisher
    said = SIDECAR.format(name=path.name, source=SOURCES[medium])
    if medium is not Medium.PICTURE:
        said = said.replace('alt = "雾中的湖面"\n', "")
    sidecar = read_sidecar(said.encode(), name="a.toml", medium=medium, publisher=publisher)
    document = await here.house.media_intake.standing_alone(path, path.name, sidecar, here.clock())
    (taken,) = await here.house.items.take_in_group(STAFF, [document])
    assert taken.item is not None, taken.faults
    assert taken.item.outlet is not None
    return taken.item


def _delivered(folder: Path, files: Mapping[str, tuple[Path, Medium]]) -> dict[str, Path]:
    """Every file of these items that a partner gets, and the public, by item and rendition."""

    async def inside() -> dict[str, Path]:
        found: dict[str, Path] = {}
        async with serving(folder / "house") as here:
            rights = here.house.rights
            await rights.add_mandate(STAFF, mandate(public_preview=True), "m.toml")
            await rights.add_partner(STAFF, PartnerId("all"), "all")
            await rights.add_licence(STAFF, licence("all", '"picture", "audio", "video"'), "l.toml")
            key = (await here.house.keys.issue(STAFF, PartnerId("all"))).token
            for name, (path, medium) in files.items():
                item = await _take_in(here, path, medium)
                for one in item.renditions:
                    answer = await here.get(f"/licensed/media/{item.id}/{one.name}", key=key)
                    assert (answer.status, answer.headers["Content-Type"]) == (200, one.content_type)
                    target = folder / f"{name}-{one.name}{suffix_of(one.content_type)}"
                    target.write_bytes(answer.body)
                    found[f"{name} {one.name}"] = target
                if medium is Medium.PICTURE:
                    seen = await here.get(f"/items/{item.id}/preview")
                    assert seen.status == 200
                    target = folder / f"{name}-public.jpg"
                    target.write_bytes(seen.body)
                    found[f"{name} public"] = target
        return found

    return asyncio.run(inside())


def _exiftool(files: Mapping[str, Path], *options: str) -> dict[str, dict[str, Any]]:
    program = shutil.which("exiftool")
    if program is None:
        pytest.skip("exiftool not found: apt-get install libimage-exiftool-perl")
    command = [program, "-json", "-G1", "-a", "-charset", "iptc=UTF8", *options, *map(str, files.values())]
    read = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return dict(zip(files, read, strict=True))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pictures")
    given = {}
    for suffix in PICTURES:
        path = folder / f"lake.{suffix}"
        path.write_bytes(_taken(suffix))
        given[path.name] = (path, Medium.PICTURE)
    before = _exiftool({name: path for name, (path, _) in given.items()})
    for found in before.values():  # what must go was there
        names = " ".join(found)
        assert all(word in names for word in ("GPS", "Serial", "Region", "Make"))
    return _delivered(folder, given)


def test_exiftool_reads_every_field_in_every_picture_that_is_delivered(pictures: dict[str, Path]) -> None:
    assert len(pictures) == len(PICTURES) * (len(RENDITIONS) + 1)
    read, raw = _exiftool(pictures), _exiftool(pictures, "-n")
    for name, found in read.items():
        title = f"湘湖晨雾 <{name.partition(' ')[0]}> & “三江”"
        said = {
            "XMP-photoshop:Instructions": STAMP,
            "XMP-photoshop:Credit": "萧山网",
            "XMP-photoshop:Source": "萧山网-萧山日报",
            "XMP-photoshop:Headline": title,
            "XMP-dc:Title": title,
            "XMP-dc:Creator": "记者 甲一",
            "XMP-iptcCore:AltTextAccessibility": "雾中的湖面",
            "XMP-xmpRights:Marked": True,
            "XMP-xmpRights:WebStatement": f"{BASE}/terms",
            "XMP-plus:LicensorName": "萧山网",
            "XMP-plus:LicensorURL": "http://www.xsnet.cn/",
        }
        assert {field: found.get(field) for field in said} == said, name
        assert found["XMP-dc:Rights"].startswith(STAMP), name
        assert STAMP in found["XMP-xmpRights:UsageTerms"], name
        # As it stands in the file: newer releases of ExifTool show a label.
        assert "DMI-PROHIBITED" in raw[name]["XMP-plus:DataMining"], name
        assert raw[name]["XMP-iptcExt:DigitalSourceType"] in (CAPTURE, "digitalCapture"), name
        if found["File:MIMEType"] == "image/jpeg":
            iim = {
                "IPTC:CodedCharacterSet": "UTF8",
                "IPTC:Credit": "萧山网",
                "IPTC:Source": "萧山网-萧山日报",
                "IPTC:SpecialInstructions": STAMP,
                "IPTC:By-line": "记者 甲一",
            }
            assert {field: found.get(field) for field in iim} == iim, name
            assert found["IPTC:CopyrightNotice"].startswith(STAMP), name


def test_exiftool_finds_nothing_of_camera_place_and_faces_in_any_of_them(pictures: dict[str, Path]) -> None:
    for name, found in _exiftool(pictures).items():
        fields = {field.partition(":")[2] for field in found}
        assert not {one for one in fields if "GPS" in one or "Serial" in one or "Region" in one}, name
        assert not fields & {"Make", "Model", "MakerNote", "ThumbnailImage", "Artist", "Comment"}, name
        assert b"SECRET" not in pictures[name].read_bytes(), name
    checked = _exiftool(pictures, "-validate", "-warning")
    assert {one["ExifTool:Validate"] for one in checked.values()} == {"OK"}


def test_every_rendition_is_a_progressive_upright_jpeg_in_srgb_and_an_original_is_what_it_was(
    pictures: dict[str, Path],
) -> None:
    for name, found in _exiftool(pictures).items():
        item, rendition = name.split()
        with Image.open(io.BytesIO(pictures[name].read_bytes())) as image:
            image.load()
        if rendition == "original":
            assert found["File:MIMEType"] == PICTURES[Path(item).suffix[1:]]
            assert image.size == (1200, 800)
            assert image.getexif()[0x0112] == 6
            continue
        assert found["File:MIMEType"] == "image/jpeg", name
        assert found["File:EncodingProcess"].startswith("Progressive"), name
        # Without a profile and another colour space in EXIF a picture is in sRGB.
        assert not [one for one in found if one.startswith(("ICC", "ExifIFD", "IFD0"))], name
        assert abs(image.width * 3 - image.height * 2) <= 3, name
        assert image.mode == "RGB"
        # Turned by 90 degrees: what was below is on the left, what was red and left is above on the right.
        width, height = image.size
        for place, wanted in (
            ((0.25, 0.5), (0, 0, 254)),
            ((0.75, 0.15), (254, 0, 0)),
            ((0.75, 0.85), (0, 255, 1)),
        ):
            pixel = image.getpixel((int(width * place[0]), int(height * place[1])))
            # The PNG's profile was turned into sRGB, not only left out.
            colour = wanted[::-1] if item == "lake.png" else wanted
            assert pixel == pytest.approx(colour, abs=8), (name, place)


def test_ffprobe_reads_the_stamp_and_the_terms_of_every_sound_and_film_that_is_delivered(
    tmp_path: Path,
) -> None:
    ffprobe_tags(RECORDINGS / "sound.mp3")  # skips where there is no ffprobe
    given = {name: (RECORDINGS / name, medium) for name, medium in SOUNDS_AND_FILMS.items()}
    delivered = _delivered(tmp_path, given)
    for name, medium in SOUNDS_AND_FILMS.items():
        tags = ffprobe_tags(delivered[f"{name} original"])
        assert STAMP in tags["copyright"], name
        assert tags["comment"] == tags["attribution"] == STAMP, name
        assert tags["title"] == f"湘湖晨雾 <{name}> & “三江”"
        assert tags["artist"] == "记者 甲一"
        assert tags["credit"] == tags["licensor"] == "萧山网"
        assert tags["source"] == SOURCES[medium]
        assert STAMP in tags["usageterms"]
        assert tags["webstatement"] == f"{BASE}/terms"
        assert tags["licensorurl"] == "http://www.xsnet.cn/"
        assert tags["datamining"].endswith("DMI-PROHIBITED")
