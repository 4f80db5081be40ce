"""Answer partners that read their change sequence, and record their acknowledgements."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from syndicate.access.authentication import Session
from syndicate.access.rights_cache import Clock, RightsCache
from syndicate.errors import ChangeUnknown, CursorUnknown, Unstampable
from syndicate.language import Text
from syndicate.model.changes import TAKEDOWNS, Action, ChangeEntry, Charge, Progress
from syndicate.model.item import Item, ItemId, canonical_json
from syndicate.model.lifecycle_events import ChangesAcknowledged, ChangesDelivered, EmbargoAcknowledged
from syndicate.model.parties import PartnerId, Publisher, recipient_id
from syndicate.model.records import Entry
from syndicate.policy import Clearance, Refusal
from syndicate.services.changes.change_detector import ChangeDetector, next_seq
from syndicate.services.changes.change_watcher import ChangeWatcher
from syndicate.services.changes.partner_snapshot import PartnerSnapshot, partner_snapshot
from syndicate.services.changes.takedowns import Takedowns
from syndicate.services.delivery.delivery_service import DeliveryService, RequestContext
from syndicate.stamping import (
    ChangesPage,
    StampedItem,
    Tombstone,
    given_as,
    make_tombstone,
    manifest_digest,
    stamp,
)
from syndicate.store.protocol import Change, Outcome, Pending, SequenceUpdate, Store, Writing

_log = structlog.get_logger("syndicate.services")

_MOST_TEXT = 4_000_000
"""Characters of items in one answer, about. Entries behind them come with the next answer."""
_TEXTS_AT_ONCE = 20
"""How many items are read from the store in one query."""
_MADE_AT_ONCE = 8
"""Answers that one worker makes at the same time. One item may wake a thousand requests at once: they queue
here, so that they neither fill the memory nor wait in vain for a connection to the database."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer that is not yet recorded as delivered.

    `after` is the cursor of the request, `revision` the change number of the rights it rests on,
    `until` when a decision may change. `update` is what the answer adds to the partner's sequence,
    `manifest` the digest and content of the list that its record names. It was judged by `snapshot`, when
    `last` was the newest number of the partner's sequence.
    """

    page: ChangesPage
    after: int
    revision: int
    until: datetime | None
    charges: tuple[Charge, ...]
    update: SequenceUpdate | None
    manifest: tuple[str, bytes] | None
    snapshot: PartnerSnapshot
    last: int

    @property
    def empty(self) -> bool:
        """Whether there is nothing new, and nothing more to search."""
        return not self.page.entries and not self.page.more

    def still_true(self, change: int, session: Session) -> Page:
        """This empty answer, of which a wait has shown that it is true up to change number `change`."""
        return replace(self, revision=min(session.revision, change))


@dataclass(frozen=True, slots=True)
class _Shown:
    """An entry with the item that goes with it now, and until when that item's verdict holds."""

    entry: ChangeEntry
    item: StampedItem | Tombstone | None = None
    until: datetime | None = None


