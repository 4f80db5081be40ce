"""Dates as the site prints them and as ninjs writes them, each with its place in the time of the world.

A page prints the newsroom's wall clock (`2018年1月22日 8:1`), which means the publisher's time zone; ninjs
carries an offset of its own (RFC 3339), and without one it is refused: a guessed hour would open an item
early.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

_COLON: Final = "[:\uff1a\u2236\ufe30\ufe55]"
_DAY: Final = r"(\d{4})\s?(?:年|[-/.])\s?(\d{1,2})\s?(?:月|[-/.])\s?(\d{1,2})\s?日?"
_CLOCK: Final = (
    rf"(\d{{1,2}})\s?(?:{_COLON}|时|点)\s?(\d{{1,2}})\s?分?(?:\s?{_COLON}?\s?(\d{{1,2}})\s?秒?)?"
)
_WEEKDAY: Final = r"(?:\s?[(\uff08]?(?:星期|周)[一二三四五六日天][)\uff09]?)?"
PRINTED: Final = re.compile(rf"{_DAY}{_WEEKDAY}(?:[\sT]*{_CLOCK})?{_WEEKDAY}")
"""A printed date: year, month, day, and, unless left out, hour, minute, second."""
_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)
_FIRST_YEAR, _LAST_YEAR = 1950, 2999
"""Outside of these a date is a slip of the pen (and time zones were not what they are)."""


def printed(match: re.Match[str], zone: tzinfo) -> datetime | None:
    """The moment that a match of PRINTED means, with the zone's offset of that day.

    None where it names no moment: no time of day, a thirteenth month, a year out of reason.
    """
    year, month, day, hour, minute, second = (int(part) if part else None for part in match.groups())
    if year is None or month is None or day is None or hour is None or minute is None:
        return None
    try:
        moment = datetime(year, month, day, hour, minute, second or 0, tzinfo=zone)
    except ValueError:
        return None
    return _within_reason(moment)


def rfc3339(text: str) -> datetime | None:
    """The moment, with the offset as written; None where it is no RFC 3339 date-time or has no offset."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    day, clock, fraction, _, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    if offset >= timedelta(hours=24):
        return None
    zone = timezone(-offset if sign == "-" else offset)
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=zone)
    except ValueError:
        return None
    return _within_reason(moment.replace(microsecond=int((fraction or "0").ljust(6, "0"))))


def _within_reason(moment: datetime) -> datetime | None:
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        return None
    # A fixed offset: what was printed stays as it was, whatever a later zone database says.
    offset = moment.utcoffset() or timedelta(0)
    return moment.replace(tzinfo=timezone(offset) if offset else UTC)
