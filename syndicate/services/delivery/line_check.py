"""Check before anything is served or taken in that the visible line can be drawn, where it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syndicate.errors import Fault, Faulty, NotStampable
from syndicate.language import Text
from syndicate.media.visible_lines import VisibleLines

if TYPE_CHECKING:
    from syndicate.config import Settings


def check_line_of_settings(lines: VisibleLines, settings: Settings) -> None:
    """Raise Faulty where the settings ask for a line, or name a font, and it cannot be drawn. Blocks."""
    if not settings.asks_for_line:
        return
    try:
        lines.check()
    except NotStampable as error:
        named = settings.visible_line_font is not None
        field = "publisher.visible_line_font" if named else "publisher.visible_line"
        what = Text("设置有误", "the settings were refused")
        raise Faulty(what, [Fault("no_font", field, error.why)]) from error
