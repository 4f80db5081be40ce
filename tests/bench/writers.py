"""`python -m tests.bench.writers`: what a trail record costs where several processes write at once.

CPU time is compared, of the writing processes and of the PostgreSQL server: it does not depend on what
else the machine does. The rate of one writer is printed too, for a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path

from rich.console import Console
from rich.table import Table

from syndicate.store.sql_store import open_store
from tests.bench.machine import cpu_seconds
from tests.support.databases import PostgresqlServer, postgresql_binaries, sqlite_at
from tests.test_store.samples import a_pending, keep_partner

GROUPS = (1, 8, 64)
WRITERS = (1, 2, 3)
LINES = {1: 100, 8: 800, 64: 3_200, 256: 12_800}
"""Records that each process writes, by the size of a group."""


@dataclass(frozen=True)
class Spent:
    """CPU seconds and records of one run; `seconds` is how long it took."""

    writers: float
    server: float
    records: int
    seconds: float


def write(
    address: str, group: int, lines: int, ready: Barrier, spent: multiprocessing.Queue[float]
) -> None:
    """Write so many records in groups; say the CPU seconds that it took, and wait for the others."""

    async def run() -> None:
        store = open_store(address)
        await store.open()
        try:
            pending = [a_pending(None)] * group
            await store.record(pending)
            await asyncio.to_thread(ready.wait)
            begun = time.process_time()
            for _ in range(lines // group):
                await store.record(pending)
            spent.put(time.process_time() - begun)
            # The CPU time of a connection's process goes with it: it is looked at while all are open.
            await asyncio.to_thread(ready.wait)
        finally:
            await store.close()

    asyncio.run(run())


def measure(address: str, server: int | None, writers: int, group: int) -> Spent:
    """Several processes write at once."""
    context = multiprocessing.get_context("fork")
    ready, spent = context.Barrier(writers + 1), context.Queue()
    lines = LINES[group]
    processes = [
        context.Process(target=write, args=(address, group, lines, ready, spent)) for _ in range(writers)
    ]
    for process in processes:
        process.start()
    ready.wait(120)
    before, begun = 0.0 if server is None else cpu_seconds(server), time.perf_counter()
    found = [spent.get(timeout=120) for _ in range(writers)]
    after, seconds = 0.0 if server is None else cpu_seconds(server), time.perf_counter() - begun
    ready.wait(120)
    for process in processes:
        process.join()
    return Spent(sum(found), after - before, writers * (lines // group) * group, seconds)


@contextmanager
def _sqlite() -> Iterator[tuple[str, None]]:
    with tempfile.TemporaryDirectory(prefix="syndicate-writers-") as folder:
        yield sqlite_at(Path(folder) / "syndicate.db"), None


@contextmanager
def _postgresql() -> Iterator[tuple[str, int]]:
    binaries = postgresql_binaries()
    assert binaries is not None
    server = PostgresqlServer(binaries, durable=True)
    try:
        server.make()
        yield server.address("pattern"), server.pid
    finally:
        server.remove()


async def _prepare(address: str) -> None:
    store = open_store(address)
    await store.create()
    await store.open()
    async with store.writing() as writing:
        await keep_partner(writing)
    await store.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    options = parser.parse_args()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    )
    table = Table("group", "writers", "writers, µs a record", "server, µs a record", "records a second")
    with _sqlite() if options.database == "sqlite" else _postgresql() as (address, server):
        asyncio.run(_prepare(address))
        for group in GROUPS:
            rounds = [
                [measure(address, server, writers, group) for writers in WRITERS]
                for _ in range(options.rounds)
            ]
            for number, writers in enumerate(WRITERS):
                table.add_row(str(group), str(writers), *_cells([one[number] for one in rounds], server))
    console = Console(width=100)
    console.print(f"{options.database}, {commit.stdout.strip()}")
    console.print(table)


def _cells(found: Sequence[Spent], server: int | None) -> Iterator[str]:
    yield f"{statistics.median(one.writers / one.records for one in found) * 1e6:.0f}"
    yield (
        "–"
        if server is None
        else f"{statistics.median(one.server / one.records for one in found) * 1e6:.0f}"
    )
    yield f"{statistics.median(one.records / one.seconds for one in found):.0f}"


if __name__ == "__main__":
    main()
