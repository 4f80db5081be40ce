"""Making the database and bringing it to this release: wholly, or not at all."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from syndicate.errors import StoreDamaged, StoreFault, StoreMissing, StoreNewer, StoreOlder
from syndicate.model.events import PartnerResumed
from syndicate.model.item import canonical_json, to_json
from syndicate.model.records import Entry, leaf_hash, line_bytes, line_record
from syndicate.store.protocol import Change
from syndicate.store.schema import migrations
from syndicate.store.schema.partial_indexes import full_metadata
from syndicate.store.sql_store import open_store
from tests.support.databases import opened, sqlite_file
from tests.support.factories import an_item
from tests.test_store.raw import by_hand
from tests.test_store.samples import ZJOL, keep_partner

NEXT = f"""
import sqlalchemy as sa
from alembic import op
revision, down_revision = "9999", "{migrations.revisions()[-1]}"

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
        return list(compare_metadata(context, full_metadata))

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


def to_the_first_release(connection: Connection) -> None:
    """The tables of release 0.1.0, with an item that was delivered twice and a licence that ended."""
    config = Config()
    config.set_main_option("script_location", str(migrations.folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")
    day = 86_400_000_000
    content = json.dumps(to_json(an_item()), sort_keys=True)
    licence = (
        '{"number":"L-1","partner":"zjol","window":["2026-01-01T00:00:00+00:00",%s],'
        '"grants":[{"clause":"L-1#1","uses":["link","reprint"],"outlets":["daily"],"media":["text"],'
        '"channels":null,"delay":0,"archive":null,"retain":null,"may_edit":false,"quota":null}],"excepts":[]}'
    )
    manifest = canonical_json(
        {"recipient": "partner:zjol", "feed": "all", "items": [[an_item().id, 1, "reprint", "L-1#1"]]}
    )
    lines: list[tuple[str, str, dict[str, object]]] = [
        ("partner_added", "staff", {"partner": "zjol"}),
        ("licence_added", "staff", {"licence": "L-1", "partner": "zjol", "digest": "d"}),
        (
            "item_ingested",
            "staff",
            {"item": an_item().id, "version": 1, "digest": "d", "document": "\udcff.txt"},
        ),
        (
            "item_delivered",
            "zjol",
            {
                "partner": "zjol",
                "jti": "k",
                "item": an_item().id,
                "version": 1,
                "use": "link",
                "clause": "L-1#1",
                "status": 200,
                "method": "GET",
                "request": "r",
            },
        ),
        (
            "edition_delivered",
            "zjol",
            {
                "partner": "zjol",
                "jti": "k",
                "feed": "all",
                "format": "rss",
                "use": "reprint",
                "edition": "m1",
                "status": 200,
                "method": "GET",
                "request": "r",
            },
        ),
        ("licence_ended", "staff", {"licence": "L-1", "partner": "zjol", "closes": ""}),
        ("partner_suspended", "staff", {"partner": "zjol"}),
    ]

    def run(statement: str, **values: object) -> None:
        connection.execute(text(statement), values)

    run(
        "INSERT INTO partners VALUES ('zjol', '浙江在线', '[]', :added, :suspended)",
        added=day,
        suspended=7 * day,
    )
    for revision, closes in enumerate(("null", '"2026-06-01T00:00:00+00:00"'), start=1):
        run(
            "INSERT INTO licences VALUES ('L-1', :revision, 'zjol', '', :content, 0)",
            revision=revision,
            content=licence % closes,
        )
    run(
        "INSERT INTO items VALUES (:id, 1, 'daily', 'news', 'text', :published)",
        id=an_item().id,
        published=day,
    )
    run(
        "INSERT INTO versions VALUES (:id, 1, :day, :day, :content)",
        id=an_item().id,
        day=day,
        content=content,
    )
    run("INSERT INTO manifests VALUES ('m1', :content)", content=manifest)
    for seq, (kind, actor, event) in enumerate(lines, start=1):
        run(
            "INSERT INTO trail VALUES (:seq, :at, :kind, :actor, :partner, :jti, :item, :body)",
            seq=seq,
            at=seq * day,
            kind=kind,
            actor=actor,
            body=json.dumps(event),
            **{name: event.get(name) for name in ("partner", "jti", "item")},
        )
    run('UPDATE counters SET change = 3, rights = 3, line = 7, "at" = :at', at=7 * day)


def test_what_the_first_release_wrote_is_hashed_numbered_and_summed_up(bare_address: str) -> None:
    async def act() -> None:
        if bare_address.startswith("sqlite"):
            sqlite_file(bare_address).parent.mkdir(mode=0o700, exist_ok=True)
        engine = create_async_engine(bare_address)
        async with engine.begin() as connection:
            await connection.run_sync(to_the_first_release)
        await engine.dispose()
        with pytest.raises(StoreOlder):
            await open_store(bare_address).open()
        assert await open_store(bare_address).create() is True
        async with opened(bare_address) as store:
            for line in await store.written(0, 100):
                record = line_record(line.seq, line.at, line.actor, line.kind, json.loads(line.body))
                assert line.leaf == leaf_hash(line_bytes(record))
            ends = [
                [
                    licence.window.closes is not None
                    for licence in (await store.register_at(line)).licences_of(ZJOL.id)
                ]
                for line in (1, 2, 5, 6)
            ]
            assert ends == [[], [False], [False], [True]]
            suspended = [
                (await store.register_at(line)).partners[ZJOL.id].suspended is not None
                for line in (1, 6, 7)
            ]
            assert suspended == [False, False, True]
            assert await store.item_at(an_item().id, 2) is None
            there = await store.item_at(an_item().id, 3)
            assert there is not None
            assert there.headline == an_item().headline
            ((_, given),) = await store.deliveries()
            assert (given.partner, given.clause, given.use, given.line) == (ZJOL.id, "L-1#1", "link", 4)
            (held,) = await store.holdings(ZJOL.id)
            assert (held.item, held.version, held.announced) == (an_item().id, 1, 0)
            async with store.writing() as writing:
                await writing.put_partner(ZJOL)
                await writing.append(Entry(an_item().ingested, "staff", PartnerResumed("zjol")))
                await writing.changed(Change.RIGHTS)

    asyncio.run(act())


@pytest.mark.parametrize("table", ["versions", "trail", "licences", "holds", "changes", "deliveries"])
def test_the_guards_stand_again_after_the_migration(store_address: str, table: str) -> None:
    async def act() -> None:
        engine = create_async_engine(store_address)
        async with engine.connect() as connection:
            if store_address.startswith("sqlite"):
                rows = await connection.execute(
                    text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"),
                    {"table": table},
                )
                wanted = {f"{table}_no_update", f"{table}_no_delete", f"{table}_no_replace"}
            else:
                rows = await connection.execute(
                    text(
                        "SELECT tgname FROM pg_trigger WHERE tgrelid = CAST(:table AS regclass) "
                        "AND tgenabled = 'O' AND NOT tgisinternal"
                    ),
                    {"table": table},
                )
                wanted = {f"{table}_only_grows", f"{table}_stays"}
            assert set(rows.scalars().all()) == wanted
        await engine.dispose()

    asyncio.run(act())
