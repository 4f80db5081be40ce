"""`Store.transact` and `Store.read`: one transaction each, whole or not at all, whoever is cancelled."""

from __future__ import annotations

import asyncio
import ctypes
import threading
from dataclasses import replace
from functools import partial
from operator import methodcaller

import pytest

from syndicate.errors import Conflict, StoreFault, StoreReadOnly
from syndicate.services.audit.audit_writer import AuditWriter
from syndicate.store.protocol import Change, Outcome, Pending, Reached, Reads, Writing
from syndicate.store.sql_store import SqlStore
from syndicate.store.sqlite.connection_thread import ConnectionThread
from syndicate.store.sqlite.engine import SqliteDatabase
from syndicate.store.sqlite.sqlite_connection import SqliteConnection
from tests.support.databases import opened
from tests.test_store.samples import ZJOL, a_delivery, a_pending, an_act, an_item, keep_item, keep_partner


def test_an_act_in_one_transaction_is_there_once_it_returns(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:

            async def work(writing: Writing) -> int:
                await keep_partner(writing)
                assert (await writing.register()).partners == {ZJOL.id: ZJOL}
                return (await writing.reached()).change

            before = store.notice()
            assert await store.transact(work) == 1
            assert store.notice() != before
            assert await store.sequence() == Reached(1, 1)
            assert len(await store.lines()) == 1

    asyncio.run(act())


def test_an_act_that_fails_leaves_nothing(store_address: str) -> None:
    async def twice(writing: Writing) -> None:
        await keep_item(writing, an_item())
        await keep_item(writing, an_item())

    async def unannounced(writing: Writing) -> None:
        await writing.put_partner(ZJOL)

    async def unrecorded(writing: Writing) -> None:
        await writing.changed(Change.ITEM)

    async def broken(writing: Writing) -> None:
        await keep_partner(writing)
        raise ZeroDivisionError

    async def act() -> None:
        async with opened(store_address) as store:
            for work, fault in (
                (twice, Conflict),
                (unannounced, RuntimeError),
                (unrecorded, RuntimeError),
                (broken, ZeroDivisionError),
            ):
                with pytest.raises(fault):
                    await store.transact(work)
                assert await store.sequence() == Reached(0, 0)
                assert await store.lines() == []
            await store.transact(keep_partner)
            assert await store.sequence() == Reached(1, 1)

    asyncio.run(act())


def test_several_reads_see_one_state(store_address: str) -> None:
    """Reads cannot wait for a writer in between: they look again and again while others write."""

    async def act() -> None:
        async with opened(store_address) as store:
            done = asyncio.Event()

            async def look(reads: Reads) -> tuple[int, int]:
                return len(await reads.lines(limit=1000)), (await reads.register()).seq

            async def write() -> None:
                for number in range(1, 31):
                    await store.transact(partial(keep_item, item=an_item(number)))
                done.set()

            writing = asyncio.create_task(write())
            seen = []
            while not done.is_set():
                seen.append(await store.read(look))
            await writing
            assert all(lines == change for lines, change in seen)
            assert seen == sorted(seen)
            assert await store.read(look) == (30, 30)

    asyncio.run(act())


def test_a_cancelled_act_is_finished_first(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            begun = asyncio.Event()
            loop = asyncio.get_running_loop()

            async def work(writing: Writing) -> None:
                loop.call_soon_threadsafe(begun.set)
                await keep_partner(writing)

            task = asyncio.create_task(store.transact(work))
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await store.sequence() == Reached(1, 1)
            before = store.notice()
            await store.transact(keep_partner)
            assert store.notice() != before
            assert await store.sequence() == Reached(2, 2)

    asyncio.run(act())


def test_work_that_waits_for_something_else_is_refused_on_sqlite(sqlite_address: str) -> None:
    async def work(writing: Writing) -> None:
        await keep_partner(writing)
        await asyncio.sleep(0)

    async def act() -> None:
        async with opened(sqlite_address) as store:
            with pytest.raises(RuntimeError, match="await nothing but the transaction"):
                await store.transact(work)
            assert await store.sequence() == Reached(0, 0)

    asyncio.run(act())


def writer_of(store: SqlStore) -> ConnectionThread:
    assert isinstance(store._database, SqliteDatabase)
    assert store._database._writer is not None
    return store._database._writer


def kill_this_thread(_: object = None) -> None:
    """What no code inside the thread can bring about or stop."""
    ident = ctypes.c_ulong(threading.get_ident())
    assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(SystemExit)) == 1


def test_when_the_writing_thread_dies_everyone_who_waits_is_told_and_the_next_write_works(
    sqlite_address: str,
) -> None:
    async def act() -> None:
        async with opened(sqlite_address) as store:
            await store.transact(keep_partner)
            first = writer_of(store)

            async def die(writing: Writing) -> None:
                await keep_partner(writing)
                kill_this_thread()
                for _ in range(1000):
                    await writing.lines()

            found = await asyncio.gather(
                store.transact(die), store.record([a_pending(None)]), return_exceptions=True
            )
            assert isinstance(found[0], StoreFault)
            assert found[0].code == "store_interrupted"
            assert found[1] == [Outcome.WRITTEN], "it waited for its turn and got the next thread"
            assert writer_of(store) is not first
            assert await store.sequence() == Reached(1, 1)
            assert await store.record([a_pending(1)]) == [Outcome.WRITTEN]
            assert [line.seq for line in await store.lines()] == [1, 2, 3]

    asyncio.run(act())


def test_a_thread_that_dies_between_two_writes_is_replaced(sqlite_address: str) -> None:
    async def act() -> None:
        async with opened(sqlite_address) as store:
            await store.transact(keep_partner)
            first = writer_of(store)
            first.post(_fail)
            while not first.ended:
                await asyncio.sleep(0.001)
            async with store.writing() as writing:
                await writing.append(an_act())
            assert writer_of(store) is not first
            assert len(await store.lines()) == 2

    asyncio.run(act())


def _fail(_: SqliteConnection) -> None:
    raise ZeroDivisionError


def test_a_dead_reader_is_replaced(sqlite_address: str) -> None:
    async def act() -> None:
        async with opened(sqlite_address) as store:
            for _ in range(6):

                async def die(reads: Reads) -> None:
                    kill_this_thread()
                    for _ in range(1000):
                        await reads.lines()

                with pytest.raises(StoreFault) as fault:
                    await store.read(die)
                assert fault.value.code == "store_interrupted"
            assert await store.sequence() == Reached(0, 0)

    asyncio.run(act())


def test_more_readers_than_connections_wait_for_one(sqlite_address: str) -> None:
    async def act() -> None:
        async with opened(sqlite_address) as store:
            assert await asyncio.gather(*(store.sequence() for _ in range(50))) == [Reached(0, 0)] * 50
            database = store._database
            async with database.reading(), database.reading(), database.reading(), database.reading():
                waiting = asyncio.create_task(store.sequence())
                await asyncio.sleep(0.02)
                assert not waiting.done()
            assert await waiting == Reached(0, 0)

    asyncio.run(act())


@pytest.mark.parametrize(
    ("step", "after", "kept"),
    [
        ("begin", False, 0),
        ("lock_counters", True, 0),
        ("append_lines", False, 0),
        ("append_lines", True, 0),
        ("save_counters", True, 0),
        ("commit", False, 0),
        ("commit", True, 60),
    ],
)
def test_when_the_writing_thread_dies_in_a_group_nobody_in_it_is_told_that_it_was_written(
    sqlite_address: str, monkeypatch: pytest.MonkeyPatch, step: str, after: bool, kept: int
) -> None:
    """It dies before or after one step of the group's transaction, which is there whole or not at all."""
    real = getattr(SqliteConnection, step)

    def last_step(connection: SqliteConnection, *values: object) -> object:
        monkeypatch.setattr(SqliteConnection, step, real)
        if after:
            real(connection, *values)
        raise SystemExit

    async def act() -> None:
        async with opened(sqlite_address) as store:
            writer = AuditWriter(store)
            monkeypatch.setattr(SqliteConnection, step, last_step)
            group = [writer.submit(a_pending(None, number)) for number in range(60)]
            await asyncio.sleep(0)
            behind = writer.submit(a_pending(None))
            told = await asyncio.gather(*group, return_exceptions=True)
            assert {one.code for one in told if isinstance(one, StoreFault)} == {"store_interrupted"}
            assert Outcome.WRITTEN not in told
            assert await behind is Outcome.WRITTEN
            assert [line.seq for line in await store.lines()] == list(range(1, kept + 2))

    asyncio.run(act())


@pytest.mark.parametrize(
    ("close", "reopen", "code"),
    [
        ("max_page_count = 1", "max_page_count = 1000000", "store_full"),
        ("query_only = ON", "query_only = OFF", "store_read_only"),
    ],
)
def test_a_disk_that_takes_no_more_in_the_middle_of_a_group_leaves_nothing_of_it(
    sqlite_address: str, close: str, reopen: str, code: str
) -> None:
    """A group of two megabytes: SQLite finds out after many of its lines."""

    async def act() -> None:
        async with opened(sqlite_address) as store:
            writer = AuditWriter(store)
            assert await writer.write(a_pending(None)) is Outcome.WRITTEN
            thread = writer_of(store)
            await thread.call(methodcaller("pragma", close))
            for _ in range(2):
                group = [Pending(replace(a_delivery(), actor=f"{number}" * 4000)) for number in range(200)]
                told = await asyncio.gather(*map(writer.submit, group), return_exceptions=True)
                assert {type(one) for one in told} <= {StoreFault, StoreReadOnly}
                assert {one.code for one in told if isinstance(one, StoreFault)} == {code}
                assert len(await store.lines()) == 1
            await thread.call(methodcaller("pragma", reopen))
            assert await writer.write(a_pending(None)) is Outcome.WRITTEN
            assert writer_of(store) is thread
            assert [line.seq for line in await store.lines()] == [1, 2]

    asyncio.run(act())
