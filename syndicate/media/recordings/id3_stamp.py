"""Write the stamp into MP3 files: one ID3v2.4 tag at the beginning, and behind it nothing but sound.

Every tag of the source is left out, a cover picture too: it is a picture with rights of its own. So is
whatever stands between the frames of sound, such as the tag of a file that was joined to another.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from mutagen import MutagenError
from mutagen.id3 import COMM, ID3, TCOP, TDRL, TIT2, TOWN, TPE1, TPUB, TXXX, USER, WCOP, WPUB, Encoding

from syndicate.errors import NotStampable
from syndicate.language import Text
from syndicate.media.file_stamp import FileStamp
from syndicate.media.file_types import mpeg_frame_length
from syndicate.media.recordings.byte_ranges import copy_range
from syndicate.media.recordings.stamp_words import ascii_url, copyright_line, labelled, tag_text

_ID3V1: Final = 128
_ID3V1_EXTENDED: Final = 227
_APE_FOOTER: Final = 32
_LYRICS_END: Final = 15
_MOST_TAGS: Final = 100
_PIECE: Final = 64 * 1024
_SYNC: Final = re.compile(rb"\xff[\xe2-\xe7\xf2-\xff][\x10-\xef].", re.DOTALL)
"""What may be the header of a frame."""
_CHINESE: Final = "zho"
_UTF8: Final = Encoding.UTF8


def stamp_mp3(source: Path, target: Path, stamp: FileStamp) -> None:
    """Write `target`: the source with this stamp. Raises NotStampable, OSError."""
    tag = _tag(stamp)
    with source.open("rb") as file, target.open("wb") as written:
        written.write(tag)
        length = len(tag)
        for start, end in sound_frames(file, *sound_range(file, source.stat().st_size)):
            copy_range(file, written, start, end - start)
            length += end - start
        if length == len(tag):
            raise NotStampable(Text("文件中没有声音", "there is no sound in it"))
    try:
        found = ID3(target, load_v1=False)
    except MutagenError:
        found = ID3()
    if found.getall("TCOP") != [_copyright(stamp)] or target.stat().st_size != length:
        raise NotStampable(Text("写入后读不到标注", "the stamp cannot be read back from it"))


def sound_range(file: BinaryIO, size: int) -> tuple[int, int]:
    """Where the sound of an MP3 file begins and ends (bytes from 0): behind and before all tags."""
    start, end = 0, size
    for _ in range(_MOST_TAGS):
        length = _leading_tag(_read(file, start, 10))
        if not length:
            break
        start = min(start + length, size)
    for _ in range(_MOST_TAGS):
        length = _trailing_tag(file, end)
        if not length:
            break
        end = max(end - length, start)
    return start, end


def sound_frames(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The runs of MPEG audio frames between these two places: where each begins and ends.

    A run has two frames of one kind at least. An incomplete last frame is left out.
    """
    while (begin := _next_run(file, start, end)) is not None:
        start = begin
        kind = _kind(_read(file, start, 4))
        while (length := _frame(file, start, end, kind)) is not None:
            start += length
        yield begin, start


def _next_run(file: BinaryIO, at: int, end: int) -> int | None:
    """Where the next run of frames begins; None where there is none."""
    while at < end:
        piece = _read(file, at, min(_PIECE, end - at))
        for found in _SYNC.finditer(piece):
            here = at + found.start()
            kind = _kind(found[0])
            length = _frame(file, here, end, kind)
            if length is not None and _frame(file, here + length, end, kind) is not None:
                return here
        if len(piece) < _PIECE:
            return None
        at += len(piece) - 3  # a header may be cut in two
    return None


def _frame(file: BinaryIO, at: int, end: int, kind: bytes) -> int | None:
    """The length of the frame of this kind at `at`, if it ends before `end`."""
    header = _read(file, at, 4)
    length = mpeg_frame_length(header) if _kind(header) == kind else None
    return length if length is not None and at + length <= end else None


def _kind(header: bytes) -> bytes:
    """What all frames of a sound have in common: version, layer and sample rate."""
    return bytes([header[1] & 0xFE, header[2] & 0x0C]) if len(header) >= 4 else b""


def _leading_tag(header: bytes) -> int:
    """The length of the ID3v2 tag that begins so (ID3v2.4, 3.1); 0 for none."""
    if len(header) < 10 or header[:3] != b"ID3" or max(header[6:10]) > 0x7F:
        return 0
    return 10 + _syncsafe(header[6:10]) + (10 if header[5] & 0x10 else 0)


def _trailing_tag(file: BinaryIO, end: int) -> int:
    """The length of the tag that ends at `end`: ID3v1, its extension, APE, Lyrics3 or ID3v2; 0 for none."""
    if _read(file, end - _ID3V1, 3) == b"TAG":
        return _ID3V1
    if _read(file, end - _ID3V1_EXTENDED, 4) == b"TAG+":
        return _ID3V1_EXTENDED
    footer = _read(file, end - _APE_FOOTER, _APE_FOOTER)
    if footer[:8] == b"APETAGEX":
        with_header = _APE_FOOTER if footer[23] & 0x80 else 0
        return int.from_bytes(footer[12:16], "little") + with_header
    lyrics = _read(file, end - _LYRICS_END, _LYRICS_END)
    if lyrics[6:] == b"LYRICS200" and lyrics[:6].isdigit():
        return int(lyrics[:6]) + _LYRICS_END
    header = _read(file, end - 10, 10)
    if header[:3] == b"3DI" and max(header[6:10]) <= 0x7F:
        return _syncsafe(header[6:10]) + 20
    return 0


def _read(file: BinaryIO, start: int, length: int) -> bytes:
    if start < 0:
        return b""
    file.seek(start)
    return file.read(length)


def _syncsafe(four: bytes) -> int:
    return four[0] << 21 | four[1] << 14 | four[2] << 7 | four[3]


def _tag(stamp: FileStamp) -> bytes:
    tags = ID3()
    tags.add(_copyright(stamp))
    tags.add(COMM(encoding=_UTF8, lang=_CHINESE, desc="", text=[tag_text(stamp.stamp)]))
    for frame, text in (
        (TIT2, tag_text(stamp.headline)),
        (TPE1, tag_text(stamp.byline)),
        (TPUB, tag_text(stamp.credit)),
        (TOWN, tag_text(stamp.licensor_name)),
        (TDRL, "" if stamp.created is None else f"{stamp.created:%Y-%m-%dT%H:%M:%S}"),
    ):
        if text:
            tags.add(frame(encoding=_UTF8, text=[text]))
    for link, address in ((WCOP, stamp.terms_url), (WPUB, stamp.licensor_url)):
        if url := ascii_url(address):
            tags.add(link(url=url))
    if terms := tag_text(stamp.usage_terms):
        tags.add(USER(encoding=_UTF8, lang=_CHINESE, text=terms))
    if caption := tag_text(stamp.caption):
        tags.add(COMM(encoding=_UTF8, lang=_CHINESE, desc="CAPTION", text=[caption]))
    for name, text in labelled(stamp).items():
        tags.add(TXXX(encoding=_UTF8, desc=name, text=[text]))
    scratch = io.BytesIO()
    tags.save(scratch, v1=0, v2_version=4, padding=lambda _: 0)
    return scratch.getvalue()


def _copyright(stamp: FileStamp) -> TCOP:
    """The copyright frame. It begins with a year and a blank (ID3v2.4, 4.2.3)."""
    year = "" if stamp.created is None else f"{stamp.created.year:04} "
    return TCOP(encoding=_UTF8, text=[year + copyright_line(stamp)])
