"""Compare what a partner holds with what it may have now, and compute the entries that are missing.

Two searches, each with a watermark up to which it is done. `removals` looks for holdings that the partner
may not keep. `additions` looks for items, versions and terms that its sequence does not name yet. Each
judges only items whose verdict may have changed since the watermark. When the partner's rights change,
everything is judged again: the holdings at once, the archive in a backfill that saves its cursor.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from syndicate.model.changes import Action, ChangeEntry, Holding, Progress, Watermark
from syndicate.model.item import Item, ItemId
from syndicate.model.rights import Clause
from syndicate.policy import Clearance, Refusal, Verdict
from syndicate.policy.coverage import reach
from syndicate.policy.reasons import Reason
from syndicate.services.changes.partner_snapshot import IN_FLIGHT, PartnerSnapshot
from syndicate.services.changes.removals import Removal, removal, terms_name
from syndicate.store.protocol import Place, Reads, Selection, SequenceUpdate

WORK_SECONDS = 2.0
"""How long one search of the archive may take. What is behind it is searched for the next answer."""
_MOST_CANDIDATES = 2_000
"""With this many candidates, everything is searched instead."""
_BATCH = 500
_MOST_FOUND = 2_000
"""With so many removals found, they are written before the search goes on."""
_LEAST = 100
"""Items that a batch of a backfill has at least, however little room is left."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_ITEM = ItemId("")
"""Asked for where there is nothing to ask, so that the time an answer takes shows nothing hidden."""
REFRESH = timedelta(minutes=5)
"""How old a watermark may grow while nothing is found. To move it takes a transaction."""


Judged = tuple[Item, Verdict]
"""An item's outline, and what the policy says about it."""


@dataclass(frozen=True, slots=True)
class Removals:
    """Holdings that have ended. `save`: the watermark should move, also where nothing was found.

    `after` is the item behind which the search goes on; None where it is at its end.
    """

    found: tuple[Removal, ...]
    save: bool
    after: ItemId | None


@dataclass(frozen=True, slots=True)
class Additions:
    """New entries. `update` writes them (None: nothing to write). `more`: the search is not at its end.

    `judged` has the outline and the verdict of each entry's item.
    """

    update: SequenceUpdate | None
    more: bool = False
    judged: Mapping[ItemId, Judged] = field(default_factory=dict)


