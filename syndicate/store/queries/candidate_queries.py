"""Which items may have changed for a partner, and when the next one does by itself."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import and_, func, select
from typing_extensions import override

from syndicate.model.item import Item
from syndicate.model.names import ItemId
from syndicate.store.change_protocol import ChangeReads
from syndicate.store.queries.sql_reads import SqlReads
from syndicate.store.requests import CandidateQuery
from syndicate.store.schema.rows import outline_from
from syndicate.store.schema.tables import items


class SqlCandidateReads(SqlReads, ChangeReads):
    """The part of `ChangeReads` that asks for items, in SQL."""

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
    async def changed_since(self, after: int, limit: int) -> list[tuple[int, Item]]:
        query = select(items).where(items.c.changed > after).order_by(items.c.changed).limit(limit)
        return [(row.changed, outline_from(row)) for row in await self._rows(query)]
