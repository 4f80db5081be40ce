"""Takedowns that are open, and those whose deadline has passed, found without a walk over what is past."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.dialects import sqlite
from typing_extensions import override

from syndicate.model.changes import Action, ChangeEntry, Charge, Progress
from syndicate.model.item import ItemId
from syndicate.model.rights import Clause
from syndicate.store.database import Transaction
from syndicate.store.protocol import Outcome, Pending, SequenceUpdate, Store
from syndicate.store.queries.change_queries import SqlChangeReads
from syndicate.store.queries.trail_selection import RecordFilter
from syndicate.store.schema import migrations
from syndicate.store.sql_store import open_store
from tests.support.databases import opened
from tests.test_store.raw import by_hand
from tests.test_store.samples import (
    NOON,
    ZJOL,
    a_delivery,
    an_act,
    an_item,
    keep_item,
    keep_partner,
    seconds,
)

CLAUSE = Clause("XSW-1#1")


def an_entry(seq: int, item: int, action: Action = Action.WITHDRAW, due: float | None = 60) -> ChangeEntry:
    return ChangeEntry(
        partner=ZJOL.id,
        seq=seq,
        at=NOON,
        action=action,
        item=an_item(item).id,
        version=1,
        clause=CLAUSE,
        reason="licence_ended",
        note=None,
        deadline=None if due is None else NOON + seconds(due),
        until=None,
    )


async def told(store: Store, *entries: ChangeEntry) -> None:
    async with store.writing() as writing:
        await keep_partner(writing)
        for number in range(1, 6):
            await keep_item(writing, an_item(number))
        new = SequenceUpdate(0, Progress(ZJOL.id, last=entries[-1].seq), entries)
        assert await writing.append_entries(new)


def numbers(entries: list[ChangeEntry]) -> list[int]:
    return [entry.seq for entry in entries]


async def open_now(store: Store) -> list[tuple[int, datetime | None]]:
    found = await store.takedowns(open_only=True)
    every = [one for one in await store.takedowns() if one.acknowledged is None]
    assert found == every, "what is open is what is not acknowledged"
    return [(one.entry.seq, one.overdue) for one in found]


def test_a_takedown_is_due_until_it_is_acknowledged_marked_or_put_again(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            await told(
                store,
                an_entry(1, 1, due=90),
                an_entry(2, 2, Action.RECALL, due=60),
                an_entry(3, 3, Action.PUT, due=None),
                an_entry(4, 4, due=None),
                an_entry(5, 5, due=30),
            )
            at = NOON + seconds(90)
            assert await store.next_deadline() == NOON + seconds(30)
            assert numbers(await store.overdue(NOON + seconds(29), 9)) == []
            assert numbers(await store.overdue(at, 9)) == [5, 2, 1]
            assert numbers(await store.overdue(at, 1)) == [5]
            assert await open_now(store) == [(1, None), (2, None), (4, None), (5, None)]
            async with store.writing() as writing:
                assert await writing.acknowledge(ZJOL.id, [2, 3], NOON) == [2, 3]
                assert await writing.acknowledge(ZJOL.id, [2], NOON) == []
                await writing.append(an_act())
            assert numbers(await store.overdue(at, 9)) == [5, 1]
            async with store.writing() as writing:
                await writing.mark_overdue(an_entry(5, 5), at)
                await writing.append(an_act())
            assert numbers(await store.overdue(at, 9)) == [1]
            assert await store.next_deadline() == at
            assert await open_now(store) == [(1, None), (4, None), (5, at)]
            async with store.writing() as writing:
                await writing.acknowledge(ZJOL.id, [5], at)
                await writing.append(an_act())
            assert await open_now(store) == [(1, None), (4, None)]
            charge = Charge(ZJOL.id, an_item(1).id, 1, CLAUSE, "reprint", "HEAD")
            again = Pending(a_delivery(an_item(1).id), charges=(charge,))
            assert await store.record([again]) == [Outcome.WRITTEN]
            assert numbers(await store.overdue(at, 9)) == [], "it need not be gone any more"
            assert await open_now(store) == [(1, None), (4, None)]
            assert await store.next_deadline() == at, "it may have to be gone again"
            async with store.writing() as writing:
                await writing.acknowledge(ZJOL.id, [1], at)
                await writing.append(an_act())
            assert await store.next_deadline() is None

    asyncio.run(act())


def test_the_migration_finds_what_is_open(
    bare_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = tmp_path / "steps"
    shutil.copytree(migrations.folder, steps)
    for later in (one for one in (steps / "versions").glob("0*.py") if one.name > "0008"):
        later.unlink()
    row = "('zjol', {seq}, 1, '{action}', 'i', 1, NULL, NULL, NULL, {due}, NULL)"
    rows = [
        row.format(seq=seq, action=action, due=due)
        for seq, action, due in [
            (1, "withdraw", 10),
            (2, "recall", 20),
            (3, "put", "NULL"),
            (4, "withdraw", 40),
            (5, "recall", "NULL"),
        ]
    ]

    async def act() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(migrations, "folder", steps)
            older = open_store(bare_address)
            await older.create()
            await older.close()
        await by_hand(
            bare_address,
            f"INSERT INTO changes VALUES {', '.join(rows)}",
            "INSERT INTO acknowledgements VALUES ('zjol', 1, 5)",
            "INSERT INTO overdue VALUES ('zjol', 2, 25)",
        )
        store = open_store(bare_address)
        await store.create()
        await store.close()
        found = await by_hand(bare_address, "SELECT partner, seq, due FROM open_takedowns ORDER BY seq")
        assert [tuple(one) for one in found] == [("zjol", 2, None), ("zjol", 4, 40), ("zjol", 5, None)]

    asyncio.run(act())


class Asked:
    """A transaction that only writes down what it is asked."""

    def __init__(self) -> None:
        self.queries: list[Any] = []

    async def rows(self, query: Any) -> list[Any]:
        self.queries.append(query)
        return []


class Reads(SqlChangeReads):
    """The queries about change sequences, asked of such a transaction."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    @override
    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[Any]:
        yield self._asked


def steps_of(address: str, asked: Asked) -> list[str]:
    """How SQLite does each statement."""
    engine = create_engine(address.replace("+aiosqlite", ""), poolclass=NullPool)
    steps = []
    with engine.connect() as connection:
        for query in asked.queries:
            compiled = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
            steps += [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))]
    return steps


def test_what_is_past_is_not_walked_over(sqlite_address: str) -> None:
    async def act() -> Asked:
        asked = Asked()
        await Reads(asked).overdue(NOON, 10)
        await Reads(asked).takedowns(open_only=True)
        return asked

    steps = steps_of(sqlite_address, asyncio.run(act()))
    assert any("open_takedowns_due (due<?)" in step for step in steps), steps
    scans = [step for step in steps if step.startswith("SCAN")]
    assert scans, steps
    assert all(step.startswith("SCAN open_takedowns") for step in scans), steps


def test_the_trail_is_not_walked_over_for_an_item(sqlite_address: str) -> None:
    async def act() -> Asked:
        asked = Asked()
        for newest in (False, True):
            about = RecordFilter(None, None, 10, None, ItemId("20260301-0000000001"), None, newest)
            await about.read(cast("Transaction", asked))
        return asked

    steps = steps_of(sqlite_address, asyncio.run(act()))
    walks = [step for step in steps if " trail " in f"{step} "]
    assert len(walks) == 4, steps
    for walk in walks:
        assert "trail_by_item (item=?)" in walk or "USING INDEX trail_refused" in walk, steps
