"""Find the content of a feed for one recipient: judge outlines newest first, then read the texts.

Which outlines to read is narrowed by what the agreements cover; the policy decides about each. Texts are
read of what is released alone.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo

from syndicate.errors import Unstampable
from syndicate.logger import Logger
from syndicate.model.feeds import FEED_LENGTH, RECALLS_TOLD, Feed, RecalledCell
from syndicate.model.item import Item, ItemId
from syndicate.model.parties import Partner, Public, Publisher, Recipient
from syndicate.model.register import Register
from syndicate.model.rights import Licence, Use
from syndicate.policy import Clearance, Verdict, clear_preferred
from syndicate.policy.coverage import Coverage, Reach, coverage, reach, recalled_coverage
from syndicate.policy.scope import edges, upcoming
from syndicate.services.delivery.archive_links import feed_link
from syndicate.services.delivery.associated_media import first, judged_media, media_until, shown_media_until
from syndicate.services.delivery.version_cache import VersionCache
from syndicate.stamping import StampedItem, Tombstone, make_tombstone, stamp
from syndicate.store.protocol import EntryQuery, FeedQuery, Place, Reads, RecallQuery

_BATCH = FEED_LENGTH + 14
"""Outlines to read at once: the feed, and a few that the policy refuses."""
_MANY_CELLS = 40
"""A feed of more cells than this is first looked for in wider ones, which are fewer."""

_log = Logger("syndicate.services")


@dataclass(frozen=True, slots=True)
class FeedRequest:
    """Whose edition of which feed, for which use (None: the best that is granted), judged by what, when."""

    feed: Feed
    recipient: Recipient
    use: Use | None
    register: Register
    now: datetime

    @property
    def licences(self) -> tuple[Licence, ...]:
        """The recipient's own licences."""
        return licences_of(self.register, self.recipient)

    def verdict(self, item: Item) -> Verdict:
        """The policy's decision about one item."""
        return clear_preferred(
            item, self.recipient, self.register.mandates, self.licences, self.use, self.now
        )


@dataclass(slots=True)
class FeedContent:
    """The newest items of a feed, stamped, and recalled ones: those among them, and those of late.

    `until` is when the content may change by itself, `shown` when what is known of each item may. `below`
    is the place of the newest item that the feed has no room for, `archive` the name of the document that
    shows it; None where there is none. `delay` is the shortest one of the recipient's.
    """

    items: list[StampedItem] = field(default_factory=list)
    tombstones: list[Tombstone] = field(default_factory=list)
    until: datetime | None = None
    shown: list[datetime | None] = field(default_factory=list)
    below: Place | None = None
    archive: str | None = None
    delay: timedelta = timedelta(0)

    def link_archive(self, now: datetime, zone: tzinfo) -> None:
        """Set `archive` to where the archive begins, and bring `until` forward to when that changes."""
        if self.below is None:
            self.archive = None
            return
        span, coming = feed_link(self.below, now - self.delay, zone)
        self.archive = span.name
        if coming is not None:
            self.until = now + coming if self.until is None else min(self.until, now + coming)

    @property
    def shown_until(self) -> datetime | None:
        """When what is in it may change by itself."""
        return min((one for one in self.shown if one is not None), default=None)


def licences_of(register: Register, recipient: Recipient) -> tuple[Licence, ...]:
    """The recipient's own licences; the public has none."""
    return () if isinstance(recipient, Public) else register.licences_of(recipient.id)


def is_placed(outline: Item, publisher: Publisher) -> bool:
    """Whether the item's outlet and channel are in the settings, without which it cannot be stamped."""
    return publisher.outlet(outline.outlet) is not None and publisher.channel(outline.channel) is not None


def log_left_out(outline: Item, error: Unstampable) -> None:
    """Say in the log why an item that was cleared is in no answer."""
    _log.warning("item_left_out", item=outline.id, why=error.text.en)


async def build_feed(
    request: FeedRequest, publisher: Publisher, reads: Reads, versions: VersionCache
) -> FeedContent:
    """Find the feed's content. The next item takes the place of one that cannot be stamped."""
    return await _FeedBuilder(request, publisher, reads, versions).build()


