"""Format times for feeds and for people, the same in every locale."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import format_datetime
from typing import Final

from syndicate.language import Text
from syndicate.model.archives import ArchiveSpan

MINUTE: Final = timedelta(minutes=1)
SECOND: Final = timedelta(seconds=1)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def whole(instant: datetime) -> datetime:
    """The time cut to the second, its offset in whole minutes, as feed formats require.

    Local mean times of old zone data have offsets such as +08:05:43; they become UTC.
    """
    instant = instant.replace(microsecond=0)
    offset = instant.utcoffset()
    return instant.astimezone(UTC) if offset is None or offset.total_seconds() % 60 else instant


def rounded_up(instant: datetime, unit: timedelta) -> datetime:
    """The time, rounded up to a whole `unit`, so that nothing seems to be allowed earlier than it is."""
    over = (instant - _EPOCH) % unit
    return instant + (unit - over) if over else instant


def rfc3339(instant: datetime, zone: tzinfo | None = None) -> str:
    """The time in RFC 3339, such as `2018-01-22T08:01:00+08:00`, in its own zone unless `zone` is given."""
    return whole(instant if zone is None else instant.astimezone(zone)).isoformat()


def rfc822(instant: datetime) -> str:
    """The time as RFC 822 feeds write it: `Mon, 22 Jan 2018 08:01:00 +0800`."""
    return format_datetime(whole(instant))


def readable(instant: datetime, zone: tzinfo) -> Text:
    """The time in this zone, for people."""
    local = instant.astimezone(zone)
    clock = f"{local.hour:02}:{local.minute:02}"
    return Text(
        f"{local.year}年{local.month}月{local.day}日 {clock}",
        f"{local.day} {_MONTHS[local.month - 1]} {local.year}, {clock} (UTC{_offset(local)})",
    )


def clock_duration(milliseconds: int) -> str:
    """A length of time as players show it: `0:07`, `12:30`, `1:02:03`."""
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def iso_duration(milliseconds: int) -> str:
    """A length of time in whole seconds, one at least, as ISO 8601 writes it: `PT754S`."""
    return f"PT{max(1, round(milliseconds / 1000))}S"


def readable_span(span: ArchiveSpan, zone: tzinfo) -> Text:
    """The month, day or hour of an archive document, for people; a part is called by its hour."""
    local = span.since.astimezone(zone)
    month = Text(f"{local.year}年{local.month}月", f"{_MONTHS[local.month - 1]} {local.year}")
    if len(span.name) == len("2018-01"):
        return month
    day = Text(f"{month.zh}{local.day}日", f"{local.day} {month.en}")
    return (
        day
        if len(span.name) == len("2018-01-22")
        else day + Text(f"{local.hour}时", f", {local.hour:02}:00")
    )


def _offset(local: datetime) -> str:
    written = rfc3339(local)
    return written[19:] if not written.endswith("Z") else "+00:00"
