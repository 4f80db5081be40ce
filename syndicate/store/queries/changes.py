"""The change sequences: what each partner was told, what it holds, what it acknowledged."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, delete, exists, func, insert, or_, select, update

from syndicate.model.changes import (
    TAKEDOWNS,
    Action,
    ChangeEntry,
    Charge,
    Holding,
    Progress,
    Takedown,
    Watermark,
)
from syndicate.model.names import ItemId, PartnerId
from syndicate.model.rights import FORM_OF, Form, Use
from syndicate.store.database import Transaction
from syndicate.store.protocol import CandidateQuery, SequenceUpdate
from syndicate.store.schema.tables import acknowledgements, changes, holdings, items, overdue
from syndicate.store.schema.tables import progress as progresses

MOST_NAMES = 500
"""How many ids go into one question: SQLite takes a limited number of parameters."""

_TAKEDOWNS = [action.value for action in TAKEDOWNS]


def in_parts(names: Collection[Any]) -> Iterable[list[Any]]:
    """The names, in parts that fit into one question each."""
    listed = list(names)
    return (listed[start : start + MOST_NAMES] for start in range(0, len(listed), MOST_NAMES))


async def candidates(session: Transaction, query: CandidateQuery, limit: int) -> list[ItemId]:
    """See `Store.candidates`. Each condition is a walk along one index."""
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
    for condition in conditions:
        rows = await session.rows(select(items.c.id).where(condition).limit(limit - len(found)))
        found.update((ItemId(row.id), None) for row in rows)
        if len(found) >= limit:
            break
    return list(found)[:limit]


async def next_transition(
    session: Transaction, now: datetime, published: Collection[timedelta], available: Collection[timedelta]
) -> datetime | None:
    """See `Store.next_transition`. Each is one look into an index."""
    ages = [(items.c.published, age) for age in published]
    ages += [(items.c.available, age) for age in available]
    ages.append((items.c.exclusive_until, timedelta(0)))
    coming: list[datetime] = []
    for column, age in ages:
        row = await session.row(select(func.min(column).label("first")).where(column > now - age))
        if row is not None and row.first is not None:
            coming.append(row.first + age)
    return min(coming, default=None)


async def offers(
    session: Transaction, partner: PartnerId, names: Collection[ItemId]
) -> set[tuple[ItemId, datetime]]:
    """See `Store.offers`."""
    found: set[tuple[ItemId, datetime]] = set()
    for part in in_parts(names):
        query = (
            select(changes.c.item, changes.c.until)
            .select_from(changes.outerjoin(acknowledgements, _same(acknowledgements)))
            .where(
                changes.c.partner == partner,
                changes.c.action == Action.EMBARGO.value,
                changes.c.item.in_(part),
                # What was promised was promised for an embargo that has since been lifted.
                acknowledgements.c.at.is_(None),
            )
        )
        found |= {(ItemId(row.item), row.until) for row in await session.rows(query)}
    return found


async def progress(session: Transaction, partner: PartnerId) -> Progress:
    """See `Store.progress`."""
    row = await session.row(select(progresses).where(progresses.c.partner == partner))
    if row is None:
        return Progress(partner)
    walked = None if row.walked_item is None else (row.walked_published, ItemId(row.walked_item))
    return Progress(
        partner,
        row.revision,
        row.last,
        None if row.ends_at is None else Watermark(row.ends_change, row.ends_at, row.ends_rights),
        None if row.begins_at is None else Watermark(row.begins_change, row.begins_at, row.begins_rights),
        walked,
    )


def _progress_values(one: Progress) -> dict[str, Any]:
    ends, begins, walked = one.ends, one.begins, one.walked
    return {
        "partner": one.partner,
        "revision": one.revision,
        "last": one.last,
        "ends_change": ends.change if ends else None,
        "ends_at": ends.at if ends else None,
        "ends_rights": ends.rights if ends else None,
        "begins_change": begins.change if begins else None,
        "begins_at": begins.at if begins else None,
        "begins_rights": begins.rights if begins else None,
        "walked_published": walked[0] if walked else None,
        "walked_item": walked[1] if walked else None,
    }


async def append_entries(session: Transaction, new: SequenceUpdate) -> bool:
    """See `Writing.append_entries`."""
    partner = new.progress.partner
    current = await progress(session, partner)
    if current.revision != new.read:
        return False
    values = {**_progress_values(new.progress), "revision": new.read + 1}
    here = progresses.c.partner == partner
    if not await session.run(update(progresses).where(here).values(values)):
        await session.run(insert(progresses), values)
    if new.entries:
        await session.run(insert(changes), [_entry_values(one) for one in new.entries])
    known = await held(session, partner, [one.item for one in new.held])
    await _forget(session, partner, [*new.gone, *known])
    if new.held:
        rows = [_holding_values(_merged(known.get(one.item), one)) for one in new.held]
        await session.run(insert(holdings), rows)
    return True


def _merged(known: Holding | None, told: Holding) -> Holding:
    """What is told, with what another answer has given since the update was worked out."""
    if known is None:
        return told
    if known.version > told.version:
        told = replace(told, version=known.version, clause=known.clause)
    fuller = known.terms.startswith(Form.FULL.value) and not told.terms.startswith(Form.FULL.value)
    return replace(told, terms=known.terms) if fuller else told


async def _forget(session: Transaction, partner: PartnerId, names: Collection[ItemId]) -> None:
    for part in in_parts(names):
        await session.run(delete(holdings).where(holdings.c.partner == partner, holdings.c.item.in_(part)))


async def give(session: Transaction, given: Collection[Charge]) -> None:
    """Partners got these versions, by whatever way: they hold them now."""
    for partner in {one.partner for one in given}:
        theirs = [one for one in given if one.partner == partner]
        known = await held(session, partner, {one.item for one in theirs})
        after = dict(known)
        for one in theirs:
            form = FORM_OF[Use(one.use)].value
            before = after.get(one.item, Holding(partner, one.item, 0, "", 0, ""))
            # Who has the full text of an item has it, whatever else it was given or told of it.
            more = form == Form.FULL.value and not before.terms.startswith(form)
            terms = form if more or not before.terms else before.terms
            if one.version >= before.version:
                before = replace(before, version=one.version, clause=one.clause)
            after[one.item] = replace(before, terms=terms)
        changed = [one for name, one in after.items() if known.get(name) != one]
        await _forget(session, partner, [one.item for one in changed])
        if changed:
            await session.run(insert(holdings), [_holding_values(one) for one in changed])


async def holders(session: Transaction, item: ItemId) -> list[Holding]:
    """See `Writing.holders`."""
    query = select(holdings).where(holdings.c.item == item).order_by(holdings.c.partner)
    return [_holding(row) for row in await session.rows(query)]


async def holdings_of(
    session: Transaction, partner: PartnerId, after: ItemId | None, limit: int
) -> list[Holding]:
    """See `Store.holdings`."""
    query = select(holdings).where(holdings.c.partner == partner).order_by(holdings.c.item).limit(limit)
    if after is not None:
        query = query.where(holdings.c.item > after)
    return [_holding(row) for row in await session.rows(query)]


async def held(
    session: Transaction, partner: PartnerId, names: Collection[ItemId]
) -> dict[ItemId, Holding]:
    """See `Store.held`."""
    found: dict[ItemId, Holding] = {}
    for part in in_parts(names):
        query = select(holdings).where(holdings.c.partner == partner, holdings.c.item.in_(part))
        found.update((ItemId(row.item), _holding(row)) for row in await session.rows(query))
    return found


async def entries_after(
    session: Transaction, partner: PartnerId, after: int, limit: int
) -> list[ChangeEntry]:
    """See `Store.entries_after`."""
    query = (
        select(changes)
        .where(changes.c.partner == partner, changes.c.seq > after)
        .order_by(changes.c.seq)
        .limit(limit)
    )
    return [_entry(row) for row in await session.rows(query)]


async def entries(session: Transaction, partner: PartnerId, seqs: Collection[int]) -> list[ChangeEntry]:
    """See `Writing.entries`."""
    found: list[ChangeEntry] = []
    for part in in_parts(seqs):
        query = select(changes).where(changes.c.partner == partner, changes.c.seq.in_(part))
        found += [_entry(row) for row in await session.rows(query.order_by(changes.c.seq))]
    return found


async def acknowledge(
    session: Transaction, partner: PartnerId, seqs: Collection[int], at: datetime
) -> list[int]:
    """See `Writing.acknowledge`."""
    known: set[int] = set()
    for part in in_parts(seqs):
        query = select(acknowledgements.c.seq).where(
            acknowledgements.c.partner == partner, acknowledgements.c.seq.in_(part)
        )
        known |= {row.seq for row in await session.rows(query)}
    new = sorted(set(seqs) - known)
    if new:
        rows = [{"partner": partner, "seq": seq, "at": at} for seq in new]
        await session.run(insert(acknowledgements), rows)
    return new


async def takedowns(
    session: Transaction, item: ItemId | None, partner: PartnerId | None, open_only: bool
) -> list[Takedown]:
    """See `Store.takedowns`."""
    query = (
        select(changes, acknowledgements.c.at.label("acknowledged"), overdue.c.at.label("overdue"))
        .select_from(
            changes.outerjoin(acknowledgements, _same(acknowledgements)).outerjoin(overdue, _same(overdue))
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
    return [Takedown(_entry(row), row.acknowledged, row.overdue) for row in await session.rows(query)]


async def overdue_by(session: Transaction, at: datetime, limit: int) -> list[ChangeEntry]:
    """See `Writing.overdue`."""
    query = (
        select(changes)
        .select_from(
            changes.outerjoin(acknowledgements, _same(acknowledgements)).outerjoin(overdue, _same(overdue))
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
    return [_entry(row) for row in await session.rows(query)]


async def mark_overdue(session: Transaction, one: ChangeEntry, at: datetime) -> None:
    """See `Writing.mark_overdue`."""
    await session.run(insert(overdue), {"partner": one.partner, "seq": one.seq, "at": at})


def _same(table: Any) -> Any:
    return and_(table.c.partner == changes.c.partner, table.c.seq == changes.c.seq)


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
        clause=row.clause,
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
        "told": one.told,
        "terms": one.terms,
    }


def _holding(row: Row[Any]) -> Holding:
    return Holding(PartnerId(row.partner), ItemId(row.item), row.version, row.clause, row.told, row.terms)
