"""Make editions: what one recipient gets in one answer, cleared, stamped, and cached while it is valid.

A cached edition is used again only while the change number is the one it was judged at (its revision)
and its `until` has not come. After a change its feed is brought up to date by the items that changed, or
built from the store. After a change that left the content alone the edition keeps its time, so that
validators stay good.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from weakref import WeakValueDictionary

import syndicate
from syndicate.access.rights_cache import Clock
from syndicate.errors import NotLicensed, StoreBusy, Unknown
from syndicate.language import Text
from syndicate.manifests import manifest, manifest_digest
from syndicate.model.archives import NO_LINKS, ArchiveLinks, archive_span
from syndicate.model.feeds import Feed
from syndicate.model.item import Item, ItemId, canonical_json
from syndicate.model.parties import Partner, Publisher, Recipient, recipient_id
from syndicate.model.register import Register
from syndicate.model.rights import Use
from syndicate.policy import Refusal, Verdict, admit, clear_preferred
from syndicate.policy.reasons import REASONS
from syndicate.services.delivery.archive_builder import build_archive
from syndicate.services.delivery.associated_media import first, judged_media, media_until, shown_media_until
from syndicate.services.delivery.edition_cache import CacheKey, EditionCache
from syndicate.services.delivery.feed_builder import FeedRequest, build_feed, licences_of
from syndicate.services.delivery.feed_update import BuiltFeed, updated_content
from syndicate.services.delivery.quotas import Quotas
from syndicate.services.delivery.recent_changes import RecentChanges
from syndicate.services.delivery.version_cache import VersionCache
from syndicate.stamping import Edition, Media, StampedItem, StampedRendition, Tombstone, stamp
from syndicate.store.protocol import Store

_BUILT_AGAIN: Final = timedelta(minutes=10)
"""After this a feed is built from the store at its next change, so that no mistake lasts, nor what was kept
of a database that was restored from a backup meanwhile."""


class OutdatedEdition(Exception):
    """Another worker recorded other content at a newer change number: judge the request again."""


@dataclass(frozen=True, slots=True)
class Continued:
    """Which edition of the same feed and rights came before, and what is new since.

    Nothing but acts about items happened in between. Whoever was given that edition at its revision holds
    everything in this one but `added`.
    """

    digest: str
    revision: int
    added: tuple[StampedItem, ...]


@dataclass(frozen=True, slots=True)
class CachedEdition:
    """An edition with what the trail and the caches need to know of it.

    `digest` names the manifest; `content` names everything that the bytes are made from (manifest,
    settings, release); `revision` is the change number at which it was judged.
    """

    edition: Edition
    use: Use | None
    digest: str
    content: str
    manifest: bytes
    revision: int
    shown_until: datetime | None
    """Like the edition's `until`, but computed only from the items in it. HTTP caches may learn it; when a
    hidden item will appear stays secret."""
    built: BuiltFeed | None = field(default=None, repr=False)
    """What a feed's next edition is made from, before quotas. For `Editions` alone."""
    continued: Continued | None = field(default=None, repr=False)
    """None where rights changed since, or there was none."""

    @property
    def name(self) -> str:
        """The feed's id, with an archive document's name behind it; or `item:` with the item's id."""
        feed = self.edition.feed
        if feed is None:
            return f"item:{self.edition.items[0].id}"
        return self.edition.archive.document_of(feed.id)

    def trail_manifest(self) -> tuple[str, bytes] | None:
        """The manifest that the trail keeps; None for a single item, whose trail line is enough."""
        return (self.digest, self.manifest) if self.edition.feed is not None else None


