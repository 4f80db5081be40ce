"""Times on the command line as staff write them: a day, a local time, or a time with its offset."""

from __future__ import annotations

from datetime import datetime

from syndicate.cli.ui.failures import Bilingual
from syndicate.cli.ui.output import Output
from syndicate.language import Text

_NOTHING_ELSE = Text("", "")


def local_time(word: str, name: str, voice: Output, instead: Text = _NOTHING_ELSE) -> datetime:
    """The time that `word` names; a day is its midnight, and what has no offset is in the publisher's zone.

    Raises a usage error that names the option `name`; `instead` is what else the option takes.
    """
    try:
        at = datetime.fromisoformat(word)
    except ValueError:
        raise Bilingual(
            Text(
                f"{name} {word!r} 应为{instead.zh}",
                f"{name} {word!r} is not understood; expected {instead.en}",
            )
            + Text(
                '日期（2026-11-01）、本地时间（"2026-11-01 08:00"）或带时区的时刻'
                "（2026-11-01T08:00:00+08:00）",
                'a day (2026-11-01), a local time ("2026-11-01 08:00") or a time with its offset '
                "(2026-11-01T08:00:00+08:00)",
            )
        ) from None
    return at if at.tzinfo is not None else at.replace(tzinfo=voice.zone)
