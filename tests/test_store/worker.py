"""Another process at the same database. `python -m tests.test_store.worker WHAT ADDRESS NUMBER`

write     NUMBER acts, each printed (its change number) once it is acknowledged
record    NUMBER trail lines without a judgement, each printed once it is acknowledged
fill      like write, until it is killed
hold      take the turn, print, and keep it until standard input closes
checkpoint  bring the log into the database again and again, in turn, until standard input closes
"""

from __future__ import annotations

import asyncio
import sys

from syndicate.store.protocol import Change, Outcome
from syndicate.store.sql_store import SqlStore
from syndicate.store.sqlite.engine import SqliteDatabase
from tests.support.databases import opened, sqlite_file
from tests.test_store.samples import a_pending, an_act, keep_partner


async def write(address: str, times: int) -> None:
    async with opened(address) as store:
        for _ in range(times):
            async with store.writing() as writing:
                await keep_partner(writing)
                number = (await writing.register()).seq
            print(number, flush=True)


async def record(address: str, times: int) -> None:
    async with opened(address) as store:
        for number in range(times):
            assert await store.record([a_pending(None, number)]) == [Outcome.WRITTEN]
            print(number, flush=True)


async def hold(address: str) -> None:
    async with opened(address) as store, store.writing() as writing:
        await writing.append(an_act())
        print("held", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def checkpoint(address: str) -> None:
    store = SqlStore(SqliteDatabase(sqlite_file(address), log_limit=0))  # every commit brings the log in
    await store.open()
    try:
        ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        print("ready", flush=True)
        while not ended.done():
            async with store.writing() as writing:
                await writing.changed(Change.ITEM)
                await writing.append(an_act())
            print(1, flush=True)
            await asyncio.sleep(0.002)
    finally:
        await store.close()


def main() -> None:
    what, address, number = sys.argv[1:]
    match what:
        case "write":
            asyncio.run(write(address, int(number)))
        case "record":
            asyncio.run(record(address, int(number)))
        case "fill":
            asyncio.run(write(address, 10**9))
        case "hold":
            asyncio.run(hold(address))
        case "checkpoint":
            asyncio.run(checkpoint(address))
        case _:
            raise SystemExit(2)


if __name__ == "__main__":
    main()
