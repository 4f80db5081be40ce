"""Inspect a picture's file: what it is, how large, what it says of itself, and whether it can be taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from PIL import Image

from syndicate.language import Text
from syndicate.media.file_types import AVIF, GIF, HEIF, JPEG, PNG, SVG, TIFF, WEBP, MediaType
from syndicate.media.inspection import Inspected
from syndicate.media.pictures.colours import eight_bits, usable_profile
from syndicate.media.pictures.containers import Damaged
from syndicate.media.pictures.exif import orientation, read_exif
from syndicate.media.pictures.opened_picture import embedded, opened_picture, read_picture
from syndicate.media.pictures.picture_fields import picture_fields
from syndicate.media.worker_limits import refused
from syndicate.model.notes import Note

_TURNED: Final = frozenset({5, 6, 7, 8})
"""Orientations in which width and height change places."""
_STAMPED: Final = frozenset({JPEG, PNG, WEBP})


def inspect_picture(path: Path, found: MediaType, *, name: str) -> Inspected:
    """Inspect a picture's file, which is of the type `found`; `name` is what people call it.

    Headers and metadata are read; damage in the picture data is found when renditions are made. Raises
    Faulty (`media_svg`, `media_unsupported`, `media_damaged`, `media_too_large`) and OSError.
    """
    if found == SVG:
        raise refused(name, "media_svg", _svg())
    if found not in _STAMPED | {GIF, TIFF}:
        raise refused(name, "media_unsupported", _unsupported(found))
    content = read_picture(path, name=name)
    try:
        metadata = embedded(content, found)
    except Damaged as damage:
        raise refused(name, "media_damaged", damage.text) from damage
    with opened_picture(content, found, name=name) as image:
        width, height = image.size
        notes = list(_notes(image, found))
    turn = next((orientation(read_exif(block)) for block in metadata.exif), 1)
    if turn in _TURNED and found != TIFF:
        width, height = height, width
    fields, doubts = picture_fields(metadata)
    return Inspected(type=found, width=width, height=height, fields=fields, notes=(*doubts, *notes))


def _notes(image: Image.Image, found: MediaType) -> Iterator[Note]:
    if getattr(image, "n_frames", 1) > 1:
        yield Note(
            "media_first_frame",
            "file",
            Text(
                "动图或多页图：各规格只取第一帧（页）",
                "the picture moves or has pages: its renditions show the first",
            ),
        )
    profile = image.info.get("icc_profile")
    if profile and usable_profile(profile, _mode_when_decoded(image)) is None:
        yield Note(
            "media_profile_left_out",
            "file",
            Text(
                "内嵌的色彩特性文件有误，按 sRGB 处理；请核对颜色",
                "the colour profile inside is broken; colours were taken as sRGB: check them",
            ),
        )
    if found not in _STAMPED:
        yield Note(
            "media_original_stays",
            "file",
            Text(
                f"{found.content_type} 不能写入来源标注：原件不发出，只发由它制作的规格",
                f"{found.content_type} cannot take the stamp: the original stays, its renditions leave",
            ),
        )


def _mode_when_decoded(image: Image.Image) -> str:
    return eight_bits(Image.new(image.mode, (1, 1))).mode if image.mode != "P" else "RGB"


def _svg() -> Text:
    return Text(
        "不收 SVG：它是程序而非照片，可含脚本和外部链接；请导出为 PNG 或 JPEG",
        "SVG is not taken: it may hold scripts and links to elsewhere; export it as PNG or JPEG",
    )


def _unsupported(found: MediaType) -> Text:
    apple = found in {HEIF, AVIF}
    return Text(
        f"不收 {found.content_type}；请导出为 JPEG" + ("（手机：设置为“兼容性最佳”）" if apple else ""),
        f"{found.content_type} is not taken; export it as JPEG"
        + (" (on a phone: set “most compatible”)" if apple else ""),
    )
