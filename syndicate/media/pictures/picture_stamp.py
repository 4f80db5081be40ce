"""Put the stamp into a JPEG, PNG or WebP file, and take everything else out that its metadata says.

The file is rewritten block by block, so no pixel changes. Only what shows the picture stays: its data, its
colour profile, and its orientation where it is not upright.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syndicate.errors import Faulty, NotStampable
from syndicate.language import Text
from syndicate.media.file_stamp import FileStamp
from syndicate.media.file_types import JPEG, PNG, WEBP
from syndicate.media.pictures.containers import Damaged, Metadata
from syndicate.media.pictures.exif import orientation, orientation_exif, read_exif
from syndicate.media.pictures.iim import iim_stream
from syndicate.media.pictures.jpeg_file import jpeg_metadata, jpeg_picture, rebuilt_jpeg
from syndicate.media.pictures.png_file import png_metadata, png_picture, rebuilt_png
from syndicate.media.pictures.webp_file import rebuilt_webp, webp_metadata, webp_picture
from syndicate.media.xmp import xmp_packet

if TYPE_CHECKING:
    from syndicate.media.pictures.line_font import VisibleLine

_PICTURES: Final[dict[str, Callable[[bytes], Iterator[object]]]] = {
    JPEG.content_type: jpeg_picture,
    PNG.content_type: png_picture,
    WEBP.content_type: webp_picture,
}
"""What the pixels of each type are decoded from, part by part."""


def stamp_picture(
    source: Path, target: Path, content_type: str, stamp: FileStamp, line: VisibleLine | None = None
) -> None:
    """Write `target`: the picture of `source` with the stamp as its only metadata.

    `content_type` is that of `source`: JPEG, PNG or WebP. The same file and stamp give the same bytes. The
    target is read back before this returns. With `line`, it is drawn on a JPEG first, the one case in which
    pixels change. Raises NotStampable for another type or a damaged file, and OSError, and leaves no target
    then.
    """
    content = source.read_bytes()
    if line is not None:
        content = _with_line(content, content_type, line)
    try:
        try:
            target.write_bytes(_stamped(content, content_type, stamp))
            _check(content, target.read_bytes(), content_type, stamp)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    except Damaged as damage:
        raise NotStampable(damage.text) from damage


def picture_metadata(content: bytes, content_type: str) -> Metadata:
    """The blocks of metadata of a JPEG, PNG or WebP. Raises Damaged; NotStampable for another type."""
    if content_type == JPEG.content_type:
        return jpeg_metadata(content)
    if content_type == PNG.content_type:
        return png_metadata(content)
    if content_type == WEBP.content_type:
        return webp_metadata(content)
    raise NotStampable(
        Text(f"{content_type} 不能写入来源标注", f"there is no stamp for the type {content_type}")
    )


def _with_line(content: bytes, content_type: str, line: VisibleLine) -> bytes:
    if content_type != JPEG.content_type:
        raise NotStampable(Text("只能在 JPEG 上画可见标注", "a visible line is drawn on JPEG alone"))
    from syndicate.media.pictures.visible_line import with_visible_line

    try:
        return with_visible_line(content, line)
    except Faulty as refused:
        raise NotStampable(refused.faults[0].text) from refused


def _stamped(content: bytes, content_type: str, stamp: FileStamp) -> bytes:
    turned = _orientation(picture_metadata(content, content_type))
    exif, packet = None if turned == 1 else orientation_exif(turned), xmp_packet(stamp)
    if content_type == JPEG.content_type:
        iim = iim_stream(stamp)
        return rebuilt_jpeg(content, exif=exif, xmp=packet, iim=iim, digest=_md5(iim))
    if content_type == PNG.content_type:
        return rebuilt_png(content, exif=exif, xmp=packet, texts=[("Copyright", stamp.rights)])
    return rebuilt_webp(content, exif=exif, xmp=packet)


def _check(content: bytes, stamped: bytes, content_type: str, stamp: FileStamp) -> None:
    """What was written is there, alone, and the picture is the same. Raises NotStampable, Damaged."""
    before, after = picture_metadata(content, content_type), picture_metadata(stamped, content_type)
    picture = _PICTURES[content_type]
    good = (
        list(after.xmp) == [xmp_packet(stamp)]
        and list(after.iim) == ([iim_stream(stamp)] if content_type == JPEG.content_type else [])
        and len(after.exif) <= 1
        and _orientation(after) == _orientation(before)
        and all(one == other for one, other in zip_longest(picture(content), picture(stamped)))
    )
    if not good:
        raise NotStampable(
            Text("写入后读回不一致", "what was written could not be read back as it should be")
        )


def _orientation(metadata: Metadata) -> int:
    return next((orientation(read_exif(block)) for block in metadata.exif), 1)


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