class Editions:
    """Makes editions of feeds and items, and caches them. One per worker."""

    def __init__(self, store: Store, publisher: Publisher, quotas: Quotas, clock: Clock) -> None:
        self._store, self._publisher, self._quotas, self._clock = store, publisher, quotas, clock
        self._cache = EditionCache()
        self._versions = VersionCache()
        self._changes = RecentChanges(store)
        self._reading = asyncio.Lock()
        self._locks: WeakValueDictionary[CacheKey, asyncio.Lock] = WeakValueDictionary()
        self._settings = hashlib.sha256(f"{syndicate.__version__}\0{publisher!r}".encode()).digest()

    async def of_feed(
        self, feed: Feed, recipient: Recipient, use: Use | None, register: Register, revision: int
    ) -> CachedEdition:
        """Return the recipient's edition of a feed.

        Raises NotLicensed where nothing at all may be released, OutdatedEdition where the rights changed
        meanwhile.
        """
        key = (feed.id, recipient_id(recipient), use)
        cached = self._cache.get(key)
        if cached is not None and self._is_current(cached, revision):
            return cached
        # One request makes the edition; others that want the same wait for it. The dictionary drops a
        # lock when its last user lets it go, never while somebody waits for it.
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            cached = self._cache.get(key)
            if cached is not None and self._is_current(cached, revision):
                return cached
            made, recorded = await self._make(feed, recipient, use, register, revision, cached)
            if recorded:
                self._cache.keep(key, made)
            return made

    async def of_archive(
        self,
        feed: Feed,
        name: str,
        recipient: Recipient,
        use: Use | None,
        register: Register,
        revision: int,
    ) -> CachedEdition:
        """Return an archive document of a feed, made anew: nothing of it is kept.

        Its time is that of its newest version. Raises NotLicensed, QuotaExceeded, and Unknown where the
        name names no document or the recipient may have nothing in it.
        """
        request = self._admitted(feed, recipient, use, register)
        span = archive_span(name, self._publisher.zone)
        found = None
        if span is not None:
            found = await self._store.read(
                lambda reads: build_archive(request, self._publisher, reads, span)
            )
        if span is None or found is None:
            raise Unknown(Text("存档", "archive"), name)
        items, room = await self._within_quota(list(found.items), [])
        links = ArchiveLinks(span.name, found.previous, found.next, use)
        listed = manifest(recipient, replace(feed, id=links.document_of(feed.id)), items)
        edition = Edition(
            publisher=self._publisher,
            recipient=recipient,
            feed=feed,
            items=tuple(items),
            updated=max(
                (item.updated.astimezone(UTC).replace(microsecond=0) for item in found.items),
                default=span.since,
            ),
            until=first(found.until, room),
            archive=links,
        )
        content = self._content(listed, items, links)
        return CachedEdition(
            edition, use, manifest_digest(listed), content, listed, revision, found.shown_until
        )

    def cached(
        self, name: str, recipient: Recipient, use: Use | None, revision: int
    ) -> CachedEdition | None:
        """Return the cached edition of this feed id or `item:` id, if it is current at this revision."""
        cached = self._cache.get((name, recipient_id(recipient), use))
        return cached if cached is not None and self._is_current(cached, revision) else None

    async def of_item(
        self, id: ItemId, recipient: Recipient, use: Use | None, register: Register, revision: int
    ) -> CachedEdition | Refusal | None:
        """Return one item as an edition of its own, or why not; None for an unknown item.

        A refusal is judged from the item's outline, so that it takes no longer than an unknown item.
        """
        name = f"item:{id}"
        cached = self.cached(name, recipient, use, revision)
        if cached is not None:
            return cached
        now, licences = self._clock(), licences_of(register, recipient)
        outline = await self._store.outline(id)
        if outline is None:
            return None
        verdict = clear_preferred(outline, recipient, register.mandates, licences, use, now)
        if isinstance(verdict, Refusal):
            return verdict
        item = (await self._versions.newest((outline,), self._store)).get(id)
        if item is None:
            return None
        verdict = clear_preferred(item, recipient, register.mandates, licences, use, now)
        if isinstance(verdict, Refusal):
            return verdict
        media = await self._media(
            [item],
            lambda one: clear_preferred(one, recipient, register.mandates, licences, use, now),
        )
        stamped = stamp(verdict, self._publisher, media)
        listed = manifest(recipient, None, [stamped])
        content = self._content(listed, [stamped])
        updated, recorded = await self._updated(name, recipient, use, content, revision, now)
        edition = Edition(
            publisher=self._publisher,
            recipient=recipient,
            feed=None,
            items=(stamped,),
            updated=updated,
            until=first(verdict.until, media_until(item, media)),
        )
        shown = first(verdict.until, shown_media_until(item, media))
        made = CachedEdition(edition, use, manifest_digest(listed), content, listed, revision, shown)
        if recorded:
            self._cache.keep((name, recipient_id(recipient), use), made)
        return made

    def discard(self, edition: CachedEdition) -> None:
        """Make this feed again at the next request."""
        feed = edition.edition.feed
        if feed is not None and edition.edition.archive.own is None:
            self._cache.discard((feed.id, recipient_id(edition.edition.recipient), edition.use))

    def _is_current(self, edition: CachedEdition, revision: int) -> bool:
        until = edition.edition.until
        return edition.revision == revision and (until is None or self._clock() < until)

    def _content(self, listed: bytes, items: Sequence[StampedItem], links: ArchiveLinks = NO_LINKS) -> str:
        """A digest of everything that the bytes are made from, also the terms that are printed in them."""
        terms = canonical_json([terms_of(item) for item in items])
        linked = canonical_json([links.previous, links.next])
        return hashlib.sha256(b"\0".join((self._settings, listed, terms, linked))).hexdigest()

    def _admitted(
        self, feed: Feed, recipient: Recipient, use: Use | None, register: Register
    ) -> FeedRequest:
        """The request, judged by the agreements as a whole. Raises NotLicensed."""
        request = FeedRequest(feed, recipient, use, register, self._clock())
        refusal = admit(recipient, register.mandates, request.licences, use, request.now)
        if refusal is not None and isinstance(recipient, Partner):
            raise NotLicensed(refusal.reason.value, refusal.clause, REASONS[refusal.reason])
        return request

    async def _make(
        self,
        feed: Feed,
        recipient: Recipient,
        use: Use | None,
        register: Register,
        revision: int,
        before: CachedEdition | None,
    ) -> tuple[CachedEdition, bool]:
        """The edition, and whether the store recorded its time: only then may it be cached."""
        request = self._admitted(feed, recipient, use, register)
        now = request.now
        built = await self._build(request, revision, None if before is None else before.built)
        found = built.content
        tombstones, shown = found.tombstones, found.shown_until
        items, room = await self._within_quota(found.items, tombstones)
        until = first(found.until, room)
        listed = manifest(recipient, feed, items, tombstones)
        links = ArchiveLinks(previous=found.archive, use=use)
        content = self._content(listed, items, links)
        # The store is asked also where the content is what this worker had before: another worker may
        # have seen and recorded other content in between, and then this content has a new time.
        updated, recorded = await self._updated(feed.id, recipient, use, content, revision, now)
        continued = _continued(before, built, items)
        if before is not None and (before.content, before.edition.updated) == (content, updated):
            edition = replace(before.edition, until=until)
            same = replace(
                before,
                edition=edition,
                revision=revision,
                shown_until=shown,
                built=built,
                continued=continued,
            )
            return same, recorded
        edition = Edition(
            publisher=self._publisher,
            recipient=recipient,
            feed=feed,
            items=tuple(items),
            updated=updated,
            until=until,
            tombstones=tuple(tombstones),
            archive=links,
        )
        made = CachedEdition(
            edition, use, manifest_digest(listed), content, listed, revision, shown, built, continued
        )
        return made, recorded

    async def _build(self, request: FeedRequest, revision: int, before: BuiltFeed | None) -> BuiltFeed:
        """The feed's content: brought up to date where that is enough, built from the store elsewhere."""
        own = request.recipient, request.register.mandates, request.licences, request.register.seq, revision
        if (
            before is not None
            and before.rests_on(request)
            and timedelta(0) <= request.now - before.built < _BUILT_AGAIN
        ):
            changed = await self._changes.since(before.revision, revision)
            if changed is not None:
                updated = await updated_content(
                    request, self._publisher, before.content, changed, self._texts, self._media
                )
                if updated is not None:
                    return BuiltFeed(updated, *own, before.built)
        found = await self._store.read(
            lambda reads: build_feed(request, self._publisher, reads, self._versions)
        )
        return BuiltFeed(found, *own, request.now)

    async def _texts(self, outlines: Collection[Item]) -> dict[ItemId, Item]:
        # One after the other: many feeds want the same new item at once, and the first one reads it.
        async with self._reading:
            return await self._versions.newest(outlines, self._store)

    async def _media(self, stories: Iterable[Item], verdict: Callable[[Item], Verdict]) -> Media:
        return await judged_media(stories, verdict, self._store, self._texts)

    async def _updated(
        self, name: str, recipient: Recipient, use: Use | None, content: str, revision: int, now: datetime
    ) -> tuple[datetime, bool]:
        """Since when this is the content, the same on every worker, and whether the store recorded it."""
        whose = f"{recipient_id(recipient)}:{use or ''}"
        try:
            since = await self._store.edition_moment(name, whose, content, judged=revision, at=now)
        except StoreBusy:
            if isinstance(recipient, Partner):
                raise
            # Open feeds are readable while somebody else holds the database. The edition is not cached,
            # so the store is asked again at the next request.
            return now.replace(microsecond=0), False
        if since is None:
            raise OutdatedEdition
        return since, True

    async def _within_quota(
        self, items: list[StampedItem], tombstones: list[Tombstone]
    ) -> tuple[list[StampedItem], datetime | None]:
        """The items that the recipient's quotas allow, and when the next quota period begins.

        Raises QuotaExceeded where nothing is left.
        """
        fits = await self._quotas.fitting(items)
        over = [item for item, fit in zip(items, fits, strict=True) if not fit]
        if not over:
            return items, None
        if len(over) == len(items) and not tombstones:
            raise self._quotas.exceeded(over[0])
        ends = [self._quotas.period(item.quota).ends for item in over if item.quota is not None]
        return [item for item, fit in zip(items, fits, strict=True) if fit], min(ends)


def _continued(
    before: CachedEdition | None, built: BuiltFeed, items: Sequence[StampedItem]
) -> Continued | None:
    """How the edition with these items continues the one before; None after a change of rights.

    What was not decided again is the same object. A feed that was built from the store has none of them.
    """
    if before is None or before.built is None or before.built.rights != built.rights:
        return None
    known = {id(item) for item in before.edition.items}
    return Continued(before.digest, before.revision, tuple(item for item in items if id(item) not in known))


def terms_of(item: StampedItem) -> list[object]:
    """The item's terms for its recipient that a manifest does not list."""
    return [
        item.may_edit,
        item.take_down.isoformat() if item.take_down else None,
        item.embargoed_until.isoformat() if item.embargoed_until else None,
        item.updated.isoformat(),
        *([[_file_terms(one) for one in item.renditions]] if item.renditions else []),
        *(
            [one.id, None if one.media is None else [_file_terms(file) for file in one.media.renditions]]
            for one in item.associations
        ),
    ]


def _file_terms(one: StampedRendition) -> str:
    return f"{one.rendition.name} line" if one.visible_line else one.rendition.name.value