class _Texts:
    """The items of one answer in their order, read a few at a time as they are asked for."""

    def __init__(self, store: Store, wanted: Sequence[ItemId]) -> None:
        self._store, self._wanted = store, wanted
        self._found: dict[ItemId, Item] = {}
        self._read: frozenset[ItemId] = frozenset()

    async def of(self, entry: ChangeEntry) -> Item | None:
        """The item in the entry's version; None where there is none."""
        if entry.item not in self._read:
            start = self._wanted.index(entry.item)
            ids = self._wanted[start : start + _TEXTS_AT_ONCE]
            self._found, self._read = await self._store.newest(ids), frozenset(ids)
        item = self._found.get(entry.item)
        if item is not None and item.version != entry.version:
            return await self._store.item(entry.item, entry.version)
        return item


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
        async with self._turns:
            return await self._read(session, after, limit)

    async def _read(self, session: Session, after: int, limit: int) -> Page:
        partner = session.partner
        await self._takedowns.order(partner)
        register, change = await self._rights_cache.read()
        snapshot = partner_snapshot(partner, register, change, self._clock(), self._publisher.zone)
        progress = await self._store.progress(partner.id)
        reset = after != 0 and not await self._store.knows_cursor(partner.id, after)
        if reset and after > max(progress.last, next_seq(0, snapshot.now)):
            raise CursorUnknown(
                Text(
                    "游标来自将来或另一台服务器；请从 after=0 重新开始",
                    "this cursor is from the future or of another server; begin again with after=0",
                )
            )
        start = 0 if reset else after
        entries = await self._store.entries_after(partner.id, start, limit + 1)
        update, more = None, len(entries) > limit
        if not more:
            additions = await self._detector.additions(snapshot, progress, limit - len(entries))
            update, more = additions.update, additions.more
            entries += update.entries if update is not None else ()
        shown = await self._show(snapshot, entries[:limit])
        if len(shown) < len(entries[:limit]):
            more, update = True, _shortened(update, progress, shown[-1].entry.seq)
        cursor = shown[-1].entry.seq if shown else start
        if more and not shown and update is not None:
            cursor = next_seq(max(start, update.progress.last), snapshot.now)
            update = replace(update, progress=replace(update.progress, last=cursor), empty_cursor=cursor)
        page = ChangesPage(
            publisher=self._publisher,
            recipient=partner,
            entries=tuple((one.entry, one.item) for one in shown),
            next=cursor,
            more=more,
            reset=reset,
        )
        given = [one.item for one in shown if isinstance(one.item, StampedItem)]
        return Page(
            page=page,
            after=after,
            revision=min(session.revision, snapshot.change),
            until=min((one.until for one in shown if one.until is not None), default=None),
            charges=self._delivery.quotas.charges(given),
            update=update,
            manifest=_manifest(page, given) if shown else None,
            snapshot=snapshot,
            last=progress.last,
        )

    async def _show(self, snapshot: PartnerSnapshot, entries: Sequence[ChangeEntry]) -> list[_Shown]:
        """Each entry with its item, as many as fit into one answer; the first one always.

        The item goes with the newest entry that names it, if the partner may have it now and a quota has
        room. Where a quota has none, the entry goes without it: removals behind it must not wait.
        """
        newest = {one.item: one.seq for one in entries}
        outlines = await self._store.outlines(newest.keys())
        verdicts = {id: snapshot.verdict(outline) for id, outline in outlines.items()}
        texts = _Texts(
            self._store,
            [
                entry.item
                for entry in entries
                if newest[entry.item] == entry.seq
                and isinstance(verdicts.get(entry.item), Clearance)
                and _comes_with_item(entry, outlines[entry.item])
            ],
        )
        shown: list[_Shown] = []
        size = 0
        for entry in entries:
            outline = outlines.get(entry.item)
            if outline is None or newest[entry.item] != entry.seq:
                shown.append(_Shown(entry))
                continue
            one = await self._with_item(snapshot, entry, outline, verdicts[entry.item], texts)
            if isinstance(one.item, StampedItem):
                size += _length(one.item)
                if size > _MOST_TEXT and shown:
                    break
            shown.append(one)
        items = [one.item for one in shown if isinstance(one.item, StampedItem)]
        fitting = await self._delivery.quotas.fitting(items)
        fits = dict(zip([item.id for item in items], fitting, strict=True))
        return [one if fits.get(one.entry.item, True) else replace(one, item=None) for one in shown]

    async def _with_item(
        self,
        snapshot: PartnerSnapshot,
        entry: ChangeEntry,
        outline: Item,
        verdict: Clearance | Refusal,
        texts: _Texts,
    ) -> _Shown:
        """The entry with its item, or with the notice of its recall."""
        if isinstance(verdict, Refusal):
            if entry.action is not Action.RECALL:
                return _Shown(entry)
            return _Shown(entry, make_tombstone(outline, verdict, snapshot.partner, self._publisher))
        if not _comes_with_item(entry, outline):
            return _Shown(entry)
        item = self._stamped(snapshot, await texts.of(entry))
        if item is None:
            return _Shown(entry, until=verdict.until)
        return _Shown(replace(entry, note=item.note), item, verdict.until)

    def _stamped(self, snapshot: PartnerSnapshot, item: Item | None) -> StampedItem | None:
        """The item, stamped; None where it may not leave any more or cannot be stamped."""
        if item is None:
            return None
        verdict = snapshot.verdict(item)
        if not isinstance(verdict, Clearance):
            return None
        try:
            return stamp(verdict, self._publisher)
        except Unstampable as error:
            # The entries behind it must still be delivered, recalls above all.
            _log.warning("item_left_out", item=item.id, why=error.text.en)
            return None

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
        pending = Pending(entry, page.revision, page.manifest, charges=page.charges, sequence=page.update)
        return await self._delivery.write(pending) is Outcome.WRITTEN

    async def wait(
        self, page: Page, session: Session, until: float, is_over: Callable[[], bool]
    ) -> int | None:
        """Wait until there may be something new after this empty answer.

        Ends at event-loop time `until`, and soon after `is_over()` is true. Returns the change number up
        to which the answer is still true (see `Page.still_true`); None where it must be made again.
        """
        snapshot = page.snapshot
        async with self._turns:
            due = await self._detector.next_transition(snapshot)
            # Another request of the partner may have added entries while this answer was made.
            if (await self._store.progress(snapshot.partner.id)).last > page.last:
                return None
        # The wait also ends when the key expires.
        times = [time for time in (due, session.key.expires) if time is not None and time > snapshot.now]
        return await self._watcher.wait(
            snapshot, session.key, page.last, min(times, default=None), until, is_over
        )

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


def _shortened(update: SequenceUpdate | None, progress: Progress, last: int) -> SequenceUpdate | None:
    """The update without the entries behind number `last`; they are worked out anew for the next answer."""
    if update is None:
        return None
    entries = tuple(one for one in update.entries if one.seq <= last)
    names = {one.item for one in entries}
    return SequenceUpdate(
        update.read,
        replace(progress, last=max([progress.last, *(one.seq for one in entries)])),
        entries,
        held=tuple(one for one in update.held if one.item in names),
    )


def _comes_with_item(entry: ChangeEntry, outline: Item) -> bool:
    """Whether the entry gives the item in the version that is the newest."""
    return entry.action not in TAKEDOWNS and entry.version == outline.version


def _length(item: StampedItem) -> int:
    """Characters of the item, about."""
    return len(item.abstract) + sum(len(block.text) + len(block.html) for block in item.body)


def _manifest(page: ChangesPage, given: Sequence[StampedItem]) -> tuple[str, bytes]:
    """The list of what the answer says and gives: its digest and its canonical JSON."""
    content = canonical_json(
        {
            "recipient": recipient_id(page.recipient),
            "changes": [[one.seq, one.action.value, one.item, one.version] for one, _ in page.entries],
            "items": [given_as(item) for item in given],
        }
    )
    return manifest_digest(content), content
