"""Read a few tags of EXIF, and write the one that a picture needs: its orientation (CIPA DC-008, TIFF 6.0).

Every offset and length is checked against the block that it points into; what does not fit is passed over.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

DESCRIPTION, ORIENTATION, ARTIST, COPYRIGHT = 0x010E, 0x0112, 0x013B, 0x8298
XMP, IIM, PHOTOSHOP, PROFILE = 0x02BC, 0x83BB, 0x8649, 0x8773
TAKEN, TAKEN_OFFSET = 0x9003, 0x9011
TITLE_UTF16, COMMENT_UTF16, AUTHOR_UTF16, KEYWORDS_UTF16 = 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E
UTF16_TAGS: Final = frozenset({TITLE_UTF16, COMMENT_UTF16, AUTHOR_UTF16, KEYWORDS_UTF16})
"""Tags of Windows: texts in UTF-16, little-endian."""
_EXIF_IFD: Final = 0x8769
_WANTED: Final = frozenset(
    {
        *(DESCRIPTION, ORIENTATION, ARTIST, COPYRIGHT, XMP, IIM, PHOTOSHOP, TAKEN, TAKEN_OFFSET),
        *(TITLE_UTF16, COMMENT_UTF16, AUTHOR_UTF16, KEYWORDS_UTF16, _EXIF_IFD),
    }
)
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_LONGEST: Final = 4 << 20
_MOST_ENTRIES: Final = 1000


def read_exif(block: bytes | memoryview) -> Mapping[int, bytes]:
    """The wanted tags of IFD 0 and of the Exif IFD, as bytes; numbers in big-endian order."""
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(bytes(block[:4]))
    if order is None or len(block) < 8:
        return {}
    (first,) = struct.unpack_from(f"{order}I", block, 4)
    found = _entries(block, first, order)
    if _EXIF_IFD in found:
        found = {**_entries(block, int.from_bytes(found.pop(_EXIF_IFD)[:4]), order), **found}
        found.pop(_EXIF_IFD, None)
    return found


def orientation(tags: Mapping[int, bytes]) -> int:
    """How the picture is to be turned, 1 to 8; 1 (upright) where it is not said or wrong."""
    number = int.from_bytes(tags.get(ORIENTATION, b"\x01")[:2])
    return number if 1 <= number <= 8 else 1


def orientation_exif(number: int) -> bytes:
    """An EXIF block that says the orientation, and beside it only what every reader may demand."""
    entries = (
        struct.pack(">HHIHH", ORIENTATION, 3, 1, number, 0),
        struct.pack(">HHII", 0x011A, 5, 1, 74),  # XResolution
        struct.pack(">HHII", 0x011B, 5, 1, 82),  # YResolution
        struct.pack(">HHIHH", 0x0128, 3, 1, 2, 0),  # ResolutionUnit: inches
        struct.pack(">HHIHH", 0x0213, 3, 1, 1, 0),  # YCbCrPositioning: centred
    )
    directory = struct.pack(">H", len(entries)) + b"".join(entries) + bytes(4)
    return b"MM\x00*\x00\x00\x00\x08" + directory + struct.pack(">IIII", 72, 1, 72, 1)


def _entries(block: bytes | memoryview, at: int, order: str) -> dict[int, bytes]:
    if not 8 <= at <= len(block) - 2:
        return {}
    (count,) = struct.unpack_from(f"{order}H", block, at)
    found: dict[int, bytes] = {}
    for start in range(at + 2, min(at + 2 + min(count, _MOST_ENTRIES) * 12, len(block) - 11), 12):
        tag, kind, number = struct.unpack_from(f"{order}HHI", block, start)
        size = _SIZES.get(kind, 0) * number
        if tag not in _WANTED or tag in found or not 0 < size <= _LONGEST:
            continue
        place = start + 8
        if size > 4:
            (place,) = struct.unpack_from(f"{order}I", block, place)
        value = bytes(block[place : place + size])
        if len(value) == size:
            found[tag] = _big_endian(value, _SIZES[kind]) if order == "<" and kind in {3, 4} else value
    return found


def _big_endian(value: bytes, size: int) -> bytes:
    return b"".join(value[at : at + size][::-1] for at in range(0, len(value), size))
