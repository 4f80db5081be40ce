"""Write the stamp into Ogg Vorbis and Ogg Opus files (RFC 3533, RFC 7845): as Vorbis comments.

The pages of the sound keep their content. They get new numbers where the head has more pages or fewer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from mutagen import MutagenError
from mutagen.ogg import OggPage

from syndicate.errors import NotStampable
from syndicate.language import Text
from syndicate.media.file_stamp import FileStamp
from syndicate.media.recordings.vorbis_comments import LARGEST, read_comments, stamp_comments

_OPUS: Final = b"OpusHead"
_OPUS_RATE: Final = 48_000
_VORBIS: Final = b"\x01vorbis"
_OPUS_TAGS: Final = b"OpusTags"
_VORBIS_COMMENTS: Final = b"\x03vorbis"


class UnreadableOgg(ValueError):
    """A file that is damaged, or neither one stream of Vorbis nor one of Opus."""


@dataclass(frozen=True, slots=True)
class OggHead:
    """The head of an Ogg file: its packets, by how many pages, and the number of its stream."""

    packets: tuple[bytes, ...]
    pages: int
    serial: int

    @property
    def opus(self) -> bool:
        """Whether it is Opus; else it is Vorbis."""
        return self.packets[0].startswith(_OPUS)

    @property
    def comments(self) -> bytes:
        """The comments, without what leads to them and what ends them."""
        return self.packets[1][len(_OPUS_TAGS if self.opus else _VORBIS_COMMENTS) :]


def stamp_ogg(source: Path, target: Path, stamp: FileStamp) -> None:
    """Write `target`: the source with this stamp. Raises NotStampable, OSError."""
    try:
        with source.open("rb") as file, target.open("wb") as written:
            comments = _write(file, written, stamp)
        with target.open("rb") as file:
            found = read_comments(read_head(file).comments)
    except (UnreadableOgg, MutagenError, ValueError):
        said = Text(
            "不是单一的 Vorbis 或 Opus 流，或已损坏", "it is damaged, or not one stream of Vorbis or Opus"
        )
        raise NotStampable(said) from None
    if found != read_comments(comments):
        raise NotStampable(Text("写入后读不到标注", "the stamp cannot be read back from it"))


def read_head(file: BinaryIO) -> OggHead:
    """Read the head of an Ogg file; the file is then where its sound begins. Raises UnreadableOgg."""
    packets: list[bytes] = []
    pages, wanted, serial, open_packet = 0, 2, 0, False
    size = 0
    while len(packets) < wanted or open_packet:
        page = _page(file)
        if page is None or (pages and (page.serial != serial or page.first)):
            raise UnreadableOgg("head")
        serial = page.serial
        found = list(page.packets)
        size += sum(map(len, found))
        if size > LARGEST:
            raise UnreadableOgg("comments")
        if open_packet and found:
            packets[-1] += found.pop(0)
        packets += found
        open_packet = not page.complete
        pages += 1
        if pages == 1:
            wanted = 2 if packets[:1] and packets[0].startswith(_OPUS) else 3
    starts = (_OPUS, _OPUS_TAGS) if wanted == 2 else (_VORBIS, _VORBIS_COMMENTS, b"\x05vorbis")
    if len(packets) != wanted or not all(map(bytes.startswith, packets, starts)):
        raise UnreadableOgg("head")
    return OggHead(tuple(packets), pages, serial)


def pages_after(file: BinaryIO, head: OggHead) -> Iterator[OggPage]:
    """The pages of the sound, in order; an incomplete last one is left out. Raises UnreadableOgg."""
    while (page := _page(file)) is not None:
        if page.serial != head.serial or page.first:
            raise UnreadableOgg("several streams")
        yield page


def ogg_duration(file: BinaryIO) -> int:
    """Milliseconds of sound in an Ogg file, read page by page. Raises UnreadableOgg."""
    file.seek(0)
    head = read_head(file)
    last = max((page.position for page in pages_after(file, head)), default=0)
    first = head.packets[0]
    if head.opus:
        return max(last - int.from_bytes(first[10:12], "little"), 0) * 1000 // _OPUS_RATE
    return last * 1000 // max(int.from_bytes(first[12:16], "little"), 1)


def _write(file: BinaryIO, target: BinaryIO, stamp: FileStamp) -> bytes:
    head = read_head(file)
    comments = stamp_comments(stamp, framing=False)
    start, end = (_OPUS_TAGS, b"") if head.opus else (_VORBIS_COMMENTS, b"\x01")
    first = OggPage()
    first.packets = [head.packets[0]]
    first.first = True
    rest = OggPage.from_packets([start + comments + end, *head.packets[2:]], sequence=1)
    for page in (first, *rest):
        page.serial = head.serial
        page.position = 0 if page.complete or len(page.packets) > 1 else -1
        target.write(page.write())
    for page in pages_after(file, head):
        page.sequence += 1 + len(rest) - head.pages
        target.write(page.write())
    return comments


def _page(file: BinaryIO) -> OggPage | None:
    """The next page; None at the end, and where the last page is incomplete."""
    at = file.tell()
    try:
        return OggPage(file)
    except EOFError:
        return None
    except MutagenError:
        more = file.read(1)
        file.seek(at)
        if more or file.read(4) != b"OggS":
            raise UnreadableOgg("page") from None
        return None
