"""Editions: what one recipient gets in one answer, judged now and kept until that may change.

A kept edition is used again only while the change number is the one it was judged at and its `until`
has not come; after a change that left its content alone it keeps its moment, so that validators hold.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from cachetools import LRUCache

import syndicate
from syndicate.access.rights_cache import Clock
from syndicate.errors import NotLicensed, StoreBusy, Unstampable
from syndicate.model.feeds import FEED_LENGTH, Feed
from syndicate.model.item import ChannelId, ItemId, Medium, OutletId, canonical_json
from syndicate.model.parties import Partner, Public, Publisher, Recipient, recipient_id
from syndicate.model.register import Register
from syndicate.model.rights import Licence, Use
from syndicate.policy import Clearance, Refusal, admit, clear_preferred
from syndicate.policy.reasons import REASONS
from syndicate.services.delivery.quotas import Quotas
from syndicate.stamping import (
    Edition,
    StampedItem,
    Tombstone,
    make_tombstone,
    manifest,
    manifest_digest,
    stamp,
)
from syndicate.store.protocol import Place, Selection, Store

_BATCH = 100
_KEPT = 24_000_000
"""Characters of text in kept editions, at most: some 100 full-text feeds, or 1,000 public ones."""

_log = structlog.get_logger("syndicate.services")

Asking = tuple[str, str, Use | None]


@dataclass(frozen=True, slots=True)
class CachedEdition:
    """An edition with what the trail and the caches need to know of it.

    `digest` names the manifest; `content` names all that the bytes are made from (manifest, settings,
    release); `judged` is the change number that it was judged at.
    """

    edition: Edition
    use: Use | None
    digest: str
    content: str
    manifest: bytes
    judged: int
    shown_until: datetime | None
    """Like the edition's `until`, but only from what is in it: what caches may be told. When something
    hidden will appear is nobody's business."""

    def kept(self) -> tuple[str, bytes] | None:
        """The manifest as the trail keeps it; None for a single item, whose line says it all."""
        return (self.digest, self.manifest) if self.edition.feed is not None else None


