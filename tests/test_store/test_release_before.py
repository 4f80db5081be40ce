"""A database that release 0.2 really wrote: migrated, its keys, cursors and proofs are still good."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, NullPool, delete, insert
from sqlalchemy.ext.asyncio import create_async_engine

from syndicate.model.parties import PartnerId
from syndicate.store.schema import migrations
from syndicate.store.sql_store import open_store
from syndicate.trail.checkpoint import verifier_key
from syndicate.trail.offline_check import check
from tests.support.databases import sqlite_file
from tests.support.factories import STAFF
from tests.support.servers import MovableClock, Serving, serving
from tests.test_changes import acknowledge, changes

RELEASE = Path(__file__).parents[1] / "golden" / "release-0.2"
EXPECTED: dict[str, Any] = json.loads((RELEASE / "expected.json").read_text(encoding="utf-8"))
KEYS: dict[str, str] = EXPECTED["keys"]
ZJOL, HZW = KEYS["zjol, first signing key"], KEYS["hzw, first signing key"]
AFTERWARDS = datetime(2026, 11, 29, 7, 30, tzinfo=UTC)
SIGNED = 36
"""How many records the checkpoint of then covers."""
USED = {("L-zjol#1", "2026-11-29"): 4}
"""Of the quota that zjol has a day."""


def _in_sqlite(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path)
    try:
        database.executescript((RELEASE / "syndicate.sql").read_text(encoding="utf-8"))
    finally:
        database.close()


async def _in_postgresql(address: str, folder: Path) -> None:
    """The tables as release 0.2 made them, with the rows of its database."""
    steps = folder / "steps"
    shutil.copytree(migrations.folder, steps)
    for later in (one for one in (steps / "versions").glob("0*.py") if one.name > "0003"):
        later.unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "folder", steps)
        store = open_store(address)
        await store.create()
        await store.close()
    _in_sqlite(folder / "rows.db")
    rows = sqlite3.connect(folder / "rows.db")
    rows.row_factory = sqlite3.Row
    engine = create_async_engine(address, poolclass=NullPool)
    tables = MetaData()
    async with engine.begin() as connection:
        await connection.run_sync(tables.reflect)
        for table in tables.sorted_tables:
            if table.name in ("counters", migrations.VERSION_TABLE):
                await connection.execute(delete(table))
            found = [dict(row) for row in rows.execute(f'SELECT * FROM "{table.name}"')]
            if found:
                await connection.execute(insert(table), found)
    rows.close()
    await engine.dispose()


@pytest.fixture
def database(bare_address: str, tmp_path: Path) -> str:
    """The database of release 0.2, not yet migrated, with its signing keys in the data folder."""
    if bare_address.startswith("sqlite"):
        _in_sqlite(sqlite_file(bare_address))
    else:
        asyncio.run(_in_postgresql(bare_address, tmp_path))
    shutil.copytree(RELEASE / "keys", tmp_path / "data" / "keys")
    for path in (tmp_path / "data", *(tmp_path / "data").rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)  # git keeps no modes
    return bare_address


def on_it(database: str, tmp_path: Path, story: Any) -> None:
    """Migrate it as `init` does, serve it, and run this."""

    async def act() -> None:
        async with serving(tmp_path / "data", database, clock=MovableClock(AFTERWARDS)) as here:
            await story(here)

    asyncio.run(act())


async def seen(here: Serving, key: str, after: int) -> list[list[Any]]:
    """What the change sequence has after this cursor: action, item and version of each entry."""
    entries, document = await changes(here, key, after)
    assert document["more"] is False
    return [[one["action"], one["id"], one["version"]] for one in entries]


def test_the_fixture_is_of_the_release_before(tmp_path: Path) -> None:
    _in_sqlite(tmp_path / "old.db")
    old = sqlite3.connect(tmp_path / "old.db")
    assert old.execute(f"SELECT * FROM {migrations.VERSION_TABLE}").fetchall() == [("0002",)]
    for table in ("keys", "licences", "holds", "changes", "acknowledgements", "deliveries", "checkpoints"):
        assert old.execute(f"SELECT count(*) FROM {table}").fetchone()[0] > 0, table
    old.close()


def test_keys_of_then_open_and_the_revoked_one_does_not(database: str, tmp_path: Path) -> None:
    async def story(here: Serving) -> None:
        statuses = {
            name: (await here.get("/licensed/licence", key=key)).status for name, key in KEYS.items()
        }
        assert statuses == {name: 401 if "revoked" in name else 200 for name in KEYS}
        answer = await here.get("/licensed/licence", key=KEYS["hzw, revoked"])
        assert json.loads(answer.body)["code"] == "key_revoked"
        # The database learned its signing keys from its own records, so keys are issued as before.
        ring = await here.house.signing_keys.load(here.house.store)
        assert await here.house.store.signing_keys() == {key.kid for key in ring.keys}
        issued = await here.house.keys.issue(STAFF, (await here.house.keys.keys())[0].partner)
        assert (await here.get("/licensed/licence", key=issued.token)).status == 200

    on_it(database, tmp_path, story)


def test_a_cursor_of_then_goes_on_with_nothing_lost(database: str, tmp_path: Path) -> None:
    async def story(here: Serving) -> None:
        assert await seen(here, ZJOL, EXPECTED["cursor"]) == EXPECTED["after_cursor"]
        assert await seen(here, ZJOL, 0) == EXPECTED["after_0"]["zjol"]
        assert await seen(here, HZW, 0) == EXPECTED["after_0"]["hzw"]
        recall = next(one for one in (await changes(here, ZJOL))[0] if one["action"] == "recall")
        assert await acknowledge(here, ZJOL, recall["seq"]) == (200, {"acknowledged": [recall["seq"]]})

    on_it(database, tmp_path, story)


def test_rights_of_then_are_the_rights_of_now(database: str, tmp_path: Path) -> None:
    async def story(here: Serving) -> None:
        assert await here.house.store.used(PartnerId("zjol"), ["2026-11-29"]) == USED
        listed = {}
        for partner, key in (("zjol", ZJOL), ("hzw", HZW)):
            feed = json.loads((await here.get("/licensed/feeds/all.json", key=key)).body)
            listed[partner] = len(feed["items"])
        # What was given before is not charged again; the corrected version is new.
        again = await here.house.store.used(PartnerId("zjol"), ["2026-11-29"])
        assert again == {clause: count + 1 for clause, count in USED.items()}
        recalled = next(id for action, id, _ in EXPECTED["after_0"]["zjol"] if action == "recall")
        # Six items: one recalled, one under an embargo, one withheld, and one of zjol's alone.
        assert listed == {"zjol": 3, "hzw": 2}
        assert (await here.get(f"/licensed/items/{recalled}", key=ZJOL)).status == 410

    on_it(database, tmp_path, story)


def test_proofs_of_then_and_the_whole_trail_still_verify(database: str, tmp_path: Path) -> None:
    public = [verifier_key((RELEASE / "trail-key.txt").read_text().strip())]
    for name in ("line-12.proof", "trail.export"):
        with (RELEASE / name).open("rb") as file:
            checked = check(file, public)
        assert checked.whole, (name, checked.faults)
        assert checked.head is not None
        assert checked.head.size == SIGNED

    async def story(here: Serving) -> None:
        proof = here.house.proof
        before = await proof.verify()
        assert (before.whole, before.signed) == (True, SIGNED), before.faults
        assert list(await proof.verifier_keys()) == public
        assert check((await proof.prove(12)).splitlines(keepends=True), public).whole
        assert (await here.get("/licensed/feeds/all.rss", key=ZJOL)).status == 200
        assert await proof.checkpoint() is not None
        after = await proof.verify()
        assert after.whole
        assert after.signed > SIGNED
        grown = await proof.growth((RELEASE / "checkpoint.txt").read_text())
        assert check(grown.splitlines(keepends=True), public).whole

    on_it(database, tmp_path, story)
