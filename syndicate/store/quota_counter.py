"""Count what answers use of their quotas, in the transaction that writes their trail records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, insert, update

from syndicate.model.changes import Charge
from syndicate.model.names import ItemId, PartnerId
from syndicate.store.database import Transaction
from syndicate.store.protocol import DeliveryReads
from syndicate.store.schema.tables import deliveries, usage

_Given = tuple[str, ItemId, int]
"""(clause, item, version)"""


@dataclass(slots=True)
class QuotaCounter:
    """The quotas in one transaction: what is used, and what earlier answers in it took already."""

    reads: DeliveryReads
    transaction: Transaction
    _given: dict[PartnerId, set[_Given]] = field(default_factory=dict)
    _used: dict[tuple[PartnerId, str, str], int] = field(default_factory=dict)
    _touched: set[tuple[PartnerId, str, str]] = field(default_factory=set)

    async def load(self, charges: Sequence[Charge]) -> None:
        """Look up everything that these charges depend on, in few queries."""
        for partner in {one.partner for one in charges}:
            theirs = [one for one in charges if one.partner == partner]
            names = {one.item for one in theirs}
            self._given[partner] = await self.reads.given(partner, names)
            periods = {one.period for one in theirs if one.limit is not None}
            if periods:
                known = await self.reads.used(partner, periods)
                self._used |= {
                    (partner, clause, period): count for (clause, period), count in known.items()
                }

    def knows(self, charge: Charge) -> bool:
        """Whether the partner was given this version under this clause before."""
        return (charge.clause, charge.item, charge.version) in self._given[charge.partner]

    def new(self, charges: Sequence[Charge]) -> list[Charge] | None:
        """Which of these give something for the first time; None if they do not fit into a quota."""
        fresh: dict[tuple[PartnerId, _Given], Charge] = {}
        for one in charges:
            name: _Given = (one.clause, one.item, one.version)
            if name not in self._given[one.partner]:
                fresh.setdefault((one.partner, name), one)
        wanted: dict[tuple[PartnerId, str, str], int] = {}
        limits: dict[tuple[PartnerId, str, str], int] = {}
        for one in fresh.values():
            if one.limit is not None:
                quota: tuple[PartnerId, str, str] = (one.partner, one.clause, one.period)
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
            await self.transaction.run(insert(deliveries), rows)
        for partner, clause, period in sorted(self._touched):
            count = self._used[partner, clause, period]
            here = and_(usage.c.partner == partner, usage.c.clause == clause, usage.c.period == period)
            if not await self.transaction.run(update(usage).where(here).values(used=count)):
                values = {"partner": partner, "clause": clause, "period": period, "used": count}
                await self.transaction.run(insert(usage), values)


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
