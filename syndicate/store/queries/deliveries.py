"""What partners were given, each version once, and how much of each quota that has used."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, insert, select, update

from syndicate.model.changes import Charge, Delivery, Holding
from syndicate.model.names import ItemId, PartnerId
from syndicate.model.rights import FORM_OF, Use
from syndicate.store.database import Transaction
from syndicate.store.queries.changes import in_parts
from syndicate.store.schema.tables import deliveries, usage

Given = tuple[str, ItemId, int]
"""(clause, item, version)"""


async def given(session: Transaction, partner: PartnerId, names: Collection[ItemId]) -> set[Given]:
    """See `Store.given`."""
    found: set[Given] = set()
    for part in in_parts(names):
        query = select(deliveries.c.clause, deliveries.c.item, deliveries.c.version).where(
            deliveries.c.partner == partner, deliveries.c.item.in_(part)
        )
        found |= {(row.clause, ItemId(row.item), row.version) for row in await session.rows(query)}
    return found


async def given_to(session: Transaction, item: ItemId) -> list[Holding]:
    """See `Writing.given_to`."""
    query = (
        select(deliveries)
        .where(deliveries.c.item == item)
        .order_by(deliveries.c.partner, deliveries.c.version)
    )
    newest: dict[PartnerId, Holding] = {}
    for row in await session.rows(query):
        partner = PartnerId(row.partner)
        newest[partner] = Holding(partner, item, row.version, row.clause, 0, FORM_OF[Use(row.use)].value)
    return list(newest.values())


async def used(
    session: Transaction, partner: PartnerId, periods: Collection[str]
) -> Mapping[tuple[str, str], int]:
    """See `Store.used`."""
    query = select(usage).where(usage.c.partner == partner, usage.c.period.in_(list(periods)))
    return {(row.clause, row.period): row.used for row in await session.rows(query)}


async def between(
    session: Transaction,
    since: datetime | None,
    until: datetime | None,
    item: ItemId | None,
    after: tuple[int, int],
    limit: int,
) -> list[tuple[tuple[int, int], Delivery]]:
    """See `Store.deliveries`: the place of a delivery is its line, and its rank among that line's."""
    line, rank = after
    query = select(deliveries).where(deliveries.c.line >= line)
    if since is not None:
        query = query.where(deliveries.c.at >= since)
    if until is not None:
        query = query.where(deliveries.c.at < until)
    if item is not None:
        query = query.where(deliveries.c.item == item)
    query = query.order_by(
        deliveries.c.line,
        deliveries.c.partner,
        deliveries.c.clause,
        deliveries.c.item,
        deliveries.c.version,
    ).limit(limit + rank)
    placed: list[tuple[tuple[int, int], Delivery]] = []
    here, count = 0, 0
    for row in await session.rows(query):
        here, count = (here, count + 1) if row.line == here else (row.line, 1)
        if (here, count) > after:
            placed.append(((here, count), _delivery(row)))
    return placed[:limit]


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        PartnerId(row.partner),
        row.clause,
        ItemId(row.item),
        row.version,
        row.use,
        row.mandate,
        row.at,
        row.line,
    )


@dataclass(slots=True)
class Counting:
    """The quotas in one transaction: what is used, and what the group's earlier answers took already."""

    session: Transaction
    _given: dict[PartnerId, set[Given]] = field(default_factory=dict)
    _used: dict[tuple[PartnerId, str, str], int] = field(default_factory=dict)
    _touched: set[tuple[PartnerId, str, str]] = field(default_factory=set)

    async def load(self, charges: Sequence[Charge]) -> None:
        """Look up everything that these charges depend on, in few questions."""
        for partner in {one.partner for one in charges}:
            theirs = [one for one in charges if one.partner == partner]
            names = {one.item for one in theirs}
            self._given[partner] = await given(self.session, partner, names)
            periods = {one.period for one in theirs if one.limit is not None}
            if periods:
                known = await used(self.session, partner, periods)
                self._used |= {
                    (partner, clause, period): count for (clause, period), count in known.items()
                }

    def knows(self, charge: Charge) -> bool:
        """Whether the partner was given this version under this clause before."""
        return (charge.clause, charge.item, charge.version) in self._given[charge.partner]

    def new(self, charges: Sequence[Charge]) -> list[Charge] | None:
        """Which of these give something for the first time; None if they do not fit into a quota."""
        fresh: dict[tuple[PartnerId, Given], Charge] = {}
        for one in charges:
            name = (one.clause, one.item, one.version)
            if name not in self._given[one.partner]:
                fresh.setdefault((one.partner, name), one)
        wanted: dict[tuple[PartnerId, str, str], int] = {}
        limits: dict[tuple[PartnerId, str, str], int] = {}
        for one in fresh.values():
            if one.limit is not None:
                quota = (one.partner, one.clause, one.period)
                wanted[quota] = wanted.get(quota, 0) + 1
                limits[quota] = one.limit
        if any(self._used.get(quota, 0) + count > limits[quota] for quota, count in wanted.items()):
            return None
        for quota, count in wanted.items():
            self._used[quota] = self._used.get(quota, 0) + count
            self._touched.add(quota)
        for partner, name in fresh:
            self._given[partner].add(name)
        return list(fresh.values())

    async def keep(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write what was given for the first time, and the counts."""
        if rows:
            await self.session.run(insert(deliveries), rows)
        for partner, clause, period in sorted(self._touched):
            count = self._used[partner, clause, period]
            here = and_(usage.c.partner == partner, usage.c.clause == clause, usage.c.period == period)
            if not await self.session.run(update(usage).where(here).values(used=count)):
                values = {"partner": partner, "clause": clause, "period": period, "used": count}
                await self.session.run(insert(usage), values)


def delivery_values(charge: Charge, at: datetime, line: int) -> dict[str, Any]:
    """The row of `deliveries` for a charge whose line was just written."""
    return {
        "partner": charge.partner,
        "clause": charge.clause,
        "item": charge.item,
        "version": charge.version,
        "use": charge.use,
        "mandate": charge.mandate,
        "at": at,
        "line": line,
    }