class ChangeDetector:
    """Compute the entries of change sequences; write nothing.

    Every method reads by `reads`, the store or one snapshot of it. `work_seconds` is how long one call of
    `additions` may search the archive.
    """

    def __init__(self, work_seconds: float = WORK_SECONDS) -> None:
        self._work_seconds = work_seconds

    async def removals(
        self,
        reads: Reads,
        snapshot: PartnerSnapshot,
        watermark: Watermark | None,
        after: ItemId | None = None,
    ) -> Removals:
        """Find the holdings that the partner may not keep, judged since this watermark.

        All of them; where all holdings must be judged, some two thousand, and the rest with `after`.
        """
        ids = None
        if after is None and watermark is not None and snapshot.same_rights_since(watermark, IN_FLIGHT):
            ids = await _candidates(reads, snapshot, watermark)
        found: list[Removal] = []
        if ids is not None:
            held = await reads.held(snapshot.partner.id, ids or [_NO_ITEM])
            found += await _ended(reads, snapshot, list(held.values()))
        else:
            while batch := await reads.holdings(snapshot.partner.id, after=after, limit=_BATCH):
                found += await _ended(reads, snapshot, batch)
                after = batch[-1].item
                if len(found) >= _MOST_FOUND:
                    break
            else:
                after = None
        # The two minutes behind a window's edge are searched in full each time, without a new watermark.
        overflow = ids is None and snapshot.same_rights_since(watermark, IN_FLIGHT)
        return Removals(tuple(found), bool(found) or overflow or not _fresh(watermark, snapshot), after)

    async def must_order(
        self, reads: Reads, snapshot: PartnerSnapshot, watermark: Watermark | None
    ) -> bool:
        """Whether removals may have to be written before the partner is answered, or their watermark moved.

        Where the rights have changed, the holdings are not searched: that is left to who writes.
        """
        if not snapshot.same_rights_since(watermark, IN_FLIGHT):
            return True
        return (await self.removals(reads, snapshot, watermark)).save

    async def additions(
        self, reads: Reads, snapshot: PartnerSnapshot, progress: Progress, room: int
    ) -> Additions:
        """Find new items, corrections, new terms and embargoes on offer: at most `room` entries.

        No entries and `more` is possible: the time was used up by items that the partner may not have.
        """
        watermark = progress.additions_until
        if watermark is None or not snapshot.same_rights_since(watermark):
            return await self._backfill(reads, snapshot, _restarted(snapshot, progress), room)
        if progress.backfill_cursor is not None:
            return await self._backfill(reads, snapshot, progress, room)
        ids = await _candidates(reads, snapshot, watermark)
        if ids is None:
            return await self._backfill(reads, snapshot, _restarted(snapshot, progress), room)
        outlines = sorted(
            (await reads.outlines(ids or [_NO_ITEM])).values(),
            key=lambda one: (one.available, one.published, one.id),
        )
        builder = _UpdateBuilder(reads, snapshot, progress, room)
        for start in range(0, len(outlines) or 1, _BATCH):
            batch = outlines[start : start + _BATCH]
            if await builder.add(batch) < len(batch):
                return builder.additions(progress, more=True)
        if not builder.entries and watermark.change == snapshot.change and _fresh(watermark, snapshot):
            return Additions(None)
        return builder.additions(replace(progress, additions_until=snapshot.watermark()), more=False)

    async def _backfill(
        self, reads: Reads, snapshot: PartnerSnapshot, progress: Progress, room: int
    ) -> Additions:
        """Search everything that the partner's licences may release, on from the saved cursor.

        Stops at `room` entries, at the end of the archive, or when the time is used up.
        """
        stop = time.monotonic() + self._work_seconds
        builder = _UpdateBuilder(reads, snapshot, progress, room)
        selection = _selection(snapshot)
        while selection is not None and progress.backfill_cursor is not None:
            place = Place(*progress.backfill_cursor)
            limit = min(_BATCH, max(_LEAST, builder.left + 1))
            batch = await reads.listed(selection, after=place, limit=limit)
            done = await builder.add(batch)
            if done:
                last = batch[done - 1]
                progress = replace(progress, backfill_cursor=(last.published, last.id))
            if done < len(batch):
                return builder.additions(progress, more=True)
            if len(batch) < limit:
                break
            if time.monotonic() >= stop:
                return builder.additions(progress, more=True)
        return builder.additions(replace(progress, backfill_cursor=None), more=False)

    async def next_transition(self, reads: Reads, snapshot: PartnerSnapshot) -> datetime | None:
        """The next time at which something changes for the partner by itself; None for never."""
        published, available = snapshot.transition_ages()
        item = await reads.next_transition(snapshot.now, published, available)
        times = (item, *snapshot.window_edges())
        return min((time for time in times if time is not None and time > snapshot.now), default=None)


async def _candidates(reads: Reads, snapshot: PartnerSnapshot, watermark: Watermark) -> list[ItemId] | None:
    """The items whose verdict may have changed since the watermark; None where there are too many."""
    ids = await reads.candidates(snapshot.candidates_since(watermark), _MOST_CANDIDATES)
    return ids if len(ids) < _MOST_CANDIDATES else None


async def _ended(reads: Reads, snapshot: PartnerSnapshot, holdings: Sequence[Holding]) -> list[Removal]:
    outlines = await reads.outlines([one.item for one in holdings])
    removals = [removal(snapshot, one, outlines[one.item]) for one in holdings if one.item in outlines]
    return [one for one in removals if one is not None]


