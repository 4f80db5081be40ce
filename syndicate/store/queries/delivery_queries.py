"""The queries for deliveries: which item versions partners were given, and the quotas that this used."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from typing_extensions import override

from syndicate.model.changes import Delivery, Holding, Terms
from syndicate.model.names import ItemId, PartnerId
from syndicate.model.rights import FORM_OF, Clause, Use
from syndicate.store.protocol import DeliveryReads
from syndicate.store.queries.sql_reads import SqlReads, batches
from syndicate.store.schema.tables import deliveries, usage


class SqlDeliveryReads(SqlReads, DeliveryReads):
    """`DeliveryReads` in SQL."""

    @override
    async def given(self, partner: PartnerId, items: Collection[ItemId]) -> set[tuple[str, ItemId, int]]:
        found: set[tuple[str, ItemId, int]] = set()
        async with self._reading() as transaction:
            for batch in batches(items):
                query = select(deliveries.c.clause, deliveries.c.item, deliveries.c.version).where(
                    deliveries.c.partner == partner, deliveries.c.item.in_(batch)
                )
                rows = await transaction.rows(query)
                found |= {(row.clause, ItemId(row.item), row.version) for row in rows}
        return found

    @override
    async def given_to(self, item: ItemId) -> list[Holding]:
        query = (
            select(deliveries)
            .where(deliveries.c.item == item)
            .order_by(deliveries.c.partner, deliveries.c.version)
        )
        newest: dict[PartnerId, Holding] = {}
        for row in await self._rows(query):
            partner = PartnerId(row.partner)
            form = Terms(FORM_OF[Use(row.use)].value)
            newest[partner] = Holding(partner, item, row.version, Clause(row.clause), 0, form)
        return list(newest.values())

    @override
    async def used(self, partner: PartnerId, periods: Collection[str]) -> Mapping[tuple[str, str], int]:
        query = select(usage).where(usage.c.partner == partner, usage.c.period.in_(list(periods)))
        return {(row.clause, row.period): row.used for row in await self._rows(query)}

    @override
    async def deliveries(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        item: ItemId | None = None,
        after: tuple[int, int] = (0, 0),
        limit: int = 1000,
    ) -> list[tuple[tuple[int, int], Delivery]]:
        # The place of a delivery is the number of its record, and its rank among that record's.
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
        for row in await self._rows(query):
            here, count = (here, count + 1) if row.line == here else (row.line, 1)
            if (here, count) > after:
                placed.append(((here, count), _delivery(row)))
        return placed[:limit]


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        PartnerId(row.partner),
        Clause(row.clause),
        ItemId(row.item),
        row.version,
        row.use,
        row.mandate,
        row.at,
        row.line,
    )
