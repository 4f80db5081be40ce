"""Write the stamp into MP4, M4A and QuickTime files: iTunes metadata (`cprt`), `©cpy` and an XMP box.

The result begins with its table of contents, so that a player can start before it has everything. Sound and
picture are copied as they are.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from mutagen.mp4 import MP4FreeForm, MP4MetadataError, MP4Tags
from mutagen.mp4._atom import AtomError, Atoms

from syndicate.errors import NotStampable
from syndicate.language import Text
from syndicate.media.file_stamp import FileStamp
from syndicate.media.recordings.byte_ranges import copy_range, overwrite_with_zeros
from syndicate.media.recordings.mp4_boxes import (
    Box,
    DamagedBoxes,
    Extent,
    box_bytes,
    box_header,
    handler,
    parse_box,
    read_box,
    top_boxes,
)
from syndicate.media.recordings.mp4_tracks import (
    KEPT_TRACKS,
    chunk_offsets,
    chunk_ranges,
    clean_track,
    track_number,
)
from syndicate.media.recordings.stamp_words import copyright_line, labelled, published, tag_text
from syndicate.media.xmp import xmp_packet

XMP_UUID: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""The box of XMP in MP4 (XMP specification, part 3, 2.2)."""
_UNDETERMINED: Final = (0x55C4).to_bytes(2)
"""The language `und`, packed (ISO/IEC 14496-12, 8.4.2): with it, QuickTime's texts are UTF-8."""
_FREE_FORM: Final = "----:org.iptc.media:"
_MOST_DATA: Final = 64
_SMALL: Final = 0xFFFF_FFFF
LARGEST_TAGS: Final = 16 * 1024 * 1024
"""Bytes of iTunes metadata, a cover picture among them."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stretch of media data lay in the source, and where it lies in the target."""

    start: int
    end: int
    moved: int


def stamp_mp4(source: Path, target: Path, stamp: FileStamp) -> None:
    """Write `target`: the source with this stamp. Raises NotStampable, OSError."""
    packet = xmp_packet(stamp)
    with source.open("rb") as file, target.open("wb") as written:
        try:
            _write(file, source.stat().st_size, written, stamp, packet)
        except DamagedBoxes as error:
            raise NotStampable(error.fault.text) from None
    _check(target, stamp, packet)


