"""Several processes at one database: nothing lost, nothing doubled, nothing damaged, whoever dies."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import pytest

from syndicate.errors import StoreBusy
from syndicate.store.protocol import Change, Outcome, Store
from syndicate.store.sql_store import open_store
from tests.support.databases import opened, sqlite_file
from tests.support.forked_commands import Child, shared_forge
from tests.test_store.samples import a_pending, an_act, an_item, keep_item, keep_partner


@dataclass
class Worker:
    """Another process at the same database, and both ends of what is said to it and by it."""

    process: Child
    heard: TextIO
    told: TextIO
    errors: Path

    def said(self) -> list[str]:
        """What it printed until it ended, which it must have done well."""
        self.told.close()
        said = self.heard.read().split()
        assert self.process.wait(90)
        assert self.process.code == 0, self.errors.read_text()
        return said


Workers = Callable[..., AbstractContextManager[Worker]]


@pytest.fixture
def process(tmp_path: Path) -> Workers:
    """Begins a worker; killed at the end of the block if it is still there."""
    names = itertools.count()

    @contextmanager
    def process(what: str, address: str, number: int = 0) -> Iterator[Worker]:
        errors = tmp_path / f"worker-{next(names)}"
        ours, theirs = os.pipe()
        its, told = os.pipe()
        with os.fdopen(ours) as heard, os.fdopen(told, "w") as tell:
            try:
                child = shared_forge().begin(
                    [what, address, str(number)],
                    theirs,
                    errors,
                    stdin=its,
                    module="tests.test_store.worker",
                )
            finally:
                os.close(theirs)
                os.close(its)
            try:
                yield Worker(child, heard, tell, errors)
            finally:
                child.end(signal.SIGKILL)

    return process


def sound(address: str) -> None:
    with closing(sqlite3.connect(sqlite_file(address))) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []


def test_two_processes_write_at_once_and_nothing_is_lost(store_address: str, process: Workers) -> None:
    times = 100
    with process("write", store_address, times) as one, process("write", store_address, times) as other:
        acknowledged = [int(number) for child in (one, other) for number in child.said()]

    async def act() -> None:
        async with opened(store_address) as store:
            assert sorted(acknowledged) == list(range(1, 2 * times + 1))
            assert await store.sequence() == type(await store.sequence())(2 * times, 2 * times)
            assert [line.seq for line in await store.lines(limit=10**6)] == list(range(1, 2 * times + 1))

    asyncio.run(act())
    if store_address.startswith("sqlite"):
        sound(store_address)


def test_checkpoints_between_the_writes_of_others_damage_nothing(
    sqlite_address: str, process: Workers
) -> None:
    times = 100
    with (
        process("checkpoint", sqlite_address) as third,
        process("write", sqlite_address, times) as one,
        process("record", sqlite_address, times) as other,
    ):
        lines = len(one.said()) + len(other.said())
        checkpoints = len(third.said()) - 1

    async def act() -> None:
        async with opened(sqlite_address) as store:
            assert checkpoints > 0
            assert [line.seq for line in await store.lines(limit=10**6)] == list(
                range(1, lines + checkpoints + 1)
            )

    assert lines == 2 * times
    asyncio.run(act())
    sound(sqlite_address)


@pytest.mark.parametrize("what", ["fill", "record"])
def test_a_killed_process_leaves_every_acknowledged_write_and_no_half_one(
    store_address: str, what: str, process: Workers
) -> None:
    for pause in (0.05, 0.2):
        with process(what, store_address, 10**9) as child:
            first = child.heard.readline()
            time.sleep(pause)
            child.process.send(signal.SIGKILL)
            rest = child.heard.read().split("\n")
        acknowledged = [int(number) for number in (first, *rest) if number.strip()]

        async def act(acknowledged: list[int]) -> None:
            began = time.monotonic()
            async with opened(store_address) as store:
                async with store.writing() as writing:
                    await keep_partner(writing)
                assert time.monotonic() - began < 5
                lines = await store.lines(limit=10**6)
                assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
                if what == "fill":
                    change = (await store.sequence()).change
                    assert change == len(lines)
                    assert acknowledged[-1] < change
                else:
                    items = {getattr(line.entry.event, "item", None) for line in lines}
                    assert {a_pending(None, number).entry.event.item for number in acknowledged} <= items  # type: ignore[union-attr]

        asyncio.run(act(acknowledged))
    if store_address.startswith("sqlite"):
        sound(store_address)


def test_who_holds_the_database_too_long_makes_others_give_up_not_hang(
    store_address: str, process: Workers
) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            ticks = 0
            worst = 0.0

            async def tick() -> None:
                nonlocal ticks, worst
                while True:
                    began = time.monotonic()
                    await asyncio.sleep(0.01)
                    worst = max(worst, time.monotonic() - began)
                    ticks += 1

            ticker = asyncio.create_task(tick())
            began = time.monotonic()
            tried = await asyncio.gather(
                store.record([a_pending(None)]), write_once(), return_exceptions=True
            )
            took = time.monotonic() - began
            assert [type(fault) for fault in tried] == [StoreBusy, StoreBusy]
            assert 4 <= took < 9, "they wait at the same time, not one after the other"
            assert ticks > 50
            assert worst < 2
            assert (await store.sequence()).change == 0  # reading goes on
            ticker.cancel()

    async def write_once() -> None:
        async with opened(store_address) as other, other.writing() as writing:
            await writing.append(an_act())

    with process("hold", store_address) as holder:
        assert holder.heard.readline().strip() == "held"
        asyncio.run(act())
        holder.said()

    async def afterwards() -> None:
        async with opened(store_address) as store:
            assert await store.record([a_pending(None)]) == [Outcome.WRITTEN]
            assert len(await store.lines()) == 2

    asyncio.run(afterwards())


def test_a_database_held_by_a_program_that_knows_nothing_of_our_lock_is_busy_too(
    sqlite_address: str,
) -> None:
    async def act() -> None:
        async with opened(sqlite_address) as store:
            began = time.monotonic()
            tried = await asyncio.gather(
                *(store.record([a_pending(None)]) for _ in range(3)), return_exceptions=True
            )
            assert [type(fault) for fault in tried] == [StoreBusy] * 3
            assert time.monotonic() - began < 9
            raw.execute("ROLLBACK")
            assert await store.record([a_pending(None)]) == [Outcome.WRITTEN]

    with closing(sqlite3.connect(sqlite_file(sqlite_address), isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        asyncio.run(act())


def test_a_change_in_another_process_is_noticed(store_address: str, process: Workers) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            await settled(store.notice)
            before = store.notice()
            assert store.notice() == before
            loop = asyncio.get_running_loop()

            def another() -> None:
                with process("write", store_address, 1) as child:
                    assert child.said() == ["1"]

            await loop.run_in_executor(None, another)
            async with asyncio.timeout(5):
                while store.notice() == before:
                    await asyncio.sleep(0.005)
            assert (await store.sequence()).change == 1

    asyncio.run(act())


async def settled(notice: object) -> None:
    """Wait until two answers are alike: PostgreSQL's listener has to be connected first."""
    assert callable(notice)
    async with asyncio.timeout(10):
        while True:
            before = notice()
            await asyncio.sleep(0.05)
            if notice() == before:
                return