class _UpdateBuilder:
    """Collects new entries, and what the partner holds once it has them."""

    def __init__(self, reads: Reads, snapshot: PartnerSnapshot, progress: Progress, room: int) -> None:
        self._reads, self._snapshot, self._room = reads, snapshot, room
        self._read, self._last = progress.revision, progress.last
        self.entries: list[ChangeEntry] = []
        self._held: list[Holding] = []
        self._judged: dict[ItemId, Judged] = {}

    @property
    def left(self) -> int:
        """How many entries there is still room for."""
        return self._room - len(self.entries)

    async def add(self, outlines: Sequence[Item]) -> int:
        """Judge these items in their order until the room is used up; how many of them were judged."""
        partner = self._snapshot.partner.id
        verdicts = [self._snapshot.verdict(one) for one in outlines]
        held = await self._reads.held(partner, [one.id for one in outlines] or [_NO_ITEM])
        embargoed = [
            one.id
            for one, verdict in zip(outlines, verdicts, strict=True)
            if isinstance(verdict, Refusal) and verdict.reason is Reason.EMBARGO_UNACKNOWLEDGED
        ]
        offered = await self._reads.offers(partner, embargoed) if embargoed else set()
        for number, (outline, verdict) in enumerate(zip(outlines, verdicts, strict=True)):
            if isinstance(verdict, Refusal):
                entry, holding = self._offer(outline, verdict, offered), None
            else:
                entry, holding = await self._release(outline, verdict, held.get(outline.id))
            if entry is None:
                continue
            if len(self.entries) >= self._room:
                return number
            self.entries.append(entry)
            self._judged[outline.id] = (outline, verdict)
            self._held += [holding] if holding is not None else []
            self._last = entry.seq
        return len(outlines)

    def _offer(
        self, item: Item, refusal: Refusal, offered: set[tuple[ItemId, datetime]]
    ) -> ChangeEntry | None:
        """The entry that offers early access under an embargo; None where there is nothing to offer."""
        embargo = item.holds.embargo
        if refusal.reason is not Reason.EMBARGO_UNACKNOWLEDGED or embargo is None:
            return None
        if (item.id, embargo.until) in offered:
            return None
        return self._entry(Action.EMBARGO, item, refusal.clause, until=embargo.until)

    async def _release(
        self, item: Item, verdict: Clearance, holding: Holding | None
    ) -> tuple[ChangeEntry | None, Holding | None]:
        """The entry that names this version under these terms, and the holding after it.

        (None, None) where the sequence names both already.
        """
        terms = terms_name(verdict)
        if holding is not None and (holding.announced, holding.terms) == (item.version, terms):
            return None, None
        given = 0 if holding is None else holding.version
        after = Holding(self._snapshot.partner.id, item.id, given, verdict.clause, item.version, terms)
        if holding is None or not 0 < holding.announced < item.version:
            return self._entry(Action.PUT, item, verdict.clause), after
        corrected = await self._reads.item(item.id, item.version)
        note = None if corrected is None else corrected.note
        return self._entry(Action.CORRECT, item, verdict.clause, note=note), after

    def _entry(
        self,
        action: Action,
        item: Item,
        clause: Clause | None,
        *,
        note: str | None = None,
        until: datetime | None = None,
    ) -> ChangeEntry:
        return ChangeEntry(
            partner=self._snapshot.partner.id,
            seq=next_seq(self._last, self._snapshot.now),
            at=self._snapshot.now,
            action=action,
            item=item.id,
            version=item.version,
            clause=clause,
            note=note,
            until=until,
        )

    def additions(self, progress: Progress, *, more: bool) -> Additions:
        """The collected entries, with the progress that is true once they are written."""
        after = replace(progress, last=self._last)
        update = SequenceUpdate(self._read, after, tuple(self.entries), held=tuple(self._held))
        return Additions(update, more, self._judged)


def _selection(snapshot: PartnerSnapshot) -> Selection | None:
    """What the partner's agreements could release at all; None for nothing."""
    known = reach(snapshot.partner, snapshot.register.mandates, snapshot.licences, snapshot.now)
    return None if known is None else Selection(known.outlets, known.media, known.channels, known.since)


def next_seq(last: int, now: datetime) -> int:
    """The next number of a sequence whose newest is `last`: microseconds since 1970, and always more."""
    return max(last + 1, (now - _EPOCH) // timedelta(microseconds=1))


def _restarted(snapshot: PartnerSnapshot, progress: Progress) -> Progress:
    """The progress of a backfill that begins with the oldest item."""
    return replace(progress, additions_until=snapshot.watermark(), backfill_cursor=(_EPOCH, ItemId("")))


def _fresh(watermark: Watermark | None, snapshot: PartnerSnapshot) -> bool:
    """Whether the watermark need not move where nothing was found."""
    if watermark is None or not snapshot.same_rights_since(watermark):
        return False
    return snapshot.now - watermark.at < REFRESH
