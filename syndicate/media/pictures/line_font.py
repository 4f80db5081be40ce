"""The visible line as a value: its text and font. It needs no library of pictures, unlike the drawing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

FONTS: Final = (
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"),
    Path("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc"),
    Path("/System/Library/Fonts/PingFang.ttc"),
)
"""Where systems keep fonts with Chinese characters, the first choice first."""


@dataclass(frozen=True, slots=True)
class VisibleLine:
    """The text to draw and the file of the font to draw it with."""

    text: str
    font: Path


def known_font() -> Path | None:
    """The first font with Chinese characters that this machine has in a usual place."""
    return next((path for path in FONTS if path.is_file()), None)
