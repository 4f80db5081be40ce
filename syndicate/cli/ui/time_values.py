"""Click types for times and spans as staff write them: `"2026-12-01 08:00"`, `2026-11-12`, `2h`, `7d`.

A time without an offset is in the publisher's zone, and a day is its midnight there. ISO 8601 is read too.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo
from typing import Final, Literal, NoReturn

import click
from typing_extensions import override

from syndicate.cli.app import given
from syndicate.cli.ui.failures import Bilingual, typed
from syndicate.language import Text

YEARS: Final = range(1900, 3000)
LONGEST: Final = timedelta(days=36_525)
"""The longest span, a hundred years: as in licences."""
_LOCAL: Final = re.compile(
    r"(?P<year>[0-9]{4})[-/.年](?P<month>[0-9]{1,2})[-/.月](?P<day>[0-9]{1,2})日?"
    r"(?:(?:T|\s+|(?<=日))(?P<hour>[0-9]{1,2})"
    r"(?:[:：](?P<minute>[0-9]{2})(?:[:：](?P<second>[0-9]{2}))?|[时点](?:(?P<minutes>[0-9]{1,2})分)?))?"
)
_PART: Final = re.compile(r"([0-9]{1,6})\s*([a-z]+|周|天|日|小时|时|分钟|分|秒)\s*")
_UNITS: Final = {
    word: timedelta(**{unit: 1})
    for unit, words in {
        "weeks": "w week weeks 周",
        "days": "d day days 天 日",
        "hours": "h hour hours 小时 时",
        "minutes": "m min minute minutes 分钟 分",
        "seconds": "s sec second seconds 秒",
    }.items()
    for word in words.split()
}
_TIMES: Final = Text(
    '日期（2026-11-01）、本地时间（"2026-11-01 08:00"）或带时区的时刻（2026-11-01T08:00:00+08:00）',
    'a day (2026-11-01), a local time ("2026-11-01 08:00") or a time with its offset '
    "(2026-11-01T08:00:00+08:00)",
)
_SPANS: Final = Text("时长（30m、2h、7d、2小时、PT2H）", "a span (30m, 2h, 7d, PT2H)")


class TimeType(click.ParamType[datetime | Literal["now"]]):
    """A time, aware. `now` also takes the word `now`, as itself."""

    name = "TIME"

    def __init__(self, *, now: bool = False) -> None:
        self._now = now

    @override
    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime | Literal["now"]:
        """Read a time. Raises a usage error that names the option."""
        if isinstance(value, datetime):
            return value
        if self._now and value == "now":
            return "now"
        at = read_time(value, _named(param))
        if at is None:
            _wrong(_named(param), value, Text("now、", "now, ") + _TIMES if self._now else _TIMES)
        return at


class SpanType(click.ParamType[timedelta]):
    """A span of more than nothing, at most a hundred years."""

    name = "SPAN"

    @override
    def convert(
        self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Read a span. Raises a usage error that names the option."""
        if isinstance(value, timedelta):
            return value
        span = read_everyday_span(value, _named(param))
        if span is None:
            _wrong(_named(param), value, _SPANS)
        return span


