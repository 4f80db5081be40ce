"""Take a PNG file apart into its chunks, and put it together with other metadata (PNG, 5.3).

What is kept of a file: the picture, its transparency, its animation and what its colours mean. Texts,
times, EXIF, private chunks and everything behind the end are left out.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from syndicate.media.pictures.containers import LONGEST_TEXT, MOST_BLOCKS, Damaged, Metadata
from syndicate.media.pictures.jpeg_file import EXIF, photoshop_iim

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_XMP: Final = b"XML:com.adobe.xmp"
_PICTURE: Final = frozenset({b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"acTL", b"fcTL", b"fdAT"})
_COLOUR: Final = frozenset(
    {b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"bKGD"}
)
_KEPT: Final = _PICTURE | _COLOUR | {b"pHYs"}
_RAW: Final = "Raw profile type "
"""How ImageMagick names profiles that it keeps as text in hexadecimal."""


class Chunk(NamedTuple):
    """A chunk's type, of four letters, and its data."""

    type: bytes
    data: bytes


def png_chunks(content: bytes) -> Iterator[Chunk]:
    """The chunks before IEND. Raises Damaged, also for a wrong check sum."""
    if not content.startswith(_SIGNATURE):
        raise Damaged("不是 PNG 文件", "not a PNG file")
    at = len(_SIGNATURE)
    for number in range(MOST_BLOCKS):
        length, kind = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        data, check = content[at + 8 : at + 8 + length], content[at + 8 + length : at + 12 + length]
        if len(check) < 4 or (number == 0) != (kind == b"IHDR"):
            raise Damaged(f"PNG 在第 {at} 字节处中断", f"the PNG breaks off at byte {at}")
        if zlib.crc32(kind + data) != int.from_bytes(check):
            raise Damaged(f"PNG 第 {at} 字节处的校验和有误", f"the PNG has a wrong check sum at byte {at}")
        if kind == b"IEND":
            return
        yield Chunk(kind, data)
        at += 12 + length
    raise Damaged("PNG 的块过多", "the PNG has too many chunks")


def png_metadata(content: bytes) -> Metadata:
    """The blocks of metadata; a text that cannot be unpacked is passed over. Raises Damaged."""
    exif: list[bytes] = []
    xmp: list[bytes] = []
    iim: list[bytes] = []
    texts: list[tuple[str, bytes]] = []
    for kind, data in png_chunks(content):
        if kind == b"iCCP" and _unpacked(data.partition(b"\x00")[2][1:]) is None:
            raise Damaged("PNG 的色彩特性文件有误", "the PNG has a wrong colour profile")
        if kind == b"eXIf":
            exif.append(data)
        elif kind in {b"tEXt", b"zTXt", b"iTXt"} and (text := _text(kind, data)) is not None:
            keyword = data.partition(b"\x00")[0].decode("latin-1")
            profile = _raw_profile(text) if keyword.startswith(_RAW) else b""
            if keyword.encode("latin-1") == _XMP:
                xmp.append(text)
            elif profile and keyword == f"{_RAW}xmp":
                xmp.append(profile)
            elif profile and keyword in {f"{_RAW}exif", f"{_RAW}APP1"}:
                exif.append(profile.removeprefix(EXIF))
            elif profile:
                iim += photoshop_iim(profile) if profile.startswith(b"8BIM") else [profile]
            else:
                texts.append((keyword, text))
    return Metadata(exif=exif, xmp=xmp, iim=iim, texts=texts)


def rebuilt_png(content: bytes, *, exif: bytes | None, xmp: bytes, texts: list[tuple[str, str]]) -> bytes:
    """The same picture with these blocks as its only metadata. Raises Damaged.

    `texts` are keywords of the PNG specification (11.3.3.2) with what they say.
    """
    added = [_chunk(b"iTXt", _XMP + b"\x00\x00\x00\x00\x00" + xmp)]
    added += [
        _chunk(b"iTXt", keyword.encode("latin-1") + b"\x00\x00\x00\x00\x00" + text.encode())
        for keyword, text in texts
    ]
    if exif is not None:
        added.append(_chunk(b"eXIf", exif))
    parts = [_SIGNATURE]
    for kind, data in png_chunks(content):
        if kind in _KEPT:
            parts.append(_chunk(kind, data))
        elif not kind[0] & 0x20:  # a capital: who does not know it cannot show the picture
            raise Damaged("PNG 含有未知的关键块", "the PNG has a critical chunk that is not known")
        if kind == b"IHDR":
            parts += added
    return b"".join((*parts, _chunk(b"IEND", b"")))


def png_picture(content: bytes) -> Iterator[Chunk]:
    """What the pixels are decoded from, to be compared."""
    return (one for one in png_chunks(content) if one.type in _PICTURE | _COLOUR)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def _text(kind: bytes, data: bytes) -> bytes | None:
    rest = data.partition(b"\x00")[2]
    if kind == b"tEXt":
        return rest
    packed = kind == b"zTXt"
    if kind == b"iTXt":
        packed = rest[:1] == b"\x01"
        parts = rest[2:].split(b"\x00", 2)  # language, translated keyword, text
        rest = b"\x00" + parts[2] if len(parts) == 3 else b""
    return _unpacked(rest[1:]) if packed else rest[1:]


def _unpacked(data: bytes) -> bytes | None:
    """The data unpacked; None where it is broken, or grows past any honest size."""
    unpacking = zlib.decompressobj()
    try:
        unpacked = unpacking.decompress(data, LONGEST_TEXT)
    except zlib.error:
        return None
    return None if unpacking.unconsumed_tail or not unpacking.eof else unpacked


def _raw_profile(text: bytes) -> bytes:
    """A profile in hexadecimal behind its name and its length; empty where it is none."""
    try:
        _, length, *lines = text.split(None, 2)
        return bytes.fromhex(b"".join(lines).decode("ascii"))[: int(length)]
    except ValueError:
        return b""
