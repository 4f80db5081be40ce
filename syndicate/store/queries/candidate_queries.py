"""Which items may have changed for a partner, and when the next one does by itself."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, select
from typing_extensions import override

from syndicate.model.item import Item
from syndicate.model.names import ItemId, PartnerId
from syndicate.store.change_protocol import ChangeReads
from syndicate.store.queries.sql_reads import SqlReads
from syndicate.store.requests import CandidateQuery
from syndicate.store.schema.rows import outline_from
from syndicate.store.schema.tables import holdings, items


class SqlCandidateReads(SqlReads, ChangeReads):
    """The part of `ChangeReads` that asks for items, in SQL."""

    @override
    async def candidates(self, query: CandidateQuery, limit: int) -> list[ItemId]:
        # Each condition reads one index. An item may meet several, so each of them may return up to `limit`
        # rows: only then does a result shorter than `limit` show that no condition was cut short.
        found: dict[ItemId, None] = {}
        async with self._reading() as transaction:
            for condition in _conditions(query):
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
    async def changed_since(self, after: int, limit: int) -> list[tuple[int, Item]]:
        query = select(items).where(items.c.changed > after).order_by(items.c.changed).limit(limit)
        return [(row.changed, outline_from(row)) for row in await self._rows(query)]

    @override
    async def touched_holdings(self, query: CandidateQuery, limit: int) -> set[tuple[PartnerId, ItemId]]:
        found: set[tuple[PartnerId, ItemId]] = set()
        held = select(holdings.c.partner, holdings.c.item).join(items, items.c.id == holdings.c.item)
        async with self._reading() as transaction:
            for condition in _conditions(query):
                rows = await transaction.rows(held.where(condition).limit(limit))
                found.update((PartnerId(row.partner), ItemId(row.item)) for row in rows)
                if len(found) >= limit:
                    break
        return found


def _conditions(query: CandidateQuery) -> list[ColumnElement[bool]]:
    """The query as conditions on `items`, any of which an item may meet. Each reads one index."""
    low, high = query.exclusive
    return [
        items.c.changed > query.after,
        *(and_(items.c.published > low, items.c.published <= high) for low, high in query.published),
        *(and_(items.c.available > low, items.c.available <= high) for low, high in query.available),
        and_(items.c.exclusive_until > low, items.c.exclusive_until <= high),
    ]
