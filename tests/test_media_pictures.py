"""Pictures are inspected, and their renditions are upright, in sRGB, and hold no metadata."""

from __future__ import annotations

import io
import zlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from syndicate.ingest.sidecar import read_sidecar
from syndicate.media.embedded_fields import EmbeddedFields
from syndicate.media.file_types import file_type
from syndicate.media.inspection import Inspected, MadeFile
from syndicate.media.pictures.picture_inspection import inspect_picture
from syndicate.media.pictures.picture_renditions import make_picture_renditions
from syndicate.media.pictures.picture_stamp import stamp_picture
from syndicate.model.item import Medium
from syndicate.model.media import RenditionName
from syndicate.services.newsroom.media_items import alone, alternative
from tests.support.ingest_helpers import PUBLISHER
from tests.support.pictures import (
    SECRET,
    camera_exif,
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
    with_chunks,
    with_segments,
)
from tests.test_media_xmp import STAMP

CHINA = timezone(timedelta(hours=8))
ALT_TEXT = """<Iptc4xmpCore:AltTextAccessibility xmlns:Iptc4xmpCore="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
 ><rdf:Alt><rdf:li xml:lang="x-default">雾中三座桥</rdf:li></rdf:Alt></Iptc4xmpCore:AltTextAccessibility>"""
UTF8_IIM = data_set(1, 90, b"\x1b%G")


def inspected(content: bytes, folder: Path, name: str = "湘湖.jpg") -> Inspected:
    path = folder / "given"
    path.write_bytes(content)
    found = file_type(path)
    assert found is not None
    return inspect_picture(path, found, name=name)


def renditions(content: bytes, folder: Path) -> dict[RenditionName, MadeFile]:
    seen = inspected(content, folder)
    return {
        one.name: one for one in make_picture_renditions(folder / "given", seen, folder, name="湘湖.jpg")
    }


def pixel(path: Path, x: float, y: float) -> tuple[int, ...]:
    """The colour at a place of the picture, from 0 to 1 across and down."""
    with Image.open(path) as image:
        found = image.getpixel((int(x * image.width), int(y * image.height)))
    assert isinstance(found, tuple)
    return found


def near(found: tuple[int, ...], wanted: tuple[int, int, int], by: int = 12) -> bool:
    return all(abs(one - other) <= by for one, other in zip(found, wanted, strict=True))


def fields(*segments: bytes, exif: bytes | None = None) -> tuple[EmbeddedFields, list[str]]:
    """The fields and the codes of notes of a JPEG with these segments."""
    from syndicate.media.pictures.jpeg_file import jpeg_metadata
    from syndicate.media.pictures.picture_fields import picture_fields

    jpeg = encoded(picture(), "JPEG", **({} if exif is None else {"exif": exif}))
    found, notes = picture_fields(jpeg_metadata(with_segments(jpeg, *segments)))
    return found, [note.code for note in notes]


def xmp(inside: str) -> bytes:
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + face_xmp(inside))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("make", [full_jpeg, full_png, full_webp])
def test_a_picture_is_measured_and_made_upright(make: object, orientation: int, tmp_path: Path) -> None:
    upright = picture(120, 80)
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose, from upright to stored
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(back[orientation]))
    content = make(orientation, image=stored)  # type: ignore[operator]
    seen = inspected(content, tmp_path)
    assert (seen.width, seen.height) == (120, 80)
    made = renditions(content, tmp_path)
    assert list(made) == [RenditionName.WEB, RenditionName.PREVIEW, RenditionName.THUMBNAIL]
    for one in made.values():
        assert (one.width, one.height) == (120, 80)
        assert near(pixel(one.path, 0.1, 0.2), (255, 0, 0))
        assert near(pixel(one.path, 0.9, 0.2), (0, 255, 0))
        assert near(pixel(one.path, 0.5, 0.8), (0, 0, 255))


