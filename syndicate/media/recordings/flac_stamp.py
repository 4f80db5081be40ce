"""Write the stamp into FLAC files (RFC 9639, 8): as Vorbis comments, beside what a decoder needs."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final

from syndicate.errors import NotStampable
from syndicate.language import Text
from syndicate.media.file_stamp import FileStamp
from syndicate.media.recordings.byte_ranges import copy_range
from syndicate.media.recordings.id3_stamp import sound_range
from syndicate.media.recordings.vorbis_comments import read_comments, stamp_comments

STREAM_INFO: Final = 0
SEEK_TABLE: Final = 3
COMMENTS: Final = 4
_LAST: Final = 0x80
_MOST_BLOCKS: Final = 1_000
_LARGEST: Final = 64 * 1024 * 1024
"""Bytes of all metadata."""


class DamagedFlac(ValueError):
    """A file whose metadata blocks do not lead to its sound."""


def stamp_flac(source: Path, target: Path, stamp: FileStamp) -> None:
    """Write `target`: the source with this stamp. Raises NotStampable, OSError."""
    comments = stamp_comments(stamp, framing=False)
    with source.open("rb") as file, target.open("wb") as written:
        try:
            blocks, start, end = read_flac(file, source.stat().st_size)
        except DamagedFlac:
            raise NotStampable(Text("文件损坏", "it is damaged")) from None
        kept = [one for one in blocks if one[0] == STREAM_INFO][:1]
        kept += [one for one in blocks if one[0] == SEEK_TABLE][:1]
        written.write(b"fLaC")
        for kind, data in kept:
            written.write(bytes([kind]) + len(data).to_bytes(3) + data)
        written.write(bytes([COMMENTS | _LAST]) + len(comments).to_bytes(3) + comments)
        copy_range(file, written, start, end - start)
    with target.open("rb") as file:
        blocks, _, _ = read_flac(file, target.stat().st_size)
    found = [read_comments(data) for kind, data in blocks if kind == COMMENTS]
    if found != [read_comments(comments)]:
        raise NotStampable(Text("写入后读不到标注", "the stamp cannot be read back from it"))


def read_flac(file: BinaryIO, size: int) -> tuple[list[tuple[int, bytes]], int, int]:
    """The metadata blocks of a FLAC file, and where its sound begins and ends. Raises DamagedFlac."""
    at, end = sound_range(file, size)
    file.seek(at)
    if file.read(4) != b"fLaC":
        raise DamagedFlac("no fLaC")
    at += 4
    blocks: list[tuple[int, bytes]] = []
    left = _LARGEST
    while True:
        header = file.read(4)
        length = int.from_bytes(header[1:4])
        left -= length
        if len(header) < 4 or at + 4 + length > end or left < 0 or len(blocks) >= _MOST_BLOCKS:
            raise DamagedFlac("metadata")
        blocks.append((header[0] & 0x7F, file.read(length)))
        at += 4 + length
        if header[0] & _LAST:
            break
    sync = file.read(2)
    if blocks[0][0] != STREAM_INFO or len(blocks[0][1]) != 34 or sync[:1] != b"\xff" or sync[1:] < b"\xf8":
        raise DamagedFlac("stream")
    return blocks, at, end
