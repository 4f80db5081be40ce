"""The change sequence: everything that a partner must do, in order, and again when it asks again."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from syndicate.access.authentication import Session
from syndicate.access.rights_cache import Clock, RightsCache
from syndicate.errors import ChangeUnknown, CursorUnknown, Unstampable
from syndicate.language import Text
from syndicate.model.changes import TAKEDOWNS, Action, ChangeEntry, Charge, Progress
from syndicate.model.item import canonical_json
from syndicate.model.lifecycle_events import ChangesAcknowledged, ChangesDelivered, EmbargoAcknowledged
from syndicate.model.parties import Publisher, recipient_id
from syndicate.model.records import Entry
from syndicate.policy import Clearance, Refusal
from syndicate.services.changes.change_detector import ChangeDetector
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
from syndicate.store.protocol import Change, Outcome, Pending, SequenceUpdate, Store

_log = structlog.get_logger("syndicate.services")

_MOST_TEXT = 4_000_000
"""Characters of items in one answer, about: what does not fit comes with the next."""
_LOOK = 0.2
"""Seconds between two looks of somebody who waits."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer, with what its line will say and what it does to the sequence."""

    page: ChangesPage
    after: int
    judged: int
    until: datetime | None
    charges: tuple[Charge, ...]
    telling: SequenceUpdate | None
    manifest: tuple[str, bytes] | None

    @property
    def empty(self) -> bool:
        """Whether there is nothing new to say."""
        return not self.page.entries and not self.page.more