class Editions:
    """Makes editions, and keeps those of feeds."""

    def __init__(self, store: Store, publisher: Publisher, quotas: Quotas, clock: Clock) -> None:
        self._store, self._publisher, self._quotas, self._clock = store, publisher, quotas, clock
        self._kept: LRUCache[Asking, CachedEdition] = LRUCache(_KEPT, getsizeof=_weight)
        self._turns: dict[Asking, asyncio.Lock] = {}
        self._settings = hashlib.sha256(f"{syndicate.__version__}\0{publisher!r}".encode()).digest()

    async def of_feed(
        self, feed: Feed, recipient: Recipient, use: Use | None, register: Register, judged: int
    ) -> CachedEdition:
        """The recipient's edition of a feed. Raises NotLicensed where nothing at all may be released."""
        asking = (feed.id, recipient_id(recipient), use)
        kept = self._kept.get(asking)
        if kept is not None and self._holds(kept, judged):
            return kept
        # One request makes the edition, the others who ask for the same wait for it.
        turn = self._turns.setdefault(asking, asyncio.Lock())
        try:
            async with turn:
                kept = self._kept.get(asking)
                if kept is not None and self._holds(kept, judged):
                    return kept
                made, sure = await self._make(feed, recipient, use, register, judged, kept)
                if sure:
                    self._keep(asking, made)
                return made
        finally:
            if not turn.locked():
                self._turns.pop(asking, None)

    def kept(self, feed: str, recipient: Recipient, use: Use | None, judged: int) -> CachedEdition | None:
        """The edition that was made before, if it still holds at this change number."""
        kept = self._kept.get((feed, recipient_id(recipient), use))
        return kept if kept is not None and self._holds(kept, judged) else None

    async def of_item(
        self, id: ItemId, recipient: Recipient, use: Use | None, register: Register, judged: int
    ) -> CachedEdition | Refusal | None:
        """One item as an edition of its own, why not, or None where there is none.

        What is refused is judged from its outline, so that it takes no longer than what does not exist.
        """
        kept = self.kept(f"item:{id}", recipient, use, judged)
        if kept is not None:
            return kept
        now, licences = self._clock(), _own(register, recipient)
        outline = await self._store.outline(id)
        if outline is None:
            return None
        verdict = clear_preferred(outline, recipient, register.mandates, licences, use, now)
        if isinstance(verdict, Refusal):
            return verdict
        item = await self._store.item(id)
        if item is None:
            return None
        verdict = clear_preferred(item, recipient, register.mandates, licences, use, now)
        if isinstance(verdict, Refusal):
            return verdict
        stamped = stamp(verdict, self._publisher)
        content = manifest(recipient, None, [stamped])
        name = self._content(content, [stamped])
        updated, sure = await self._moment(f"item:{item.id}", recipient, use, name, judged, now)
        edition = Edition(
            publisher=self._publisher,
            recipient=recipient,
            feed=None,
            items=(stamped,),
            updated=updated,
            until=verdict.until,
        )
        served = CachedEdition(edition, use, manifest_digest(content), name, content, judged, verdict.until)
        if sure:
            self._keep((f"item:{item.id}", recipient_id(recipient), use), served)
        return served

    def forget(self, served: CachedEdition) -> None:
        """Make this feed anew at the next request."""
        feed = served.edition.feed
        if feed is not None:
            self._kept.pop((feed.id, recipient_id(served.edition.recipient), served.use), None)

    def _keep(self, asking: Asking, served: CachedEdition) -> None:
        """Keep it, unless it is so large that keeping it would throw out everything else."""
        if _weight(served) <= self._kept.maxsize / 4:
            self._kept[asking] = served
        else:
            self._kept.pop(asking, None)

    def _holds(self, kept: CachedEdition, judged: int) -> bool:
        until = kept.edition.until
        return kept.judged == judged and (until is None or self._clock() < until)

    def _content(self, content: bytes, items: Sequence[StampedItem]) -> str:
        """A name for all that the bytes are made from: also the terms that stand in them."""
        terms = canonical_json([terms_of(item) for item in items])
        return hashlib.sha256(b"\0".join((self._settings, content, terms))).hexdigest()

    async def _make(
        self,
        feed: Feed,
        recipient: Recipient,
        use: Use | None,
        register: Register,
        judged: int,
        before: CachedEdition | None,
    ) -> tuple[CachedEdition, bool]:
        """The edition, and whether its moment is sure: only then may it be kept."""
        now = self._clock()
        licences = _own(register, recipient)
        refusal = admit(recipient, register.mandates, licences, use, now)
        if refusal is not None and isinstance(recipient, Partner):
            raise NotLicensed(refusal.reason.value, refusal.clause, REASONS[refusal.reason])
        items, tombstones, until, shown = await self._cleared(feed, recipient, use, register, now)
        content = manifest(recipient, feed, items, tombstones)
        name = self._content(content, items)
        if before is not None and before.content == name:
            kept = replace(before.edition, until=until)
            return replace(before, edition=kept, judged=judged, shown_until=shown), True
        updated, sure = await self._moment(feed.id, recipient, use, name, judged, now)
        edition = Edition(
            publisher=self._publisher,
            recipient=recipient,
            feed=feed,
            items=tuple(items),
            updated=updated,
            until=until,
            tombstones=tuple(tombstones),
        )
        return CachedEdition(edition, use, manifest_digest(content), name, content, judged, shown), sure

    async def _moment(
        self, what: str, recipient: Recipient, use: Use | None, name: str, judged: int, now: datetime
    ) -> tuple[datetime, bool]:
        """Since when this is the content, for every worker alike, and whether the store has said so."""
        whose = f"{recipient_id(recipient)}:{use or ''}"
        try:
            return await self._store.edition_moment(what, whose, name, judged=judged, at=now), True
        except StoreBusy:
            if isinstance(recipient, Partner):
                raise
            # What is open is read even while somebody else holds the database; the store is asked again
            # at the next request, so that workers do not go on with moments of their own.
            return now.replace(microsecond=0), False

    async def _cleared(
        self, feed: Feed, recipient: Recipient, use: Use | None, register: Register, now: datetime
    ) -> tuple[list[StampedItem], list[Tombstone], datetime | None, datetime | None]:
        """The newest items of the feed that the recipient may have, which of them were recalled, until
        when that list holds, and until when what is in it does.

        Items older than the last one in the list cannot enter it before one of the list leaves, so
        what was looked at decides `until`.
        """
        licences = _own(register, recipient)
        selection = reach(feed, recipient, register, licences, now)
        items: list[StampedItem] = []
        tombstones: list[Tombstone] = []
        moments: list[datetime] = []
        shown: list[datetime] = []
        after: Place | None = None
        while selection is not None and len(items) < FEED_LENGTH:
            batch = await self._store.items(selection, after=after, limit=_BATCH)
            for item in batch:
                verdict = clear_preferred(item, recipient, register.mandates, licences, use, now)
                if verdict.until is not None:
                    moments.append(verdict.until)
                    if isinstance(verdict, Clearance):
                        shown.append(verdict.until)
                if isinstance(verdict, Clearance):
                    _stamp_onto(items, verdict, self._publisher)
                elif len(tombstones) < FEED_LENGTH:
                    tombstone = make_tombstone(item, verdict, recipient, self._publisher)
                    tombstones += [tombstone] if tombstone is not None else []
                if len(items) == FEED_LENGTH:
                    break
            if len(batch) < _BATCH:
                break
            after = Place(batch[-1].published, batch[-1].id)
        windows = [m.window for m in register.mandates] + [licence.window for licence in licences]
        edges = [edge for window in windows for edge in (window.opens, window.closes) if edge is not None]
        coming = [edge for edge in edges if edge > now]
        items, room = await self._within_quota(items, tombstones)
        coming += [] if room is None else [room]
        return items, tombstones, min((*coming, *moments), default=None), min(shown, default=None)

    async def _within_quota(
        self, items: list[StampedItem], tombstones: list[Tombstone]
    ) -> tuple[list[StampedItem], datetime | None]:
        """What the recipient's quotas allow of these, and when there will be room for the rest. Raises
        QuotaExceeded where nothing is left."""
        fits = await self._quotas.fitting(items)
        over = [item for item, fit in zip(items, fits, strict=True) if not fit]
        if not over:
            return items, None
        if len(over) == len(items) and not tombstones:
            raise self._quotas.exceeded(over[0])
        ends = [self._quotas.period(item.quota).ends for item in over if item.quota is not None]
        return [item for item, fit in zip(items, fits, strict=True) if fit], min(ends)