class AgoType(click.ParamType[datetime | timedelta]):
    """A time, or a span before now."""

    name = "TIME|SPAN"

    @override
    def convert(
        self, value: str | datetime | timedelta, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime | timedelta:
        """Read either. Raises a usage error that names the option."""
        if not isinstance(value, str):
            return value
        found = read_time(value, _named(param)) or read_everyday_span(value, _named(param))
        if found is None:
            _wrong(_named(param), value, _SPANS + Text("、", ", ") + _TIMES)
        return found


class PlaceType(click.ParamType[int | datetime]):
    """The number of a record of the trail, or a time."""

    name = "SEQ|TIME"

    @override
    def convert(
        self, value: str | int | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | datetime:
        """Read either. Raises a usage error that names the option."""
        if not isinstance(value, str):
            return value
        if value.isascii() and value.isdigit() and 0 < len(value) < 19 and int(value) > 0:
            return int(value)
        at = read_time(value, _named(param))
        if at is None:
            _wrong(_named(param), value, Text("序号、", "the number of a record, ") + _TIMES)
        return at


TIME: Final = TimeType()
TIME_OR_NOW: Final = TimeType(now=True)
SPAN: Final = SpanType()
AGO: Final = AgoType()
PLACE: Final = PlaceType()


def before(now: datetime, at: datetime | timedelta | None) -> datetime | None:
    """Return the time that an `AGO` option means."""
    return now - at if isinstance(at, timedelta) else at


def read_time(word: str, name: str) -> datetime | None:
    """Read a time; None where the word is none.

    Raises a usage error naming `name` for a time that there is not, or that is there twice.
    """
    written = word.strip()
    found = _LOCAL.fullmatch(written)
    try:
        at = datetime.fromisoformat(written) if found is None else _local(found)
    except ValueError:
        if found is None:
            return None
        raise Bilingual(
            Text(f"{name} {word!r}：没有这一天或这一时刻", f"{name} {word!r}: there is no such day or time")
        ) from None
    if at.year not in YEARS:
        raise Bilingual(
            Text(
                f"{name} {word!r}：年份应在 {YEARS[0]} 至 {YEARS[-1]} 之间",
                f"{name} {word!r}: the year is not in {YEARS[0]}–{YEARS[-1]}",
            )
        )
    return at if at.tzinfo is not None else _in_zone(at, given().settings().publisher.zone, name, word)


def read_everyday_span(word: str, name: str) -> timedelta | None:
    """Read a span such as `2h`, `1d12h`, `2小时` or `PT2H`; None where the word is none.

    Raises a usage error naming `name` for a span of nothing, or one too long.
    """
    if word.startswith("P"):
        # Only this reader needs the forms of agreements, which are slow to import.
        from syndicate.agreements.field_types import read_span

        with typed(Text(f"{name} {word!r} 不可用", f"{name} {word!r} cannot be used")):
            return read_span(word, name)
    span, last, rest = timedelta(0), timedelta.max, word.strip()
    while rest:
        part = _PART.match(rest)
        unit = None if part is None else _UNITS.get(part[2])
        # Largest unit first, each once: `2h2h` and `30m2h` are slips of the keyboard.
        if part is None or unit is None or unit >= last:
            return None
        span, last, rest = span + int(part[1]) * unit, unit, rest[part.end() :]
    if timedelta(0) < span <= LONGEST:
        return span
    if not word.strip():
        return None
    raise Bilingual(
        Text(
            f"{name} {word!r}：时长应大于零，至多 {LONGEST.days} 天",
            f"{name} {word!r}: expected more than nothing, and {LONGEST.days} days at most",
        )
    )


def _local(found: re.Match[str]) -> datetime:
    parts = ("year", "month", "day", "hour", "minute", "second")
    values = {name: int(found[name]) for name in parts if found[name] is not None}
    if found["minutes"] is not None:
        values["minute"] = int(found["minutes"])
    return datetime(**values)  # type: ignore[arg-type]  # noqa: DTZ001


def _in_zone(local: datetime, zone: tzinfo, name: str, word: str) -> datetime:
    """Return the local time in its zone. Raises a usage error where it is missing or comes twice."""
    at = local.replace(tzinfo=zone)
    if at.utcoffset() != at.replace(fold=1).utcoffset():
        raise Bilingual(
            Text(
                f"{name} {word!r}：当天调整钟点，这一时刻不存在或出现两次，请写明时区",
                f"{name} {word!r}: clocks change then, so that this time is missing or comes twice; "
                "write its offset",
            )
        )
    return at


def _named(param: click.Parameter | None) -> str:
    return "" if param is None else param.opts[0]


def _wrong(name: str, word: str, expected: Text) -> NoReturn:
    raise Bilingual(
        Text(
            f"{name} {word!r} 应为{expected.zh}",
            f"{name} {word!r} is not understood; expected {expected.en}",
        )
    )
