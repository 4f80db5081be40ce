"""Read the tags of sound and film: by mutagen, with limits, in the words of `EmbeddedFields`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from mutagen import MutagenError
from mutagen.id3 import ID3, Encoding

from syndicate.errors import Fault
from syndicate.language import Text
from syndicate.media.embedded_fields import (
    EmbeddedFields,
    field_keywords,
    field_line,
    field_text,
    zone_missing,
)
from syndicate.media.recordings.flac_stamp import COMMENTS, read_flac
from syndicate.media.recordings.mp4_boxes import read_box, top_boxes
from syndicate.media.recordings.mp4_stamp import XMP_UUID, read_tags
from syndicate.media.recordings.ogg_stamp import read_head
from syndicate.media.recordings.vorbis_comments import UnreadableComments, read_comments
from syndicate.media.xmp import LONGEST_PACKET, XmpFields, read_xmp
from syndicate.model.notes import Note

LARGEST_ID3: Final = 16 * 1024 * 1024
"""Bytes of an ID3 tag, a cover picture among them."""
Tags = Mapping[str, list[str]]
"""Values by name; a name is in small letters."""

_NAMES: Final = {
    "headline": ("title", "com.apple.quicktime.title"),
    "caption": ("caption", "description", "com.apple.quicktime.description", "comment"),
    "byline": ("artist", "author", "com.apple.quicktime.author", "performer"),
    "credit": ("credit", "publisher", "organization"),
    "source": ("source",),
    "copyright": ("copyright", "com.apple.quicktime.copyright"),
    "digital_source_type": ("digitalsourcetype",),
}
_XMP_NAMES: Final = {
    "headline": ("photoshop:Headline", "dc:title"),
    "caption": ("dc:description",),
    "byline": ("dc:creator",),
    "credit": ("photoshop:Credit",),
    "source": ("photoshop:Source",),
    "copyright": ("dc:rights",),
    "digital_source_type": ("Iptc4xmpExt:DigitalSourceType",),
}
_TIMES: Final = ("date", "com.apple.quicktime.creationdate")
_ID3: Final = {
    "TIT2": "title",
    "TPE1": "artist",
    "TPUB": "publisher",
    "TCOP": "copyright",
    "TDRL": "date",
    "TDRC": "date",
}
_MP4: Final = {
    "\xa9nam": "title",
    "\xa9ART": "artist",
    "\xa9aut": "author",
    "cprt": "copyright",
    "desc": "description",
    "ldes": "description",
    "\xa9cmt": "comment",
    "\xa9day": "date",
    "keyw": "keywords",
}
_SPACED: Final = re.compile("[,;，；、]")
_WHOLE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?")
_TWO_BYTES: Final = re.compile(rb"[\x81-\xfe][\x40-\xfe]")


class UnreadableTags(ValueError):
    """Tags that are damaged, or too large to be read; `fault` says which."""

    def __init__(self, code: str, text: Text) -> None:
        super().__init__(text.en)
        self.fault = Fault(code, "file", text)


def read_embedded(path: Path, content_type: str) -> tuple[Tags, XmpFields | None]:
    """The tags and the XMP of a file. Raises UnreadableTags, OSError."""
    with path.open("rb") as file:
        size = path.stat().st_size
        match content_type:
            case "audio/mpeg":
                return _id3(path, file), None
            case "audio/flac":
                blocks, _, _ = read_flac(file, size)
                found = [_comments(data) for kind, data in blocks if kind == COMMENTS]
                return (found[0] if found else {}), None
            case "audio/ogg":
                return _comments(read_head(file).comments), None
            case "audio/mp4" | "video/mp4" | "video/quicktime":
                return _mp4(file, size)
            case _:
                return {}, None


def fields_of(tags: Tags, xmp: XmpFields | None) -> tuple[EmbeddedFields, tuple[Note, ...]]:
    """The fields that tags and XMP give; XMP counts where both do. A note says what was left out."""
    found: dict[str, Any] = {}
    for field, names in _NAMES.items():
        text = None if xmp is None else xmp.first(*_XMP_NAMES[field])
        values = [text] if text else next((tags[name] for name in names if name in tags), [])
        clean = field_text if field == "caption" else field_line
        found[field] = clean(" ".join(values)) if values else None
    keywords: Iterable[str] = xmp.all("dc:subject") if xmp is not None else ()
    keywords = keywords or [word for one in tags.get("keywords", []) for word in _SPACED.split(one)]
    created, notes = _created(tags, xmp)
    return EmbeddedFields(**found, keywords=field_keywords(keywords), created=created), notes


def _created(tags: Tags, xmp: XmpFields | None) -> tuple[datetime | None, tuple[Note, ...]]:
    """The time of a file; only with its zone. A year alone is no time, and no note is made of it."""
    said = [one for name in _TIMES for one in tags.get(name, [])]
    if xmp is not None and (text := xmp.first("photoshop:DateCreated", "dc:date")):
        said.insert(0, text)
    times = [one for one in said if _WHOLE_TIME.fullmatch(one)]
    for one in times:
        try:
            time = datetime.fromisoformat(one)
        except ValueError:
            continue
        if time.tzinfo is not None:
            return time, ()
    if not times:
        return None, ()
    return None, (zone_missing(times[0]),)


def _id3(path: Path, file: BinaryIO) -> Tags:
    header = file.read(10)
    if header[:3] == b"ID3" and len(header) == 10 and max(header[6:10]) <= 0x7F:
        size = header[6] << 21 | header[7] << 14 | header[8] << 7 | header[9]
        if size > LARGEST_ID3:
            raise UnreadableTags("tag_too_large", _too_large(size))
        if size + 10 > path.stat().st_size:
            said = Text("ID3 标签比文件还长", "its ID3 tag is longer than the file")
            raise UnreadableTags("media_truncated", said)
    try:
        frames = ID3(path, translate=True, load_v1=True)
    except (MutagenError, ValueError, RecursionError):
        return {}  # none, or none that can be read
    found: dict[str, list[str]] = {}
    for frame in frames.values():
        name = _ID3.get(frame.FrameID)
        if frame.FrameID == "COMM":
            name = "comment" if not frame.desc else frame.desc.lower()
        elif frame.FrameID == "TXXX":
            name = frame.desc.lower()
        if name is None or len(name) > 100:
            continue
        latin = frame.encoding == Encoding.LATIN1
        texts = [str(one) for one in frame.text]
        found.setdefault(name, []).extend(_as_meant(one) if latin else one for one in texts)
    return found


def _as_meant(text: str) -> str:
    """A text that its tag calls Latin-1: most of ours are UTF-8 or GB18030 by programs that know no other.

    GB18030 is believed where most of its characters are common ones: `Müller` could be read as Chinese too.
    """
    raw = text.encode("latin-1", "ignore")
    if raw.isascii():
        return text
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pairs = _TWO_BYTES.findall(raw)
    try:
        meant = raw.decode("gb18030")
    except UnicodeDecodeError:
        return text
    common = sum(one[0] in range(0xA1, 0xF8) and one[1] >= 0xA1 for one in pairs)
    return meant if pairs and common * 2 >= len(pairs) else text


def _comments(data: bytes) -> Tags:
    try:
        return read_comments(data)
    except UnreadableComments:
        raise UnreadableTags("tag_too_large", _too_large(len(data))) from None


def _mp4(file: BinaryIO, size: int) -> tuple[Tags, XmpFields | None]:
    boxes = top_boxes(file, size)
    head = next((one for one in boxes if one.kind == b"moov"), None)
    found: dict[str, list[str]] = {}
    for key, values in ({} if head is None else read_tags(read_box(file, head))).items():
        if key in _MP4 or key.startswith("----:"):
            name = _MP4.get(key) or key.rpartition(":")[2].lower()
            found.setdefault(name, []).extend(map(_text, values))
    small = [one for one in boxes if one.kind == b"uuid" and one.end - one.start <= LONGEST_PACKET + 16]
    packets = [read_box(file, one).data for one in small[:10]]
    packet = next((one[16:] for one in packets if one.startswith(XMP_UUID)), None)
    return found, None if packet is None else read_xmp(packet)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _too_large(size: int) -> Text:
    return Text(
        f"文件内的标签有 {size} 字节，最多 {LARGEST_ID3} 字节；请去掉封面图片",
        f"its tags have {size} bytes; at most {LARGEST_ID3} are read: take the cover picture out",
    )
