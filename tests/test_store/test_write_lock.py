"""The write lock of SQLite among processes: who waits comes next, however busy the others are."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from syndicate.errors import StoreBusy
from syndicate.store.sqlite.write_lock import FileTurn, LockFile, LockWaiter


def test_a_busy_process_does_not_starve_one_that_waits(tmp_path: Path) -> None:
    """Two lock objects on one file stand for two processes: a lock of flock(2) belongs to an open file."""

    async def act() -> None:
        path = tmp_path / "syndicate.db-lock"
        busy, waiting = FileTurn(path), FileTurn(path)
        turns = 0

        async def work() -> None:
            nonlocal turns
            while True:
                async with busy.taken():
                    turns += 1
                    await asyncio.sleep(0.002)  # a commit; no pause between two of them

        worker = asyncio.create_task(work())
        await asyncio.sleep(0.01)
        for _ in range(5):
            async with waiting.taken(2.0):
                pass
        assert 2 <= turns <= 12, "they take turns"
        worker.cancel()
        await asyncio.wait({worker})

    asyncio.run(act())


def test_a_process_that_gives_up_leaves_the_line(tmp_path: Path) -> None:
    async def act() -> None:
        path = tmp_path / "syndicate.db-lock"
        holder, waiting, third = FileTurn(path), FileTurn(path), FileTurn(path)
        async with holder.taken():
            task = asyncio.create_task(_once(waiting))
            await asyncio.sleep(0.02)
            task.cancel()
            await asyncio.wait({task})
        async with asyncio.timeout(2), third.taken():
            pass

    asyncio.run(act())


def test_a_lock_that_comes_as_its_waiter_gives_up_is_given_back() -> None:
    async def act() -> None:
        free, given = threading.Event(), 0

        def give() -> None:
            nonlocal given
            given += 1

        def take() -> None:
            free.wait(5)

        waiter = LockWaiter(take, give)
        task = asyncio.create_task(waiter.wait())
        await asyncio.sleep(0.01)
        free.set()
        time.sleep(0.05)  # the loop sees both at once
        asyncio.get_running_loop().call_soon(task.cancel)
        await asyncio.wait({task})
        assert (task.cancelled(), given, waiter.waits) == (True, 1, False)
        await waiter.wait()
        assert given == 1
        waiter.stop()

    asyncio.run(act())


def test_who_gave_up_leaves_a_place_that_the_next_one_takes_over(tmp_path: Path) -> None:
    async def act() -> None:
        path = tmp_path / "syndicate.db-lock"
        holder, waiting = FileTurn(path), FileTurn(path)
        threads = set()
        async with holder.taken():
            for _ in range(3):
                with pytest.raises(StoreBusy):
                    async with waiting.taken(0.01):
                        pass
                threads.add(waiting._waiter._thread)
            task = asyncio.create_task(_once(waiting))
            await asyncio.sleep(0.01)
            assert threads == {waiting._waiter._thread}
        await asyncio.wait_for(task, 2)
        async with asyncio.timeout(2), holder.taken():
            pass
        holder.close()
        waiting.close()

    asyncio.run(act())


def test_who_gave_up_holds_the_lock_from_nobody_while_its_event_loop_stands_still(tmp_path: Path) -> None:
    """As a command does whose output nobody reads."""

    async def act() -> None:
        path = tmp_path / "syndicate.db-lock"
        holder, waiting, other = LockFile(path), FileTurn(path), LockFile(path)
        assert holder.try_lock()
        with pytest.raises(StoreBusy):
            async with waiting.taken(0.01):
                pass
        holder.unlock()
        deadline = time.monotonic() + 5
        while not other.try_lock():
            assert time.monotonic() < deadline
            time.sleep(0.01)  # the event loop stands still
        other.unlock()
        async with asyncio.timeout(2), waiting.taken():
            assert not other.try_lock()
        waiting.close()

    asyncio.run(act())


def test_without_patience_the_lock_is_tried_once_and_no_thread_waits_for_it(tmp_path: Path) -> None:
    async def act() -> None:
        path = tmp_path / "syndicate.db-lock"
        holder, waiting = LockFile(path), FileTurn(path)
        assert holder.try_lock()
        with pytest.raises(StoreBusy):
            async with waiting.taken(0):
                pass
        assert (waiting._waiter.waits, waiting._waiter._thread) == (False, None)

    asyncio.run(act())


def test_a_thread_that_cannot_be_started_stops_one_write_and_no_later_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act() -> None:
        path = tmp_path / "syndicate.db-lock"
        holder, waiting = LockFile(path), FileTurn(path)
        assert holder.try_lock()
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", _refused)
            with pytest.raises(RuntimeError, match="new thread"):
                async with waiting.taken():
                    pass
        holder.unlock()
        async with asyncio.timeout(2), waiting.taken():
            pass

    asyncio.run(act())


def _refused(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_a_turn_that_is_closed_while_it_waits_keeps_nobody_waiting(tmp_path: Path) -> None:
    async def act() -> None:
        path = tmp_path / "syndicate.db-lock"
        holder, waiting, third = FileTurn(path), FileTurn(path), FileTurn(path)
        async with holder.taken():
            with pytest.raises(StoreBusy):
                async with waiting.taken(0.01):
                    pass
            waiting.close()
        async with asyncio.timeout(2), third.taken():
            pass
        async with asyncio.timeout(2), waiting.taken():
            pass

    asyncio.run(act())


def test_a_forked_child_does_not_go_on_holding_the_lock_of_a_process_that_was_killed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "syndicate.db-lock"
    holding, held = os.pipe()
    holder = os.fork()
    if holder == 0:
        os.setpgid(0, 0)
        lock = LockFile(path)
        if lock.try_lock() and os.fork() == 0:
            os.write(held, b"1")
        signal.pause()  # the holder is killed, and its child with the process group
    try:
        assert os.read(holding, 1) == b"1"
        mine = LockFile(path)
        assert not mine.try_lock()
        os.kill(holder, signal.SIGKILL)
        os.waitpid(holder, 0)
        assert mine.try_lock()
        mine.close()
    finally:
        os.killpg(holder, signal.SIGKILL)
        os.close(holding)
        os.close(held)


def test_a_lock_file_that_was_removed_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "syndicate.db-lock"
    mine, other = LockFile(path), LockFile(path)
    assert mine.try_lock()
    mine.unlock()
    path.unlink()
    assert other.try_lock()
    assert not mine.try_lock()
    other.unlock()
    assert mine.try_lock()
    assert path.exists()
    mine.close()
    other.close()


async def _once(turn: FileTurn) -> None:
    async with turn.taken():
        pass
