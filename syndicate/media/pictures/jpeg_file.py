"""Take a JPEG file apart into its segments, and put it together with other metadata (ITU-T T.81, B.1).

What is kept of a file: tables, frames, scans, the colour profile, Adobe's colour transform and the density
of JFIF. Comments, thumbnails, EXIF, further pictures and everything behind the end are left out.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from syndicate.media.pictures.containers import MOST_BLOCKS, Damaged, Metadata

EXIF: Final = b"Exif\x00\x00"
XMP: Final = b"http://ns.adobe.com/xap/1.0/\x00"
_PHOTOSHOP: Final = b"Photoshop 3.0\x00"
_PROFILE: Final = b"ICC_PROFILE\x00"
_JFIF: Final = b"JFIF\x00"
_ADOBE: Final = b"Adobe"
_IIM: Final = 0x0404
_IIM_DIGEST: Final = 0x0425
_APP0, _APP1, _APP2, _APP13, _APP14, _SOS, _EOI = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xDA, 0xD9
_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2})
"""Baseline, extended and progressive: what browsers show."""
_TABLES: Final = frozenset({0xC4, 0xDB, 0xDC, 0xDD})
"""DHT, DQT, DNL, DRI."""
_AFTER_SCAN: Final = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]", re.DOTALL)
"""The first marker behind the coded data of a scan: neither a stuffed byte nor a restart."""
_LONGEST: Final = 0xFFFF - 2


class Segment(NamedTuple):
    """A marker and what belongs to it: `data` without the two bytes of length; `scan` of SOS alone."""

    marker: int
    data: bytes
    scan: bytes = b""


def jpeg_segments(content: bytes) -> Iterator[Segment]:
    """The segments between SOI and EOI. Raises Damaged."""
    if not content.startswith(b"\xff\xd8"):
        raise Damaged("不是 JPEG 文件", "not a JPEG file")
    at, frames, scans = 2, 0, 0
    for _ in range(MOST_BLOCKS):
        while content[at : at + 2] == b"\xff\xff":
            at += 1
        if at + 2 > len(content) or content[at] != 0xFF:
            raise Damaged(f"JPEG 在第 {at} 字节处中断", f"the JPEG breaks off at byte {at}")
        marker = content[at + 1]
        if marker == _EOI:
            if not (frames and scans):
                raise Damaged("JPEG 中没有图像", "the JPEG holds no picture")
            return
        length = int.from_bytes(content[at + 2 : at + 4])
        end = at + 2 + length
        if length < 2 or end > len(content) or not 0xC0 <= marker <= 0xFE or 0xD0 <= marker <= 0xD8:
            raise Damaged(f"JPEG 第 {at} 字节处的段有误", f"the JPEG has a wrong segment at byte {at}")
        data, scan = content[at + 4 : end], b""
        frames += marker in _FRAMES
        if frames > 1:
            raise Damaged("JPEG 中有多幅图像", "the JPEG holds more than one frame")
        if marker == _SOS:
            scans += 1
            behind = _AFTER_SCAN.search(content, end)
            if behind is None:
                raise Damaged("JPEG 不完整：没有结束标记", "the JPEG is cut off: it has no end")
            scan = content[end : behind.start()]
            end = behind.start()
        yield Segment(marker, data, scan)
        at = end
    raise Damaged("JPEG 的段过多", "the JPEG has too many segments")


def jpeg_metadata(content: bytes) -> Metadata:
    """The blocks of metadata. Raises Damaged."""
    exif, xmp, resources = [], [], b""
    for segment in jpeg_segments(content):
        if segment.marker == _APP1 and segment.data.startswith(EXIF):
            exif.append(segment.data[len(EXIF) :])
        elif segment.marker == _APP1 and segment.data.startswith(XMP):
            xmp.append(segment.data[len(XMP) :])
        elif segment.marker == _APP13 and segment.data.startswith(_PHOTOSHOP):
            resources += segment.data[len(_PHOTOSHOP) :]
    return Metadata(exif=exif, xmp=xmp, iim=list(photoshop_iim(resources)))


def photoshop_iim(resources: bytes) -> Iterator[bytes]:
    """The IIM streams among Photoshop's image resources; what is broken ends the list."""
    at = 0
    while resources[at : at + 4] == b"8BIM" and at + 12 <= len(resources):
        number = int.from_bytes(resources[at + 4 : at + 6])
        at += (
            6 + (resources[at + 6] + 2) // 2 * 2
        )  # a Pascal string, padded with its length to an even size
        size = int.from_bytes(resources[at : at + 4])
        if at + 4 + size > len(resources):
            return
        if number == _IIM:
            yield resources[at + 4 : at + 4 + size]
        at += 4 + (size + 1) // 2 * 2


def rebuilt_jpeg(content: bytes, *, exif: bytes | None, xmp: bytes, iim: bytes, digest: bytes) -> bytes:
    """The same picture with these blocks as its only metadata. Raises Damaged.

    `exif` begins with the TIFF header; `digest` is the MD5 of `iim`, by which a reader sees that XMP and
    IIM were written together.
    """
    begin: list[bytes] = []
    rest: list[bytes] = []
    for segment in jpeg_segments(content):
        data = segment.data
        if segment.marker == _APP0 and data.startswith(_JFIF) and len(data) >= 14:
            begin = begin or [_segment(_APP0, data[:12] + b"\x00\x00")]  # version and density, no thumbnail
        elif (segment.marker == _APP2 and data.startswith(_PROFILE)) or (
            segment.marker == _APP14 and data.startswith(_ADOBE)
        ):
            rest.append(_segment(segment.marker, data if segment.marker == _APP2 else data[:12]))
        elif segment.marker in _FRAMES | _TABLES or segment.marker == _SOS:
            rest += (_segment(segment.marker, data), segment.scan)
        elif segment.marker < _APP0 or (0xF0 <= segment.marker < 0xFE):
            raise Damaged("JPEG 的编码方式不受支持", "a kind of JPEG that is not supported")
    if exif is not None:
        begin.append(_segment(_APP1, EXIF + exif))
    begin.append(_segment(_APP1, XMP + xmp))
    resources = _resource(_IIM, iim) + _resource(_IIM_DIGEST, digest)
    begin.append(_segment(_APP13, _PHOTOSHOP + resources))
    return b"".join((b"\xff\xd8", *begin, *rest, b"\xff\xd9"))


def jpeg_picture(content: bytes) -> Iterator[Segment]:
    """What the pixels are decoded from, to be compared: frames, tables and scans."""
    kept = _FRAMES | _TABLES | {_SOS}
    return (one for one in jpeg_segments(content) if one.marker in kept)


def _segment(marker: int, data: bytes) -> bytes:
    if len(data) > _LONGEST:
        raise Damaged("来源标注过长，JPEG 容纳不下", "the stamp is too long for a JPEG")
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def _resource(number: int, data: bytes) -> bytes:
    return b"8BIM" + struct.pack(">HHI", number, 0, len(data)) + data + b"\x00" * (len(data) % 2)
