"""What the machine found, each as the shortest story that shows it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from syndicate.model.holds import RecallReason
from tests.support.factories import STAFF, minutes
from tests.support.full_setup import Stage, document, mandate
from tests.support.servers import serving
from tests.test_changes import REPRINT, acknowledge, changes, furnish, page, take_in

TWO_HOURS = timedelta(hours=2)


def test_who_reads_a_reinstated_item_again_is_told_of_its_second_recall(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key = (await furnish(here, {"zjol": REPRINT}))["zjol"]
            id = await take_in(here, page("一稿"))
            for _ in range(2):
                assert (await here.get(f"/licensed/items/{id}", key=key)).status == 200
                held = await here.house.holds.recall(
                    STAFF, id, RecallReason.EDITORIAL, "事实有误", TWO_HOURS
                )
                assert [one.partner for one in held.orders] == ["zjol"]
                await here.house.holds.reinstate(STAFF, id)
            told, _ = await changes(here, key)
            assert [one["action"] for one in told] == ["recall", "recall", "put"]

    asyncio.run(act())


def test_early_access_is_offered_again_when_an_embargo_is_set_to_the_same_moment_again(
    tmp_path: Path,
) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key = (await furnish(here, {"zjol": REPRINT + "\nearly = true"}))["zjol"]
            id = await take_in(here, page("一稿"))
            until = here.clock.now + minutes(90)
            after = 0
            for _ in range(2):
                await here.house.holds.embargo(STAFF, id, until)
                told, answer = await changes(here, key, after)
                offer = told[-1]
                assert offer["action"] == "embargo"
                assert (await acknowledge(here, key, offer["seq"]))[0] == 200
                told, answer = await changes(here, key, answer["next"])
                assert told[-1]["action"] == "put"
                after = answer["next"]
                await here.house.holds.release(STAFF, id)

    asyncio.run(act())


SHORT = """number = "L-short"
partner = "zjol"
valid_from = 2026-01-01
valid_until = 2027-01-01
[[grant]]
uses = ["link"]
outlets = ["daily"]
media = ["text"]
"""


def test_who_read_a_headline_and_then_the_text_must_remove_the_text_when_only_headlines_remain(
    tmp_path: Path,
) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key = (await furnish(here, {"zjol": 'uses = ["link", "reprint"]'}))["zjol"]
            id = await take_in(here, page("一稿"))
            for use in ("link", "reprint"):
                assert (await here.get(f"/licensed/items/{id}?use={use}", key=key)).status == 200
            await here.house.rights.add_licence(STAFF, SHORT, "licence.toml")
            await here.house.rights.end_licence(STAFF, "L-zjol")
            told, _ = await changes(here, key)
            assert [(one["action"], one["clause"]) for one in told] == [
                ("withdraw", "L-zjol#1"),
                ("put", "L-short#1"),
            ]

    asyncio.run(act())


def test_the_text_that_a_feed_gave_before_the_sequence_told_of_it_must_be_removed_too(
    tmp_path: Path,
) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            keys = await furnish(here, {"zjol": 'uses = ["link"]'})
            id = await take_in(here, page("一稿"))
            (put,), _ = await changes(here, keys["zjol"])
            await here.house.rights.add_licence(
                STAFF, SHORT.replace("L-short", "L-long").replace("link", "reprint"), "licence.toml"
            )
            assert (await here.get(f"/licensed/items/{id}", key=keys["zjol"])).status == 200
            await here.house.rights.end_licence(STAFF, "L-long")
            (withdraw, again), _ = await changes(here, keys["zjol"], put["seq"])
            assert (withdraw["action"], withdraw["clause"]) == ("withdraw", "L-long#1")
            assert (again["action"], again["clause"]) == ("put", "L-zjol#1")

    asyncio.run(act())


def test_one_run_of_the_client_accepts_an_embargo_and_holds_the_item(tmp_path: Path) -> None:
    async def act() -> None:
        stage = Stage(tmp_path)
        await stage.open()
        try:
            await stage.furnish(("zjol",))
            await stage.house.rights.add_mandate(STAFF, mandate("HEAD-1", ["daily"]), "mandate.toml")
            terms = SHORT.replace('["link"]', '["reprint"]\nearly = true')
            await stage.house.rights.add_licence(STAFF, terms, "licence.toml")
            published = stage.clock().replace(second=0, microsecond=0)
            taken = await stage.house.items.take_in(STAFF, document(1, "初稿", published), "story.json")
            assert taken.item is not None
            await stage.house.holds.embargo(STAFF, taken.item.id, stage.clock() + minutes(90))
            await stage.pull("zjol")
            assert set(stage.held("zjol")) == {taken.item.id}
        finally:
            await stage.close()

    asyncio.run(act())
