"""The queries for the audit trail: its records, what they refer to, and its checkpoints."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Row, Select, insert, select
from typing_extensions import override

from syndicate.model.item import ItemId
from syndicate.model.parties import PartnerId
from syndicate.model.records import Checkpoint, Entry, Line, Written
from syndicate.store.counters import write_lines
from syndicate.store.faults import damaged
from syndicate.store.protocol import TrailReads, TrailWrites
from syndicate.store.queries.sql_reads import SqlReads, SqlWrites
from syndicate.store.queries.trail_selection import RecordFilter, last_before
from syndicate.store.schema.rows import checkpoint_values, line_from
from syndicate.store.schema.tables import as_number, checkpoints, counters, manifests, trail


class SqlTrailReads(SqlReads, TrailReads):
    """`TrailReads` in SQL."""

    @override
    async def latest(self) -> datetime:
        row = await self._row(select(counters.c.at))
        if row is None:
            raise damaged()
        return cast("datetime", row.at)

    @override
    async def lines(
        self,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int = 100,
        partner: PartnerId | None = None,
        item: ItemId | None = None,
        kinds: Collection[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        newest_first: bool = False,
    ) -> list[Line]:
        async with self._reading() as transaction:
            if since is not None:
                after = max(after or 0, await last_before(transaction, as_number(since)))
            if until is not None:
                end = await last_before(transaction, as_number(until)) + 1
                before = end if before is None else min(before, end)
            wanted = RecordFilter(after, before, limit, partner, item, kinds, newest_first)
            return [line_from(row) for row in await wanted.read(transaction)]

    @override
    async def written(self, after: int, limit: int) -> list[Written]:
        return [_written(row) for row in await self._rows(_after(after, limit))]

    @override
    async def leaves(self, after: int, limit: int) -> list[bytes]:
        query = select(trail.c.leaf).where(trail.c.seq > after).order_by(trail.c.seq).limit(limit)
        return [bytes(row.leaf) for row in await self._rows(query)]

    @override
    async def manifest(self, digest: str) -> bytes | None:
        row = await self._row(select(manifests.c.content).where(manifests.c.digest == digest))
        return None if row is None else bytes(row.content)

    @override
    async def checkpoints(self) -> list[Checkpoint]:
        rows = await self._rows(select(checkpoints).order_by(checkpoints.c.size))
        return [Checkpoint(row.size, bytes(row.root), row.at, row.note) for row in rows]


class SqlTrailWrites(SqlWrites, TrailWrites):
    """`TrailWrites` in SQL."""

    @override
    async def append(self, entry: Entry) -> int:
        await write_lines(self._transaction, self._counters, [entry])
        return self._counters.line

    @override
    async def put_checkpoint(self, checkpoint: Checkpoint) -> None:
        await self._transaction.run(insert(checkpoints), checkpoint_values(checkpoint))


def _after(line: int, limit: int) -> Select[Any]:
    return select(trail).where(trail.c.seq > line).order_by(trail.c.seq).limit(limit)


def _written(row: Row[Any]) -> Written:
    return Written(
        row.seq, row.at, row.actor, row.kind, row.body, row.partner, row.jti, row.item, bytes(row.leaf)
    )
