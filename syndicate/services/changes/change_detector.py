"""What a partner has to be told next: the difference between what it holds and what the policy says.

Two questions, each with a mark of its own up to where it was answered. *Ends*: which of its holdings may it
not have any more? *Begins*: what may it have that it was not told? Between two looks only what can have
changed is judged: items that a change was about, and items that came of an age at which a grant opens or
closes. After a change of the partner's rights everything is judged once more, the archive in a walk that
remembers its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from syndicate.model.changes import Action, ChangeEntry, Holding, Progress, Watermark
from syndicate.model.item import Item, ItemId
from syndicate.policy import Refusal, Verdict
from syndicate.policy.reasons import Reason
from syndicate.services.changes.holding_end import ended, terms_name
from syndicate.services.changes.partner_snapshot import UNDER_WAY, PartnerSnapshot
from syndicate.services.delivery.editions import reach
from syndicate.store.protocol import Place, SequenceUpdate, Store

_MOST_MOVED = 2_000
"""More items than this between two looks are found by a walk instead."""
_BATCH = 500
_STEPS = 10
"""Batches of a walk in one answer: what is behind them comes with the next."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_ITEM = ItemId("")  # asked about where there is nothing to ask: what is hidden costs no question more
_REFRESH = timedelta(minutes=5)
"""How old a mark may grow while nothing happens."""


@dataclass(frozen=True, slots=True)
class Detected:
    """What was found: the telling that writes it down (None: nothing worth writing), and whether there
    is more to be found."""

    telling: SequenceUpdate | None
    more: bool = False


class ChangeDetector:
    """Works out change sequences; writes nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def ends(self, at: PartnerSnapshot, progress: Progress) -> Detected:
        """Recalls and withdrawals for what the partner holds and may not have any more: all of them."""
        mark = progress.ends
        entries: list[ChangeEntry] = []
        gone: list[ItemId] = []
        last = progress.last
        for holding, outline in await self._held_since(at, mark):
            told = ended(at, holding, outline, at.verdict(outline), _next(last, at.now))
            if told is None:
                continue
            gone.append(told.item)
            # Who was told of an item and never given it has nothing to take down.
            if holding.version > 0:
                entries.append(told)
                last = told.seq
        # A mark by itself takes a transaction of its own: it is moved when looking back has become long.
        if not gone and mark is not None and at.stands(mark) and at.now - mark.at < _REFRESH:
            return Detected(None)
        after = replace(progress, last=last, ends=at.mark())
        return Detected(SequenceUpdate(progress.revision, after, tuple(entries), gone=tuple(gone)))

    def ended(
        self, at: PartnerSnapshot, progress: Progress, holding: Holding, item: Item
    ) -> ChangeEntry | None:
        """The entry that ends one holding now; None where it may be kept."""
        return ended(at, holding, item, at.verdict(item), _next(progress.last, at.now))

    async def _held_since(self, at: PartnerSnapshot, mark: Watermark | None) -> list[tuple[Holding, Item]]:
        """The holdings that may have ended since the mark, each with its item's outline."""
        partner = at.partner.id
        if mark is not None and at.stands(mark, UNDER_WAY):
            ids = await self._store.candidates(at.moved(mark), _MOST_MOVED)
            if len(ids) < _MOST_MOVED:
                held = await self._store.held(partner, ids or [_NO_ITEM])
                return await self._with_outlines(list(held.values()))
        found: list[tuple[Holding, Item]] = []
        after: ItemId | None = None
        while batch := await self._store.holdings(partner, after=after, limit=_BATCH):
            found += await self._with_outlines(batch)
            after = batch[-1].item
        return found

    async def _with_outlines(self, held: Sequence[Holding]) -> list[tuple[Holding, Item]]:
        outlines = await self._store.outlines([one.item for one in held])
        return [(one, outlines[one.item]) for one in held if one.item in outlines]

    async def begins(self, at: PartnerSnapshot, progress: Progress, room: int) -> Detected:
        """New items, corrections, new terms and embargoes on offer: at most `room` of them."""
        mark = progress.begins
        if not at.stands(mark):
            # Other rights than before: the whole archive is gone through, from the oldest item on.
            progress = replace(progress, begins=at.mark(), walked=(_EPOCH, ItemId("")))
            return await self._walk(at, progress, room)
        if progress.walked is not None:
            return await self._walk(at, progress, room)
        assert mark is not None
        ids = await self._store.candidates(at.moved(mark), _MOST_MOVED)
        if len(ids) >= _MOST_MOVED:
            progress = replace(progress, begins=at.mark(), walked=(_EPOCH, ItemId("")))
            return await self._walk(at, progress, room)
        outlines = sorted(
            (await self._store.outlines(ids or [_NO_ITEM])).values(),
            key=lambda one: (one.available, one.published, one.id),
        )
        telling = _UpdateBuilder(at, progress)
        for start in range(0, len(outlines) or 1, _BATCH):
            batch = outlines[start : start + _BATCH]
            if await telling.add(self._store, batch, room) < len(batch):
                return telling.worked(progress, more=True)
        if not telling.entries and not _worth(mark, at):
            return Detected(None)
        return telling.worked(replace(progress, begins=at.mark()), more=False)

    async def _walk(self, at: PartnerSnapshot, progress: Progress, room: int) -> Detected:
        """Go on with the walk through all that the partner's licences could reach."""
        telling = _UpdateBuilder(at, progress)
        selection = reach(None, at.partner, at.register, at.licences, at.now)
        steps = 0
        while selection is not None and progress.walked is not None:
            if steps == _STEPS:
                return telling.worked(progress, more=True)
            steps += 1
            place = Place(*progress.walked)
            batch = await self._store.listed(selection, after=place, limit=_BATCH)
            done = await telling.add(self._store, batch, room)
            if done < len(batch):
                if done:
                    progress = replace(progress, walked=(batch[done - 1].published, batch[done - 1].id))
                return telling.worked(progress, more=True)
            if len(batch) < _BATCH:
                break
            progress = replace(progress, walked=(batch[-1].published, batch[-1].id))
        return telling.worked(replace(progress, walked=None), more=False)

    async def next_transition(self, at: PartnerSnapshot) -> datetime | None:
        """When something may change for the partner by itself."""
        published, available = at.ages()
        item = await self._store.next_transition(at.now, published, available)
        coming = [moment for moment in (item, *at.edges()) if moment is not None and moment > at.now]
        return min(coming, default=None)


