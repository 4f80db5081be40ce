"""Make the renditions of a picture: upright, in sRGB, as JPEG, with no metadata of the original."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

from PIL import Image, ImageCms

from syndicate.media.file_types import JPEG
from syndicate.media.inspection import Inspected, MadeFile
from syndicate.media.pictures.picture_inspection import FORMATS, damaged
from syndicate.model.media import RenditionName

_EDGES: Final = {RenditionName.WEB: 1600, RenditionName.PREVIEW: 640, RenditionName.THUMBNAIL: 320}
"""Pixels of the longer edge, the largest first: each is made from the one before."""
_QUALITY: Final = {RenditionName.WEB: 85, RenditionName.PREVIEW: 82, RenditionName.THUMBNAIL: 80}
_LARGEST_PROFILE: Final = 4 << 20
_WHITE: Final = (255, 255, 255)


def make_picture_renditions(path: Path, inspected: Inspected, scratch: Path) -> list[MadeFile]:
    """Write the web version, preview and thumbnail into `scratch`. Raises Faulty for a damaged picture."""
    try:
        with Image.open(path, formats=[FORMATS[inspected.type]]) as opened:
            edge = _EDGES[RenditionName.WEB]
            if opened.format == "JPEG":
                # The decoder leaves out what a smaller picture does not need.
                opened.draft("RGB" if opened.mode != "L" else "L", (edge, edge))
            picture = _upright_srgb(opened, edge)
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, ImageCms.PyCMSError) as error:
        raise damaged(path.name) from error
    made = []
    for name, edge in _EDGES.items():
        picture.thumbnail((edge, edge), Image.Resampling.LANCZOS)
        target = scratch / f"{name}.jpg"
        picture.save(
            target, "JPEG", quality=_QUALITY[name], progressive=True, optimize=True, subsampling="4:2:0"
        )
        width, height = picture.size
        made.append(
            MadeFile(name=name, path=target, content_type=JPEG.content_type, width=width, height=height)
        )
    return made


def _upright_srgb(opened: Image.Image, edge: int) -> Image.Image:
    """The first frame, no larger than twice the edge, upright, in sRGB or grey, on white."""
    profile = opened.info.get("icc_profile")
    orientation = opened.getexif().get(0x0112, 1)
    opened.thumbnail((2 * edge, 2 * edge), Image.Resampling.BOX, reducing_gap=2.0)
    picture = _eight_bits(opened)
    picture = _on_white(picture)
    picture = _in_srgb(picture, profile)
    picture.info.clear()
    turned = _TURNS.get(orientation)
    return picture if turned is None else picture.transpose(turned)


_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How each orientation of EXIF is made upright."""


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Sixteen bits of grey as eight; Pillow would cut them off at 255."""
    if picture.mode in {"I", "I;16", "I;16B", "I;16L", "I;16N"}:
        return picture.convert("I").point(lambda value: value / 256).convert("L")
    if picture.mode == "F":
        return picture.convert("L")
    return picture


def _on_white(picture: Image.Image) -> Image.Image:
    """The picture without transparency, and with its colours instead of a palette."""
    if picture.mode in {"LA", "PA", "RGBA", "RGBa", "La"} or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        ground = Image.new("RGB", picture.size, _WHITE)
        ground.paste(picture, mask=picture.getchannel("A"))
        return ground
    return picture.convert("RGB") if picture.mode in {"P", "1"} else picture


def _in_srgb(picture: Image.Image, profile: object) -> Image.Image:
    """The picture in sRGB by its profile; a profile that cannot be used is left out."""
    if isinstance(profile, bytes) and 0 < len(profile) <= _LARGEST_PROFILE:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None
        if converted is not None:
            return converted
    return picture if picture.mode in {"L", "RGB"} else picture.convert("RGB")
