"""Make the renditions of a picture: web, preview and thumbnail, upright, in sRGB, without metadata."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final, NamedTuple

from PIL import Image

from syndicate.media.file_types import JPEG, TIFF
from syndicate.media.inspection import Inspected, MadeFile
from syndicate.media.pictures.colours import as_srgb, eight_bits
from syndicate.media.pictures.containers import Damaged
from syndicate.media.pictures.exif import orientation, read_exif
from syndicate.media.pictures.opened_picture import embedded, opened_picture, read_picture
from syndicate.media.worker_limits import refused
from syndicate.model.media import RenditionName


class _Size(NamedTuple):
    """The longest edge in pixels, and JPEG's quality."""

    edge: int
    quality: int


_SIZES: Final = {
    RenditionName.WEB: _Size(1600, 85),
    RenditionName.PREVIEW: _Size(640, 82),
    RenditionName.THUMBNAIL: _Size(320, 80),
}
"""From the largest to the smallest: each is made of the one before it."""
_WEBP_QUALITY, _WEBP_EFFORT = 80, 4
"""libwebp's, of 100 and of 6 (docs/decisions/0039-webp-is-made-when-it-is-asked-for.md)."""
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings each EXIF orientation upright."""


def make_picture_renditions(
    path: Path, inspected: Inspected, scratch: Path, *, name: str | None = None
) -> list[MadeFile]:
    """Make the renditions of an inspected picture in the folder `scratch`, as progressive JPEG.

    `name` is what people call the file, if not by its own. No rendition is larger than the picture itself.
    Transparent parts are white, of a moving picture the first frame is taken. The same file gives the same
    bytes with the same Pillow. Raises Faulty (`media_damaged`, `media_too_large`) and OSError.
    """
    name = name or path.name
    content = read_picture(path, name=name)
    with opened_picture(content, inspected.type, name=name) as image:
        picture = _web_sized(image)
    try:
        turn = next((orientation(read_exif(one)) for one in embedded(content, inspected.type).exif), 1)
    except Damaged as damage:
        raise refused(name, "media_damaged", damage.text) from damage
    if turn in _TURNS and inspected.type != TIFF:
        picture = picture.transpose(_TURNS[turn])
    return [_saved(picture, one, scratch) for one in _SIZES]


def as_webp(content: bytes) -> bytes:
    """A JPEG rendition as WebP, without metadata. Raises Faulty for a damaged one."""
    written = io.BytesIO()
    with opened_picture(content, JPEG, name="JPEG") as image:
        image.convert("RGB").save(written, "WEBP", quality=_WEBP_QUALITY, method=_WEBP_EFFORT)
    return written.getvalue()


def _web_sized(image: Image.Image) -> Image.Image:
    """The picture decoded, no larger than the largest rendition, in sRGB."""
    most = _SIZES[RenditionName.WEB].edge
    profile = image.info.get("icc_profile")
    if image.format == "JPEG":
        image.draft(None, (most, most))  # decodes at a half, a quarter or an eighth of the size, not below
    image.load()
    return as_srgb(_reduced(eight_bits(image), most), profile)


def _saved(picture: Image.Image, name: RenditionName, scratch: Path) -> MadeFile:
    edge, quality = _SIZES[name]
    picture = _reduced(picture, edge)
    target = scratch / f"{name}.jpg"
    picture.save(target, "JPEG", quality=quality, progressive=True, optimize=True, subsampling="4:2:0")
    return MadeFile(
        name=name,
        path=target,
        content_type=JPEG.content_type,
        width=picture.width,
        height=picture.height,
    )


def _reduced(picture: Image.Image, edge: int) -> Image.Image:
    longest = max(picture.size)
    if longest <= edge:
        return picture
    width, height = (max(1, round(side * edge / longest)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
