"""Making the database and bringing it to this release: wholly, or not at all."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from syndicate.errors import StoreDamaged, StoreFault, StoreMissing, StoreNewer, StoreOlder
from syndicate.store import migrations
from syndicate.store.sql import open_store
from syndicate.store.tables import metadata
from tests.databases import opened
from tests.test_store.raw import by_hand
from tests.test_store.samples import ZJOL, keep_partner

NEXT = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "9999", "0001"

def upgrade() -> None:
    op.create_table("later", sa.Column("id", sa.Integer, primary_key=True))
    op.execute("UPDATE partners SET name = 'renamed'")
    op.add_column("partners", sa.Column("more", sa.Text))
"""


def a_later_release(folder: Path, step: str) -> Path:
    """This release's steps and one more."""
    later = folder / "later%20release"
    shutil.copytree(migrations.folder, later)
    (later / "versions" / "9999_later.py").write_text(step)
    return later


def test_a_database_is_made_once(bare_address: str) -> None:
    async def act() -> None:
        store = open_store(bare_address)
        with pytest.raises(StoreMissing) as missing:
            await store.open()
        assert "syndicate init" in missing.value.text.zh
        assert await store.create() is True
        assert await store.create() is False
        async with opened(bare_address) as again:
            assert (await again.sequence()).change == 0

    asyncio.run(act())


def test_several_make_the_same_database_at_once(bare_address: str) -> None:
    async def act() -> None:
        made = await asyncio.gather(*(open_store(bare_address).create() for _ in range(3)))
        assert sorted(made) == [False, False, True]

    asyncio.run(act())


def test_the_steps_lead_to_the_tables_that_queries_see(store_address: str) -> None:
    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"version_table": migrations.VERSION_TABLE})
        return list(compare_metadata(context, metadata))

    async def act() -> None:
        engine = create_async_engine(store_address)
        async with engine.connect() as connection:
            assert await connection.run_sync(differences) == []
        await engine.dispose()

    asyncio.run(act())


def test_an_older_database_waits_for_its_migration_and_keeps_everything(
    store_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act() -> None:
        async with opened(store_address) as store, store.writing() as writing:
            await keep_partner(writing)
        this_release = migrations.folder
        monkeypatch.setattr(migrations, "folder", a_later_release(tmp_path, NEXT))
        later = open_store(store_address)
        with pytest.raises(StoreOlder):
            await later.open()
        assert await later.create() is True
        assert await later.create() is False
        await later.open()
        assert (await later.register()).partners[ZJOL.id].name == "renamed"
        await later.close()
        monkeypatch.setattr(migrations, "folder", this_release)
        for attempt in (open_store(store_address).open, open_store(store_address).create):
            with pytest.raises(StoreNewer):
                await attempt()

    asyncio.run(act())


@pytest.mark.parametrize("failure", ["op.execute('SELECT no_such_thing()')", "raise RuntimeError('half')"])
def test_a_failed_migration_leaves_the_old_database_whole(
    store_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    async def act() -> None:
        async with opened(store_address) as store, store.writing() as writing:
            await keep_partner(writing)
        this_release = migrations.folder
        monkeypatch.setattr(migrations, "folder", a_later_release(tmp_path, f"{NEXT}    {failure}\n"))
        with pytest.raises((StoreFault, RuntimeError)):
            await open_store(store_address).create()
        monkeypatch.setattr(migrations, "folder", this_release)
        async with opened(store_address) as store:
            assert (await store.register()).partners == {ZJOL.id: ZJOL}
        with pytest.raises(Exception, match="later"):
            await by_hand(store_address, "SELECT * FROM later")
        with pytest.raises(Exception, match="more"):
            await by_hand(store_address, "SELECT more FROM partners")

    asyncio.run(act())


def test_another_programs_database_is_left_alone(bare_address: str) -> None:
    async def act() -> None:
        if bare_address.startswith("sqlite"):
            Path(bare_address.removeprefix("sqlite+aiosqlite:///")).parent.mkdir()
        await by_hand(bare_address, "CREATE TABLE items (id INTEGER)")
        for attempt in (open_store(bare_address).open, open_store(bare_address).create):
            with pytest.raises(StoreDamaged):
                await attempt()

    asyncio.run(act())


def test_a_database_without_one_of_its_tables_is_not_served(store_address: str) -> None:
    async def act() -> None:
        await by_hand(store_address, "DROP TABLE editions")
        with pytest.raises(StoreDamaged):
            await open_store(store_address).open()

    asyncio.run(act())
