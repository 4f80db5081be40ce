"""A cursor outlives the database: an old copy is put back, or all of it moves to another kind of server."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import create_async_engine

from syndicate.client.client_errors import KeyRefused
from syndicate.model.holds import RecallReason
from syndicate.model.item import ItemId
from syndicate.model.rights import Form
from syndicate.store.schema.media_tables import metadata
from tests.support.factories import STAFF, days, minutes
from tests.support.full_setup import Stage, document, mandate

TERMS = """number = "L-{partner}"
partner = "{partner}"
valid_from = 2026-01-01
valid_until = 2029-01-01
takedown = "PT6H"
[[grant]]
uses = ["reprint"]
outlets = ["daily"]
media = ["text"]
archive = "P99D"
retain = "{retain}"
"""


async def begun(stage: Stage) -> None:
    """Two partners; one may keep an item for two days, the other for ninety."""
    await stage.open()
    await stage.furnish(("hzw", "zjol"))
    await stage.house.rights.add_mandate(STAFF, mandate("HEAD-1", ["daily"]), "mandate.toml")
    for partner, retain in (("hzw", "P2D"), ("zjol", "P90D")):
        await stage.house.rights.add_licence(
            STAFF, TERMS.format(partner=partner, retain=retain), "licence.toml"
        )


async def take_in(stage: Stage, number: int, text: str = "初稿") -> ItemId:
    published = (stage.clock() - minutes(5)).replace(second=0, microsecond=0)
    taken = await stage.house.items.take_in(STAFF, document(number, text, published), "story.json")
    assert taken.item is not None, taken.faults
    return taken.item.id


async def recall(stage: Stage, id: ItemId) -> None:
    await stage.house.holds.recall(STAFF, id, RecallReason.EDITORIAL, "事实有误", timedelta(hours=2))


async def correct(stage: Stage, number: int, id: ItemId, text: str) -> None:
    item = await stage.house.items.item(id)
    data = document(number, text, item.published)
    await stage.house.items.correct(STAFF, id, data, "correction.json", "数字有误")


async def pulled(stage: Stage, partner: str) -> list[tuple[str, ItemId]]:
    """What the partner's client did; afterwards its folder is what the policy says."""
    done = await stage.pull(partner)
    assert not isinstance(done, KeyRefused), done
    may, held = await stage.may_hold(partner), stage.held(partner)
    assert {id: (one.version, one.full) for id, one in held.items()} == {
        id: (one.item.version, one.form is Form.FULL) for id, one in may.items()
    }
    state = stage.state(partner)
    assert (state.acks, state.owed) == ((), {})
    return [(one.action, one.id) for one in done]


def copied(stage: Stage, to: Path) -> None:
    """A backup of the data folder; nothing is running."""
    shutil.copytree(stage.folder / "data", to)


def put_back(stage: Stage, backup: Path) -> None:
    shutil.rmtree(stage.folder / "data")
    shutil.copytree(backup, stage.folder / "data")


def test_after_an_old_copy_is_put_back_the_same_cursor_goes_on_and_the_folder_converges(
    tmp_path: Path,
) -> None:
    async def act() -> None:
        stage = Stage(tmp_path)
        await begun(stage)
        ids = [await take_in(stage, number) for number in range(4)]
        for partner in ("hzw", "zjol"):
            assert len(await pulled(stage, partner)) == 4
        await recall(stage, ids[3])
        await pulled(stage, "zjol")
        await stage.close()
        copied(stage, tmp_path / "backup")

        # Things go on: a correction, a new item, recalls, a retention that ends; all of it pulled.
        await stage.open()
        stage.clock.move(timedelta(hours=1))
        await correct(stage, 0, ids[0], "更正稿")
        await recall(stage, ids[1])
        lost = await take_in(stage, 9)
        assert ("put", lost) in await pulled(stage, "zjol")
        stage.clock.move(days(3))
        assert {action for action, _ in await pulled(stage, "hzw")} == {"withdraw", "recall"}
        cursors = {partner: stage.state(partner).after for partner in ("hzw", "zjol")}
        await stage.close()

        put_back(stage, tmp_path / "backup")
        await stage.open()
        stage.clock.move(minutes(1))
        done = await pulled(stage, "zjol")
        assert ("reset", lost) in done, "what the old copy does not know is swept from the folder"
        assert ("put", ids[1]) in done, "what it does not know to be recalled may be held again"
        assert stage.held("zjol")[ids[0]].version == 1
        # It had nothing any more, and is told again to take down what the old copy gave it.
        assert ("withdraw", ids[1]) in await pulled(stage, "hzw")
        told = {partner: await stage.told(partner) for partner in cursors}
        for partner, cursor in cursors.items():
            assert cursor not in {one.seq for one in told[partner]}, "a number was given twice"
            assert await stage.has(partner) == set(stage.held(partner))
        # The newsroom does it all once more, and from now on nobody begins anew.
        again = await take_in(stage, 9)
        await recall(stage, ids[1])
        assert await pulled(stage, "zjol") == [("recall", ids[1]), ("put", again)]
        await stage.close()

    asyncio.run(act())


