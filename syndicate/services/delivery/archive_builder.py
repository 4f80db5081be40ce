"""Find the content of an archive document for one recipient, and what lies below and above it.

As in a feed, the agreements narrow what is read, the policy decides about each outline, and texts are read
of what is released alone. Nothing of it is kept: a document is judged anew each time it is read.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

from syndicate.errors import Unstampable
from syndicate.model.archives import ARCHIVE_LENGTH, ArchiveSpan, spans_of
from syndicate.model.item import Item, ItemId
from syndicate.model.parties import Partner, Publisher
from syndicate.policy import Clearance
from syndicate.policy.coverage import Coverage, coverage, reach
from syndicate.policy.scope import edges, upcoming
from syndicate.services.delivery.archive_links import next_span, previous_span
from syndicate.services.delivery.associated_media import first, judged_media, shown_media_until
from syndicate.services.delivery.feed_builder import FeedRequest, is_placed, log_left_out
from syndicate.stamping import StampedItem, stamp
from syndicate.store.protocol import FeedQuery, Place, Reads

_BATCH = 100
"""Outlines to read at once."""


@dataclass(frozen=True, slots=True)
class ArchiveContent:
    """What an archive document shows, newest first, and the names of its neighbours.

    `until` is when a decision about anything in it may change by itself, `shown_until` the same without the
    agreements.
    """

    items: tuple[StampedItem, ...]
    previous: str | None
    next: str | None
    until: datetime | None
    shown_until: datetime | None


async def build_archive(
    request: FeedRequest, publisher: Publisher, reads: Reads, span: ArchiveSpan
) -> ArchiveContent | None:
    """Find what is in the document; None where the recipient may have nothing in it."""
    return await _ArchiveBuilder(request, publisher, reads).build(span)


class _ArchiveBuilder:
    def __init__(self, request: FeedRequest, publisher: Publisher, reads: Reads) -> None:
        self._request, self._publisher, self._reads = request, publisher, reads
        channels = [channel.id for channel in publisher.channels]
        mandates, licences = request.register.mandates, request.licences
        self._reach = reach(request.recipient, mandates, licences, request.now)
        self._covered: Coverage = coverage(
            request.feed, request.recipient, mandates, licences, request.use, request.now, channels
        )

    async def build(self, span: ArchiveSpan) -> ArchiveContent | None:
        shown: list[Item] = []
        below: Item | None = None
        async with aclosing(self._cleared(_top(span), oldest_first=False)) as downwards:
            async for outline in downwards:
                if outline.published < span.since or len(shown) == ARCHIVE_LENGTH:
                    below = outline
                    break
                shown.append(outline)
        if not shown:
            return None
        over, zone = self._request.now - self._covered.shortest_delay, self._publisher.zone
        above = await self._above(shown[0])
        previous = previous_span(span, shown, below, over, zone) if below is not None else None
        following = next_span(shown[0], above, over, zone) if above else None
        items, ends = await self._stamped(shown)
        mandates, licences = self._request.register.mandates, self._request.licences
        changes = upcoming((*edges(mandates), *edges(licences)), self._request.now)
        return ArchiveContent(
            items,
            None if previous is None else previous.name,
            None if following is None else following.name,
            first(changes, ends),
            ends,
        )

    async def _above(self, highest: Item) -> list[Item]:
        """What is above this item, oldest first: as much as `next_span` asks for."""
        above: list[Item] = []
        start = Place(highest.published, highest.id)
        async with aclosing(self._cleared(start, oldest_first=True)) as upwards:
            async for outline in upwards:
                above.append(outline)
                month = spans_of(above[0].published, self._publisher.zone)[0]
                if len(above) > ARCHIVE_LENGTH or outline.published not in month:
                    break
        return above

    async def _cleared(self, after: Place, *, oldest_first: bool) -> AsyncGenerator[Item]:
        """Everything behind this place that the recipient may have, as outlines, in order."""
        request, place, more = self._request, after, self._reach is not None
        partner = request.recipient.id if isinstance(request.recipient, Partner) else None
        query = FeedQuery(self._covered.cells, (), partner, request.now)
        while more:
            batch, more = await self._reads.feed_outlines(
                query, after=place, limit=_BATCH, oldest_first=oldest_first
            )
            for outline in batch:
                if (
                    self._reach is not None
                    and outline in self._reach
                    and outline in request.feed
                    and is_placed(outline, self._publisher)
                    and isinstance(request.verdict(outline), Clearance)
                ):
                    yield outline
            place = Place(batch[-1].published, batch[-1].id) if batch else place

    async def _stamped(self, shown: list[Item]) -> tuple[tuple[StampedItem, ...], datetime | None]:
        """Read the texts, judge and stamp them; and when a decision about any of them may change."""
        items: list[StampedItem] = []
        ends: list[datetime] = []
        found = await self._reads.newest([outline.id for outline in shown])
        media = await judged_media(found.values(), self._request.verdict, self._reads, self._texts)
        for outline in shown:
            item = found[outline.id]
            verdict = self._request.verdict(item)
            until = first(verdict.until, shown_media_until(item, media))
            ends += [] if until is None else [until]
            if isinstance(verdict, Clearance):
                try:
                    items.append(stamp(verdict, self._publisher, media))
                except Unstampable as error:
                    log_left_out(outline, error)
        return tuple(items), min(ends, default=None)

    async def _texts(self, outlines: Collection[Item]) -> Mapping[ItemId, Item]:
        return await self._reads.newest([outline.id for outline in outlines])


def _top(span: ArchiveSpan) -> Place:
    """The place behind which the document's items are, the newest first."""
    if span.newest is None:
        return Place(span.until, ItemId(""))
    published, item = span.newest
    return Place(published, ItemId(f"{item} "))