def test_a_removed_notice_is_made_again_and_found_by_everybody(sqlite_address: str) -> None:
    async def act() -> None:
        async with opened(sqlite_address) as here, opened(sqlite_address) as there:
            file = sqlite_file(sqlite_address)
            file.with_name(f"{file.name}-notice").unlink()
            async with here.writing() as writing:
                await keep_item(writing, an_item())
            before = there.notice()
            await there.sequence()
            assert there.notice() != before
            async with here.writing() as writing:
                await writing.changed(Change.ITEM)
                await writing.append(an_act())
            assert there.notice() == here.notice() == 2

    asyncio.run(act())


def test_a_writer_that_died_before_it_told_is_made_good_by_the_next(sqlite_address: str) -> None:
    async def act() -> None:
        async with opened(sqlite_address) as store:
            with closing(sqlite3.connect(sqlite_file(sqlite_address))) as raw, raw:
                raw.execute("UPDATE counters SET change = 5")
            before = store.notice()
            await store.record([a_pending(None)])
            assert store.notice() != before

    asyncio.run(act())


def test_stores_in_several_threads_do_not_disturb_each_other(sqlite_address: str) -> None:
    faults: list[BaseException] = []

    async def act() -> None:
        async with opened(sqlite_address) as store:
            for _ in range(20):
                async with store.writing() as writing:
                    await keep_partner(writing)

    def run() -> None:
        try:
            asyncio.run(act())
        except BaseException as fault:  # noqa: BLE001  # looked at below
            faults.append(fault)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []

    async def afterwards() -> None:
        async with opened(sqlite_address) as store:
            assert (await store.sequence()).change == 60

    asyncio.run(afterwards())


def test_close_may_be_called_twice_and_open_again(store_address: str) -> None:
    async def act() -> None:
        store: Store = open_store(store_address)
        await store.close()
        await store.open()
        await store.close()
        await store.close()
        with pytest.raises(RuntimeError, match="open"):
            await store.sequence()
        await store.open()
        assert (await store.sequence()).change == 0
        await store.close()

    asyncio.run(act())