def test_what_was_acknowledged_after_the_copy_was_made_does_not_stop_a_client(tmp_path: Path) -> None:
    async def act() -> None:
        stage = Stage(tmp_path)
        await begun(stage)
        id = await take_in(stage, 1)
        await pulled(stage, "zjol")
        await stage.close()
        copied(stage, tmp_path / "backup")
        await stage.open()
        await recall(stage, id)
        told = (await stage.told("zjol"))[-1]
        await stage.close()
        put_back(stage, tmp_path / "backup")

        # The client died between the removal and its word that it is done.
        with stage.opened("zjol") as folder:
            folder.remove(id)
            folder.save(replace(folder.state, after=told.seq, acks=(told.seq,)))
        await stage.open()
        stage.clock.move(minutes(1))
        assert await pulled(stage, "zjol") == [("put", id)]
        await stage.close()

    asyncio.run(act())


async def moved(source: str, target: str) -> None:
    """Every row of every table from one database to the other, as somebody who changes servers does."""
    old, new = create_async_engine(source), create_async_engine(target)
    try:
        async with old.connect() as reading, new.begin() as writing:
            for table in reversed(metadata.sorted_tables):
                await writing.execute(table.delete())
            for table in metadata.sorted_tables:
                rows = [dict(row) for row in (await reading.execute(select(table))).mappings()]
                if rows:
                    await writing.execute(insert(table), rows)
        async with old.connect() as before, new.connect() as after:
            for table in metadata.sorted_tables:
                count = select(func.count()).select_from(table)
                assert await before.scalar(count) == await after.scalar(count), table.name
    finally:
        await old.dispose()
        await new.dispose()


@pytest.mark.parametrize("way", ["to PostgreSQL", "to SQLite"])
def test_a_change_of_database_keeps_every_cursor(
    sqlite_address: str, postgresql_address: str, tmp_path: Path, way: str
) -> None:
    addresses = (sqlite_address, postgresql_address)
    source, target = addresses if way == "to PostgreSQL" else addresses[::-1]

    async def act() -> None:
        stage = Stage(tmp_path / "house", source)
        await begun(stage)
        ids = [await take_in(stage, number) for number in range(3)]
        await pulled(stage, "zjol")
        await pulled(stage, "hzw")
        await recall(stage, ids[0])
        await pulled(stage, "zjol")
        before = {partner: await stage.told(partner) for partner in ("hzw", "zjol")}
        await stage.close()

        await moved(source, target)
        stage.database = target
        stage.clock.move(minutes(1))
        await stage.open()
        assert {partner: await stage.told(partner) for partner in before} == before
        assert await pulled(stage, "zjol") == []
        assert await pulled(stage, "hzw") == [("recall", ids[0])]
        await correct(stage, 1, ids[1], "更正稿")
        new = await take_in(stage, 7)
        for partner in before:
            done = await pulled(stage, partner)
            assert sorted(done) == sorted([("correct", ids[1]), ("put", new)])
        assert (await stage.house.proof.verify()).whole
        await stage.close()

    asyncio.run(act())
