"""Bring the content of a feed up to date by the items that changed since, without finding it again.

The policy decides about every item that changed. What did not change was decided before, by the same
agreements, and no decision about it changes by itself before the content's `until`. Where more than that
is needed, as after an item has left and another takes its place, the feed is built from the store.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from syndicate.errors import Unstampable
from syndicate.model.feeds import FEED_LENGTH
from syndicate.model.item import Item, ItemId
from syndicate.model.parties import Publisher, Recipient
from syndicate.model.rights import Licence, Mandate
from syndicate.policy import Clearance, Verdict
from syndicate.policy.coverage import reach
from syndicate.services.delivery.associated_media import first, media_until, shown_media_until
from syndicate.services.delivery.feed_builder import FeedContent, FeedRequest
from syndicate.stamping import Media, stamp
from syndicate.store.protocol import Place

Texts = Callable[[Collection[Item]], Awaitable[Mapping[ItemId, Item]]]
"""Returns the items of these outlines with their texts."""
MediaOf = Callable[[Iterable[Item], Callable[[Item], Verdict]], Awaitable[Media]]
"""Returns the media of these stories, each judged."""


@dataclass(frozen=True, slots=True)
class BuiltFeed:
    """The content of a feed, by which agreements and up to which change it is known, since when it is."""

    content: FeedContent
    recipient: Recipient
    mandates: tuple[Mandate, ...]
    licences: tuple[Licence, ...]
    rights: int
    """The number of the last change of anybody's rights."""
    revision: int
    built: datetime
    """When it was last built from the store."""

    def rests_on(self, request: FeedRequest) -> bool:
        """Whether this request is judged by the same agreements."""
        return (self.recipient, self.mandates, self.licences) == (
            request.recipient,
            request.register.mandates,
            request.licences,
        )


async def updated_content(
    request: FeedRequest,
    publisher: Publisher,
    before: FeedContent,
    changed: Sequence[Item],
    texts: Texts,
    media_of: MediaOf,
) -> FeedContent | None:
    """Return what `build_feed` gives now, but `until` may be earlier; None where it has to be built.

    `before` was found by the same agreements, and its `until` has not come. `changed` has the outline of
    every item that changed since, each once. Texts are read of what is released alone.
    """
    if before.until is not None and before.until <= request.now:
        return None
    update = _Update(request, publisher, before)
    cleared = []
    for outline in changed:
        if outline.id in update.recalled:
            return None
        if outline not in request.feed:
            if outline.id in update.places or update.is_below(outline):
                return None
            continue
        past = update.is_past_the_end(outline)
        if past and outline.holds.recall is None and not update.is_next(outline):
            continue
        verdict = request.verdict(outline)
        if isinstance(verdict, Clearance):
            if past:
                return None
            cleared.append(outline)
        elif outline.id in update.places or update.is_below(outline) or verdict.recall is not None:
            return None
        else:
            update.count(verdict.until)
    if cleared:
        found = await texts(cleared)
        media = await media_of(found.values(), request.verdict)
        if not all(one.id in found and update.add(found[one.id], media) for one in cleared):
            return None
    return update.content()


class _Update:
    """A content that is being brought up to date."""

    def __init__(self, request: FeedRequest, publisher: Publisher, before: FeedContent) -> None:
        self._request, self._publisher, self._before = request, publisher, before
        self._items = list(zip(before.items, before.shown, strict=True))
        """Newest first, each with when what is known of it may change."""
        self._until = before.until
        self._end = before.items[-1] if len(before.items) == FEED_LENGTH else None
        self.places = {item.id: item.published for item in before.items}
        self.recalled = {one.id for one in before.tombstones}

    def is_past_the_end(self, outline: Item) -> bool:
        """Whether the feed is full of newer items, and this was none of them."""
        end = self._end
        if end is None or outline.id in self.places:
            return False
        return (outline.published, outline.id) < (end.published, end.id)

    def is_below(self, outline: Item) -> bool:
        """Whether this is the newest item below the feed."""
        below = self._before.below
        return below is not None and below.id == outline.id

    def is_next(self, outline: Item) -> bool:
        """Whether this is the newest item below the feed, or would be if it may be had."""
        below = self._before.below
        if below is None or outline.id == below.id:
            return True
        return (outline.published, outline.id) > (below.published, below.id)

    def count(self, until: datetime | None) -> None:
        """Judge the feed again at this time."""
        if until is not None:
            self._until = until if self._until is None else min(self._until, until)

    def add(self, item: Item, media: Media) -> bool:
        """Judge the item with its text and media, and put it in its place.

        False where the feed has to be built.
        """
        verdict = self._request.verdict(item)
        if not isinstance(verdict, Clearance) or self.places.get(item.id, item.published) != item.published:
            return False
        try:
            stamped = stamp(verdict, self._publisher, media)
        except Unstampable:
            return False
        self.count(first(verdict.until, media_until(item, media)))
        if item.id in self.places:
            self._items = [one for one in self._items if one[0].id != item.id]
        place = item.published, item.id
        # From the top: what is new is mostly the newest.
        newer = takewhile(lambda one: (one[0].published, one[0].id) > place, self._items)
        self._items.insert(
            sum(1 for _ in newer), (stamped, first(verdict.until, shown_media_until(item, media)))
        )
        return True

    def content(self) -> FeedContent | None:
        """Cut to the length of a feed, with the tombstones in reach of the agreements.

        None where a tombstone that stood among the items does so no more: which ones a feed tells of below
        them is for the store to say.
        """
        items, tombstones = self._items[:FEED_LENGTH], self._before.tombstones
        if tombstones and len(items) == FEED_LENGTH:
            end, before = items[-1][0], self._end
            places = [(one.published, one.id) for one in tombstones]
            among = (one for one in places if before is None or one > (before.published, before.id))
            if any(one < (end.published, end.id) for one in among):
                return None
        if tombstones:
            request = self._request
            known = reach(request.recipient, request.register.mandates, request.licences, request.now)
            since = None if known is None else known.since
            tombstones = [one for one in tombstones if since is None or one.published >= since]
        content = FeedContent(
            [item for item, _ in items],
            list(tombstones),
            self._until,
            [until for _, until in items],
            self._below(),
            delay=self._before.delay,
        )
        content.link_archive(self._request.now, self._publisher.zone)
        return content

    def _below(self) -> Place | None:
        """The newest item below the feed: the first of those that left it, where any did."""
        if len(self._items) <= FEED_LENGTH:
            return self._before.below
        first = self._items[FEED_LENGTH][0]
        return Place(first.published, first.id)
