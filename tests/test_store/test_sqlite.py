"""The file on the disk: missing, foreign, damaged, not to be written, never half synced."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from operator import methodcaller
from pathlib import Path

import pytest

from syndicate.errors import StoreDamaged, StoreFault, StoreMissing
from syndicate.store.protocol import Outcome, Selection
from syndicate.store.sql_store import SqlStore, open_store
from syndicate.store.sqlite.engine import SqliteDatabase
from syndicate.store.sqlite.sqlite_connection import SqliteConnection
from tests.support.databases import opened, sqlite_at, sqlite_file
from tests.test_store.samples import NOON, a_pending, an_item, keep_item, keep_partner, seconds


def test_open_never_makes_a_file(tmp_path: Path) -> None:
    path = tmp_path / "none" / "syndicate.db"
    with pytest.raises(StoreMissing):
        asyncio.run(open_store(sqlite_at(path)).open())
    path.parent.mkdir()
    with pytest.raises(StoreMissing):
        asyncio.run(open_store(sqlite_at(path)).open())
    assert list(path.parent.iterdir()) == []


def test_an_empty_file_is_no_database_yet_and_can_become_one(tmp_path: Path) -> None:
    path = tmp_path / "syndicate.db"
    path.touch()
    with pytest.raises(StoreMissing):
        asyncio.run(open_store(sqlite_at(path)).open())
    assert asyncio.run(open_store(sqlite_at(path)).create()) is True


@pytest.mark.parametrize(
    "content", [b"not a database " * 500, b"\x00" * 8192, b"SQLite format 3\x00" + b"\xff" * 5000]
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "syndicate.db"
    path.write_bytes(content)
    for attempt in (open_store(sqlite_at(path)).open, open_store(sqlite_at(path)).create):
        with pytest.raises(StoreDamaged):
            asyncio.run(attempt())
    assert path.read_bytes() == content


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreDamaged):
        asyncio.run(open_store(sqlite_at(tmp_path)).open())


def test_a_damaged_page_is_found_at_the_start(sqlite_address: str) -> None:
    path = sqlite_file(sqlite_address)

    async def fill() -> None:
        async with opened(sqlite_address) as store, store.writing() as writing:
            for number in range(1, 200):
                await keep_item(writing, an_item(number), f"key-{number}")

    asyncio.run(fill())
    whole = path.read_bytes()
    found = 0
    for page in range(1, len(whole) // 4096):
        broken = bytearray(whole)
        broken[page * 4096 : page * 4096 + 200] = b"\xa5" * 200
        path.write_bytes(broken)
        try:
            asyncio.run(open_store(sqlite_address).open())
        except StoreDamaged:
            found += 1
    assert found == len(whole) // 4096 - 1


def test_writes_are_synced_in_full_and_nothing_checkpoints_by_itself(sqlite_address: str) -> None:
    async def act() -> None:
        async with opened(sqlite_address) as store:
            database = store._database
            assert isinstance(database, SqliteDatabase)
            async with store.writing() as writing:
                await keep_partner(writing)
            assert database._writer is not None
            assert database._readers is not None
            async with database._readers.taken() as reader:
                for thread, expected in (
                    (database._writer, {"synchronous": 2, "foreign_keys": 1}),
                    (reader, {"query_only": 1}),
                ):
                    settings = {"journal_mode": "wal", "wal_autocheckpoint": 0, **expected}
                    for name, value in settings.items():
                        assert await thread.call(methodcaller("pragma", name)) == (value,), name

    asyncio.run(act())


@asynccontextmanager
async def with_log_limit(address: str, limit: int) -> AsyncIterator[SqlStore]:
    store = SqlStore(SqliteDatabase(sqlite_file(address), log_limit=limit))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def test_a_long_log_is_brought_into_the_database(sqlite_address: str) -> None:
    log = sqlite_file(sqlite_address).with_name("syndicate.db-wal")

    async def act() -> None:
        async with with_log_limit(sqlite_address, 200_000) as store:
            largest = 0
            for number in range(1, 60):
                async with store.writing() as writing:
                    await keep_item(writing, an_item(number))
                largest = max(largest, log.stat().st_size)
            assert 100_000 < largest < 400_000
            assert len(await store.items(Selection(), limit=100)) == 59
        assert not log.exists()

    asyncio.run(act())


def test_a_reader_in_the_log_keeps_nobody_from_writing(sqlite_address: str) -> None:
    async def act() -> None:
        async with with_log_limit(sqlite_address, 50_000) as store:
            async with store.writing() as writing:
                await keep_item(writing, an_item(1))
            with closing(sqlite3.connect(sqlite_file(sqlite_address), isolation_level=None)) as raw:
                raw.execute("BEGIN")
                assert raw.execute("SELECT count(*) FROM items").fetchone() == (1,)
                async with asyncio.timeout(10):
                    for number in range(2, 40):
                        async with store.writing() as writing:
                            await keep_item(writing, an_item(number))
                assert raw.execute("SELECT count(*) FROM items").fetchone() == (1,)
            assert len(await store.items(Selection())) == 39

    asyncio.run(act())


def test_a_full_disk_stops_writes_alone_and_only_while_it_is_full(sqlite_address: str) -> None:
    async def limit(store: SqlStore, pages: int) -> None:
        database = store._database
        assert isinstance(database, SqliteDatabase)
        assert database._writer is not None
        await database._writer.call(methodcaller("pragma", f"max_page_count = {pages}"))

    async def act() -> None:
        async with opened(sqlite_address) as store:
            async with store.writing() as writing:
                await keep_partner(writing)
            await limit(store, 1)  # SQLite takes the size that it has
            written = 0
            with pytest.raises(StoreFault) as fault:  # noqa: PT012
                for number in range(1, 500):
                    async with store.writing() as writing:
                        await keep_item(writing, an_item(number))
                    written = number
            assert fault.value.code == "store_full"
            assert len(await store.items(Selection(), limit=1000)) == written
            assert (await store.sequence()).change == written + 1
            await limit(store, 100_000)
            async with store.writing() as writing:
                await keep_item(writing, an_item(written + 1))
            assert await store.item(an_item(written + 1).id) is not None

    asyncio.run(act())


def test_after_a_failed_write_nothing_is_written_until_the_store_is_opened_anew(
    sqlite_address: str,
) -> None:
    log = sqlite_file(sqlite_address).with_name("syndicate.db-wal")

    async def act() -> None:
        async with opened(sqlite_address) as store:
            async with store.writing() as writing:
                await keep_item(writing, an_item(1))
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + 100, hard))
            try:
                with pytest.raises(StoreFault) as fault:
                    await store.record([a_pending(1)])
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            assert fault.value.code == "store_io"
            with pytest.raises(StoreFault, match="disk failed"):
                await store.record([a_pending(1)])
            assert await store.item(an_item(1).id) == an_item(1)
        assert log.stat().st_size > 0  # not synced, not brought in
        async with opened(sqlite_address) as store:
            assert len(await store.lines()) == 1
            assert await store.record([a_pending(1)]) == [Outcome.WRITTEN]

    asyncio.run(act())


def test_a_path_with_strange_letters_is_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "数据 100% & a#b"
    store = open_store(sqlite_at(folder / "新?闻.db").replace("?", "%3F"))

    async def act() -> None:
        assert await store.create() is True
        await store.open()
        await store.close()

    asyncio.run(act())
    assert folder.exists()


@pytest.mark.parametrize(
    "address",
    ["", "x", "sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:", "sqlite:////tmp/a.db",
     "mysql://root:topsecret@host/x", "postgresql://u:topsecret@host/x", "postgresql+asyncpg://u:topsecret@h"],
)  # fmt: skip
def test_what_is_no_address_of_a_store_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(StoreFault) as fault:
        open_store(address)
    assert fault.value.code == "store_address"
    assert "topsecret" not in f"{fault.value.text} {fault.value!r}"


def test_only_the_times_of_editions_are_written_without_waiting_for_the_disk(sqlite_address: str) -> None:
    synced: list[tuple[str, int]] = []

    async def act() -> None:
        async with opened(sqlite_address) as store:
            database = store._database
            assert isinstance(database, SqliteDatabase)
            real = SqliteConnection.commit

            def commit(connection: SqliteConnection) -> None:
                # It can be asked inside a transaction, and set only outside.
                synced.append((wrote, connection.pragma("synchronous")[0]))
                real(connection)

            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(SqliteConnection, "commit", commit)
                for wrote in ("edition", "record", "edition", "edition", "act", "record"):
                    if wrote == "edition":
                        at = NOON + seconds(len(synced))
                        await store.edition_moment("all", "public", at.isoformat(), judged=0, at=at)
                    elif wrote == "record":
                        await store.record([a_pending(None)])
                    else:
                        async with store.writing() as writing:
                            await keep_partner(writing)

    asyncio.run(act())
    assert [how for _, how in synced] == [1 if wrote == "edition" else 2 for wrote, _ in synced]
    assert [wrote for wrote, _ in synced] == ["edition", "record", "edition", "edition", "act", "record"]
