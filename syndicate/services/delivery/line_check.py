"""Check before anything is served or taken in that the visible line can be drawn, where it is asked for."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from syndicate.errors import Fault, Faulty, NotStampable
from syndicate.language import Text
from syndicate.media.visible_lines import VisibleLines
from syndicate.model.register import Register

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


def licences_with_line(register: Register, now: datetime) -> list[str]:
    """The numbers of the licences, not ended yet, of which a grant needs the visible line."""
    held = (one for licences in register.licences.values() for one in licences)
    return sorted(
        one.number
        for one in held
        if one.window.state(now) != "ended" and any(grant.visible_line for grant in one.grants)
    )
