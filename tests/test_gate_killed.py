"""The server is killed under load, again and again: every licensed body that left has its trail record.

`SYNDICATE_GATE_KILLS=500` kills it 500 times; without it a few times.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
from collections import Counter
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from syndicate.config import Settings
from syndicate.model.events import EditionDelivered
from syndicate.model.parties import PartnerId
from syndicate.model.records import leaf_hash, line_bytes, line_record
from syndicate.wiring import initialise, opened
from tests.support.databases import opened as opened_store
from tests.support.databases import sqlite_at
from tests.support.factories import STAFF
from tests.support.forked_commands import forge
from tests.support.kill_harness import Mortal
from tests.support.servers import free_port, settings_for
from tests.support.shell import no_settings
from tests.test_pull_killed import LICENCE, MANDATE, a_story

__all__ = ["no_settings"]

SEED = 8
KILLS = int(os.environ.get("SYNDICATE_GATE_KILLS", "3"))
READERS = 16


class Reader:
    """A partner's program that asks for the feed again as soon as it has it, whatever dies."""

    def __init__(self, port: int, key: str, feed: str) -> None:
        self._port = port
        self._request = (
            f"GET /licensed/feeds/{feed}.json HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Authorization: Bearer {key}\r\n\r\n"
        ).encode()
        self.bodies: list[str] = []
        """The request ids of the answers whose body came."""
        self.statuses: Counter[int] = Counter()

    async def read(self, done: asyncio.Event) -> None:
        while not done.is_set():
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            try:
                while not done.is_set():
                    writer.write(self._request)
                    await self._answer(reader)
            except (OSError, asyncio.IncompleteReadError):
                continue
            finally:
                writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status = int(head.split(" ", 2)[1])
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        # One byte of the body is enough: it must not leave before its record.
        size = int(fields["content-length"])
        if size and status == 200:
            await reader.readexactly(1)
            self.bodies.append(fields["x-request-id"])
            size -= 1
        await reader.readexactly(size)
        self.statuses[status] += 1


async def furnished(settings: Settings) -> str:
    """A house with a partner that may read two stories; its key."""
    await initialise(settings, STAFF)
    async with opened(settings) as house:
        await house.rights.add_mandate(STAFF, MANDATE, "mandate.toml")
        await house.rights.add_partner(STAFF, "zjol", "浙江在线")
        document = LICENCE.format(number="NEWS", partner="zjol", channel="news")
        await house.rights.add_licence(STAFF, document, "licence.toml")
        for number in (1, 2):
            taken = await house.items.take_in(STAFF, a_story(number), f"{number}.txt")
            assert taken.item is not None, taken.faults
        return (await house.keys.issue(STAFF, PartnerId("zjol"), days=90)).token


async def kill_under_load(server: Mortal, readers: list[Reader]) -> None:
    done = asyncio.Event()
    reading = [asyncio.create_task(reader.read(done)) for reader in readers]

    def answers() -> int:
        return sum(len(reader.bodies) for reader in readers)

    try:
        for _ in range(KILLS):
            await asyncio.to_thread(server.live)
            before = answers()
            async with asyncio.timeout(60):
                while answers() < before + READERS:
                    await asyncio.sleep(0.002)
            # Somewhere in the next groups: while lines gather, are written, are synced, or are answered.
            await asyncio.sleep(server.chance.uniform(0, 0.03))
            await asyncio.to_thread(server.die)
    finally:
        done.set()
        for task in reading:
            task.cancel()
        await asyncio.wait(reading)
    for task in reading:
        if not task.cancelled():
            assert task.exception() is None


def must_be_whole(database: Path) -> set[str]:
    """No line is torn, none is missing, each list is there; the ids of the answered requests."""
    with closing(sqlite3.connect(database)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        lists = {digest for (digest,) in raw.execute("SELECT digest FROM manifests")}
        (last,) = raw.execute("SELECT line FROM counters").fetchone()

    async def answered() -> set[str]:
        requests = set()
        async with opened_store(sqlite_at(database)) as store:
            rows = await store.written(0, 10_000_000)
        assert [row.seq for row in rows] == list(range(1, last + 1))
        assert all(one.at <= other.at for one, other in pairwise(rows))
        for row in rows:
            event = json.loads(row.body)
            record = line_record(row.seq, row.at, row.actor, row.kind, event)
            assert row.leaf == leaf_hash(line_bytes(record))
            if row.kind == EditionDelivered.kind:
                assert event["edition"] in lists
                requests.add(event["request"])
        return requests

    return asyncio.run(answered())


@pytest.mark.timeout(180 + 60 * KILLS)
def test_every_body_that_left_a_killed_server_has_its_line(tmp_path: Path) -> None:
    data = tmp_path / "var"
    key = asyncio.run(furnished(settings_for(data)))
    with forge() as here:
        server = Mortal(here, data, free_port(), random.Random(SEED), tmp_path / "serve.log")
        readers = [Reader(server.port, key, "news") for _ in range(READERS)]
        try:
            asyncio.run(kill_under_load(server, readers))
        finally:
            server.stop()
    bodies = [request for reader in readers for request in reader.bodies]
    statuses = sum((reader.statuses for reader in readers), Counter[int]())
    recorded = must_be_whole(data / "syndicate.db")
    assert len(server.kills) == KILLS
    assert len(bodies) >= KILLS * READERS
    assert set(bodies) <= recorded
    assert len(bodies) == len(set(bodies))
    assert set(statuses) <= {200, 503}, statuses
    print(f"{KILLS} kills, {len(bodies)} bodies, {len(recorded)} records of answers, {dict(statuses)}")
