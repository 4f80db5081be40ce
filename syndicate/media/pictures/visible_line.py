"""Draw the attribution line on the lower edge of a picture, for renditions that show it to everybody.

The picture keeps its size: the line stands on a dark strip over its lowest part. A line that the font
cannot write, or that does not fit, is an error: the picture would leave without what it was to show.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from syndicate.errors import NotStampable
from syndicate.language import Text
from syndicate.media.file_types import JPEG
from syndicate.media.pictures.line_font import VisibleLine
from syndicate.media.pictures.opened_picture import opened_picture

_SMALLEST, _LARGEST = 10, 48
"""Pixels of a character: below, nobody reads it."""
_SHARE: Final = 22
"""The picture's height by that of a character."""
_QUALITY: Final = 85
_DARK: Final = (0, 0, 0, 150)
_LIGHT: Final = (255, 255, 255, 235)
_ABSENT: Final = "\U0010ffff"
"""A character that no font has: what is drawn for it is drawn for every character that is missing."""


def with_visible_line(content: bytes, line: VisibleLine) -> bytes:
    """A JPEG with the line on its lower edge, encoded anew, without metadata.

    The same picture, line and font give the same bytes. The picture must be upright, as renditions are.
    Raises NotStampable where the font is missing, broken or without a character, or the line does not fit.
    """
    with opened_picture(content, JPEG, name=line.text) as opened:
        picture = opened.convert("RGBA")
    font = _fitting(line, picture.width, picture.height)
    _, top, right, bottom = font.getbbox(line.text)
    margin = max(2, round(font.size / 3))
    strip = Image.new("RGBA", (picture.width, round(bottom - top) + 2 * margin), _DARK)
    start = (strip.width - margin - round(right), margin - round(top))
    ImageDraw.Draw(strip).text(start, line.text, font=font, fill=_LIGHT)
    picture.alpha_composite(strip, (0, max(0, picture.height - strip.height)))
    drawn = io.BytesIO()
    picture.convert("RGB").save(
        drawn, "JPEG", quality=_QUALITY, progressive=True, optimize=True, subsampling="4:2:0"
    )
    return drawn.getvalue()


def check_font(line: VisibleLine) -> None:
    """Raise NotStampable unless the font can be opened and has every character of the line."""
    _with_all_characters(line, _LARGEST)


def _fitting(line: VisibleLine, width: int, height: int) -> ImageFont.FreeTypeFont:
    """The font in the largest size in which the line fits."""
    size = max(_SMALLEST, min(_LARGEST, height // _SHARE))
    font = _with_all_characters(line, size)
    while font.getlength(line.text) + font.size > width or 2 * font.size > height:
        size -= 1
        if size < _SMALLEST:
            raise NotStampable(
                Text(
                    f"图片太小（{width}×{height}），容不下可见的来源标注",
                    f"the picture is too small ({width}×{height}) for the visible line",
                )
            )
        font = _font(line.font, size)
    return font


def _with_all_characters(line: VisibleLine, size: int) -> ImageFont.FreeTypeFont:
    font = _font(line.font, size)
    absent = bytes(font.getmask(_ABSENT))
    missing = "".join(one for one in dict.fromkeys(line.text) if bytes(font.getmask(one)) == absent)
    if missing.strip():
        raise NotStampable(
            Text(
                f"字体 {line.font} 缺字：{missing}", f"the font {line.font} has no character for {missing}"
            )
        )
    return font


def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    """The font of a file; of a collection, the one for simplified Chinese."""
    try:
        font = ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
        for number in range(1, 12):
            if path.suffix.lower() not in {".ttc", ".otc"} or "SC" in (font.getname()[0] or "").split():
                break
            try:
                other = ImageFont.truetype(path, size, number, layout_engine=ImageFont.Layout.BASIC)
            except OSError:
                break  # the last of the collection
            if "SC" in (other.getname()[0] or "").split():
                font = other
    except (OSError, ValueError) as error:
        raise NotStampable(
            Text(
                f"无法打开字体 {path}；请安装中文字体（apt-get install fonts-noto-cjk）",
                f"the font {path} cannot be opened: install one with Chinese characters"
                " (apt-get install fonts-noto-cjk)",
            )
        ) from error
    return font
