"""Clean the tracks of an MP4 or QuickTime file: device and place go, sound and picture stay."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from syndicate.language import Text
from syndicate.media.recordings.mp4_boxes import Box, DamagedBoxes, handler, sample_formats, table

KEPT_TRACKS: Final = frozenset({b"vide", b"soun"})
"""Handlers of tracks that stay. Timed metadata holds the route of an action camera, subtitles that of a
drone, and a time code the name of the reel. The words of a film have a file of their own, a transcript."""
_KEPT: Final = {
    b"trak": {b"tkhd", b"edts", b"tapt", b"tref", b"mdia"},
    b"mdia": {b"mdhd", b"elng", b"hdlr", b"minf"},
    b"minf": {b"vmhd", b"smhd", b"hdlr", b"dinf", b"stbl"},
    b"stbl": {
        *(b"stsd", b"stts", b"ctts", b"cslg", b"stss", b"stsc", b"stsz", b"stz2", b"stco", b"co64"),
        *(b"sdtp", b"sgpd", b"sbgp", b"stps", b"stsh", b"subs"),
    },
}
"""What stays inside each box. User data, metadata and boxes of makers are not among it."""
_NEEDED: Final = frozenset({b"stsd", b"stts", b"stsc"})
"""Without these no player finds a sample of a track."""
_ENCRYPTED: Final = frozenset({b"encv", b"enca", b"drmi", b"drms", b"encs", b"enct"})
_SELF_CONTAINED: Final = 1
_COMPRESSOR: Final = slice(50, 82)
"""Where a sample entry of a film names its encoder (ISO/IEC 14496-12, 12.1.3): the camera's name, often."""
_VENDOR: Final = slice(20, 24)
"""Where QuickTime names the maker of the encoder; ISO has zeros there."""


def clean_track(track: Box, kept: Collection[int]) -> None:
    """Take out of a track what is no picture, sound or timing. `kept` are the numbers of all that stay.

    Raises DamagedBoxes for a track that is encrypted, or whose data is in another file.
    """
    if _ENCRYPTED & {*sample_formats(track)}:
        raise DamagedBoxes("media_encrypted", Text("音视频内容已加密", "its content is encrypted"))
    _keep(track)
    for name in ((b"mdia", b"hdlr"), (b"mdia", b"minf", b"hdlr")):
        if (found := track.child(*name)) is not None:
            found.data = found.data[:12] + bytes(13)
    references(track)
    if (links := track.child(b"tref")) is not None:
        links.data = b"".join(_links_to(kept, links.data))
        if not links.data:
            track.children.remove(links)
    samples = track.child(b"mdia", b"minf", b"stbl")
    entries = None if samples is None else samples.child(b"stsd")
    if samples is None or entries is None or not {one.kind for one in samples.children} >= _NEEDED:
        raise DamagedBoxes("media_damaged", Text("音视频轨道不完整", "a track is incomplete"))
    entries.data = _without_makers(entries.data, film=handler(track) == b"vide")


def references(track: Box) -> None:
    """Check that a track's data is in this file. Raises DamagedBoxes for any other place."""
    found = track.child(b"mdia", b"minf", b"dinf", b"dref")
    data = b"" if found is None else found.data
    at = 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4])
        if not int.from_bytes(data[at + 8 : at + 12]) & _SELF_CONTAINED or length < 12:
            said = Text("内容在另一个文件里", "its content is in another file")
            raise DamagedBoxes("media_external", said)
        at += length


def track_number(track: Box) -> int:
    """The number of a track, by which others refer to it."""
    found = track.child(b"tkhd")
    if found is None:
        raise DamagedBoxes("media_damaged", Text("音视频轨道没有编号", "a track has no number"))
    start = 20 if found.data[:1] == b"\x01" else 12
    return int.from_bytes(found.data[start : start + 4])


def chunk_ranges(track: Box) -> Iterator[tuple[int, int]]:
    """Where in the file the data of a track lies: start and length of each chunk. Raises DamagedBoxes."""
    samples = track.child(b"mdia", b"minf", b"stbl")
    if samples is None:
        return
    offsets = chunk_offsets(samples)
    same, count, sizes = _sample_sizes(samples)
    runs = _runs(samples.child(b"stsc"))
    sample = 0
    for number, run in enumerate(runs):
        first, each = run
        last = runs[number + 1][0] - 1 if number + 1 < len(runs) else len(offsets)
        for chunk in range(first - 1, min(last, len(offsets))):
            if chunk < 0 or sample + each > count:
                said = Text("文件内部的表不一致", "the tables of a track disagree")
                raise DamagedBoxes("media_damaged", said)
            yield offsets[chunk], same * each or sum(sizes[sample : sample + each])
            sample += each


def chunk_offsets(samples: Box) -> Sequence[int]:
    """The places of a track's chunks in the file (`stco` or `co64`)."""
    if (large := samples.child(b"co64")) is not None:
        return table(large, 8)
    return table(samples.child(b"stco"), 4)


def _runs(box: Box | None) -> list[tuple[int, int]]:
    """Runs of chunks alike: the number of the first, from 1, and how many samples each has (`stsc`)."""
    if box is None:
        return []
    three = table(
        Box(b"stsc", box.data[:4] + (int.from_bytes(box.data[4:8]) * 3).to_bytes(8)[4:] + box.data[8:]), 4
    )
    return list(zip(three[::3], three[1::3], strict=True))


def _sample_sizes(samples: Box) -> tuple[int, int, Sequence[int]]:
    """The size of every sample where it is the same, how many there are, and else the size of each."""
    sizes = samples.child(b"stsz")
    if sizes is None or len(sizes.data) < 12:
        raise DamagedBoxes("media_damaged", Text("文件内部缺少长度表", "a track has no table of sizes"))
    same, count = int.from_bytes(sizes.data[4:8]), int.from_bytes(sizes.data[8:12])
    return same, count, () if same else table(Box(b"stsz", sizes.data[4:]), 4)


def _keep(box: Box) -> None:
    allowed = _KEPT.get(box.kind)
    if allowed is None:
        return
    box.children = [one for one in box.children if one.kind in allowed]
    for one in box.children:
        _keep(one)


def _links_to(kept: Collection[int], data: bytes) -> Iterator[bytes]:
    at = 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4])
        if length < 8:
            return
        numbers = [data[one : one + 4] for one in range(at + 8, min(at + length, len(data)) - 3, 4)]
        if left := b"".join(one for one in numbers if int.from_bytes(one) in kept):
            yield (len(left) + 8).to_bytes(4) + data[at + 4 : at + 8] + left
        at += length


def _without_makers(data: bytes, *, film: bool) -> bytes:
    """Sample descriptions without the names of encoders."""
    cleaned = bytearray(data)
    at = 8
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4])
        if length < 8 or at + length > len(data):
            raise DamagedBoxes("media_damaged", Text("编码说明有误", "a sample description is damaged"))
        for part in (_VENDOR, _COMPRESSOR) if film else (_VENDOR,):
            if length >= part.stop:
                cleaned[at + part.start : at + part.stop] = bytes(part.stop - part.start)
        at += length
    return bytes(cleaned)
