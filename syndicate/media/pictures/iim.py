"""Read and write IPTC IIM: the data sets that photo desks have used since 1991 (IIM 4.2).

A stream that says UTF-8 (data set 1:90) is read so; others are read as Chinese newsroom tools write them,
GB18030 without a mark, or as Western European text.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Final

from syndicate.characters import clean, line
from syndicate.decoding import decode
from syndicate.media.file_stamp import FileStamp

TITLE, KEYWORDS, INSTRUCTIONS, CREATED_DATE, CREATED_TIME = 5, 25, 40, 55, 60
BYLINE, HEADLINE, CREDIT, SOURCE, COPYRIGHT, CAPTION = 80, 105, 110, 115, 116, 120
_UTF8: Final = b"\x1b%G"
_LIMITS: Final = {
    TITLE: 64,
    INSTRUCTIONS: 256,
    BYLINE: 32,
    HEADLINE: 256,
    CREDIT: 32,
    SOURCE: 32,
    COPYRIGHT: 128,
    CAPTION: 2000,
}
"""Bytes of a data set (IIM 4.2, chapter 6). A character is never cut in two."""
_MOST_SETS: Final = 2000


def read_iim(stream: bytes) -> Mapping[int, list[str]]:
    """The texts of record 2 by their data set; a broken set ends the reading."""
    sets = list(_data_sets(stream))
    utf8 = any(record == 1 and number == 90 and data == _UTF8 for record, number, data in sets)
    found: dict[int, list[str]] = {}
    for record, number, data in sets:
        if record == 2 and number and (text := decoded(data, utf8=utf8)):
            found.setdefault(number, []).append(text)
    return found


def iim_stream(stamp: FileStamp) -> bytes:
    """The stamp as a stream in UTF-8, each data set cut to its length. The same stamp, the same bytes."""
    said = {
        TITLE: stamp.headline,
        INSTRUCTIONS: stamp.stamp,
        BYLINE: stamp.byline,
        HEADLINE: stamp.headline,
        CREDIT: stamp.credit,
        SOURCE: stamp.source,
        COPYRIGHT: stamp.rights,
        CAPTION: stamp.caption,
    }
    sets = [_data_set(1, 0, b"\x00\x04"), _data_set(1, 90, _UTF8), _data_set(2, 0, b"\x00\x04")]
    for number, text in said.items():
        plain = "" if text is None else clean(text).strip() if number == CAPTION else line(text)
        if plain:
            sets.append(_data_set(2, number, cut(plain, _LIMITS[number])))
    return b"".join(sets)


def cut(text: str, size: int) -> bytes:
    """The text in UTF-8, in at most so many bytes, without half a character at its end."""
    return text.encode()[:size].decode(errors="ignore").rstrip().encode()


def decoded(data: bytes, *, utf8: bool = False) -> str:
    """A text of a file that may not say its character set: UTF-8, GB18030, or Western European."""
    data = data.split(b"\x00\x00", 1)[0].strip(b"\x00 ") if not utf8 else data.strip(b"\x00")
    data = data.replace(b"\x00", b" ")
    try:
        return data.decode()
    except UnicodeDecodeError:
        text = decode(data)
    return text if isinstance(text, str) else data.decode("cp1252", "replace").replace("\ufffd", "")


def _data_sets(stream: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    for _ in range(_MOST_SETS):
        if at + 5 > len(stream) or stream[at] != 0x1C:
            return
        record, number, size = struct.unpack_from(">BBH", stream, at + 1)
        at += 5
        if size & 0x8000:  # the length of an extended data set stands in as many bytes as this says
            width = size & 0x7FFF
            if width > 4:
                return
            size = int.from_bytes(stream[at : at + width])
            at += width
        if at + size > len(stream):
            return
        yield record, number, stream[at : at + size]
        at += size


def _data_set(record: int, number: int, data: bytes) -> bytes:
    return struct.pack(">BBBH", 0x1C, record, number, len(data)) + data
