"""The archives of the benchmarks are what ingest would have made: the same rows, records and answers."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from syndicate.config import load
from syndicate.wiring import initialise, opened
from tests.bench import archive, corpus
from tests.bench.agreements import MANDATES, SHAPES
from tests.bench.archive import Archive
from tests.support.factories import STAFF
from tests.support.servers import MovableClock, command, served

ITEMS = 40
NOW = datetime.now(UTC).replace(microsecond=0)
NEWEST = NOW - timedelta(minutes=5)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return archive.make(tmp_path_factory.mktemp("made") / "data", ITEMS, len(SHAPES), print, NOW)


async def _ingested(data: Path) -> None:
    """The same archive without its partners, made by ingest."""
    first = archive.published(0, ITEMS, NEWEST)
    clock = MovableClock(first - timedelta(days=1))
    settings = load(None, {}, data=data)
    await initialise(settings, STAFF, clock)
    async with opened(settings, clock) as services:
        for document in MANDATES:
            await services.rights.add_mandate(STAFF, document, "mandate")
        for number in range(ITEMS):
            one = corpus.story(number, archive.published(number, ITEMS, NEWEST))
            clock.now = one.published + archive.TAKEN_IN
            taken = await services.items.take_in(STAFF, corpus.ninjs(one), f"{number}.json")
            assert taken.item is not None, taken.faults


def _rows(data: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{data / 'syndicate.db'}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def test_every_row_is_the_one_that_ingest_writes(made: Archive, tmp_path: Path) -> None:
    asyncio.run(_ingested(tmp_path / "data"))
    upto = _rows(tmp_path / "data", "SELECT line FROM counters")[0][0]
    others = {"counters", "signing_keys", "partners", "partner_revisions", "licences", "keys", "trail"}
    tables = _rows(made.data, "SELECT name FROM sqlite_master WHERE type='table' ORDER BY name")
    assert len(tables) > len(others)
    for (name,) in tables:
        if name not in others:
            order = ", ".join(column[1] for column in _rows(made.data, f"PRAGMA table_info({name})"))
            query = f"SELECT * FROM {name} ORDER BY {order}"
            assert _rows(made.data, query) == _rows(tmp_path / "data", query), name
    # Keys are made anew in each archive; their records stand before the first item's.
    trail = f"SELECT * FROM trail WHERE kind = 'item_ingested' AND seq <= {upto} ORDER BY seq"
    assert len(_rows(made.data, trail)) == ITEMS
    assert _rows(made.data, trail) == _rows(tmp_path / "data", trail)


def test_the_indexes_are_those_of_the_schema(made: Archive, tmp_path: Path) -> None:
    command("init", data=tmp_path / "data")
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
    assert _rows(made.data, query) == _rows(tmp_path / "data", query)
    assert _rows(made.data, "PRAGMA integrity_check") == [("ok",)]


def test_commands_and_the_server_work_on_it(made: Archive, tmp_path: Path) -> None:
    with made.copied(tmp_path) as working:
        _check(working)


def _check(working: Archive) -> None:
    newest = _rows(working.data, "SELECT id FROM items ORDER BY published DESC LIMIT 1")[0][0]
    assert command("trail", "verify", data=working.data).returncode == 0
    shown = command("--json", "item", "show", newest, data=working.data)
    assert shown.returncode == 0
    assert corpus.story(ITEMS - 1, NEWEST).headline in shown.stdout
    from tests.bench.load import ask

    with served(working.data) as server:
        public = ask(server.port, "/feeds/all.rss", {})
        assert public.status == 200
        for key in working.keys.values():
            held = {"Authorization": f"Bearer {key}"}
            assert ask(server.port, "/licensed/feeds/all.rss", held).status == 200
            assert ask(server.port, "/licensed/changes", held).status == 200


def test_a_kept_archive_is_made_once_and_copies_are_not_it(tmp_path: Path) -> None:
    said: list[str] = []
    first = archive.kept(tmp_path, 3, 1, said.append)
    assert said
    said.clear()
    again = archive.kept(tmp_path, 3, 1, said.append)
    assert not said
    assert again == first
    with first.copied(tmp_path) as copied:
        assert _rows(copied.data, "SELECT id FROM items") == _rows(first.data, "SELECT id FROM items")
        assert replace(copied, data=first.data) == first
    assert not copied.data.exists()
