"""A folder or file that cannot be written: read as long as that is right, never written, never guessed."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from syndicate.errors import StoreFault, StoreReadOnly
from syndicate.store.protocol import Selection
from syndicate.store.sql_store import SqlStore, open_store
from tests.support.databases import opened, sqlite_at, sqlite_file
from tests.test_store.samples import NOON, a_pending, an_item, keep_item, keep_partner, seconds

NOBODY = 65534


@contextmanager
def unprivileged() -> Iterator[None]:
    """As somebody whom permissions bind: root may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def locked_folder(sqlite_address: str) -> Iterator[Path]:
    """A folder with a database of one item, to be made unwritable. Outside pytest's own, which nobody
    else may enter."""
    folder = Path(tempfile.mkdtemp(prefix="syndicate-ro-"))
    path = folder / "syndicate.db"
    shutil.copyfile(sqlite_file(sqlite_address), path)

    async def fill() -> None:
        async with opened(sqlite_at(path)) as store:
            async with store.writing() as writing:
                await keep_item(writing, an_item())
            await store.edition_moment("all", "public", "a", judged=1, at=NOON)

    asyncio.run(fill())
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


async def reads_and_refuses(store: SqlStore) -> None:
    assert await store.item(an_item().id) == an_item()
    assert store.notice() == store.notice()
    for _ in range(2):
        with pytest.raises(StoreReadOnly):
            await store.record([a_pending(None)])
    with pytest.raises(StoreReadOnly):
        async with store.writing() as writing:
            await keep_partner(writing)
    later = NOON + seconds(5)
    assert await store.edition_moment("all", "public", "a", judged=1, at=later) == NOON
    assert await store.edition_moment("all", "public", "a", judged=2, at=later) == NOON
    assert await store.edition_moment("all", "public", "b", judged=2, at=later) == later
    assert await store.edition_moment("news", "public", "b", judged=2, at=later) == later
    assert len(await store.lines()) == 1


def test_a_folder_that_cannot_be_written_is_read_and_never_written(locked_folder: Path) -> None:
    async def act() -> None:
        address = sqlite_at(locked_folder / "syndicate.db")
        with pytest.raises(StoreReadOnly):
            await open_store(address).create()
        async with opened(address) as store:
            await reads_and_refuses(store)

    with unprivileged():
        asyncio.run(act())


def test_a_file_that_cannot_be_written_is_read_and_never_written(locked_folder: Path) -> None:
    locked_folder.chmod(0o777)

    async def act() -> None:
        async with opened(sqlite_at(locked_folder / "syndicate.db")) as store:
            await reads_and_refuses(store)

    with unprivileged():
        asyncio.run(act())


def test_who_may_only_read_sees_what_others_write_meanwhile(locked_folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs two users: run as root")
    address = sqlite_at(locked_folder / "syndicate.db")

    async def act() -> None:
        with unprivileged():
            reader = open_store(address)
            await reader.open()
            assert await reader.items(Selection()) == [an_item()]
            before = reader.notice()
        async with opened(address) as writer:
            async with writer.writing() as writing:
                await keep_item(writing, an_item(2))
            with unprivileged():
                assert reader.notice() != before
                assert await reader.items(Selection()) == [an_item(2), an_item()]
        with unprivileged():
            assert await reader.items(Selection()) == [an_item(2), an_item()]
            await reader.close()

    asyncio.run(act())


def test_a_log_that_cannot_be_read_in_is_never_left_out(locked_folder: Path) -> None:
    """Without its log the database would show rights that were revoked: better nothing than that."""
    path = locked_folder / "syndicate.db"
    locked_folder.chmod(0o777)
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA wal_autocheckpoint = 0")
        raw.execute("INSERT INTO partners VALUES ('p', 'p', '[]', 1, 1)")
        log = path.with_name("syndicate.db-wal").read_bytes()
    for file in locked_folder.glob("*-shm"):
        file.unlink()
    waiting = path.with_name("syndicate.db-wal")
    waiting.write_bytes(log)
    waiting.chmod(0o444)
    path.chmod(0o444)
    locked_folder.chmod(0o555)
    with unprivileged(), pytest.raises(StoreFault):
        asyncio.run(open_store(sqlite_at(path)).open())