def test_renditions_have_their_sizes_are_progressive_and_carry_no_metadata(tmp_path: Path) -> None:
    made = renditions(full_jpeg(6, image=picture(4000, 3000), comment=b"SECRET-comment"), tmp_path)
    sizes = {name: (one.width, one.height) for name, one in made.items()}
    assert sizes == {
        RenditionName.WEB: (1200, 1600),
        RenditionName.PREVIEW: (480, 640),
        RenditionName.THUMBNAIL: (240, 320),
    }
    for one in made.values():
        assert one.content_type == "image/jpeg"
        content = one.path.read_bytes()
        assert SECRET not in content
        with Image.open(io.BytesIO(content)) as image:
            assert image.size == (one.width, one.height)
            assert {*image.info} <= {
                "jfif",
                "jfif_version",
                "jfif_unit",
                "jfif_density",
                "progressive",
                "progression",
            }
            assert "progressive" in image.info


def test_equal_input_gives_equal_bytes_and_every_rendition_takes_the_stamp(tmp_path: Path) -> None:
    first = {name: one.path.read_bytes() for name, one in renditions(full_png(), tmp_path).items()}
    made = renditions(full_png(), tmp_path)
    assert {name: one.path.read_bytes() for name, one in made.items()} == first
    for one in made.values():
        stamp_picture(one.path, tmp_path / "stamped", one.content_type, STAMP)
        assert inspected((tmp_path / "stamped").read_bytes(), tmp_path).fields.credit == "萧山网"


def sixteen_bits() -> bytes:
    rows = (60_000).to_bytes(2, "little") * 120 * 40 + (10_000).to_bytes(2, "little") * 120 * 40
    image = Image.frombytes("I;16", (120, 80), rows)
    return encoded(image, "PNG")


def transparent(mode: str) -> bytes:
    image = picture().convert("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    image.paste((255, 0, 0, 255), (0, 0, 40, 40))
    return encoded(image.convert(mode) if mode != "RGBA" else image, "PNG")


RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)
MODES = {
    "grey": (encoded(picture(mode="L"), "JPEG"), (76, 76, 76), (29, 29, 29)),
    "cmyk": (encoded(picture(mode="CMYK"), "JPEG"), (254, 0, 0), (0, 0, 254)),
    "cmyk-tiff": (encoded(picture(mode="CMYK"), "TIFF"), (255, 0, 0), (0, 0, 255)),
    "palette": (encoded(picture().quantize(8), "PNG"), RED, BLUE),
    "gif": (encoded(picture().quantize(8), "GIF"), RED, BLUE),
    "bits": (
        encoded(picture(mode="L").point(lambda v: 255 * (v > 50)).convert("1"), "PNG"),
        WHITE,
        (0, 0, 0),
    ),
    "16-bit": (sixteen_bits(), (234, 234, 234), (39, 39, 39)),
    "16-bit-tiff": (encoded(Image.new("I;16", (120, 80), 30_000), "TIFF"), (117,) * 3, (117,) * 3),
    "rgba": (transparent("RGBA"), RED, WHITE),
    "grey-alpha": (transparent("LA"), (76, 76, 76), WHITE),
    "palette-alpha": (encoded(picture().quantize(8), "PNG", transparency=bytes(8)), WHITE, WHITE),
    "lossless-webp": (encoded(picture(mode="RGBA"), "WEBP", lossless=True), RED, BLUE),
    "tiff": (encoded(picture(), "TIFF", compression="tiff_lzw"), RED, BLUE),
    "tall": (encoded(picture(300, 3000), "PNG"), RED, BLUE),
    "dot": (encoded(Image.new("RGB", (1, 1), "blue"), "PNG"), BLUE, BLUE),
}


@pytest.mark.parametrize("mode", MODES)
def test_pictures_of_every_mode_become_srgb_on_white(mode: str, tmp_path: Path) -> None:
    content, above, below = MODES[mode]
    for one in renditions(content, tmp_path).values():
        with Image.open(one.path) as image:
            assert image.mode == "RGB"
        assert near(pixel(one.path, 0.1, 0.2), above, 20)
        assert near(pixel(one.path, 0.1, 0.8), below, 20)


