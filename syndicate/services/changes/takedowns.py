"""Write recalls and withdrawals into partners' sequences, and mark those that are overdue."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from syndicate.access.rights_cache import Clock, RightsCache
from syndicate.errors import SyndicateError
from syndicate.logger import Logger
from syndicate.model.actors import SCHEDULER, Actor
from syndicate.model.changes import ChangeEntry, Watermark
from syndicate.model.events import PartnerSuspended
from syndicate.model.lifecycle_events import TakedownOrdered, TakedownOverdue
from syndicate.model.parties import Partner, PartnerId, Publisher
from syndicate.model.records import Entry
from syndicate.model.register import Register
from syndicate.services.changes.change_detector import REFRESH, ChangeDetector, next_seq
from syndicate.services.changes.partner_snapshot import (
    IN_FLIGHT,
    PartnerSnapshot,
    partner_snapshot,
    rights_name,
)
from syndicate.services.changes.removal_search import Searched, find_due
from syndicate.services.changes.removals import Removal
from syndicate.store.protocol import CandidateQuery, Change, SequenceUpdate, Store, Writing

_TRIES = 8
_BATCH = 500
"""Removals in one transaction: no other writer waits long for it."""
_MOST_CHANGED = 2_000
"""With this many items changed since a search, it is made again."""
_MOST_OVERDUE = 100
_ROUND_SECONDS = 5.0
"""How long one call searches the holdings of partners. The others are searched in the next call."""

_log = Logger("syndicate.services")


class Takedowns:
    """Write and follow up removals. Several workers may run it at once; each removal is written once."""

    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        detector: ChangeDetector,
        rights_cache: RightsCache,
        clock: Clock,
    ) -> None:
        self._store, self._publisher, self._clock = store, publisher, clock
        self._detector, self._rights_cache = detector, rights_cache
        self._searches: deque[Searched] = deque()
        self._left: set[PartnerId] = set()
        """Partners whose removals are not all written."""
        self._moved: datetime | None = None
        self._followed_up: int | None = None
        """The change number at which `_deadline` was read."""
        self._deadline: datetime | None = None
        """No takedown is overdue before this time; None: none that is known can be."""

    async def order(self, partner: Partner) -> bool:
        """Write every removal that is due for the partner now; return whether all are written.

        Documents may be ingested and answers delivered meanwhile: removals that they do not touch are
        written at once, the others are judged again. False is logged as the error `takedowns_not_written`;
        the caller tries again soon. Raises StoreFault.
        """
        left = 0
        for _ in range(_TRIES):
            register, change = await self._rights_cache.read()
            snapshot = partner_snapshot(partner, register, change, self._clock(), self._publisher.zone)
            left = await self._search_and_write(snapshot)
            if left == 0:
                return True
            self._rights_cache.expire()
        _log.error("takedowns_not_written", partner=partner.id, removals=left, tries=_TRIES)
        return False

    async def order_all(self) -> bool:
        """`order` for every partner that may have something to remove; whether all removals are written.

        Costs what has changed since the last call (see `removal_search`). A partner whose removals cannot
        be written does not keep back those of the others, and is tried again at the next call. A call that
        has gone on for five seconds leaves the partners that remain to the next one: so a server that
        starts with nothing searched is not busy with it for minutes. What has just come up comes first.
        """
        register, change = await self._rights_cache.read()
        searched, zone = Searched(register, change, self._clock()), self._publisher.zone
        due = await self._store.read(lambda reads: find_due(reads, self._searches, searched, zone))
        left: set[PartnerId] = set()
        ends = time.monotonic() + _ROUND_SECONDS
        for number, id in enumerate([*sorted(due - self._left), *sorted(self._left)]):
            if number and time.monotonic() >= ends:
                left.add(id)
                continue
            partner = register.partners.get(id)
            try:
                if partner is not None and not await self.order(partner):
                    left.add(id)
            except SyndicateError as error:
                _log.error("takedowns_failed", partner=id, code=error.code, why=error.text.en)
                left.add(id)
        self._left = left
        self._remember(searched)
        await self._move_watermarks(searched)
        return not left

    def _remember(self, searched: Searched) -> None:
        """Keep this search, those of the last two minutes, and one that is older."""
        newest = self._searches[-1] if self._searches else None
        if newest is not None and (newest.change > searched.change or newest.at > searched.at):
            self._searches.clear()
        self._searches.append(searched)
        while len(self._searches) > 1 and self._searches[1].at <= searched.at - IN_FLIGHT:
            self._searches.popleft()

    async def _move_watermarks(self, searched: Searched) -> None:
        """Move the watermarks of partners that nothing happened to, all at once, every five minutes.

        Partners that hold something and have none, since they only read feeds, get one. So the next start
        of a server, and a partner's next request, have little to search.
        """
        if self._moved is not None and abs(searched.at - self._moved) < REFRESH:
            return
        register, zone = searched.register, self._publisher.zone
        progress = await self._store.progress_of(register.partners)
        marks = {id: one.removals_until for id, one in progress.items() if one.removals_until is not None}
        begun = await self._store.holding_anything(register.partners.keys() - marks.keys() - self._left)
        moved: dict[PartnerId, Watermark] = {}
        for id in (marks.keys() | begun) - self._left:
            mark = marks.get(id)
            if mark is not None and searched.at - mark.at < REFRESH:
                continue
            name = rights_name(register.partners[id], register, zone)
            if mark is None:
                # From an older change on: what was held first was given by an answer that was on its way.
                moved[id] = Watermark(self._searches[0].change, searched.at, name)
            elif name == mark.rights:
                moved[id] = Watermark(searched.change, searched.at, name)
        if moved:
            await self._store.transact(lambda tx: tx.move_removals_until(moved))
        self._moved = searched.at

    async def _search_and_write(self, snapshot: PartnerSnapshot) -> int:
        """Find the partner's removals and write them, some thousands at a time, and then the watermark.

        Left out is what was judged on data that has changed since. Returns how many removals were found
        where something was left out; if anything was, the watermark stays, and all holdings that remain are
        judged again.
        """
        watermark = (await self._store.progress(snapshot.partner.id)).removals_until
        left, after = 0, None
        while True:
            search = partial(self._detector.removals, snapshot=snapshot, watermark=watermark, after=after)
            removals = await self._store.read(search)
            last = removals.after is None
            if last and after is None and not removals.save:
                return 0
            if not await self._write(snapshot, removals.found, last=last and left == 0):
                left += max(1, len(removals.found))
            if last:
                return left
            after = removals.after

    async def _write(self, snapshot: PartnerSnapshot, found: Sequence[Removal], *, last: bool) -> bool:
        """Write these removals, 500 in a transaction, and after the `last` of all the watermark.

        Whether nothing was left out.
        """
        complete = True
        for start in range(0, len(found) or 1, _BATCH):
            batch = found[start : start + _BATCH]
            mark = last and complete and start + _BATCH >= len(found)
            work = partial(self._write_batch, snapshot=snapshot, batch=batch, mark=mark)
            written = await self._store.transact(work)
            if written is None:
                return False
            complete &= written
        return complete

    async def _write_batch(
        self, tx: Writing, snapshot: PartnerSnapshot, batch: Sequence[Removal], *, mark: bool
    ) -> bool | None:
        """Write the removals that are still valid; whether all are. None: the rights have changed.

        With `mark` and all written, the watermark moves.
        """
        if not await self._same_rights(tx, snapshot):
            return None
        valid, skipped = await self._still_valid(tx, snapshot, batch)
        watermark = snapshot.watermark() if mark and not skipped else None
        entries = await write_removals(tx, snapshot.partner.id, valid, snapshot.now, watermark)
        await record_orders(tx, SCHEDULER, entries, snapshot.now)
        return not skipped

    async def _same_rights(self, tx: Writing, snapshot: PartnerSnapshot) -> bool:
        """Whether the partner's agreements are in this transaction what they were judged by."""
        reached = await tx.reached()
        if reached.change < snapshot.change:
            return False  # the database was restored from a backup meanwhile
        if reached.rights <= snapshot.change:
            return True
        name = rights_name(snapshot.partner, await tx.register(), self._publisher.zone)
        return name == snapshot.rights

    async def _still_valid(
        self, tx: Writing, snapshot: PartnerSnapshot, batch: Sequence[Removal]
    ) -> tuple[list[Removal], bool]:
        """The removals whose item and holding are as they were judged, and whether any other is left."""
        since = CandidateQuery(snapshot.change, (), (), (snapshot.now, snapshot.now))
        changed = set(await tx.candidates(since, _MOST_CHANGED))
        if len(changed) >= _MOST_CHANGED:
            return [], True
        held = await tx.held(snapshot.partner.id, [one.entry.item for one in batch])
        remaining = [one for one in batch if one.entry.item in held]
        valid = [
            one
            for one in remaining
            if held[one.entry.item] == one.holding and one.entry.item not in changed
        ]
        return valid, len(valid) < len(remaining)

    async def follow_up(self) -> list[ChangeEntry]:
        """Mark overdue removals, log each, and suspend partners whose licence says so.

        At most 100 at once; those that were marked now are returned. Asks the store only once something has
        changed or a deadline has passed: takedowns are added by changes alone.
        """
        _, change = await self._rights_cache.read()
        now = self._clock()
        if change != self._followed_up:
            self._deadline, self._followed_up = await self._store.next_deadline(), change
        if self._deadline is None or now < self._deadline:
            return []
        if not await self._store.overdue(now, 1):
            self._deadline = await self._store.next_deadline()
            return []
        self._followed_up = None
        async with self._store.writing() as tx:
            late = await tx.overdue(now, _MOST_OVERDUE)
            register = await tx.register()
            suspended: dict[str, Partner] = {}
            for entry in late:
                assert entry.deadline is not None
                await tx.mark_overdue(entry, now)
                event = TakedownOverdue(entry.partner, entry.item, entry.seq, entry.deadline.isoformat())
                await tx.append(Entry(now, str(SCHEDULER), event))
                partner = register.partners.get(entry.partner)
                if partner is not None and partner.suspended is None and _suspends(register, entry):
                    suspended[partner.id] = replace(partner, suspended=now)
            for partner in suspended.values():
                await tx.put_partner(partner)
                await tx.append(Entry(now, str(SCHEDULER), PartnerSuspended(partner.id)))
            if suspended:
                await tx.changed(Change.RIGHTS)
        for entry in late:
            _log.warning(
                "takedown_overdue",
                partner=entry.partner,
                item=entry.item,
                change=entry.seq,
                suspended=entry.partner in suspended,
            )
        return late


