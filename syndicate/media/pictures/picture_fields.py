"""Read what a picture says of itself: XMP, IPTC IIM, EXIF and the texts of PNG, as one set of fields.

XMP counts before IIM, IIM before EXIF: so the Metadata Working Group has it, and XMP alone knows its
character set for certain. Where XMP and IIM name different credits or sources, a note says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from syndicate.language import Text
from syndicate.media.embedded_fields import (
    EmbeddedFields,
    field_keywords,
    field_line,
    field_text,
    zone_missing,
)
from syndicate.media.pictures import exif, iim
from syndicate.media.pictures.containers import Metadata
from syndicate.media.xmp import XmpFields, read_xmp
from syndicate.model.notes import Note

_MOST_OF_A_KIND: Final = 8
_NUMBERS: Final = re.compile(
    r"(\d{4})[-:]?(\d\d)[-:]?(\d\d)[T ]?(\d\d):?(\d\d):?(\d\d)?(?:\.\d+)?\s?(Z|[+-]\d\d:?\d\d)?"
)
"""A time as XMP, EXIF and IIM write it."""
_CAMERAS_OWN: Final = re.compile(r"OLYMPUS DIGITAL CAMERA|SONY DSC|MINOLTA DIGITAL CAMERA|DCIM\\.*|\s*")
"""Descriptions that a camera writes into every picture."""
_SEPARATED: Final = re.compile("[;；]")


class _Sources(NamedTuple):
    xmp: list[XmpFields]
    iim: Mapping[int, list[str]]
    exif: Mapping[int, bytes]
    texts: Mapping[str, str]


def picture_fields(metadata: Metadata) -> tuple[EmbeddedFields, tuple[Note, ...]]:
    """The fields of a picture, cleaned and bounded, with notes about what could not be taken."""
    packets = [read_xmp(one) for one in metadata.xmp[:_MOST_OF_A_KIND]]
    records: dict[int, list[str]] = {}
    for stream in metadata.iim[:_MOST_OF_A_KIND]:
        for number, texts in iim.read_iim(stream).items():
            records.setdefault(number, []).extend(texts)
    tags: dict[int, bytes] = {}
    for block in metadata.exif[:_MOST_OF_A_KIND]:
        tags = {**exif.read_exif(block), **tags}
    named = {keyword: iim.decoded(text) for keyword, text in reversed(metadata.texts)}
    sources = _Sources([one for one in packets if one is not None], records, tags, named)
    created, notes = _created(sources)
    if None in packets:
        notes.append(_unreadable())
    attributions = tuple(_attributions(sources))
    fields = EmbeddedFields(
        headline=_line(sources, ("photoshop:Headline", "dc:title"), (iim.HEADLINE, iim.TITLE), "Title"),
        caption=_caption(sources),
        alt=_line(sources, ("Iptc4xmpCore:AltTextAccessibility",), ()),
        byline=_line(sources, ("dc:creator",), (iim.BYLINE,), "Author", exif.ARTIST, exif.AUTHOR_UTF16),
        credit=_line(sources, ("photoshop:Credit",), (iim.CREDIT,)),
        source=_line(sources, ("photoshop:Source",), (iim.SOURCE,)),
        copyright=_line(sources, ("dc:rights",), (iim.COPYRIGHT,), "Copyright", exif.COPYRIGHT),
        created=created,
        keywords=field_keywords(_keywords(sources)),
        digital_source_type=_line(sources, ("Iptc4xmpExt:DigitalSourceType",), ()),
        language=_line(sources, ("dc:language",), ()),
        attributions=attributions,
    )
    if {*attributions} - {fields.credit, fields.source}:
        notes.append(_differ(attributions))
    return fields, tuple(notes)


def _line(
    sources: _Sources,
    properties: Iterable[str],
    numbers: Iterable[int],
    keyword: str | None = None,
    *tags: int,
) -> str | None:
    """The first of these that is there, on one line; several creators are joined."""
    return next(
        (one for text in _said(sources, properties, numbers, keyword, *tags) if (one := field_line(text))),
        None,
    )


def _said(
    sources: _Sources, properties: Iterable[str], numbers: Iterable[int], keyword: str | None, *tags: int
) -> Iterator[str]:
    for name in properties:
        for packet in sources.xmp:
            values = packet.all(name)
            yield "、".join(values) if name == "dc:creator" else next(iter(values), "")
    for number in numbers:
        yield "、".join(dict.fromkeys(sources.iim.get(number, ())))
    for tag in tags:
        yield _exif_text(sources, tag)
    if keyword is not None:
        yield sources.texts.get(keyword, "")


def _caption(sources: _Sources) -> str | None:
    texts = _said(
        sources, ("dc:description",), (iim.CAPTION,), "Description", exif.DESCRIPTION, exif.COMMENT_UTF16
    )
    return next(
        (one for text in texts if not _CAMERAS_OWN.fullmatch(text) and (one := field_text(text))), None
    )


def _keywords(sources: _Sources) -> Iterable[str]:
    found = [word for packet in sources.xmp for word in packet.all("dc:subject")]
    return (
        found or sources.iim.get(iim.KEYWORDS) or _SEPARATED.split(_exif_text(sources, exif.KEYWORDS_UTF16))
    )


def _exif_text(sources: _Sources, tag: int) -> str:
    data = sources.exif.get(tag, b"")
    if tag in exif.UTF16_TAGS:
        return data.decode("utf-16-le", "replace").partition("\x00")[0].replace("\ufffd", "")
    return iim.decoded(data)


def _attributions(sources: _Sources) -> Iterator[str]:
    """All credits and sources, each once. IIM cuts long ones: what begins another is no other."""
    texts = [
        text
        for packet in sources.xmp
        for name in ("Credit", "Source")
        for text in packet.all(f"photoshop:{name}")
    ]
    texts += [text for number in (iim.CREDIT, iim.SOURCE) for text in sources.iim.get(number, ())]
    found = dict.fromkeys(one for text in texts if (one := field_line(text)) is not None)
    for one in found:
        if not any(other != one and other.startswith(one) and len(one.encode()) > 29 for other in found):
            yield one


def _created(sources: _Sources) -> tuple[datetime | None, list[Note]]:
    """When the picture was made, by the first time that has its zone."""
    said = [
        *(one for packet in sources.xmp if (one := packet.first("photoshop:DateCreated"))),
        "".join((*sources.iim.get(iim.CREATED_DATE, ())[:1], *sources.iim.get(iim.CREATED_TIME, ())[:1])),
        _exif_text(sources, exif.TAKEN) + _exif_text(sources, exif.TAKEN_OFFSET),
        *(one for packet in sources.xmp if (one := packet.first("xmp:CreateDate"))),
    ]
    times = [found for one in said if (found := _NUMBERS.fullmatch(one.strip(" \x00"))) is not None]
    for time in times:
        year, month, day, hour, minute, second, zone = time.groups()
        if zone is None:
            continue
        try:
            return datetime.fromisoformat(
                f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}{zone}"
            ), []
        except ValueError:
            continue
    return None, [zone_missing(times[0][0])] if times and times[0][7] is None else []


def _unreadable() -> Note:
    return Note(
        "media_fields_unreadable",
        "file",
        Text(
            "文件内的 XMP 有误，未读取其中的标题、署名等；请核对",
            "the XMP in the file is broken, and its headline, credit and so on were not read: check them",
        ),
    )


def _differ(attributions: Iterable[str]) -> Note:
    said = "”“".join(attributions)
    return Note(
        "media_fields_differ",
        "source",
        Text(
            f"文件内的署名或来源不止一种：“{said}”；请核对图片的归属",
            f"the file names more than one credit or source: “{said}”; check whose picture it is",
        ),
    )
