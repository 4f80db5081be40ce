"""Write a group of trail records in one statement, where nobody else has written since the last group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from syndicate.store import gate
from syndicate.store.counters import Counters, lock_counters
from syndicate.store.database import Transaction
from syndicate.store.faults import translating_errors
from syndicate.store.protocol import Outcome, Pending
from syndicate.store.schema.tables import as_number

_STATEMENT: Final = """
WITH taken AS (
    UPDATE counters SET line = $1, "at" = $2
    WHERE change = $3 AND rights = $4 AND line = $5 AND "at" = $6 RETURNING 1
), kept AS (
    INSERT INTO manifests (digest, content)
    SELECT * FROM unnest($7::text[], $8::bytea[]) WHERE EXISTS (SELECT 1 FROM taken)
    ON CONFLICT (digest) DO NOTHING
), appended AS (
    INSERT INTO trail (seq, "at", kind, actor, partner, jti, item, body, leaf)
    SELECT * FROM unnest(
        $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
        $16::text[], $17::bytea[]
    ) WHERE EXISTS (SELECT 1 FROM taken)
)
SELECT count(*) FROM taken
"""
"""The counters' row is locked and compared by the UPDATE: where another has written meanwhile, it waits for
that one, finds other numbers, and nothing is written."""


class GateStatement:
    """What this process left in the counters' row, and a connection with the prepared statement."""

    def __init__(self) -> None:
        self._left: Counters | None = None
        """None where another has written since: then the statement would most likely be in vain."""
        self._last: Counters | None = None
        """The same, whoever has written since."""
        self._connection: AsyncConnection | None = None
        self._driver: Any = None

    async def record(self, engine: AsyncEngine, pending: Sequence[Pending]) -> bool:
        """Write all of these durably. False, and nothing is written, where they need the long way.

        That is so where another has written meanwhile, where one of them is out of date, and where one
        gives or confirms something. Only in turn within the process.
        """
        if self._left is None or not gate.are_plain(pending):
            return False
        count, before = replace(self._left), self._left
        if not all(gate.is_current(one, count) for one in pending):
            return False
        # What comes of it is known only at the end.
        self._left = None
        lists = dict(one.manifest for one in pending if one.manifest is not None)
        rows = [count.next_line(one.entry) for one in pending]
        try:
            with translating_errors():
                driver = await self._ready(engine)
                taken = await driver.fetchval(
                    _STATEMENT,
                    count.line,
                    as_number(count.at),
                    before.change,
                    before.rights,
                    before.line,
                    as_number(before.at),
                    list(lists),
                    list(lists.values()),
                    *map(list, zip(*rows, strict=True)),
                )
        except BaseException:
            await self.close()
            raise
        if taken:
            self._left = self._last = count
        return bool(taken)

    async def record_long(self, transaction: Transaction, pending: Sequence[Pending]) -> list[Outcome]:
        """`gate.record`; remember what it leaves in the counters' row."""
        count = await lock_counters(transaction)
        found = replace(count)
        outcomes = await gate.record_at(transaction, count, pending)
        self._left = count if self._last in (None, found) else None
        self._last = count
        return outcomes

    async def _ready(self, engine: AsyncEngine) -> Any:
        """The driver's connection, which prepares the statement once; another one if it was cut."""
        if self._driver is not None and self._driver.is_closed():
            await self.close()
        if self._driver is None:
            self._connection = engine.connect()
            await self._connection.start()
            self._driver = (await self._connection.get_raw_connection()).driver_connection
        return self._driver

    async def close(self) -> None:
        """Let go of the connection. What was under way on it is not known to be written."""
        connection, self._connection, self._driver = self._connection, None, None
        if connection is not None and connection.sync_connection is not None:
            await connection.invalidate()
            await connection.close()
