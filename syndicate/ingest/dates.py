"""Read the dates of pages and of ninjs documents as aware datetimes.

A page prints the newsroom's wall clock (`2018年1月22日 8:1`), which means the publisher's time zone; ninjs
carries an offset of its own (RFC 3339), and without one it is refused: a guessed hour would open an item
early.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

_COLON: Final = "[:\uff1a\u2236\ufe30\ufe55]"
_DAY: Final = (
    r"(?P<year>\d{4})\s?(?:年|[-/.])\s?(?P<month>\d{1,2})\s?(?:月|[-/.])\s?(?P<day>\d{1,2})(?!\d)\s?[日号]?"
)
_HALF: Final = r"(?P<half>上午|下午|中午|早上|晚上|凌晨|傍晚|[AaPp]\.?[Mm]\.?)"
_CLOCK: Final = (
    rf"(?:{_HALF}\s?)?(?P<hour>\d{{1,2}})\s?(?:{_COLON}|时|点)\s?(?P<minute>\d{{1,2}})(?!\d)\s?分?"
    rf"(?:\s?{_COLON}?\s?(?P<second>\d{{1,2}})(?!\d)\s?秒?)?(?:\.\d{{1,6}})?(?:\s?(?P<late>[AaPp][Mm]))?"
    r"(?P<offset>[Zz]|[+-]\d\d:?\d\d)?"
)
_WEEKDAY: Final = r"(?:\s?[(\uff08]?(?:星期|周|礼拜)[一二三四五六日天][)\uff09]?)?"
PRINTED: Final = re.compile(rf"{_DAY}{_WEEKDAY}(?:[\s,，T]*{_CLOCK})?{_WEEKDAY}")
"""A printed date: year, month, day, and, unless left out, hour, minute, second."""
_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)
_FIRST_YEAR, _LAST_YEAR = 1950, 2999
"""Outside of these a date is a typing mistake (and time zones were not what they are)."""


def printed(match: re.Match[str], zone: tzinfo) -> datetime | None:
    """Return the datetime of a match of PRINTED, with the zone's offset of that day.

    An offset in the text itself counts before the zone. None where the text names no instant: no time of
    day, a thirteenth month, a year out of reason.
    """
    if match["hour"] is None:
        return None
    year, month, day, hour, minute = (
        int(match[name]) for name in ("year", "month", "day", "hour", "minute")
    )
    half = match["half"] or match["late"] or ""
    late = (
        half in ("下午", "晚上", "傍晚") or half.lower().startswith("p") or (half == "中午" and hour < 11)
    )
    if late and hour < 12:
        hour += 12
    elif hour == 12 and (half in ("凌晨", "上午") or half.lower().startswith("a")):
        hour = 0
    try:
        found = datetime(year, month, day, hour, minute, int(match["second"] or 0), tzinfo=zone)
    except ValueError:
        return None
    offset = match["offset"]
    if offset:
        zulu = offset in "Zz"
        text = "+00:00" if zulu else offset if ":" in offset else f"{offset[:3]}:{offset[3:]}"
        return rfc3339(f"{found:%Y-%m-%dT%H:%M:%S}{text}")
    return _within_reason(found)


def rfc3339(text: str) -> datetime | None:
    """Read an RFC 3339 date-time, with its offset; None for any other text, and without an offset."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    day, clock, fraction, _, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    if offset >= timedelta(hours=24):
        return None
    zone = timezone(-offset if sign == "-" else offset)
    try:
        found = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=zone)
    except ValueError:
        return None
    return _within_reason(found.replace(microsecond=int((fraction or "0").ljust(6, "0"))))


def _within_reason(found: datetime) -> datetime | None:
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        return None
    # A fixed offset: what was printed stays as it was, whatever a later zone database says.
    offset = found.utcoffset() or timedelta(0)
    return found.replace(tzinfo=timezone(offset) if offset else UTC)
