"""The change sequences: what each partner was told, what it holds, what it acknowledged."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, exists, insert, or_, select, update
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
from syndicate.store.change_protocol import ChangeReads, ChangeWrites
from syndicate.store.queries.candidate_queries import SqlCandidateReads
from syndicate.store.queries.change_rows import (
    NO_ACTION,
    after_charge,
    cursor_values,
    entry_from,
    entry_values,
    holding_from,
    holding_values,
    progress_from,
    progress_values,
)
from syndicate.store.queries.sql_reads import SqlWrites, batches
from syndicate.store.requests import SequenceUpdate
from syndicate.store.schema.tables import (
    Instant,
    acknowledgements,
    changes,
    holdings,
    open_takedowns,
    overdue,
)
from syndicate.store.schema.tables import partners as parties
from syndicate.store.schema.tables import progress as progresses

_TAKEDOWNS = [action.value for action in TAKEDOWNS]
_MOVE_REMOVALS_UNTIL = (
    update(progresses)
    .where(
        progresses.c.partner == bindparam("of"),
        or_(
            progresses.c.ends_at.is_(None),
            and_(
                progresses.c.ends_rights == bindparam("rights"),
                progresses.c.ends_change <= bindparam("change"),
                progresses.c.ends_at <= bindparam("at", type_=Instant),
            ),
        ),
    )
    .values(
        ends_change=bindparam("change"),
        ends_at=bindparam("at", type_=Instant),
        ends_rights=bindparam("rights"),
    )
)


class SqlChangeReads(SqlCandidateReads, ChangeReads):
    """`ChangeReads` in SQL."""

    @override
    async def progress(self, partner: PartnerId) -> Progress:
        row = await self._row(select(progresses).where(progresses.c.partner == partner))
        return Progress(partner) if row is None else progress_from(row)

    @override
    async def progress_of(self, partners: Collection[PartnerId]) -> dict[PartnerId, Progress]:
        found: dict[PartnerId, Progress] = {}
        async with self._reading() as transaction:
            for batch in batches(partners):
                query = select(progresses).where(progresses.c.partner.in_(batch))
                found.update((row.partner, progress_from(row)) for row in await transaction.rows(query))
        return found

    @override
    async def entries_after(self, partner: PartnerId, after: int, limit: int) -> list[ChangeEntry]:
        query = (
            select(changes)
            .where(changes.c.partner == partner, changes.c.seq > after, changes.c.action != NO_ACTION)
            .order_by(changes.c.seq)
            .limit(limit)
        )
        return [entry_from(row) for row in await self._rows(query)]

    @override
    async def entries(self, partner: PartnerId, seqs: Collection[int]) -> list[ChangeEntry]:
        found: list[ChangeEntry] = []
        async with self._reading() as transaction:
            for batch in batches(seqs):
                query = select(changes).where(
                    changes.c.partner == partner,
                    changes.c.seq.in_(batch),
                    changes.c.action != NO_ACTION,
                )
                rows = await transaction.rows(query.order_by(changes.c.seq))
                found += [entry_from(row) for row in rows]
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
        return [holding_from(row) for row in await self._rows(query)]

    @override
    async def held(self, partner: PartnerId, items: Collection[ItemId]) -> dict[ItemId, Holding]:
        found: dict[ItemId, Holding] = {}
        async with self._reading() as transaction:
            for batch in batches(items):
                query = select(holdings).where(holdings.c.partner == partner, holdings.c.item.in_(batch))
                found.update((ItemId(row.item), holding_from(row)) for row in await transaction.rows(query))
        return found

    @override
    async def holders(self, item: ItemId) -> list[Holding]:
        query = select(holdings).where(holdings.c.item == item).order_by(holdings.c.partner)
        return [holding_from(row) for row in await self._rows(query)]

    @override
    async def holders_of(self, items: Collection[ItemId]) -> set[tuple[PartnerId, ItemId]]:
        found: set[tuple[PartnerId, ItemId]] = set()
        async with self._reading() as transaction:
            for batch in batches(items):
                query = select(holdings.c.partner, holdings.c.item).where(holdings.c.item.in_(batch))
                rows = await transaction.rows(query)
                found.update((PartnerId(row.partner), ItemId(row.item)) for row in rows)
        return found

    @override
    async def holding_anything(self, partners: Collection[PartnerId]) -> set[PartnerId]:
        found: set[PartnerId] = set()
        some = exists().where(holdings.c.partner == parties.c.id)
        async with self._reading() as transaction:
            for batch in batches(partners):
                query = select(parties.c.id).where(parties.c.id.in_(batch), some)
                found.update(PartnerId(row.id) for row in await transaction.rows(query))
        return found

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
        # The sum keeps SQLite from beginning with all changes, and looking for each in what is open.
        still_open = and_(
            changes.c.partner == open_takedowns.c.partner, changes.c.seq == open_takedowns.c.seq + 0
        )
        entries = open_takedowns.join(changes, still_open) if open_only else changes
        query = (
            select(changes, acknowledgements.c.at.label("acknowledged"), overdue.c.at.label("overdue"))
            .select_from(
                entries.outerjoin(acknowledgements, _same(acknowledgements)).outerjoin(
                    overdue, _same(overdue)
                )
            )
            .order_by(changes.c.seq, changes.c.partner)
        )
        if not open_only:
            query = query.where(changes.c.action.in_(_TAKEDOWNS))
        if item is not None:
            query = query.where(changes.c.item == item)
        if partner is not None:
            query = query.where(changes.c.partner == partner)
        return [Takedown(entry_from(row), row.acknowledged, row.overdue) for row in await self._rows(query)]

    @override
    async def overdue(self, at: datetime, limit: int) -> list[ChangeEntry]:
        query = (
            select(changes)
            .select_from(open_takedowns.join(changes, _same(open_takedowns)))
            .where(
                open_takedowns.c.due <= at,
                # What was put again since need not be gone any more.
                ~exists().where(holdings.c.partner == changes.c.partner, holdings.c.item == changes.c.item),
            )
            .order_by(open_takedowns.c.due, open_takedowns.c.partner, open_takedowns.c.seq)
            .limit(limit)
        )
        return [entry_from(row) for row in await self._rows(query)]

    @override
    async def next_deadline(self) -> datetime | None:
        due = open_takedowns.c.due
        row = await self._row(select(due).where(due.is_not(None)).order_by(due).limit(1))
        return None if row is None else row.due


class SqlChangeWrites(SqlChangeReads, SqlWrites, ChangeWrites):
    """`ChangeWrites` in SQL."""

    @override
    async def append_entries(self, new: SequenceUpdate) -> bool:
        partner = new.progress.partner
        current = await self.progress(partner)
        if current.revision != new.read:
            return False
        values = {**progress_values(new.progress), "revision": new.read + 1}
        here = progresses.c.partner == partner
        if not await self._transaction.run(update(progresses).where(here).values(values)):
            await self._transaction.run(insert(progresses), values)
        if new.entries:
            await self._transaction.run(insert(changes), [entry_values(one) for one in new.entries])
            opened = [
                {"partner": one.partner, "seq": one.seq, "due": one.deadline}
                for one in new.entries
                if one.action in TAKEDOWNS
            ]
            if opened:
                await self._transaction.run(insert(open_takedowns), opened)
        if new.empty_cursor is not None:
            await self._transaction.run(insert(changes), cursor_values(new))
        known = await self.held(partner, [one.item for one in new.held])
        await self._forget(partner, [*new.gone, *known])
        if new.held:
            rows = [holding_values(_merged(known.get(one.item), one)) for one in new.held]
            await self._transaction.run(insert(holdings), rows)
        return True

    @override
    async def move_removals_until(self, watermarks: Mapping[PartnerId, Watermark]) -> None:
        known = await self.progress_of(watermarks)
        begun = [Progress(id, removals_until=mark) for id, mark in watermarks.items() if id not in known]
        if begun:
            await self._transaction.run(insert(progresses), [progress_values(one) for one in begun])
        if known:
            values = [
                {"of": id, "rights": mark.rights, "change": mark.change, "at": mark.at}
                for id, mark in watermarks.items()
                if id in known
            ]
            await self._transaction.run(_MOVE_REMOVALS_UNTIL, values)

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
        for batch in batches(new):
            closed = delete(open_takedowns).where(
                open_takedowns.c.partner == partner, open_takedowns.c.seq.in_(batch)
            )
            await self._transaction.run(closed)
        return new

    @override
    async def mark_overdue(self, entry: ChangeEntry, at: datetime) -> None:
        await self._transaction.run(insert(overdue), {"partner": entry.partner, "seq": entry.seq, "at": at})
        marked = update(open_takedowns).where(
            open_takedowns.c.partner == entry.partner, open_takedowns.c.seq == entry.seq
        )
        await self._transaction.run(marked.values(due=None))

    async def give(self, given: Collection[Charge]) -> None:
        """Partners got these versions, by whatever way: they hold them now."""
        for partner in {one.partner for one in given}:
            theirs = [one for one in given if one.partner == partner]
            known = await self.held(partner, {one.item for one in theirs})
            after = dict(known)
            for one in theirs:
                before = after.get(one.item, Holding(partner, one.item, 0, one.clause, 0, Terms()))
                after[one.item] = after_charge(before, one)
            changed = [one for name, one in after.items() if known.get(name) != one]
            await self._forget(partner, [one.item for one in changed])
            if changed:
                await self._transaction.run(insert(holdings), [holding_values(one) for one in changed])

    async def _forget(self, partner: PartnerId, names: Collection[ItemId]) -> None:
        for batch in batches(names):
            await self._transaction.run(
                delete(holdings).where(holdings.c.partner == partner, holdings.c.item.in_(batch))
            )


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
