"""Open a picture with Pillow so that it sees the picture alone, and none of the metadata around it.

The size is judged by the header before anything is decoded. Whatever Pillow raises over a broken file
becomes a refusal.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

from syndicate.language import Text
from syndicate.media.file_types import GIF, JPEG, PNG, TIFF, WEBP, MediaType
from syndicate.media.pictures.containers import Damaged, Metadata
from syndicate.media.pictures.exif import IIM, PHOTOSHOP, XMP, read_exif
from syndicate.media.pictures.jpeg_file import jpeg_metadata, photoshop_iim, rebuilt_jpeg
from syndicate.media.pictures.png_file import png_metadata, rebuilt_png
from syndicate.media.pictures.webp_file import rebuilt_webp, webp_metadata
from syndicate.media.worker_limits import refused

LARGEST_FILE: Final = 128 << 20
"""Bytes of a picture's file."""
LONGEST_EDGE: Final = 30_000
MOST_PIXELS: Final = {JPEG.content_type: 120_000_000}
"""Of a JPEG, which can be decoded smaller than it is."""
MOST_PIXELS_WHOLE: Final = 64_000_000
"""Of the others, which are decoded whole."""
_KINDS: Final = {JPEG: "JPEG", PNG: "PNG", WEBP: "WEBP", GIF: "GIF", TIFF: "TIFF"}
_ERRORS: Final = (
    *(SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError),
    *(AttributeError, NotImplementedError, RuntimeError, UnidentifiedImageError, ZeroDivisionError),
)
"""What Pillow is known to raise over broken files, beside an OSError without a number."""


@contextmanager
def opened_picture(content: bytes, type_: MediaType, *, name: str) -> Iterator[Image.Image]:
    """The picture, not decoded yet, without its metadata; its colour profile is in `info`.

    What is done with it inside raises Faulty where the file is damaged (`media_damaged`) or larger than a
    picture may be (`media_too_large`). A TIFF comes upright; the others as they are stored.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(_bare(content, type_)), formats=[_KINDS[type_]]) as image:
                _check_size(image, type_, name)
                yield image
    except Damaged as damage:
        raise refused(name, "media_damaged", damage.text) from damage
    except Image.DecompressionBombError:
        raise refused(name, "media_too_large", _too_large(type_, "")) from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise _damaged(name, error) from error
    except _ERRORS as error:
        raise _damaged(name, error) from error


def embedded(content: bytes, type_: MediaType) -> Metadata:
    """The blocks of metadata in a file. Raises Damaged."""
    if type_ == JPEG:
        return jpeg_metadata(content)
    if type_ == PNG:
        return png_metadata(content)
    if type_ == WEBP:
        return webp_metadata(content)
    if type_ == TIFF:
        tags = read_exif(content)
        streams = [tags[IIM]] if IIM in tags else []
        streams += photoshop_iim(tags.get(PHOTOSHOP, b""))
        return Metadata(exif=[content], xmp=[tags[XMP]] if XMP in tags else [], iim=streams)
    return Metadata()


def read_picture(path: Path, *, name: str) -> bytes:
    """The bytes of a picture's file. Raises Faulty for one that is too large, OSError."""
    if path.stat().st_size > LARGEST_FILE:
        said = Text(
            f"图片文件不得超过 {LARGEST_FILE >> 20} MB",
            f"a picture's file has at most {LARGEST_FILE >> 20} MB",
        )
        raise refused(name, "media_too_large", said)
    return path.read_bytes()


def _bare(content: bytes, type_: MediaType) -> bytes:
    if type_ == JPEG:
        return rebuilt_jpeg(content, exif=None, xmp=b"", iim=b"", digest=b"")
    if type_ == PNG:
        return rebuilt_png(content, exif=None, xmp=b"", texts=[])
    if type_ == WEBP:
        return rebuilt_webp(content, exif=None, xmp=b"")
    return content


def _check_size(image: Image.Image, type_: MediaType, name: str) -> None:
    width, height = image.size
    most = MOST_PIXELS.get(type_.content_type, MOST_PIXELS_WHOLE)
    if width * height > most or max(width, height) > LONGEST_EDGE:
        raise refused(name, "media_too_large", _too_large(type_, f"{width}×{height}"))


def _too_large(type_: MediaType, size: str) -> Text:
    millions = MOST_PIXELS.get(type_.content_type, MOST_PIXELS_WHOLE) // 1_000_000
    return Text(
        f"图片尺寸过大{size and f'（{size}）'}：{type_.content_type} 每边至多 {LONGEST_EDGE} 像素，"
        f"总计至多 {millions} 百万像素",
        f"the picture is too large{size and f' ({size})'}: {type_.content_type} may have "
        f"{LONGEST_EDGE} pixels an edge and {millions} million in all",
    )


def _damaged(name: str, error: Exception) -> Exception:
    return refused(
        name,
        "media_damaged",
        Text(
            f"图片已损坏或不完整，无法解码（{type(error).__name__}）；请重新导出",
            f"the picture is damaged or cut off and cannot be decoded ({type(error).__name__}); "
            "export it again",
        ),
    )