class _UpdateBuilder:
    """New entries, as they are collected."""

    def __init__(self, at: PartnerSnapshot, progress: Progress) -> None:
        self._at, self._read, self._last = at, progress.revision, progress.last
        self.entries: list[ChangeEntry] = []
        self._held: list[Holding] = []

    async def add(self, store: Store, outlines: Sequence[Item], room: int) -> int:
        """Add what these items give occasion to; how many of them were dealt with before `room` entries
        were reached."""
        partner = self._at.partner.id
        verdicts = [self._at.verdict(one) for one in outlines]
        held = await store.held(partner, [one.id for one in outlines] or [_NO_ITEM])
        unpromised = [
            one.id
            for one, verdict in zip(outlines, verdicts, strict=True)
            if isinstance(verdict, Refusal) and verdict.reason is Reason.EMBARGO_UNACKNOWLEDGED
        ]
        offered = await store.offers(partner, unpromised) if unpromised else set()
        for number, (outline, verdict) in enumerate(zip(outlines, verdicts, strict=True)):
            begun = self._begun(outline, verdict, held.get(outline.id), offered)
            if begun is None:
                continue
            if len(self.entries) >= room:
                return number
            told, holding = begun
            if told.action is Action.CORRECT:
                corrected = await store.item(told.item, told.version)
                told = replace(told, note=None if corrected is None else corrected.note)
            self.entries.append(told)
            self._held += [holding] if holding is not None else []
            self._last = told.seq
        return len(outlines)

    def _begun(
        self,
        item: Item,
        verdict: Verdict,
        holding: Holding | None,
        offered: set[tuple[ItemId, datetime]],
    ) -> tuple[ChangeEntry, Holding | None] | None:
        """The entry that an item gives occasion to, and what the partner holds with it."""
        at = self._at
        if isinstance(verdict, Refusal):
            embargo = item.holds.embargo
            wanted = verdict.reason is Reason.EMBARGO_UNACKNOWLEDGED and embargo is not None
            if not wanted or embargo is None or (item.id, embargo.until) in offered:
                return None
            return self._entry(Action.EMBARGO, item, verdict.clause, until=embargo.until), None
        terms = terms_name(verdict)
        if holding is not None and holding.told == item.version and holding.terms == terms:
            return None
        corrects = holding is not None and 0 < holding.told < item.version
        given = 0 if holding is None else holding.version
        held = Holding(at.partner.id, item.id, given, verdict.clause, item.version, terms)
        return self._entry(Action.CORRECT if corrects else Action.PUT, item, verdict.clause), held

    def _entry(
        self, action: Action, item: Item, clause: str | None, *, until: datetime | None = None
    ) -> ChangeEntry:
        return ChangeEntry(
            partner=self._at.partner.id,
            seq=_next(self._last, self._at.now),
            at=self._at.now,
            action=action,
            item=item.id,
            version=item.version,
            clause=clause,
            until=until,
        )

    def worked(self, progress: Progress, *, more: bool) -> Detected:
        """What was collected, with how far that is."""
        after = replace(progress, last=self._last)
        return Detected(
            SequenceUpdate(self._read, after, tuple(self.entries), held=tuple(self._held)), more
        )


def _next(last: int, now: datetime) -> int:
    """The next number of a sequence: the moment in microseconds, and always more than the last."""
    return max(last + 1, (now - _EPOCH) // timedelta(microseconds=1))


def _worth(mark: Watermark | None, at: PartnerSnapshot) -> bool:
    """Whether a mark is worth moving although nothing was found."""
    return (
        mark is None or mark.rights != at.rights or mark.change != at.judged or at.now - mark.at >= _REFRESH
    )
