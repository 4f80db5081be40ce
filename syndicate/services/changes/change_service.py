"""Answer partners that read their change sequence, and record their acknowledgements."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime

from syndicate.access.authentication import Session
from syndicate.access.rights_cache import Clock, RightsCache
from syndicate.errors import ChangeUnknown
from syndicate.logger import Logger
from syndicate.model.changes import Action, ChangeEntry
from syndicate.model.lifecycle_events import ChangesAcknowledged, ChangesDelivered, EmbargoAcknowledged
from syndicate.model.parties import PartnerId, Publisher
from syndicate.model.records import Entry
from syndicate.services.changes.change_detector import ChangeDetector
from syndicate.services.changes.change_watcher import ChangeWatcher
from syndicate.services.changes.page_builder import Page, PageBuilder
from syndicate.services.changes.partner_snapshot import partner_snapshot
from syndicate.services.changes.takedowns import Takedowns
from syndicate.services.delivery.delivery_events import RequestContext
from syndicate.services.delivery.delivery_service import DeliveryService
from syndicate.store.protocol import Change, Outcome, Pending, Reads, Store, Writing

_log = Logger("syndicate.services")

_MADE_AT_ONCE = 8
"""Answers that one worker makes at the same time. One item may wake a thousand requests at once: they queue
here, so that they neither fill the memory nor wait in vain for a connection to the database."""


class ChangeService:
    """Read and acknowledge change sequences. Raises CursorUnknown, ChangeUnknown, StoreFault."""

    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        rights_cache: RightsCache,
        delivery: DeliveryService,
        detector: ChangeDetector,
        takedowns: Takedowns,
        clock: Clock,
    ) -> None:
        self._store, self._publisher, self._clock = store, publisher, clock
        self._rights_cache, self._delivery = rights_cache, delivery
        self._detector, self._takedowns = detector, takedowns
        self._watcher = ChangeWatcher(store, rights_cache, clock)
        self._turns = asyncio.Semaphore(_MADE_AT_ONCE)

    async def read(self, session: Session, after: int, limit: int) -> Page:
        """Return the entries after the cursor `after`, at most `limit`: stored ones first, then new ones.

        A cursor from before the database was restored from a backup is answered from the beginning, with
        `reset`. Where the archive is so large that its search takes several answers, an answer may have no
        entries and `more`; its `next` is then a number of its own, larger than `after`. Raises
        CursorUnknown for a cursor from the future.
        """
        known = await self._watcher.known_empty(session, after)
        if known is not None:
            return known
        async with self._turns:
            page = await self._read(session, after, limit, removals=True)
            if page is None:
                await self._takedowns.order(session.partner)
                page = await self._read(session, after, limit, removals=False)
        assert page is not None
        return page

    async def _read(self, session: Session, after: int, limit: int, *, removals: bool) -> Page | None:
        """Make an answer from one state of the database; None where removals must be written before."""
        register, change = await self._rights_cache.read()
        snapshot = partner_snapshot(session.partner, register, change, self._clock(), self._publisher.zone)
        builder = PageBuilder(self._publisher, self._detector, snapshot, min(session.revision, change))

        async def work(reads: Reads) -> Page | None:
            progress = await reads.progress(session.partner.id)
            if removals and await self._detector.must_order(reads, snapshot, progress.removals_until):
                return None
            return await builder.build(reads, progress, after, limit)

        return await self._store.read(work)

    async def deliver(self, page: Page, session: Session, context: RequestContext) -> bool:
        """Record an answer before it is sent, and append its new entries to the sequence.

        False: something has changed, the answer must be made again.
        """
        if page.until is not None and self._clock() >= page.until:
            return False
        event = ChangesDelivered(
            partner=session.partner.id,
            jti=session.key.jti,
            after=page.after,
            next=page.page.next,
            count=len(page.page.entries),
            edition=page.manifest[0] if page.manifest is not None else "",
            request=context.request,
        )
        entry = Entry(self._clock(), session.partner.id, event)
        pending = Pending(
            entry,
            page.revision,
            page.manifest,
            charges=page.charges,
            links=page.links,
            sequence=page.update,
        )
        return await self._delivery.write(pending) is Outcome.WRITTEN

    async def wait(
        self, page: Page, session: Session, until: float, is_over: Callable[[], bool]
    ) -> int | None:
        """Wait until there may be something new after this empty answer.

        Ends at event-loop time `until`, and soon after `is_over()` is true. Returns the change number up
        to which the answer is still true (see `Page.still_true`); None where it must be made again.
        """
        snapshot = page.snapshot

        async def look(reads: Reads) -> tuple[datetime | None, int]:
            due = await self._detector.next_transition(reads, snapshot)
            return due, (await reads.progress(snapshot.partner.id)).last

        parked = self._watcher.parked(page)
        if parked is not None:
            due = parked.due
        else:
            async with self._turns:
                due, last = await self._store.read(look)
            # Another request of the partner may have added entries while this answer was made.
            if last > page.last:
                return None
        # The wait also ends when the key expires.
        times = [time for time in (due, session.key.expires) if time is not None and time > snapshot.now]
        return await self._watcher.wait(page, session.key, min(times, default=None), until, is_over)

    def close(self) -> None:
        """End every wait, and what is watched for requests that waited."""
        self._watcher.close()

    async def acknowledge(
        self, session: Session, seqs: Collection[int], context: RequestContext
    ) -> list[int] | None:
        """Record that the partner did what these entries ask for; return their numbers in order.

        To acknowledge an embargo entry is to promise to keep the embargo. A repeated acknowledgement is
        harmless. None: rights have changed since the session was opened, and nothing was recorded. Raises
        ChangeUnknown if any number is not of the partner's sequence; then nothing is recorded either.
        """
        now, partner = self._clock(), session.partner.id
        async with self._store.writing() as tx:
            if (await tx.reached()).rights > session.revision:
                return None
            entries = {one.seq: one for one in await tx.entries(partner, set(seqs))}
            unknown = sorted(set(seqs) - set(entries))
            if unknown:
                raise ChangeUnknown(unknown)
            new = await tx.acknowledge(partner, set(seqs), now)
            if new:
                event = ChangesAcknowledged(partner, session.key.jti, new, context.request)
                await tx.append(Entry(now, partner, event))
            offers = [entries[seq] for seq in new if entries[seq].action is Action.EMBARGO]
            accepted = [await _accept_embargo(tx, session, one, now, context) for one in offers]
            if any(accepted):
                await tx.changed(Change.ITEM)
        return sorted(set(seqs))


async def _accept_embargo(
    tx: Writing, session: Session, offer: ChangeEntry, now: datetime, context: RequestContext
) -> bool:
    """Let the partner have the item early, if the embargo is still the one that was offered."""
    partner: PartnerId = session.partner.id
    if offer.until is None or now >= offer.until:
        return False
    item = await tx.item(offer.item)
    embargo = item.holds.embargo if item is not None else None
    if item is None or embargo is None or embargo.until != offer.until:
        return False
    embargo = replace(embargo, acknowledged=embargo.acknowledged | {partner})
    await tx.put_holds(item.id, replace(item.holds, embargo=embargo))
    until = offer.until.isoformat()
    event = EmbargoAcknowledged(partner, session.key.jti, item.id, until, context.request)
    await tx.append(Entry(now, partner, event))
    return True
