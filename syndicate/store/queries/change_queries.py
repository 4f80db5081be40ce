"""The change sequences: what each partner was told, what it holds, what it acknowledged."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, delete, exists, func, insert, or_, select, update
from typing_extensions import override

from syndicate.model.changes import (
    TAKEDOWNS,
    Action,
    ChangeEntry,
    Charge,
    Holding,
    Progress,
    Takedown,
    Terms,
    Watermark,
)
from syndicate.model.names import ItemId, PartnerId
from syndicate.model.rights import FORM_OF, Clause, Form, Use
from syndicate.store.protocol import CandidateQuery, ChangeReads, ChangeWrites, SequenceUpdate
from syndicate.store.queries.sql_reads import SqlReads, SqlWrites, batches
from syndicate.store.schema.tables import acknowledgements, changes, holdings, items, overdue
from syndicate.store.schema.tables import progress as progresses

_TAKEDOWNS = [action.value for action in TAKEDOWNS]
_NO_ACTION = ""
"""The action of a row that is no entry: it keeps a cursor that an answer without entries gave."""


class SqlChangeReads(SqlReads, ChangeReads):
    """`ChangeReads` in SQL."""

    @override
    async def candidates(self, query: CandidateQuery, limit: int) -> list[ItemId]:
        # Each condition reads one index. An item may meet several, so each of them may return up to `limit`
        # rows: only then does a result shorter than `limit` show that no condition was cut short.
        found: dict[ItemId, None] = {}
        conditions = [items.c.changed > query.after]
        conditions += [
            and_(items.c.published > low, items.c.published <= high) for low, high in query.published
        ]
        conditions += [
            and_(items.c.available > low, items.c.available <= high) for low, high in query.available
        ]
        low, high = query.exclusive
        conditions.append(and_(items.c.exclusive_until > low, items.c.exclusive_until <= high))
        async with self._reading() as transaction:
            for condition in conditions:
                narrowed = select(items.c.id).where(condition).limit(limit)
                found.update((ItemId(row.id), None) for row in await transaction.rows(narrowed))
                if len(found) >= limit:
                    break
        return list(found)[:limit]

    @override
    async def next_transition(
        self, now: datetime, published: Collection[timedelta], available: Collection[timedelta]
    ) -> datetime | None:
        # Each is one look into an index.
        ages = [(items.c.published, age) for age in published]
        ages += [(items.c.available, age) for age in available]
        ages.append((items.c.exclusive_until, timedelta(0)))
        coming: list[datetime] = []
        async with self._reading() as transaction:
            for column, age in ages:
                query = select(func.min(column).label("first")).where(column > now - age)
                row = await transaction.row(query)
                if row is not None and row.first is not None:
                    coming.append(row.first + age)
        return min(coming, default=None)

    @override
    async def progress(self, partner: PartnerId) -> Progress:
        row = await self._row(select(progresses).where(progresses.c.partner == partner))
        if row is None:
            return Progress(partner)
        cursor = None if row.walked_item is None else (row.walked_published, ItemId(row.walked_item))
        return Progress(
            partner,
            row.revision,
            row.last,
            None if row.ends_at is None else Watermark(row.ends_change, row.ends_at, row.ends_rights),
            None
            if row.begins_at is None
            else Watermark(row.begins_change, row.begins_at, row.begins_rights),
            cursor,
        )

    @override
    async def entries_after(self, partner: PartnerId, after: int, limit: int) -> list[ChangeEntry]:
        query = (
            select(changes)
            .where(changes.c.partner == partner, changes.c.seq > after, changes.c.action != _NO_ACTION)
            .order_by(changes.c.seq)
            .limit(limit)
        )
        return [_entry(row) for row in await self._rows(query)]

    @override
    async def entries(self, partner: PartnerId, seqs: Collection[int]) -> list[ChangeEntry]:
        found: list[ChangeEntry] = []
        async with self._reading() as transaction:
            for batch in batches(seqs):
                query = select(changes).where(
                    changes.c.partner == partner,
                    changes.c.seq.in_(batch),
                    changes.c.action != _NO_ACTION,
                )
                rows = await transaction.rows(query.order_by(changes.c.seq))
                found += [_entry(row) for row in rows]
        return found

    @override
    async def knows_cursor(self, partner: PartnerId, cursor: int) -> bool:
        query = select(changes.c.seq).where(changes.c.partner == partner, changes.c.seq == cursor)
        return await self._row(query) is not None

    @override
    async def holdings(
        self, partner: PartnerId, *, after: ItemId | None = None, limit: int = 500
    ) -> list[Holding]:
        query = select(holdings).where(holdings.c.partner == partner).order_by(holdings.c.item).limit(limit)
        if after is not None:
            query = query.where(holdings.c.item > after)
        return [_holding(row) for row in await self._rows(query)]

    @override
    async def held(self, partner: PartnerId, items: Collection[ItemId]) -> dict[ItemId, Holding]:
        found: dict[ItemId, Holding] = {}
        async with self._reading() as transaction:
            for batch in batches(items):
                query = select(holdings).where(holdings.c.partner == partner, holdings.c.item.in_(batch))
                found.update((ItemId(row.item), _holding(row)) for row in await transaction.rows(query))
        return found

    @override
    async def holders(self, item: ItemId) -> list[Holding]:
        query = select(holdings).where(holdings.c.item == item).order_by(holdings.c.partner)
        return [_holding(row) for row in await self._rows(query)]

    @override
    async def offers(self, partner: PartnerId, items: Collection[ItemId]) -> set[tuple[ItemId, datetime]]:
        found: set[tuple[ItemId, datetime]] = set()
        async with self._reading() as transaction:
            for batch in batches(items):
                query = (
                    select(changes.c.item, changes.c.until)
                    .select_from(changes.outerjoin(acknowledgements, _same(acknowledgements)))
                    .where(
                        changes.c.partner == partner,
                        changes.c.action == Action.EMBARGO.value,
                        changes.c.item.in_(batch),
                        # What was acknowledged was promised for an embargo that has since been lifted.
                        acknowledgements.c.at.is_(None),
                    )
                )
                found |= {(ItemId(row.item), row.until) for row in await transaction.rows(query)}
        return found

    @override
    async def takedowns(
        self, *, item: ItemId | None = None, partner: PartnerId | None = None, open_only: bool = False
    ) -> list[Takedown]:
        query = (
            select(changes, acknowledgements.c.at.label("acknowledged"), overdue.c.at.label("overdue"))
            .select_from(
                changes.outerjoin(acknowledgements, _same(acknowledgements)).outerjoin(
                    overdue, _same(overdue)
                )
            )
            .where(changes.c.action.in_(_TAKEDOWNS))
            .order_by(changes.c.seq, changes.c.partner)
        )
        if item is not None:
            query = query.where(changes.c.item == item)
        if partner is not None:
            query = query.where(changes.c.partner == partner)
        if open_only:
            query = query.where(acknowledgements.c.at.is_(None))
        return [Takedown(_entry(row), row.acknowledged, row.overdue) for row in await self._rows(query)]

    @override
    async def overdue(self, at: datetime, limit: int) -> list[ChangeEntry]:
        query = (
            select(changes)
            .select_from(
                changes.outerjoin(acknowledgements, _same(acknowledgements)).outerjoin(
                    overdue, _same(overdue)
                )
            )
            .where(
                changes.c.deadline <= at,
                or_(*(changes.c.action == action for action in _TAKEDOWNS)),
                acknowledgements.c.at.is_(None),
                overdue.c.at.is_(None),
                # What was put again since need not be gone any more.
                ~exists().where(holdings.c.partner == changes.c.partner, holdings.c.item == changes.c.item),
            )
            .order_by(changes.c.deadline, changes.c.partner, changes.c.seq)
            .limit(limit)
        )
        return [_entry(row) for row in await self._rows(query)]


class SqlChangeWrites(SqlChangeReads, SqlWrites, ChangeWrites):
    """`ChangeWrites` in SQL."""

    @override
    async def append_entries(self, new: SequenceUpdate) -> bool:
        partner = new.progress.partner
        current = await self.progress(partner)
        if current.revision != new.read:
            return False
        values = {**_progress_values(new.progress), "revision": new.read + 1}
        here = progresses.c.partner == partner
        if not await self._transaction.run(update(progresses).where(here).values(values)):
            await self._transaction.run(insert(progresses), values)
        if new.entries:
            await self._transaction.run(insert(changes), [_entry_values(one) for one in new.entries])
        if new.empty_cursor is not None:
            await self._transaction.run(insert(changes), _cursor_values(new))
        known = await self.held(partner, [one.item for one in new.held])
        await self._forget(partner, [*new.gone, *known])
        if new.held:
            rows = [_holding_values(_merged(known.get(one.item), one)) for one in new.held]
            await self._transaction.run(insert(holdings), rows)
        return True

    @override
    async def acknowledge(self, partner: PartnerId, seqs: Collection[int], at: datetime) -> list[int]:
        known: set[int] = set()
        for batch in batches(seqs):
            query = select(acknowledgements.c.seq).where(
                acknowledgements.c.partner == partner, acknowledgements.c.seq.in_(batch)
            )
            known |= {row.seq for row in await self._rows(query)}
        new = sorted(set(seqs) - known)
        if new:
            rows = [{"partner": partner, "seq": seq, "at": at} for seq in new]
            await self._transaction.run(insert(acknowledgements), rows)
        return new

    @override
    async def mark_overdue(self, entry: ChangeEntry, at: datetime) -> None:
        await self._transaction.run(insert(overdue), {"partner": entry.partner, "seq": entry.seq, "at": at})

    async def give(self, given: Collection[Charge]) -> None:
        """Partners got these versions, by whatever way: they hold them now."""
        for partner in {one.partner for one in given}:
            theirs = [one for one in given if one.partner == partner]
            known = await self.held(partner, {one.item for one in theirs})
            after = dict(known)
            for one in theirs:
                form = FORM_OF[Use(one.use)]
                before = after.get(one.item, Holding(partner, one.item, 0, one.clause, 0, Terms()))
                # Who has the full text of an item has it, whatever else it was given or told of it.
                more = form is Form.FULL and not before.terms.full
                terms = Terms(form.value) if more or not before.terms else before.terms
                if one.version >= before.version:
                    before = replace(before, version=one.version, clause=one.clause)
                after[one.item] = replace(before, terms=terms)
            changed = [one for name, one in after.items() if known.get(name) != one]
            await self._forget(partner, [one.item for one in changed])
            if changed:
                await self._transaction.run(insert(holdings), [_holding_values(one) for one in changed])

    async def _forget(self, partner: PartnerId, names: Collection[ItemId]) -> None:
        for batch in batches(names):
            await self._transaction.run(
                delete(holdings).where(holdings.c.partner == partner, holdings.c.item.in_(batch))
            )


def _progress_values(one: Progress) -> dict[str, Any]:
    removals, additions, cursor = one.removals_until, one.additions_until, one.backfill_cursor
    return {
        "partner": one.partner,
        "revision": one.revision,
        "last": one.last,
        "ends_change": removals.change if removals else None,
        "ends_at": removals.at if removals else None,
        "ends_rights": removals.rights if removals else None,
        "begins_change": additions.change if additions else None,
        "begins_at": additions.at if additions else None,
        "begins_rights": additions.rights if additions else None,
        "walked_published": cursor[0] if cursor else None,
        "walked_item": cursor[1] if cursor else None,
    }


def _merged(known: Holding | None, told: Holding) -> Holding:
    """What is told, with what another answer has given since the update was worked out."""
    if known is None:
        return told
    if known.version > told.version:
        told = replace(told, version=known.version, clause=known.clause)
    fuller = known.terms.full and not told.terms.full
    return replace(told, terms=known.terms) if fuller else told


def _same(table: Any) -> Any:
    return and_(table.c.partner == changes.c.partner, table.c.seq == changes.c.seq)


def _cursor_values(new: SequenceUpdate) -> dict[str, Any]:
    """The row that keeps the update's `empty_cursor`."""
    watermark = new.progress.additions_until
    assert watermark is not None
    return {
        "partner": new.progress.partner,
        "seq": new.empty_cursor,
        "at": watermark.at,
        "action": _NO_ACTION,
        "item": "",
        "version": 0,
    }


def _entry_values(one: ChangeEntry) -> dict[str, Any]:
    return {
        "partner": one.partner,
        "seq": one.seq,
        "at": one.at,
        "action": one.action.value,
        "item": one.item,
        "version": one.version,
        "clause": one.clause,
        "reason": one.reason,
        "note": one.note,
        "deadline": one.deadline,
        "until": one.until,
    }


def _entry(row: Row[Any]) -> ChangeEntry:
    return ChangeEntry(
        partner=PartnerId(row.partner),
        seq=row.seq,
        at=row.at,
        action=Action(row.action),
        item=ItemId(row.item),
        version=row.version,
        clause=None if row.clause is None else Clause(row.clause),
        reason=row.reason,
        note=row.note,
        deadline=row.deadline,
        until=row.until,
    )


def _holding_values(one: Holding) -> dict[str, Any]:
    return {
        "partner": one.partner,
        "item": one.item,
        "version": one.version,
        "clause": one.clause,
        "told": one.announced,
        "terms": one.terms,
    }


def _holding(row: Row[Any]) -> Holding:
    return Holding(
        PartnerId(row.partner),
        ItemId(row.item),
        row.version,
        Clause(row.clause),
        row.told,
        Terms(row.terms),
    )