def test_a_profile_is_turned_into_srgb(tmp_path: Path) -> None:
    profile = bytearray(srgb())
    red, blue = (profile.index(tag) for tag in (b"rXYZ", b"bXYZ"))  # in the table of tags
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    swapped = renditions(encoded(picture(), "PNG", icc_profile=bytes(profile)), tmp_path)
    assert near(pixel(swapped[RenditionName.WEB].path, 0.1, 0.2), BLUE, 40)
    plain = renditions(encoded(picture(), "PNG", icc_profile=srgb()), tmp_path)
    assert near(pixel(plain[RenditionName.WEB].path, 0.1, 0.2), RED)


def test_a_tiff_with_an_orientation_is_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(picture(120, 80).transpose(Image.Transpose.ROTATE_90), "TIFF", exif=exif)
    seen = inspected(content, tmp_path, "湘湖.tif")
    assert (seen.width, seen.height) == (120, 80)
    assert [note.code for note in seen.notes] == ["media_original_stays"]
    assert near(pixel(renditions(content, tmp_path)[RenditionName.WEB].path, 0.1, 0.2), RED)


def test_fields_are_read_from_xmp_before_iim_before_exif() -> None:
    packet = xmp(
        "<photoshop:Headline>湘湖晨雾</photoshop:Headline><photoshop:Credit>萧山网</photoshop:Credit>"
        "<photoshop:Source>萧山日报</photoshop:Source><xmp:CreateDate>2026-11-28T07:30:00</xmp:CreateDate>"
        "<photoshop:DateCreated>2026-11-28T07:30:00+08:00</photoshop:DateCreated>"
        '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">一\u200b\n二\x85三</rdf:li></rdf:Alt>'
        "</dc:description>"
        "<dc:creator><rdf:Seq><rdf:li>王小明</rdf:li><rdf:li>李四</rdf:li></rdf:Seq></dc:creator>"
        '<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">© 萧山日报社</rdf:li></rdf:Alt></dc:rights>'
        "<dc:subject><rdf:Bag><rdf:li>湘湖</rdf:li><rdf:li>雾</rdf:li><rdf:li>湘湖</rdf:li></rdf:Bag></dc:subject>"
        "<dc:language><rdf:Bag><rdf:li>zh-CN</rdf:li></rdf:Bag></dc:language>"
        "<Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
        "</Iptc4xmpExt:DigitalSourceType>"
    )
    older = photoshop(UTF8_IIM + data_set(2, 105, "旧题".encode()) + data_set(2, 110, "萧山网".encode()))
    found, notes = fields(packet, older, exif=camera_exif())
    assert found == EmbeddedFields(
        headline="湘湖晨雾",
        caption="一\n二\n三",
        byline="王小明、李四",
        credit="萧山网",
        source="萧山日报",
        copyright="© 萧山日报社",
        created=datetime(2026, 11, 28, 7, 30, tzinfo=CHINA),
        keywords=("湘湖", "雾"),
        digital_source_type="http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
        language="zh-CN",
        attributions=("萧山网", "萧山日报"),
    )
    assert notes == []


@pytest.mark.parametrize(
    ("codec", "mark"), [("utf-8", True), ("utf-8", False), ("gbk", False), ("gb18030", False)]
)
def test_iim_is_read_as_newsrooms_write_it(codec: str, mark: bool) -> None:
    said = {
        105: "湘湖水质再提升",
        120: "昨天上午，市民在湘湖边散步。\r\n王小明摄",
        80: "王小明",
        110: "萧山网",
        115: "萧山日报",
        116: "版权所有：萧山日报社",
        55: "20261128",
        60: "073000+0800",
    }
    stream = b"".join(data_set(2, number, text.encode(codec)) for number, text in said.items())
    stream += data_set(2, 25, "湘湖".encode(codec)) + data_set(2, 25, "水质".encode(codec))
    found, notes = fields(photoshop((UTF8_IIM if mark else b"") + stream))
    assert found == EmbeddedFields(
        headline="湘湖水质再提升",
        caption="昨天上午，市民在湘湖边散步。\n王小明摄",
        byline="王小明",
        credit="萧山网",
        source="萧山日报",
        copyright="版权所有：萧山日报社",
        created=datetime(2026, 11, 28, 7, 30, tzinfo=CHINA),
        keywords=("湘湖", "水质"),
        attributions=("萧山网", "萧山日报"),
    )
    assert notes == []


