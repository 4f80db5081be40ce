"""Read the request header Range (RFC 9110, section 14): one range of bytes, or the whole file.

Several ranges are refused with 416, as section 15.5.17 allows. No player or download program asks for them;
to answer them takes a body of another type (multipart/byteranges), which hides the file's own type, and the
smallest ranges cost the most. To send the whole file instead, as section 14.2 also allows, would send two
gigabytes to a client that asked for two bytes.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_SPEC: Final = re.compile(r"(\d*)-(\d*)", re.ASCII)
_MOST_DIGITS: Final = 18
"""Digits of a position that any file can have; a longer number is beyond the end."""
_BEYOND: Final = 10**_MOST_DIGITS


class ByteRange(NamedTuple):
    """A part of a file: the first byte and the number of bytes, never none."""

    start: int
    length: int

    def content_range(self, size: int) -> str:
        """Return the header Content-Range of a 206."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


class RangeNotSatisfiable(Exception):
    """The range begins behind the end of the file, or there are several; `size` is the file's."""

    def __init__(self, size: int) -> None:
        super().__init__(f"bytes */{size}")
        self.size = size


def requested_range(header: str | None, size: int) -> ByteRange | None:
    """Return the part of a file of `size` bytes that the header asks for; None: the whole file.

    A header of another unit, or one that is malformed, is ignored (section 14.2), as is any for an empty
    file. Raises RangeNotSatisfiable.
    """
    if header is None or size == 0:
        return None
    unit, equals, specs = header.partition("=")
    if not equals or unit.strip().lower() != "bytes":
        return None
    listed = [one for one in (part.strip(" \t") for part in specs.split(",")) if one]
    if len(listed) > 1:
        raise RangeNotSatisfiable(size)
    matched = _SPEC.fullmatch(listed[0]) if listed else None
    if matched is None or matched[0] == "-":
        return None
    first, last = (_position(digits) for digits in matched.groups())
    if first is None:
        assert last is not None
        start, end = max(0, size - last), size
    elif last is not None and last < first:
        return None
    else:
        start, end = first, size if last is None else min(last + 1, size)
    if start >= end:
        raise RangeNotSatisfiable(size)
    return ByteRange(start, end - start)


def _position(digits: str) -> int | None:
    if not digits:
        return None
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= _MOST_DIGITS else _BEYOND