async def write_removals(
    tx: Writing,
    partner: PartnerId,
    removals: Sequence[Removal],
    now: datetime,
    watermark: Watermark | None = None,
) -> list[ChangeEntry]:
    """End these holdings, add their entries to the partner's sequence, and return them with their numbers.

    A partner that was never given a held item has nothing to remove: that holding ends without an entry.
    With `watermark`, the search for removals is done up to it.
    """
    progress = await tx.progress(partner)
    entries: list[ChangeEntry] = []
    last = progress.last
    for one in removals:
        if one.holding.version > 0:
            last = next_seq(last, now)
            entries.append(replace(one.entry, seq=last))
    after = replace(progress, last=last, removals_until=watermark or progress.removals_until)
    gone = tuple(one.entry.item for one in removals)
    await tx.append_entries(SequenceUpdate(progress.revision, after, tuple(entries), gone=gone))
    return entries


async def record_orders(tx: Writing, actor: Actor, entries: Sequence[ChangeEntry], now: datetime) -> None:
    """Write the trail's records of removals that this transaction added, and announce the change."""
    for entry in entries:
        event = TakedownOrdered(
            partner=entry.partner,
            item=entry.item,
            version=entry.version,
            action=entry.action.value,
            reason=entry.reason or "",
            clause=entry.clause,
            change=entry.seq,
            deadline=entry.deadline.isoformat() if entry.deadline is not None else "",
        )
        await tx.append(Entry(now, str(actor), event))
    if entries:
        await tx.changed(Change.ITEM)


def _suspends(register: Register, entry: ChangeEntry) -> bool:
    """Whether the licence of the entry's clause suspends a partner that is late."""
    number = None if entry.clause is None else entry.clause.agreement
    return any(one.number == number and one.suspend_overdue for one in register.licences_of(entry.partner))
