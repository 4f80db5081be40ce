"""The documents of a feed's archive (RFC 5005, section 4): months, and in them days, hours and parts.

A document is a span of the publisher's calendar, so its address does not depend on what is in it. Only what
is left of an hour that is too full, or not over yet, begins at an item: a part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from syndicate.model.item import ItemId
from syndicate.model.rights import Use

ARCHIVE_LENGTH: Final = 200
"""An archive document holds this many items at most."""

_NAME: Final = re.compile(
    r"(?P<year>[12]\d{3})-(?P<month>\d\d)(?:-(?P<day>\d\d)(?:T(?P<hour>\d\d)"
    r"(?:-(?P<after>0|[1-9]\d{0,9})-(?P<item>\d{8}-[a-z0-9]{10}))?)?)?",
    re.ASCII,
)
ARCHIVE_NAME: Final = re.sub(r"\?P<\w+>", "?:", _NAME.pattern)
"""A regular expression of what a name looks like; whether there is such a day, `archive_span` says."""
_MICROSECOND: Final = timedelta(microseconds=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ArchiveSpan:
    """What an archive document is about: items published from `since` on and before `until`.

    `name` stands in its address: `2026-11`, `2026-11-05`, `2026-11-05T14`. A part is about the items of its
    hour from `newest` on, downwards in the order of feeds: (published, id). Its name has the microseconds
    since the hour began, and the id: `2026-11-05T14-1800000000-20261105-abcdefghij`.
    """

    name: str
    since: datetime
    until: datetime
    newest: tuple[datetime, ItemId] | None = None

    @property
    def top(self) -> datetime:
        """Of every time before this one, the document is about everything above its lowest item."""
        return self.until if self.newest is None else self.newest[0]

    def __contains__(self, moment: datetime) -> bool:
        return self.since <= moment < self.until


@dataclass(frozen=True, slots=True)
class ArchiveLinks:
    """Where a document of a feed stands among the others (RFC 5005, section 4). Each is a name.

    Attributes:
        own: the archive document's own name; None for the feed itself.
        previous: the document that goes on with what is older; None where nothing is.
        next: the document with what is newer; None where only the feed itself has it.
        use: the use that was asked for, which every link asks for again.
    """

    own: str | None = None
    previous: str | None = None
    next: str | None = None
    use: Use | None = None

    def document_of(self, feed: str) -> str:
        """The name of this document of a feed: the feed's id, behind it the archive document's own name."""
        return feed if self.own is None else f"{feed}/{self.own}"


NO_LINKS: Final = ArchiveLinks()
"""Of a single item, which is in no archive."""


def archive_span(name: str, zone: tzinfo) -> ArchiveSpan | None:
    """Return the span of this name in the publisher's zone; None where it names none."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    year, month, day, hour = (int(found[one] or least) for one, least in _FIELDS)
    try:
        local = datetime(year, month, day, hour)  # noqa: DTZ001 (a reading of the clock on the wall)
    except ValueError:
        return None
    if found["after"] is not None:
        span = _hour(local, zone)
        published = span.since + int(found["after"]) * _MICROSECOND
        if published not in span:
            return None
        return ArchiveSpan(name, span.since, span.until, (published, ItemId(found["item"])))
    if found["hour"] is not None:
        return _hour(local, zone)
    return _day(local, zone) if found["day"] is not None else _month(local, zone)


_FIELDS: Final = (("year", "1"), ("month", "1"), ("day", "1"), ("hour", "0"))


def spans_of(moment: datetime, zone: tzinfo) -> tuple[ArchiveSpan, ArchiveSpan, ArchiveSpan]:
    """Return the month, the day and the hour of this moment."""
    local = moment.astimezone(zone).replace(tzinfo=None)
    hour = local.replace(minute=0, second=0, microsecond=0, fold=0)
    return _month(hour.replace(day=1, hour=0), zone), _day(hour.replace(hour=0), zone), _hour(hour, zone)


def part_from(published: datetime, item: ItemId, zone: tzinfo) -> ArchiveSpan:
    """Return the part of its hour that begins with this item and goes on to older ones."""
    hour = spans_of(published, zone)[-1]
    name = f"{hour.name}-{(published - hour.since) // _MICROSECOND}-{item}"
    return ArchiveSpan(name, hour.since, hour.until, (published, item))


def _month(local: datetime, zone: tzinfo) -> ArchiveSpan:
    return _span(f"{local:%Y-%m}", local, (local + 31 * _DAY).replace(day=1), zone)


def _day(local: datetime, zone: tzinfo) -> ArchiveSpan:
    return _span(f"{local:%Y-%m-%d}", local, local + _DAY, zone)


def _hour(local: datetime, zone: tzinfo) -> ArchiveSpan:
    return _span(f"{local:%Y-%m-%dT%H}", local, local + _HOUR, zone)


def _span(name: str, since: datetime, until: datetime, zone: tzinfo) -> ArchiveSpan:
    """The span between two readings of the clock on the wall, in UTC.

    Where the clock is set back, an hour comes twice: the span lasts from the first time to the second, so
    that no moment is in none.
    """
    ends = [until.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    return ArchiveSpan(name, since.replace(tzinfo=zone).astimezone(UTC), max(ends))
