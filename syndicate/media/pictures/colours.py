"""Turn the colours of a picture into sRGB on white, whatever its mode and its profile are."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image, ImageCms

LARGEST_PROFILE: Final = 4 << 20
"""Bytes of a colour profile. The largest of printing houses have half of it."""
_SPACES: Final = {"RGB": "RGB", "RGBA": "RGB", "CMYK": "CMYK", "L": "GRAY", "LA": "GRAY"}


def usable_profile(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform into sRGB that a profile gives for pictures of this mode; None for one that is broken.

    A profile for another kind of colour, one whose length is not what it says, and one that the library
    cannot read are all the same to us: no profile.
    """
    base = {"LA": "L", "RGBA": "RGB"}.get(mode, mode)
    if profile is None or not 128 <= len(profile) <= LARGEST_PROFILE or base not in _SPACES:
        return None
    space = profile[16:20].decode("latin-1").strip()
    if profile[36:40] != b"acsp" or space != _SPACES[base] or int.from_bytes(profile[:4]) != len(profile):
        return None
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.buildTransform(given, ImageCms.createProfile("sRGB"), base, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def eight_bits(image: Image.Image) -> Image.Image:
    """The picture with eight bits a channel, in a mode that can be made smaller: L, LA, RGB, RGBA, CMYK."""
    if image.mode in {"I;16", "I;16B", "I;16L", "I;16N", "I"}:
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in {"L", "LA", "RGB", "RGBA", "CMYK"} and "transparency" not in image.info:
        return image
    if image.mode == "1":
        return image.convert("L")
    transparent = image.has_transparency_data
    return image.convert("RGBA" if transparent else "RGB")


def as_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in RGB as sRGB, transparent parts on white, and without anything that came with it."""
    alpha = image.getchannel("A") if image.mode in {"LA", "RGBA"} else None
    flat = image if alpha is None else image.convert("L" if image.mode == "LA" else "RGB")
    transform = usable_profile(profile, flat.mode)
    if transform is not None:
        converted = ImageCms.applyTransform(flat, transform)
        flat = converted if converted is not None else flat
    flat = flat.convert("RGB")
    if alpha is not None:
        white = Image.new("RGB", flat.size, (255, 255, 255))
        white.paste(flat, mask=alpha)
        flat = white
    flat.info.clear()
    return flat
