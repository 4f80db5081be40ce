"""Read and write the boxes of MP4 and QuickTime files (ISO/IEC 14496-12, 4.2), without trusting a length.

A box is a length, a kind of four letters and what it holds. Only the boxes that lead to tracks are opened;
every other one is kept as bytes.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from syndicate.errors import Fault
from syndicate.language import Text

_CONTAINERS: Final = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"edts"})
_DEEPEST: Final = 8
_MOST_TOP_BOXES: Final = 10_000
_MOST_BOXES: Final = 100_000
LARGEST_HEAD: Final = 64 * 1024 * 1024
"""Bytes of `moov`, which is read into memory: a film of three hours has some ten million."""
_LARGEST_SMALL: Final = 0xFFFF_FFFF


class DamagedBoxes(ValueError):
    """A file that is not made of boxes as it should be; `fault` says where it stops making sense."""

    def __init__(self, code: str, text: Text) -> None:
        super().__init__(text.en)
        self.fault = Fault(code, "file", text)


@dataclass(frozen=True, slots=True)
class Extent:
    """A box at the top of a file: its kind, and where what it holds begins and ends (bytes from 0)."""

    kind: bytes
    start: int
    end: int


@dataclass(slots=True)
class Box:
    """A box in memory. A container has `children`; any other box has `data`."""

    kind: bytes
    data: bytes = b""
    children: list[Box] = field(default_factory=list)

    def child(self, *path: bytes) -> Box | None:
        """The first box at this path; None where there is none."""
        found: Box | None = self
        for kind in path:
            found = next((one for one in found.children if one.kind == kind), None) if found else None
        return found

    def every(self, kind: bytes) -> list[Box]:
        """Every child of this kind."""
        return [one for one in self.children if one.kind == kind]


def top_boxes(file: BinaryIO, size: int) -> list[Extent]:
    """The boxes of an open file of `size` bytes, in order. Raises DamagedBoxes."""
    found: list[Extent] = []
    at = 0
    while at < size:
        file.seek(at)
        header = file.read(16)
        kind, start, end = _header(header, at, size, last=True)
        found.append(Extent(kind, start, end))
        if len(found) > _MOST_TOP_BOXES:
            raise _too_many()
        at = end
    return found


def read_box(file: BinaryIO, extent: Extent) -> Box:
    """Read a box and those inside it into memory, 64 MiB at most. Raises DamagedBoxes."""
    if extent.end - extent.start > LARGEST_HEAD:
        said = Text("文件的目录（moov）过大", "the table of contents of the file (moov) is too large")
        raise DamagedBoxes("media_too_complex", said)
    file.seek(extent.start)
    data = file.read(extent.end - extent.start)
    return parse_box(extent.kind, data)


def parse_box(kind: bytes, data: bytes) -> Box:
    """The box that holds these bytes. Raises DamagedBoxes."""
    left = [_MOST_BOXES]
    return _parse(kind, memoryview(data), 0, left)


def _parse(kind: bytes, data: memoryview, depth: int, left: list[int]) -> Box:
    if kind not in _CONTAINERS:
        return Box(kind, bytes(data))
    if depth > _DEEPEST:
        raise DamagedBoxes("media_too_complex", Text("文件内部嵌套过深", "boxes are nested too deeply"))
    box = Box(kind)
    at = 0
    while at < len(data):
        left[0] -= 1
        if left[0] < 0:
            raise _too_many()
        name, start, end = _header(bytes(data[at : at + 16]), at, len(data))
        box.children.append(_parse(name, data[start:end], depth + 1, left))
        at = end
    return box


def _header(header: bytes, at: int, end: int, *, last: bool = False) -> tuple[bytes, int, int]:
    """Kind, start and end of what the box at `at` holds; it ends at `end` at the latest.

    `last` allows a length of 0, which is for the last box of a file: it goes on to the end.
    """
    length, kind, start = int.from_bytes(header[:4]), header[4:8], at + 8
    if length == 1:
        length, start = int.from_bytes(header[8:16]), at + 16
    elif length == 0 and last:
        length = end - at
    if len(header) < start - at or at + length < start:
        raise DamagedBoxes("media_damaged", Text("文件内部长度有误", "a box has a wrong length"))
    if at + length > end:
        said = Text("文件不完整，后面的内容缺失", "the file is cut off: what it announces is not there")
        raise DamagedBoxes("media_truncated", said)
    return kind, start, at + length


def box_bytes(box: Box) -> bytes:
    """The box as it is written."""
    inside = b"".join(map(box_bytes, box.children)) if box.kind in _CONTAINERS else box.data
    return box_header(box.kind, len(inside)) + inside


def box_header(kind: bytes, length: int) -> bytes:
    """The header of a box that holds `length` bytes."""
    if length + 8 <= _LARGEST_SMALL:
        return (length + 8).to_bytes(4) + kind
    return (1).to_bytes(4) + kind + (length + 16).to_bytes(8)


def handler(track: Box) -> bytes:
    """What a track is (`vide`, `soun`, `subt`, `meta` …); empty where it does not say."""
    found = track.child(b"mdia", b"hdlr")
    return b"" if found is None else found.data[8:12]


def sample_formats(track: Box) -> Iterator[bytes]:
    """The codecs of a track as its sample descriptions name them, such as `avc1`."""
    found = track.child(b"mdia", b"minf", b"stbl", b"stsd")
    data = b"" if found is None else found.data
    at = 8
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4])
        if length < 8:
            return
        yield data[at + 4 : at + 8]
        at += length


def table(box: Box | None, width: int) -> Sequence[int]:
    """The numbers of a table (a full box with a count), 4 or 8 bytes each. Raises DamagedBoxes."""
    if box is None:
        return ()
    end = 8 + int.from_bytes(box.data[4:8]) * width
    if len(box.data) < end or len(box.data) < 8:
        raise DamagedBoxes("media_damaged", Text("文件内部的表不完整", "a table of the file is incomplete"))
    found = array("I" if width == 4 else "Q", box.data[8:end])
    if sys.byteorder == "little":
        found.byteswap()
    return found


def _too_many() -> DamagedBoxes:
    return DamagedBoxes("media_too_complex", Text("文件内部部件过多", "the file has too many boxes"))
