"""Link a feed and its archive documents, so that who follows the links gets everything, once.

The document that a link leads to shows the newest item that lies below all that were shown before. It is
known by the calendar, without counting what is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

from syndicate.model.archives import ARCHIVE_LENGTH, ArchiveSpan, part_from, spans_of
from syndicate.model.item import Item
from syndicate.store.protocol import Place


def feed_link(below: Place, over: datetime, zone: tzinfo) -> tuple[ArchiveSpan, timedelta | None]:
    """Return where the archive begins below a feed, and in what time it begins elsewhere; None for never.

    `below` is the newest item that the feed has no room for; what was published before `over` is complete.
    It is the largest document that is complete: a feed shows fewer items than a document, so the newest
    item below the feed is always in it.
    """
    coming: list[timedelta] = []
    for span in spans_of(below.published, zone):
        if span.until <= over:
            return span, min(coming, default=None)
        coming.append(span.until - over)
    return part_from(below.published, below.id, zone), min(coming)


def previous_span(
    span: ArchiveSpan, shown: Sequence[Item], below: Item, over: datetime, zone: tzinfo
) -> ArchiveSpan:
    """Return the document that shows `below`, the newest item below all `shown` ones of this document."""
    for one in spans_of(below.published, zone):
        # Everything in it above `below` is shown here, and leaves room for `below`.
        above = sum(1 for item in shown if item.published in one)
        if one.until <= min(over, span.top) and above < ARCHIVE_LENGTH:
            return one
    return part_from(below.published, below.id, zone)


def next_span(highest: Item, above: Sequence[Item], over: datetime, zone: tzinfo) -> ArchiveSpan | None:
    """Return the document whose lowest item is the oldest one above `highest`; None where none is yet.

    `above` has the items above `highest`, the oldest first: one more than a document holds, or all up to
    the end of the month.
    """
    spans = spans_of(above[0].published, zone)
    for span in spans:
        held = sum(1 for item in above if item.published in span)
        if highest.published < span.since and span.until <= over and held <= ARCHIVE_LENGTH:
            return span
    hour = spans[-1]
    if hour.until > over:
        return None
    last = [item for item in above[:ARCHIVE_LENGTH] if item.published in hour][-1]
    return part_from(last.published, last.id, zone)