def check_mp4(file: BinaryIO, size: int) -> None:
    """Whether a film or sound can be stamped. Raises NotStampable, DamagedBoxes."""
    plan = _plan(file, size)
    arrange(plan.head, plan.data, 0, 0)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What of a file is kept: its type, the cleaned table of contents, the media data without `removed`."""

    type_box: bytes
    head: Box
    data: list[Extent]
    removed: list[tuple[int, int]]


def _plan(file: BinaryIO, size: int) -> _Plan:
    boxes = top_boxes(file, size)
    data = [one for one in boxes if one.kind == b"mdat"]
    heads = [one for one in boxes if one.kind == b"moov"]
    if any(one.kind in {b"moof", b"sidx"} for one in boxes):
        said = Text(
            "分段的 MP4（fragmented）；请先转封装：ffmpeg -i 原件 -c copy -movflags +faststart 新件.mp4",
            "a fragmented MP4; remux it: ffmpeg -i FILE -c copy -movflags +faststart NEW.mp4",
        )
        raise NotStampable(said)
    if len(data) > _MOST_DATA:
        raise DamagedBoxes("media_too_complex", Text("内容分成太多段", "its content is in too many parts"))
    if len(heads) != 1:
        raise DamagedBoxes("media_damaged", Text("缺少目录（moov）", "it has no table of contents (moov)"))
    head = read_box(file, heads[0])
    removed = _clean(head, size)
    type_box = next((read_box(file, one) for one in boxes if one.kind == b"ftyp"), None)
    return _Plan(b"" if type_box is None else box_bytes(type_box), head, data, removed)


def _write(file: BinaryIO, size: int, target: BinaryIO, stamp: FileStamp, packet: bytes) -> None:
    plan = _plan(file, size)
    plan.head.children.append(parse_box(b"udta", _user_data(stamp)))
    after = box_header(b"uuid", 16 + len(packet)) + XMP_UUID + packet
    places = arrange(plan.head, plan.data, len(plan.type_box), len(after))
    target.write(plan.type_box + box_bytes(plan.head) + after)
    for one in plan.data:
        target.write(box_header(b"mdat", one.end - one.start))
        copy_range(file, target, one.start, one.end - one.start)
    for start, length in plan.removed:
        overwrite_with_zeros(target, _moved(start, length, places), length)


def _clean(head: Box, size: int) -> list[tuple[int, int]]:
    """Clean the table of contents; returns where the data of the tracks lay that were taken out of it."""
    tracks = head.every(b"trak")
    kept = [one for one in tracks if handler(one) in KEPT_TRACKS]
    if not kept:
        said = Text("没有声音，也没有画面", "there is neither sound nor film in it")
        raise DamagedBoxes("media_empty", said)
    if head.child(b"mvhd") is None or head.child(b"mvex") is not None:
        raise DamagedBoxes(
            "media_damaged", Text("目录（moov）不完整", "its table of contents is incomplete")
        )
    numbers = {track_number(one) for one in kept}
    removed = [found for one in tracks if one not in kept for found in chunk_ranges(one)]
    if sum(length for _, length in removed) > size:
        raise DamagedBoxes("media_damaged", Text("文件内部的表不一致", "the tables of a track disagree"))
    for one in kept:
        clean_track(one, numbers)
    head.children = [*head.every(b"mvhd"), *kept]
    return removed


def arrange(head: Box, data: list[Extent], before: int, after: int) -> list[Place]:
    """Set the offsets of all chunks for a file whose media data stands behind its head.

    `before` and `after` are how many bytes stand before the head, and between it and the data.
    """
    samples = [found for one in head.every(b"trak") if (found := one.child(b"mdia", b"minf", b"stbl"))]
    offsets = [chunk_offsets(one) for one in samples]
    while True:
        length = len(box_bytes(head))
        at = before + length + after
        places = []
        for one in data:
            at += len(box_header(b"mdat", one.end - one.start))
            places.append(Place(one.start, one.end, at - one.start))
            at += one.end - one.start
        for box, starts in zip(samples, offsets, strict=True):
            moved = [_moved(start, 0, places) for start in starts]
            _set_offsets(box, moved, large=box.child(b"co64") is not None or max(moved, default=0) > _SMALL)
        if len(box_bytes(head)) == length:
            return places


def _set_offsets(samples: Box, offsets: Sequence[int], *, large: bool) -> None:
    kind, width = (b"co64", 8) if large else (b"stco", 4)
    samples.children = [one for one in samples.children if one.kind not in {b"stco", b"co64"}]
    data = bytes(4) + len(offsets).to_bytes(4) + b"".join(one.to_bytes(width) for one in offsets)
    samples.children.append(Box(kind, data))


def _moved(start: int, length: int, places: list[Place]) -> int:
    """Where these bytes are in the target. Raises DamagedBoxes where they are no media data."""
    for one in places:
        if one.start <= start and start + length <= one.end:
            return start + one.moved
    raise DamagedBoxes("media_damaged", Text("内容不在文件内", "its content is not where the file says"))


def _user_data(stamp: FileStamp) -> bytes:
    """The user data of the file: iTunes metadata as mutagen writes it, and the notice of QuickTime."""
    scratch = io.BytesIO(box_header(b"moov", 0))
    _tags(stamp).save(scratch, padding=lambda _: 0)
    scratch.seek(0)
    udta = parse_box(b"moov", scratch.getvalue()[8:]).child(b"udta")
    notice = copyright_line(stamp).encode()
    text = len(notice).to_bytes(2) + _UNDETERMINED + notice
    return (b"" if udta is None else udta.data) + box_bytes(Box(b"\xa9cpy", text))


def _tags(stamp: FileStamp) -> MP4Tags:
    tags = MP4Tags()
    texts = {
        "\xa9nam": stamp.headline,
        "\xa9ART": stamp.byline,
        "\xa9day": published(stamp),
        "\xa9cmt": stamp.stamp,
        "desc": stamp.caption,
        "cprt": copyright_line(stamp),
    }
    for name, value in texts.items():
        if text := tag_text(value):
            tags[name] = [text]
    for label, text in labelled(stamp).items():
        tags[f"{_FREE_FORM}{label}"] = [MP4FreeForm(text.encode())]
    return tags


def _check(target: Path, stamp: FileStamp, packet: bytes) -> None:
    """Read the file back. Raises NotStampable where the stamp is not in it."""
    missing = NotStampable(Text("写入后读不到标注", "the stamp cannot be read back from it"))
    with target.open("rb") as file:
        try:
            boxes = top_boxes(file, target.stat().st_size)
            found = [read_box(file, one).data for one in boxes if one.kind == b"uuid"]
            head = next(read_box(file, one) for one in boxes if one.kind == b"moov")
        except (DamagedBoxes, StopIteration):
            raise missing from None
    tags = read_tags(head)
    if found != [XMP_UUID + packet] or tags.get("cprt") != [copyright_line(stamp)]:
        raise missing


def read_tags(head: Box) -> Mapping[str, list[object]]:
    """The iTunes metadata of a table of contents; empty where it has none that can be read."""
    found = head.child(b"udta")
    if found is None or len(found.data) > LARGEST_TAGS:
        return {}
    scratch = io.BytesIO(box_bytes(Box(b"moov", children=[found])))
    try:
        return dict(MP4Tags(Atoms(scratch), scratch))
    except (MP4MetadataError, AtomError, RecursionError):
        return {}