class _FeedBuilder:
    def __init__(
        self, request: FeedRequest, publisher: Publisher, reads: Reads, versions: VersionCache
    ) -> None:
        self._request, self._publisher, self._reads = request, publisher, reads
        self._versions = versions
        self._content = FeedContent()
        self._changes: list[datetime] = []

    async def build(self) -> FeedContent:
        request, content = self._request, self._content
        mandates, licences, now = request.register.mandates, request.licences, request.now
        coming = [upcoming((*edges(mandates), *edges(licences)), now)]
        known = reach(request.recipient, mandates, licences, now)
        if known is not None:
            channels = [channel.id for channel in self._publisher.channels]
            covered = coverage(
                request.feed, request.recipient, mandates, licences, request.use, now, channels
            )
            async with aclosing(self._outlines(known, covered)) as outlines:
                while cleared := await self._next_cleared(outlines, FEED_LENGTH - len(content.items)):
                    await self._stamp(cleared)
                if len(content.items) == FEED_LENGTH:
                    content.below = await self._next_below(outlines)
            if len(content.items) == FEED_LENGTH:
                await self._add_recent_recalls(known)
            content.delay, delayed = covered.shortest_delay, covered.delayed
            if len(delayed) > _MANY_CELLS:
                # Of any channel: fewer to look for, and `until` is earlier at worst.
                delayed = tuple({(delay, replace(cell, channel=None)): None for delay, cell in delayed})
            coming.append(await self._reads.next_entry(EntryQuery(delayed, content.below, now)))
        content.until = min((one for one in (*coming, *self._changes) if one is not None), default=None)
        content.link_archive(now, self._publisher.zone)
        return content

    async def _outlines(self, known: Reach, covered: Coverage) -> AsyncGenerator[Item]:
        """What has to be judged for the feed, newest first."""
        request = self._request
        partner = request.recipient.id if isinstance(request.recipient, Partner) else None
        wide = tuple(replace(cell, until=request.now) for cell in known.cells(request.feed))
        tombstones = self._recalled(known)
        cells = wide if len(covered.cells) > max(len(wide), _MANY_CELLS) else covered.cells
        after: Place | None = None
        more = True
        while more:
            content = self._content
            full = FEED_LENGTH in (len(content.items), len(content.tombstones))
            recalled = () if full else tombstones
            query = FeedQuery(cells, recalled, partner, request.now)
            batch, more = await self._reads.feed_outlines(query, after=after, limit=_BATCH)
            for outline in batch:
                if outline in known and outline in request.feed:
                    yield outline
            after = Place(batch[-1].published, batch[-1].id) if batch else after
            cells = covered.cells

    async def _next_cleared(self, outlines: AsyncGenerator[Item], most: int) -> list[Item]:
        """Judge until so many are cleared, or there are no more; keep the tombstones on the way."""
        cleared: list[Item] = []
        while len(cleared) < most:
            outline = await anext(outlines, None)
            if outline is None:
                break
            verdict = self._request.verdict(outline)
            if isinstance(verdict, Clearance):
                cleared.append(outline)
                continue
            self._changes += [] if verdict.until is None else [verdict.until]
            if len(self._content.tombstones) < FEED_LENGTH:
                tombstone = make_tombstone(outline, verdict, self._request.recipient, self._publisher)
                self._content.tombstones += [tombstone] if tombstone is not None else []
        return cleared

    async def _add_recent_recalls(self, known: Reach) -> None:
        """Tell of items older than the whole feed that were out and recalled lately, newest recalls first.

        Who reads an archive keeps what it read, and never reads it again (RFC 5005, section 4).
        """
        request, content = self._request, self._content
        end, since = content.items[-1], request.now - RECALLS_TOLD
        query = RecallQuery(self._recalled(known), since, Place(end.published, end.id))
        found: list[Tombstone] = []
        after: tuple[datetime, ItemId] | None = None
        more = len(content.tombstones) < FEED_LENGTH
        while more:
            batch = await self._reads.recalled_outlines(query, after=after, limit=_BATCH)
            for outline in batch:
                recall = outline.holds.recall
                after = None if recall is None else (recall.at, outline.id)
                if outline in known and len(content.tombstones) + len(found) < FEED_LENGTH:
                    found += self._tombstones(outline)
            more = len(batch) == _BATCH and len(content.tombstones) + len(found) < FEED_LENGTH
        self._changes += [one.when + RECALLS_TOLD for one in found]
        content.tombstones += sorted(found, key=lambda one: (one.published, one.id), reverse=True)

    def _tombstones(self, outline: Item) -> list[Tombstone]:
        """The tombstone of a recalled item of the feed, if the recipient is told of its recall."""
        if outline not in self._request.feed:
            return []
        verdict = self._request.verdict(outline)
        if isinstance(verdict, Clearance):
            return []
        tombstone = make_tombstone(outline, verdict, self._request.recipient, self._publisher)
        return [tombstone] if tombstone is not None else []

    def _recalled(self, known: Reach) -> tuple[RecalledCell, ...]:
        request = self._request
        return recalled_coverage(
            request.feed, request.recipient, request.register.mandates, request.licences, request.use, known
        )

    async def _next_below(self, outlines: AsyncGenerator[Item]) -> Place | None:
        """The place of the next item that is cleared and could be stamped."""
        async for outline in outlines:
            verdict = self._request.verdict(outline)
            self._changes += [] if verdict.until is None else [verdict.until]
            if isinstance(verdict, Clearance) and is_placed(outline, self._publisher):
                return Place(outline.published, outline.id)
        return None

    async def _stamp(self, cleared: Sequence[Item]) -> None:
        """Read the texts of what was cleared, judge and stamp them; leave out what cannot be stamped."""
        items = await self._versions.newest(cleared, self._reads)
        media = await judged_media(
            items.values(),
            self._request.verdict,
            self._reads,
            lambda outlines: self._versions.newest(outlines, self._reads),
        )
        for outline in cleared:
            item = items[outline.id]
            verdict = self._request.verdict(item)
            until = first(verdict.until, media_until(item, media))
            self._changes += [] if until is None else [until]
            if isinstance(verdict, Clearance):
                try:
                    self._content.items.append(stamp(verdict, self._publisher, media))
                    self._content.shown.append(first(verdict.until, shown_media_until(item, media)))
                except Unstampable as error:
                    log_left_out(outline, error)
