"""Inspect a picture: its type, its size as a person sees it, and what it says of itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from PIL import Image

from syndicate.errors import Fault, Faulty, NotStampable
from syndicate.language import Text
from syndicate.media.embedded_fields import EmbeddedFields, field_keywords, field_line, field_text
from syndicate.media.file_types import GIF, JPEG, PNG, SVG, TIFF, WEBP, MediaType
from syndicate.media.inspection import Inspected
from syndicate.media.pictures import exif, iim
from syndicate.media.pictures.containers import Damaged, Metadata
from syndicate.media.pictures.picture_stamp import picture_metadata
from syndicate.media.xmp import XmpFields, read_xmp
from syndicate.model.notes import Note, quoted

MOST_PIXELS: Final = 120_000_000
LONGEST_EDGE: Final = 30_000
FORMATS: Final = {JPEG: "JPEG", PNG: "PNG", WEBP: "WEBP", GIF: "GIF", TIFF: "TIFF"}
"""The types that are taken, with Pillow's names for them."""
_STAMPABLE: Final = (JPEG, PNG, WEBP)
_LARGEST: Final = 200 << 20
_SIDEWAYS: Final = frozenset({5, 6, 7, 8})


def inspect_picture(path: Path, found: MediaType, *, name: str) -> Inspected:
    """Inspect a picture of the type `found`. `name` is what people call it.

    Only its head is decoded: what is damaged further down is refused when its renditions are made.
    Raises Faulty, OSError.
    """
    if found == SVG:
        said = Text(
            "不收 SVG：它是会执行的文档，请导出为 PNG 或 JPEG",
            "SVG is not taken, for it is a document that can run: export it as PNG or JPEG",
        )
        raise _refused(name, "media_svg", said)
    if found not in FORMATS:
        said = Text(f"不收 {found.content_type}", f"{found.content_type} is not taken")
        raise _refused(name, "media_unsupported", said)
    if path.stat().st_size > _LARGEST:
        said = Text("图片文件大于 200 MB", "the file of the picture is larger than 200 MB")
        raise _refused(name, "media_too_large", said)
    width, height, frames = _size(path, found, name)
    if width * height > MOST_PIXELS or max(width, height) > LONGEST_EDGE:
        said = Text(
            f"图片为 {width}×{height} 像素，超过上限（1.2 亿像素，边长 {LONGEST_EDGE}）",
            f"the picture has {width}×{height} pixels; at most 120 million, {LONGEST_EDGE} an edge",
        )
        raise _refused(name, "media_too_large", said)
    metadata = _metadata(path, found)
    tags = [exif.read_exif(one) for one in metadata.exif]
    if tags and exif.orientation(tags[0]) in _SIDEWAYS:
        width, height = height, width
    fields, notes = _fields(metadata, tags)
    return Inspected(
        type=found, width=width, height=height, fields=fields, notes=(*notes, *_notes(found, frames))
    )


def _size(path: Path, found: MediaType, name: str) -> tuple[int, int, int]:
    """Width, height and number of frames, as the head of the file says."""
    Image.MAX_IMAGE_PIXELS = None  # the limit is ours, and is checked before a pixel is decoded
    try:
        with Image.open(path, formats=[FORMATS[found]]) as picture:
            width, height = picture.size
            return width, height, 2 if getattr(picture, "is_animated", False) else 1
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise damaged(name) from error


def _metadata(path: Path, found: MediaType) -> Metadata:
    """The blocks of metadata; none where the type has none that we read, or they are broken."""
    if found not in _STAMPABLE:
        return Metadata()
    try:
        return picture_metadata(path.read_bytes(), found.content_type)
    except (Damaged, NotStampable):
        return Metadata()


def _fields(metadata: Metadata, tags: list[Mapping[int, bytes]]) -> tuple[EmbeddedFields, tuple[Note, ...]]:
    """The fields by XMP first, then IIM, then EXIF."""
    xmp = next((one for one in map(read_xmp, metadata.xmp) if one is not None), XmpFields({}))
    sets: dict[int, list[str]] = {}
    for stream in metadata.iim:
        for number, values in iim.read_iim(stream).items():
            sets.setdefault(number, values)
    own = tags[0] if tags else {}

    def best(names: Iterable[str], number: int | None, tag: int | None = None) -> str | None:
        said = xmp.first(*names)
        if said is None and number is not None:
            said = " ".join(sets.get(number, [])) or None
        return said or (None if tag is None else _text(own.get(tag)))

    created, notes = _created(xmp, sets)
    headline = best(("photoshop:Headline", "dc:title"), iim.HEADLINE) or _first(sets, iim.TITLE)
    return EmbeddedFields(
        headline=field_line(headline),
        caption=field_text(best(("dc:description",), iim.CAPTION, exif.DESCRIPTION)),
        byline=field_line("、".join(xmp.all("dc:creator")) or best((), iim.BYLINE, exif.ARTIST)),
        credit=field_line(best(("photoshop:Credit",), iim.CREDIT)),
        source=field_line(best(("photoshop:Source",), iim.SOURCE)),
        copyright=field_line(best(("dc:rights",), iim.COPYRIGHT, exif.COPYRIGHT)),
        created=created,
        keywords=field_keywords((*xmp.all("dc:subject"), *sets.get(iim.KEYWORDS, []))),
        digital_source_type=field_line(xmp.first("Iptc4xmpExt:DigitalSourceType")),
        language=field_line(xmp.first("dc:language")),
    ), notes


def _first(sets: Mapping[int, list[str]], number: int) -> str | None:
    return next(iter(sets.get(number, [])), None)


def _text(value: bytes | None) -> str | None:
    return None if value is None else iim.decoded(value.rstrip(b"\x00 "), utf8=False) or None


def _created(xmp: XmpFields, sets: Mapping[int, list[str]]) -> tuple[datetime | None, tuple[Note, ...]]:
    """When the picture was taken; only with its zone. A note says what was left out for want of one."""
    said = [one for one in (xmp.first("photoshop:DateCreated", "dc:date", "xmp:CreateDate"),) if one]
    day, hour = _first(sets, iim.CREATED_DATE), _first(sets, iim.CREATED_TIME)
    if day is not None and hour is not None:
        said.append(f"{day}T{hour}")
    for one in said:
        try:
            time = datetime.fromisoformat(one)
        except ValueError:
            continue
        if time.tzinfo is not None:
            return time, ()
        shown = quoted(one)
        note = Note(
            "created_without_zone",
            "published",
            Text(
                f"文件内的时间“{shown}”没有时区，未采用；请在旁注文件（.toml）里写明 published",
                f"the time in the file, “{shown}”, has no zone and was not used;"
                " say published in a sidecar (.toml)",
            ),
        )
        return None, (note,)
    return None, ()


def _notes(found: MediaType, frames: int) -> Iterator[Note]:
    if found not in _STAMPABLE:
        said = Text(
            f"{found.content_type} 不能写入来源标注，原件不会发出，只发网页版等规格",
            f"{found.content_type} cannot carry the stamp: the original stays here, its renditions leave",
        )
        yield Note("media_original_stays", "media", said)
    if frames > 1:
        said = Text("动图只取第一帧做各规格", "it moves: its renditions show the first frame")
        yield Note("media_first_frame", "media", said)


def damaged(name: str) -> Faulty:
    """The refusal of a picture that cannot be decoded."""
    said = Text("图片已损坏或不完整；请重新导出", "the picture is damaged or cut short: export it again")
    return _refused(name, "media_damaged", said)


def _refused(name: str, code: str, text: Text) -> Faulty:
    return Faulty(name, [Fault(code, "file", text)])
