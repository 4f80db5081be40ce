"""Times as formats and people write them, the same in every process, whatever its locale."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import format_datetime
from typing import Final

from syndicate.language import Text

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


def whole(moment: datetime) -> datetime:
    """An aware moment to the second, with an offset in whole minutes: feeds can write no other.

    Local mean times of old zone data have offsets such as +08:05:43; they become UTC.
    """
    moment = moment.replace(microsecond=0)
    offset = moment.utcoffset()
    return moment.astimezone(UTC) if offset is None or offset.total_seconds() % 60 else moment


def rounded_up(moment: datetime, unit: timedelta) -> datetime:
    """The moment, or the next whole `unit`: nothing may be said to be allowed earlier than it is."""
    over = (moment - _EPOCH) % unit
    return moment + (unit - over) if over else moment


def rfc3339(moment: datetime) -> str:
    """`2018-01-22T08:01:00+08:00`."""
    return whole(moment).isoformat()


def on_the_clock(moment: datetime, zone: tzinfo) -> str:
    """`rfc3339`, on the newsroom's clock: for what staff did, which is kept in UTC."""
    return rfc3339(moment.astimezone(zone))


def rfc822(moment: datetime) -> str:
    """`Mon, 22 Jan 2018 08:01:00 +0800`, with English names."""
    return format_datetime(whole(moment))


def readable(moment: datetime, zone: tzinfo) -> Text:
    """The moment on the newsroom's clock, for people."""
    local = moment.astimezone(zone)
    clock = f"{local.hour:02}:{local.minute:02}"
    return Text(
        f"{local.year}年{local.month}月{local.day}日 {clock}",
        f"{local.day} {_MONTHS[local.month - 1]} {local.year}, {clock} (UTC{_offset(local)})",
    )


def _offset(local: datetime) -> str:
    written = rfc3339(local)
    return written[19:] if not written.endswith("Z") else "+00:00"