def test_western_names_and_a_wrong_mark_are_read_as_they_were_meant() -> None:
    found, _ = fields(photoshop(data_set(2, 80, "Jörg Müller".encode("cp1252"))))
    assert found.byline == "Jörg Müller"
    found, _ = fields(photoshop(UTF8_IIM + data_set(2, 80, "王小明".encode("gbk"))))
    assert found.byline == "王小明"


def test_exif_is_read_where_nothing_else_is_there() -> None:
    found, notes = fields(exif=camera_exif())
    assert (found.caption, found.byline, found.copyright) == (
        "SECRET-description",
        "SECRET-artist",
        "SECRET-copyright",
    )
    assert found.created == datetime(2026, 11, 27, 23, 30, tzinfo=UTC)
    assert found.attributions == ()
    assert notes == []
    exif = Image.Exif()
    exif[0x010E] = "OLYMPUS DIGITAL CAMERA"
    exif[0x9C9B] = "湘湖\x00".encode("utf-16-le")
    exif[0x9C9D] = "王小明".encode("utf-16-le")
    exif[0x9C9E] = "雾；湖".encode("utf-16-le")
    found, _ = fields(exif=exif.tobytes())
    assert (found.caption, found.byline, found.keywords) == (None, "王小明", ("雾", "湖"))


@pytest.mark.parametrize("taken", ["2026:11:28 07:30:00", "2026:13:41 07:30:00"])
def test_a_time_without_a_zone_is_left_out_with_a_note(taken: str) -> None:
    found, notes = fields(exif=camera_exif(taken=taken, offset=None))
    assert found.created is None
    assert notes == ["created_without_zone"]


def test_a_time_that_is_none_is_left_out() -> None:
    assert fields(exif=camera_exif(taken="0000:00:00 00:00:00"))[0].created is None
    assert fields(exif=camera_exif(taken="yesterday")) == fields(exif=camera_exif(taken="", offset=""))


def test_a_foreign_credit_in_any_part_of_the_file_is_seen() -> None:
    ours = xmp("<photoshop:Credit>萧山网</photoshop:Credit>")
    found, notes = fields(ours, photoshop(UTF8_IIM + data_set(2, 110, "新华社".encode())))
    assert found.credit == "萧山网"
    assert found.attributions == ("萧山网", "新华社")
    assert notes == ["media_fields_differ"]
    found, notes = fields(ours, xmp("<photoshop:Source>新华社</photoshop:Source>"))
    assert (found.source, found.attributions) == ("新华社", ("萧山网", "新华社"))
    long = "萧山区融媒体中心新闻部图片编辑"
    found, notes = fields(
        xmp(f"<photoshop:Credit>{long}</photoshop:Credit>"),
        photoshop(UTF8_IIM + data_set(2, 110, long.encode()[:30])),
    )
    assert (found.attributions, notes) == ((long,), [])  # IIM has room for its beginning alone


def test_a_picture_that_names_somebody_else_anywhere_is_not_ours() -> None:
    ours = xmp(
        "<photoshop:Credit>萧山网</photoshop:Credit><photoshop:Source>萧山日报</photoshop:Source>"
        "<photoshop:Headline>雾</photoshop:Headline>"
        "<photoshop:DateCreated>2026-11-28T07:30:00+08:00</photoshop:DateCreated>"
    )
    found, _ = fields(ours)
    owned, notes = alone(None, found, name="a.jpg", publisher=PUBLISHER)
    assert (owned.outlet, notes) == ("daily", ())
    found, _ = fields(ours, photoshop(UTF8_IIM + data_set(2, 110, "新华社".encode())))
    owned, notes = alone(None, found, name="a.jpg", publisher=PUBLISHER)
    assert (owned.outlet, [note.code for note in notes]) == (None, ["media_not_ours"])


