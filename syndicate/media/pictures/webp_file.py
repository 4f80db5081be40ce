"""Take a WebP file apart into its chunks, and put it together with other metadata (RFC 9649).

What is kept of a file: pictures, frames, transparency and the colour profile. EXIF, unknown chunks, also
those inside a frame, and everything behind the end are left out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final

from syndicate.media.pictures.containers import MOST_BLOCKS, Damaged, Metadata
from syndicate.media.pictures.jpeg_file import EXIF
from syndicate.media.pictures.png_file import Chunk

_PICTURES: Final = frozenset({b"VP8 ", b"VP8L"})
_KEPT: Final = frozenset({b"ICCP", b"ANIM", b"ANMF", b"ALPH"}) | _PICTURES
_IN_FRAME: Final = frozenset({b"ALPH"}) | _PICTURES
_FRAME_HEADER: Final = 16
_ANIMATION, _XMP, _EXIF, _ALPHA, _ICC = 0x02, 0x04, 0x08, 0x10, 0x20
"""Flags of the VP8X chunk (RFC 9649, 2.7.1)."""


def webp_chunks(content: bytes) -> Iterator[Chunk]:
    """The chunks. Raises Damaged."""
    size = int.from_bytes(content[4:8], "little")
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        raise Damaged("不是 WebP 文件", "not a WebP file")
    if size < 4 or size + 8 > len(content):
        raise Damaged("WebP 不完整", "the WebP is cut off")
    yield from _chunks(content[12 : size + 8])


def webp_metadata(content: bytes) -> Metadata:
    """The blocks of metadata. Raises Damaged."""
    chunks = list(webp_chunks(content))
    exif = [data.removeprefix(EXIF) for kind, data in chunks if kind == b"EXIF"]
    return Metadata(exif=exif, xmp=[data for kind, data in chunks if kind in {b"XMP ", b"XMP\x00"}])


def rebuilt_webp(content: bytes, *, exif: bytes | None, xmp: bytes) -> bytes:
    """The same picture with these blocks as its only metadata, in the extended format. Raises Damaged."""
    given = list(webp_chunks(content))
    kept = [Chunk(kind, _frame(data) if kind == b"ANMF" else data) for kind, data in given if kind in _KEPT]
    kinds = {kind for kind, _ in kept}
    if not kinds & (_PICTURES | {b"ANMF"}):
        raise Damaged("WebP 中没有图像", "the WebP holds no picture")
    flags = _XMP
    for kind, flag in ((b"ICCP", _ICC), (b"ANIM", _ANIMATION), (b"ALPH", _ALPHA)):
        flags |= flag if kind in kinds else 0
    if exif is not None:
        flags |= _EXIF
    if given[0].type == b"VP8X" and len(given[0].data) == 10:
        flags |= given[0].data[0] & _ALPHA
        canvas = given[0].data[4:10]
    else:
        picture = next(one for one in kept if one.type in _PICTURES)
        width, height, alpha = _size(picture)
        flags |= _ALPHA if alpha else 0
        canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    added = [Chunk(b"EXIF", exif)] if exif is not None else []
    body = b"WEBP" + _joined(
        [Chunk(b"VP8X", bytes((flags, 0, 0, 0)) + canvas), *kept, *added, Chunk(b"XMP ", xmp)]
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_picture(content: bytes) -> Iterator[Chunk]:
    """What the pixels are decoded from, to be compared."""
    return (
        Chunk(kind, _frame(data) if kind == b"ANMF" else data)
        for kind, data in webp_chunks(content)
        if kind in _KEPT
    )


def _chunks(content: bytes) -> Iterator[Chunk]:
    at = 0
    for _ in range(MOST_BLOCKS):
        if at >= len(content):
            return
        kind, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        data = content[at + 8 : at + 8 + size]
        if at + 8 > len(content) or len(data) < size:
            raise Damaged(f"WebP 第 {at} 字节处的块有误", f"the WebP has a wrong chunk at byte {at}")
        yield Chunk(kind, data)
        at += 8 + size + size % 2
    raise Damaged("WebP 的块过多", "the WebP has too many chunks")


def _frame(data: bytes) -> bytes:
    if len(data) < _FRAME_HEADER:
        raise Damaged("WebP 的一帧有误", "the WebP has a wrong frame")
    inside = [one for one in _chunks(data[_FRAME_HEADER:]) if one.type in _IN_FRAME]
    return data[:_FRAME_HEADER] + _joined(inside)


def _joined(chunks: Iterable[Chunk]) -> bytes:
    return b"".join(
        kind + struct.pack("<I", len(data)) + data + b"\x00" * (len(data) % 2) for kind, data in chunks
    )


def _size(picture: Chunk) -> tuple[int, int, bool]:
    """Width, height and whether there is transparency, of a picture in the simple formats."""
    data = picture.data
    if picture.type == b"VP8 " and data[3:6] == b"\x9d\x01\x2a" and len(data) >= 10:
        return (
            int.from_bytes(data[6:8], "little") & 0x3FFF,
            int.from_bytes(data[8:10], "little") & 0x3FFF,
            False,
        )
    if picture.type == b"VP8L" and data[:1] == b"\x2f" and len(data) >= 5:
        bits = int.from_bytes(data[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    raise Damaged("WebP 的图像头有误", "the WebP has a wrong picture header")
