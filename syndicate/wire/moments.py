"""Times as formats and people write them, the same in every process, whatever its locale."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from email.utils import format_datetime
from typing import Final

from syndicate.language import Text

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


def rfc3339(moment: datetime) -> str:
    """`2018-01-22T08:01:00+08:00`."""
    return whole(moment).isoformat()


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