def test_the_alternative_text_of_the_sidecar_counts_before_that_of_the_file() -> None:
    said = "萧山日报</photoshop:Source><photoshop:Headline>湘湖晨雾</photoshop:Headline>"
    when = "<photoshop:DateCreated>2026-11-28T07:30:00+08:00</photoshop:DateCreated>"
    alt = xmp(f"<photoshop:Source>{said}{when}{ALT_TEXT}")
    found, _ = fields(alt)
    assert found.alt == "雾中三座桥"
    assert alone(None, found, name="a.jpg", publisher=PUBLISHER)[0].alt == "雾中三座桥"
    sidecar = read_sidecar('alt = "桥"'.encode(), name="a.toml", medium=Medium.PICTURE, publisher=PUBLISHER)
    assert alone(sidecar, found, name="a.jpg", publisher=PUBLISHER)[0].alt == "桥"


@pytest.mark.parametrize(
    ("alt", "kept"),
    [
        ("堤岸上一排粉色的树", True),
        ("湘湖樱花盛开，游人在树下拍照", True),  # longer than the headline
        ("湘湖樱花", False),  # it is the headline
        ("湘湖三期的樱花开了", False),  # it is the caption
        ("湘湖三期的樱花开了（图）", False),
        ("三期的樱花", False),  # a part of the caption
        ("……", False),
        (None, False),
    ],
)
def test_an_alternative_text_that_only_repeats_headline_or_caption_is_none(
    alt: str | None, kept: bool
) -> None:
    found = alternative(alt, "湘湖樱花盛开", None, "湘湖三期的樱花，开了。")
    assert found == (alt if kept else None)


def test_the_texts_of_a_png_are_read_packed_or_not() -> None:
    from syndicate.media.pictures.picture_fields import picture_fields
    from syndicate.media.pictures.png_file import png_metadata

    iim = b"8BIM\x04\x04\x00\x00" + (len(data_set(2, 110, "新华社".encode()))).to_bytes(4)
    iim += data_set(2, 110, "新华社".encode())
    raw = f"\niptc\n{len(iim):8}\n{iim.hex()}\n".encode()
    png = with_chunks(
        encoded(picture(), "PNG"),
        chunk(b"tEXt", b"Title\x00Fog"),
        chunk(b"iTXt", b"Author\x00\x00\x00zh\x00\x00" + "王小明".encode()),
        chunk(b"iTXt", b"Description\x00\x01\x00\x00\x00" + zlib.compress("湖上的雾".encode())),
        chunk(b"zTXt", b"Raw profile type iptc\x00\x00" + zlib.compress(raw)),
    )
    found, notes = picture_fields(png_metadata(png))
    assert (found.headline, found.byline, found.caption, found.credit) == (
        "Fog",
        "王小明",
        "湖上的雾",
        "新华社",
    )
    assert notes == ()


def test_a_webp_and_a_tiff_say_their_fields_too(tmp_path: Path) -> None:
    packet = face_xmp("<photoshop:Credit>新华社</photoshop:Credit>")
    assert inspected(encoded(picture(), "WEBP", xmp=packet), tmp_path).fields.credit == "新华社"
    tiff = encoded(picture(), "TIFF", tiffinfo={700: packet})
    assert inspected(tiff, tmp_path).fields.credit == "新华社"


def test_a_moving_picture_is_noted_and_its_first_frame_is_shown(tmp_path: Path) -> None:
    others = [Image.new("RGB", (120, 80), colour) for colour in ("black", "white")]
    for kind, more in (("GIF", ["media_original_stays"]), ("WEBP", []), ("PNG", [])):
        content = encoded(picture(), kind, save_all=True, append_images=others)
        assert [note.code for note in inspected(content, tmp_path).notes] == [
            "media_first_frame",
            *more,
        ]
        assert near(pixel(renditions(content, tmp_path)[RenditionName.WEB].path, 0.5, 0.8), BLUE, 30)


def test_no_profile_library_is_needed_for_a_picture_without_a_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageCms, "buildTransform", None)
    assert renditions(encoded(picture(), "JPEG"), tmp_path)