def _stamp_onto(items: list[StampedItem], clearance: Clearance, publisher: Publisher) -> None:
    """One item that cannot be stamped does not leave, and does not empty the feed for the others."""
    try:
        items.append(stamp(clearance, publisher))
    except Unstampable as why:
        _log.warning("item_left_out", item=clearance.item.id, why=why.text.en)


def terms_of(item: StampedItem) -> list[object]:
    """What an item's recipient must keep to, besides what a manifest says."""
    return [
        item.may_edit,
        item.take_down.isoformat() if item.take_down else None,
        item.embargoed_until.isoformat() if item.embargoed_until else None,
        item.updated.isoformat(),
    ]


def _weight(served: CachedEdition) -> int:
    """Roughly the characters that keeping this edition costs."""
    return 2_000 + sum(
        400 + len(item.abstract) + sum(len(block.text) + len(block.html) for block in item.body)
        for item in served.edition.items
    )


def _own(register: Register, recipient: Recipient) -> tuple[Licence, ...]:
    return () if isinstance(recipient, Public) else register.licences_of(recipient.id)


def reach(
    feed: Feed | None,
    recipient: Recipient,
    register: Register,
    licences: tuple[Licence, ...],
    now: datetime,
) -> Selection | None:
    """What agreements could release at all, now or later; None for nothing.

    A hint that keeps the store from reading what no agreement names: the policy decides on every item.
    """
    outlets: frozenset[OutletId] = frozenset().union(*(m.outlets for m in register.mandates))
    media: frozenset[Medium] = frozenset().union(*(m.media for m in register.mandates))
    if isinstance(recipient, Partner):
        grants = [grant for licence in licences for grant in licence.grants]
        outlets &= frozenset().union(*(grant.outlets for grant in grants))
        media &= frozenset().union(*(grant.media for grant in grants))
    if not outlets or not media:
        return None
    if not isinstance(recipient, Partner):
        return Selection(feed=feed, outlets=outlets, media=media)
    terms = [(grant, licence) for licence in licences for grant in licence.grants]
    narrow = [grant.channels for grant, _ in terms]
    named = [channels for channels in narrow if channels is not None]
    channels: frozenset[ChannelId] | None = frozenset().union(*named) if len(named) == len(narrow) else None
    oldest = min(
        licence.window.opens if grant.archive is None else now - grant.archive for grant, licence in terms
    )
    return Selection(feed=feed, outlets=outlets, media=media, channels=channels, published_from=oldest)
