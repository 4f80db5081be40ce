"""Find times in embargo instructions; read one as an instant only if it is complete.

`2030年1月1日8时`, `2030-01-01 08:00`, `1 January 2030, 8 a.m. GMT` are instants. A time without its year,
its time of day or a zone that we know is found too, without an instant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DAY: Final = "|".join(
    (
        r"(?<!\d)(?P<y1>\d{4})\s?[年/.-]\s?(?P<m1>\d{1,2})\s?[月/.-]\s?(?P<d1>\d{1,2})(?!\d)\s?[日号]?",
        rf"(?<!\d)(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m2>{_MONTH})(?:,?\s+(?P<y2>\d{{4}})(?!\d))?",
        rf"\b(?P<m3>{_MONTH})\s+(?P<d3>\d{{1,2}})(?!\d)(?:st|nd|rd|th)?(?:,?\s+(?P<y3>\d{{4}})(?!\d|:))?",
    )
)
_LOOSE_DAY: Final = (
    r"(?:(?:明|今|后|次|本|下)?年\s?)?\d{1,2}\s?月\s?\d{1,2}(?!\d)\s?[日号]?(?:\s?[至到~-]\s?\d{1,2}\s?[日号])?|(?<!\d)\d{1,2}\s?[日号]"
    r"|(?<!\d)\d{1,4}[/.-]\d{1,2}(?:[/.-]\d{1,4})?(?!\d)|(?<!\d)\d{4}\s?年(?:\s?\d{1,2}\s?月)?|(?<!\d)\d{8}(?!\d)"
    r"|[一二三四五六七八九十〇零○]+\s?[年月日号](?:[一二三四五六七八九十〇零○]+\s?[年月日号])*"
    r"|[今明后次当昨][天日早晚晨]|(?:下|本|这)?(?:周|星期|礼拜)[一二三四五六日天末]|国庆(?:节)?|元旦|春节|节后|月底|年底|下月初?"
    r"|\b(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b|\b(?:today|tomorrow|tonight|midnight|noon)\b"
)
_WEEKDAY: Final = (
    r"\s?[(（]?\s?(?:(?:星期|周|礼拜)[一二三四五六日天]"
    r"|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b)\s?[)）]?"
)
_HALF: Final = "凌晨|清晨|早晨|早上|早间|上午|中午|下午|傍晚|晚上|晚间|夜间|晚|早"
_CLOCK: Final = (
    rf"(?:(?P<half>{_HALF})\s?)?(?<![\d:.])(?P<hour>\d{{1,2}})\s?"
    r"(?:[:：](?P<minute>\d{2})(?::\d{2}(?:\.\d+)?)?(?!\d)"
    r"|[时点](?:\s?(?P<minute2>\d{1,2})\s?分?|(?P<thirty>半)|(?P<quarter>一刻)|整|正)?"
    r"|(?=\s?[ap]\.?m\b))(?:\s?(?P<late>[ap]\.?m\b\.?))?(?:\s?hours\b)?"
    r"|(?<![\d:.-])(?P<military>(?:[01]\d|2[0-4])[0-5]\d)\s?(?:(?:hours|hrs|h)\b|(?=\s?(?:gmt|utc)\b))"
)
_ZONE: Final = (
    r"\s?[(（]?\s?(?:(?P<beijing>北京时间|beijing(?:\s+time)?|bjt|cst\s*\(china\)|china standard time)"
    r"|(?P<zulu>(?:utc|gmt)(?P<shift>\s?[+-]\s?\d{1,2}(?::?\d{2})?)?|z\b)"
    r"|(?P<offset>[+-]\d{2}:?\d{2}(?!\d))"
    r"|(?P<other>[a-z]{1,4}[ds]?t\b"
    r"|(?:local|eastern|central|pacific|london|tokyo|hong kong|new york|us)\s+time|"
    r"(?:当地|美东|美西|纽约|伦敦|东京|格林尼治|世界|国际标准|夏令)\w{0,4}时间?))\s?[)）]?"
)
_JOINT: Final = r"(?:\s|,|，|T|at|on|the|的|of|from|当天|当日|\.)*"
_FLAGS: Final = re.IGNORECASE
_DAYS: Final = re.compile(_DAY, _FLAGS)
_CLOCKS: Final = re.compile(_CLOCK, _FLAGS)
_ZONES: Final = re.compile(_ZONE, _FLAGS)
_LOOSE: Final = re.compile(_LOOSE_DAY, _FLAGS)
_DIGIT: Final = re.compile(r"\d")
_DAY_BEGINS: Final = re.compile(r"[\djfmasond]", _FLAGS)
_CLOCK_BEGINS: Final = re.compile(r"[\d凌清早上中下傍晚夜]")
_LOOSE_BEGINS: Final = re.compile(
    r"[\d明今后次本下年一二三四五六七八九十〇零○当昨这周星礼国元春节月mtwfsn]", _FLAGS
)
_WEEKDAYS: Final = re.compile(_WEEKDAY, _FLAGS)
_JOINTS: Final = re.compile(_JOINT, _FLAGS)
_BEIJING_BEFORE: Final = re.compile(r"(?:北京时间|beijing time)\s?$", _FLAGS)
_MOST_TIMES: Final = 12
_FIRST_YEAR, _LAST_YEAR = 1950, 2999


@dataclass(frozen=True, slots=True)
class FoundTime:
    """A time in a text, from `start` to `end`; `instant` is None where the text leaves it open."""

    start: int
    end: int
    instant: datetime | None


def times_in(text: str, zone: tzinfo) -> list[FoundTime]:
    """Find the first times that the text names, at most twelve. A clock without a zone is in `zone`."""
    found: list[FoundTime] = []
    place = 0
    while place < len(text) and len(found) < _MOST_TIMES:
        one = _next(text, place, zone)
        if one is None:
            break
        found.append(one)
        place = max(one.end, place + 1)
    return found


def _next(text: str, place: int, zone: tzinfo) -> FoundTime | None:
    """Find the first time from `place` on: a day with what belongs to it, else a clock before its day."""
    exact = ((_DAYS, _DAY_BEGINS), (_CLOCKS, _CLOCK_BEGINS)) if _DIGIT.search(text, place) else ()
    candidates = [
        match
        for pattern, begins in (*exact, (_LOOSE, _LOOSE_BEGINS))
        if (match := _search(pattern, begins, text, place)) is not None
    ]
    if not candidates:
        return None
    # Of those that begin first, the longest: a full date goes before the month and day in it.
    first = min(candidates, key=lambda match: (match.start(), -match.end()))
    return _whole(text, first, zone)


def _search(
    pattern: re.Pattern[str], begins: re.Pattern[str], text: str, place: int
) -> re.Match[str] | None:
    """`pattern.search`, trying only where one of the characters stands that its matches begin with."""
    for one in begins.finditer(text, place):
        match = pattern.match(text, one.start())
        if match is not None:
            return match
    return None


@dataclass(slots=True)
class _Parts:
    """The parts of one time, while they are collected."""

    day: re.Match[str] | None = None
    clock: re.Match[str] | None = None
    zones: list[re.Match[str]] = field(default_factory=list)
    loose: bool = False
    twice: bool = False


def _whole(text: str, first: re.Match[str], zone: tzinfo) -> FoundTime:
    """Read the time that begins with this match, with every part directly beside it."""
    parts = _Parts()
    before = _BEIJING_BEFORE.search(text, 0, first.start())
    start = before.start() if before else first.start()
    _add(parts, first)
    end = first.end()
    while (following := _following(text, end, with_zone=parts.clock is not None)) is not None:
        _add(parts, following)
        end = following.end()
    return FoundTime(start, end, _instant(parts, beijing=before is not None, zone=zone))


def _following(text: str, end: int, *, with_zone: bool) -> re.Match[str] | None:
    """Collect what belongs to a time that ends at `end`: a zone, a weekday, its day or its clock."""
    found = _ZONES.match(text, end) if with_zone else None
    if found is not None:
        return found
    joint = _JOINTS.match(text, end)
    after = joint.end() if joint else end
    for pattern in (_WEEKDAYS, _DAYS, _CLOCKS, _LOOSE):
        found = pattern.match(text, after)
        if found is not None:
            return found
    return None


def _add(parts: _Parts, match: re.Match[str]) -> None:
    if match.re is _DAYS:
        parts.twice = parts.twice or parts.day is not None
        parts.day = match
    elif match.re is _CLOCKS:
        parts.twice = parts.twice or parts.clock is not None
        parts.clock = match
    elif match.re is _ZONES:
        parts.zones.append(match)
    elif not _WEEKDAYS.fullmatch(match[0]):
        parts.loose = True


def _instant(parts: _Parts, *, beijing: bool, zone: tzinfo) -> datetime | None:
    """Return the instant; None where a part is missing, given twice or unclear."""
    if parts.day is None or parts.clock is None or parts.loose or parts.twice:
        return None
    place = _zone(parts.zones, beijing=beijing, zone=zone)
    clock = _clock(parts.clock)
    said = {name[0]: value for name, value in parts.day.groupdict().items() if value}
    year, month, day = (said.get(name) for name in "ymd")
    if place is None or clock is None or year is None or month is None or day is None:
        return None
    number = int(month) if month.isdigit() else _MONTHS.index(month[:3].lower()) + 1
    try:
        on = date(int(year), number, int(day)) + timedelta(days=clock[0] // 24)
        found = datetime.combine(on, time(clock[0] % 24, clock[1]), tzinfo=place)
    except (ValueError, OverflowError):
        return None
    return found.astimezone(UTC) if _FIRST_YEAR <= found.year <= _LAST_YEAR else None


def _clock(match: re.Match[str]) -> tuple[int, int] | None:
    """Return hour (0 to 24) and minute; None for an hour that may be before or after noon."""
    if match["military"]:
        hour, minute = int(match["military"][:2]), int(match["military"][2:])
        return (hour, minute) if hour * 60 + minute <= 24 * 60 else None
    hour = int(match["hour"])
    spoken = 30 if match["thirty"] else 15 if match["quarter"] else 0
    minute = int(match["minute"] or match["minute2"] or spoken)
    half, late = match["half"] or "", (match["late"] or "").lower()
    if minute > 59 or hour * 60 + minute > 24 * 60 or (late and hour > 12):
        return None
    if late or half:
        return _of_half(hour, minute, half, late)
    return hour, minute


def _of_half(hour: int, minute: int, half: str, late: str) -> tuple[int, int] | None:
    if hour > 12:
        return hour, minute
    if late:
        return hour % 12 + (12 if late.startswith("p") else 0), minute
    if half in ("下午", "傍晚", "晚上", "晚间", "夜间", "晚"):
        return (hour + 12, minute) if hour < 12 and (half == "下午" or hour >= 5) else None
    if half == "中午":
        return (hour, minute) if hour >= 11 else (hour + 12, minute) if hour <= 2 else None
    if half == "凌晨":
        return hour % 12, minute
    return (hour, minute) if hour < 12 else None


def _zone(zones: list[re.Match[str]], *, beijing: bool, zone: tzinfo) -> tzinfo | None:
    """Return the zone that the text names, else the publisher's; None for a name that is not certain."""
    if beijing and not zones:
        return ZoneInfo("Asia/Shanghai")
    if not zones:
        return zone
    if len(zones) > 1 or beijing or zones[0]["other"]:
        return None
    if zones[0]["beijing"]:
        return ZoneInfo("Asia/Shanghai")
    shift = (zones[0]["shift"] or zones[0]["offset"] or "+00").replace(" ", "").replace(":", "")
    hours, minutes = int(shift[1:3] if len(shift) > 2 else shift[1:]), int(shift[3:] or 0)
    if hours > 14 or minutes > 59:
        return None
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if shift[0] == "-" else offset)