class ChangeService:
    """One per worker. Raises CursorUnknown, ChangeUnknown, StoreFault."""

    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        standing: RightsCache,
        front: DeliveryService,
        sequences: ChangeDetector,
        takedowns: Takedowns,
        clock: Clock,
    ) -> None:
        self._store, self._publisher, self._clock = store, publisher, clock
        self._standing, self._front = standing, front
        self._sequences, self._takedowns = sequences, takedowns

    async def read(self, caller: Session, after: int, limit: int) -> Page:
        """What the partner is told after cursor `after`, at most `limit` entries.

        A cursor from before the database was restored from a backup is answered from the beginning, with
        `reset`. Raises CursorUnknown for one that no server of ours can have given.
        """
        partner = caller.partner
        await self._takedowns.order(partner)
        register, judged = await self._standing.read()
        at = partner_snapshot(partner, register, judged, self._clock(), self._publisher.zone)
        progress = await self._store.progress(partner.id)
        reset = after != 0 and not await self._store.has_entry(partner.id, after)
        if reset and after > max(progress.last, _number(at.now)):
            raise CursorUnknown(
                Text(
                    "游标来自将来或另一台服务器；请从 after=0 重新开始",
                    "this cursor is from the future or of another server; begin again with after=0",
                )
            )
        start = 0 if reset else after
        told = await self._store.entries_after(partner.id, start, limit + 1)
        telling, more = None, len(told) > limit
        if not more:
            worked = await self._sequences.begins(at, progress, limit - len(told))
            telling, more = worked.telling, worked.more
            told += telling.entries if telling is not None else ()
        return await self._page(
            caller, at, after, start, told[:limit], telling, progress, more=more, reset=reset
        )

    async def _page(
        self,
        caller: Session,
        at: PartnerSnapshot,
        after: int,
        start: int,
        told: Sequence[ChangeEntry],
        telling: SequenceUpdate | None,
        progress: Progress,
        *,
        more: bool,
        reset: bool,
    ) -> Page:
        shown = await self._show(at, told)
        if len(shown) < len(told):
            more, telling = True, _cut(telling, progress, shown[-1][0].seq)
        page = ChangesPage(
            publisher=self._publisher,
            recipient=caller.partner,
            entries=tuple((one, item) for one, item, _ in shown),
            next=shown[-1][0].seq if shown else start,
            more=more,
            reset=reset,
        )
        given = [item for _, item, _ in shown if isinstance(item, StampedItem)]
        moments = [until for _, _, until in shown if until is not None]
        return Page(
            page=page,
            after=after,
            judged=min(caller.revision, at.judged),
            until=min(moments, default=None),
            charges=self._front.quotas.charges(given),
            telling=telling,
            manifest=_manifest(page, given) if shown else None,
        )

    async def _show(
        self, at: PartnerSnapshot, told: Sequence[ChangeEntry]
    ) -> list[tuple[ChangeEntry, StampedItem | Tombstone | None, datetime | None]]:
        """Each entry with the item that goes with it now, if one may; as many as fit into one answer."""
        newest = {one.item: one.seq for one in told}
        outlines = await self._store.outlines(newest.keys())
        shown: list[tuple[ChangeEntry, StampedItem | Tombstone | None, datetime | None]] = []
        size = 0
        for one in told:
            item: StampedItem | Tombstone | None = None
            until = None
            outline = outlines.get(one.item)
            if outline is not None and newest[one.item] == one.seq:
                verdict = at.verdict(outline)
                if isinstance(verdict, Refusal):
                    if one.action is Action.RECALL:
                        item = make_tombstone(outline, verdict, at.partner, self._publisher)
                elif one.action not in TAKEDOWNS and one.version == outline.version:
                    item, until = await self._stamped(at, one), verdict.until
            if isinstance(item, StampedItem):
                size += len(item.abstract) + sum(len(block.text) + len(block.html) for block in item.body)
                if size > _MOST_TEXT and shown:
                    break
                one = replace(one, note=item.note)
            shown.append((one, item, until))
        return await self._within_quota(shown)

    async def _stamped(self, at: PartnerSnapshot, told: ChangeEntry) -> StampedItem | None:
        item = await self._store.item(told.item, told.version)
        if item is None:
            return None
        verdict = at.verdict(item)
        if not isinstance(verdict, Clearance):
            return None
        try:
            return stamp(verdict, self._publisher)
        except Unstampable as why:
            # It does not leave, and holds up nothing behind it: least of all a recall.
            _log.warning("item_left_out", item=item.id, why=why.text.en)
            return None

    async def _within_quota(
        self, shown: list[tuple[ChangeEntry, StampedItem | Tombstone | None, datetime | None]]
    ) -> list[tuple[ChangeEntry, StampedItem | Tombstone | None, datetime | None]]:
        """What a quota does not allow is told without its text: recalls behind it must not wait."""
        items = [item for _, item, _ in shown if isinstance(item, StampedItem)]
        fits = dict(zip([item.id for item in items], await self._front.quotas.fitting(items), strict=True))
        return [(one, item if fits.get(one.item, True) else None, until) for one, item, until in shown]

    async def deliver(self, page: Page, caller: Session, asked: RequestContext) -> bool:
        """Write the line for an answer that is about to leave, and what it tells. False: make it again."""
        if page.until is not None and self._clock() >= page.until:
            return False
        event = ChangesDelivered(
            partner=caller.partner.id,
            jti=caller.key.jti,
            after=page.after,
            next=page.page.next,
            count=len(page.page.entries),
            edition=page.manifest[0] if page.manifest is not None else "",
            request=asked.request,
        )
        entry = Entry(self._clock(), caller.partner.id, event)
        pending = Pending(entry, page.judged, page.manifest, charges=page.charges, sequence=page.telling)
        return await self._front.write(pending) is Outcome.WRITTEN

    async def news(self, caller: Session, seconds: float) -> None:
        """Wait until there may be something new for the partner, at most so many seconds."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        register, judged = await self._standing.read()
        at = partner_snapshot(caller.partner, register, judged, self._clock(), self._publisher.zone)
        moment = await self._sequences.next_transition(at)
        while loop.time() < ends:
            if self._standing.current_revision() != judged and (await self._standing.read())[1] != judged:
                return
            if moment is not None and self._clock() >= moment:
                return
            await asyncio.sleep(max(0.0, min(_LOOK, ends - loop.time())))

    async def acknowledge(
        self, caller: Session, seqs: Collection[int], asked: RequestContext
    ) -> list[int] | None:
        """The partner did what these entries told it; for an embargo: it promises to keep it. None where
        rights have changed since its key was looked at: look again.

        Again is harmless. Raises ChangeUnknown if one of them is not of its sequence: then none counts.
        """
        now, partner = self._clock(), caller.partner.id
        async with self._store.writing() as tx:
            if not (await tx.reached()).rights <= caller.revision:
                return None
            told = {one.seq: one for one in await tx.entries(partner, set(seqs))}
            unknown = sorted(set(seqs) - set(told))
            if unknown:
                raise ChangeUnknown(unknown)
            new = await tx.acknowledge(partner, set(seqs), now)
            if new:
                event = ChangesAcknowledged(partner, caller.key.jti, new, asked.request)
                await tx.append(Entry(now, partner, event))
            promised = False
            for one in (told[seq] for seq in new):
                if one.action is Action.EMBARGO and one.until is not None and now < one.until:
                    item = await tx.item(one.item)
                    embargo = item.holds.embargo if item is not None else None
                    if item is None or embargo is None or embargo.until != one.until:
                        continue
                    acknowledged = embargo.acknowledged | {partner}
                    embargo = replace(embargo, acknowledged=acknowledged)
                    await tx.put_holds(item.id, replace(item.holds, embargo=embargo))
                    promise = EmbargoAcknowledged(
                        partner, caller.key.jti, item.id, one.until.isoformat(), asked.request
                    )
                    await tx.append(Entry(now, partner, promise))
                    promised = True
            if promised:
                await tx.changed(Change.ITEM)
        return sorted(set(seqs))


def _cut(telling: SequenceUpdate | None, progress: Progress, last: int) -> SequenceUpdate | None:
    """Only what was shown is told: what did not fit is worked out anew with the next answer."""
    if telling is None:
        return None
    entries = tuple(one for one in telling.entries if one.seq <= last)
    names = {one.item for one in entries}
    return SequenceUpdate(
        telling.read,
        replace(progress, last=max([progress.last, *(one.seq for one in entries)])),
        entries,
        held=tuple(one for one in telling.held if one.item in names),
    )


def _manifest(page: ChangesPage, given: Sequence[StampedItem]) -> tuple[str, bytes]:
    """Exactly what was told and given, as it is kept: (digest, canonical JSON)."""
    content = canonical_json(
        {
            "recipient": recipient_id(page.recipient),
            "changes": [[one.seq, one.action.value, one.item, one.version] for one, _ in page.entries],
            "items": [given_as(item) for item in given],
        }
    )
    return manifest_digest(content), content


def _number(now: datetime) -> int:
    return int(now.timestamp() * 1_000_000)
