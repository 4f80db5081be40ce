"""Measure what 1,000 long polls cost a server while nothing happens."""

from __future__ import annotations

import asyncio
import json
import resource
import time
from collections.abc import Iterator

from tests.bench import contestants
from tests.bench.archive import Archive, kept
from tests.bench.contestants import Server
from tests.bench.machine import cpu_seconds
from tests.bench.rows import Bench, Row
from tests.bench.wire import Connection

NAMES = ("polls",)
POLLS = 1_000
ITEMS = 20
"""Few: each partner reads them all before it waits."""
SETTLE, WATCHED = 25.0, 20.0
"""Seconds before (at most), and seconds while, the server is watched: in all, less than a poll waits."""
QUIET = 10.0
"""Percent of one core below which the server has done what it was asked before."""
GOAL = 2.0


def rows(bench: Bench) -> Iterator[Row]:
    """The row of this subject, if it is wanted."""
    if not bench.wants(*NAMES):
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    whole = kept(bench.kept, ITEMS, POLLS, bench.say)
    with whole.copied(bench.scratch) as archive, contestants.ours(archive.data) as server:
        bench.say(f"polls: {POLLS:,} partners read the changes of {ITEMS} items")
        idle, waiting = asyncio.run(_measure(bench, archive, server))
    yield Row(
        "polls",
        f"{POLLS:,} waiting long polls of as many partners, nothing happening",
        "≈ 2,000 % of one core",
        f"< {GOAL:.0f} % of one core",
        f"{waiting:.2f} % of one core",
        waiting < GOAL,
        f"over {WATCHED:.0f} s; without any poll the server needs {idle:.2f} %",
    )


async def _measure(bench: Bench, archive: Archive, server: Server) -> tuple[float, float]:
    """Percent of one core without the polls, and with them."""
    headers = [{"Authorization": f"Bearer {key}"} for key in archive.keys.values()]
    cursors = []
    for held in headers:
        reader = await Connection.to(server.port)
        cursors.append(await _read_all(reader, held))
        reader.close()
    await _settled(server)
    idle = await _watched(server, WATCHED)
    bench.say(f"polls: {POLLS:,} wait")
    connections = []
    for held, after in zip(headers, cursors, strict=True):
        connection = await Connection.to(server.port)
        connection.send(f"/licensed/changes?after={after}&wait=60", held)
        connections.append(connection)
    answers = [asyncio.create_task(connection.answer()) for connection in connections]
    await _settled(server)
    waiting = await _watched(server, WATCHED)
    early = sum(answer.done() for answer in answers)
    for answer in answers:
        answer.cancel()
    await asyncio.gather(*answers, return_exceptions=True)
    for connection in connections:
        connection.close()
    if early > POLLS // 100:
        raise SystemExit(f"{early} of {POLLS} polls were answered: something happened meanwhile")
    return idle, waiting


async def _settled(server: Server) -> None:
    """Wait until the polls have begun to wait, however long a busy machine takes; five seconds at least."""
    ends = time.perf_counter() + SETTLE
    await asyncio.sleep(3)
    while await _watched(server, 2) > QUIET and time.perf_counter() < ends:
        pass


async def _watched(server: Server, seconds: float) -> float:
    """Percent of one core that the server uses now."""
    before, begun = cpu_seconds(server.pid), time.perf_counter()
    await asyncio.sleep(seconds)
    return (cpu_seconds(server.pid) - before) / (time.perf_counter() - begun) * 100


async def _read_all(connection: Connection, headers: dict[str, str]) -> int:
    """Read a partner's changes to their end; the place to wait at."""
    after = 0
    for _ in range(50):
        status, body = await connection.get(f"/licensed/changes?after={after}&limit=200", headers)
        if status != 200:
            raise SystemExit(f"changes: {status}: {body[:300]!r}")
        page = json.loads(body)
        after = page["next"]
        if not page["more"]:
            return int(after)
    raise SystemExit("a partner's changes have no end")
