"""Withdrawals are written while documents are taken in, and giving up is an alarm."""

from __future__ import annotations

import asyncio
from pathlib import Path

from structlog.testing import capture_logs

from syndicate.access.rights_cache import RightsCache
from syndicate.model.changes import Action
from syndicate.model.parties import PartnerId
from syndicate.model.register import Register
from syndicate.services.changes.change_detector import ChangeDetector
from syndicate.services.changes.takedowns import Takedowns
from syndicate.services.scheduler import Scheduler
from tests.support.factories import STAFF
from tests.support.servers import Serving, serving
from tests.test_changes import REPRINT, changes, furnish, page, take_in
from tests.test_changes_found import SHORT

HELD = 300
ZJOL = PartnerId("zjol")


async def hold_items(here: Serving, key: str) -> None:
    """Take items in and give all of them to the partner."""
    for number in range(HELD):
        await take_in(
            here, page(f"第{number}稿", body=f"湘湖水质持续向好，第{number}次。"), f"{number}.txt"
        )
    after, more = 0, True
    while more:
        _, answer = await changes(here, key, after, 200)
        after, more = answer["next"], answer["more"]


async def withdrawn(here: Serving) -> int:
    entries = await here.house.store.entries_after(ZJOL, 0, 10_000)
    return sum(one.action is Action.WITHDRAW for one in entries)


def test_a_licence_that_ends_while_documents_are_taken_in_withdraws_every_holding(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key = (await furnish(here, {"zjol": REPRINT}))["zjol"]
            await hold_items(here, key)
            number = HELD

            async def keep_taking_in() -> None:
                nonlocal number
                while True:
                    number += 1
                    body = f"湘湖水质持续向好，第{number}次。"
                    await take_in(here, page(f"第{number}稿", body=body), f"{number}.txt")

            await here.house.rights.end_licence(STAFF, "L-zjol")
            ingest = asyncio.create_task(keep_taking_in())
            try:
                await asyncio.wait_for(here.house.scheduler.round(), 30)
            finally:
                ingest.cancel()
            assert number > HELD + 1, "nothing was taken in meanwhile"
            assert await withdrawn(here) == HELD

    asyncio.run(act())


class StaleCache(RightsCache):
    """Answers what it read first, like a worker whose view of the rights is always outrun by others."""

    first: tuple[Register, int] | None = None

    async def read(self) -> tuple[Register, int]:
        if self.first is None:
            self.first = await super().read()
        return self.first


def test_removals_that_cannot_be_written_raise_an_alarm_and_are_due_again_in_the_next_round(
    tmp_path: Path,
) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key = (await furnish(here, {"zjol": REPRINT}))["zjol"]
            await take_in(here, page("一稿"))
            await changes(here, key)
            store, publisher = here.house.store, here.house.settings.publisher
            cache = StaleCache(store, here.clock)
            takedowns = Takedowns(store, publisher, ChangeDetector(), cache, here.clock)
            scheduler = Scheduler(cache, takedowns, None, here.clock)
            await here.house.rights.end_licence(STAFF, "L-zjol")
            await cache.read()
            await here.house.rights.add_licence(STAFF, SHORT, "licence.toml")
            for _ in range(2):
                with capture_logs() as logs:
                    await scheduler.round()
                assert [one["event"] for one in logs] == ["takedowns_not_written"]
                assert logs[0]["log_level"] == "error"
                assert await withdrawn(here) == 0
            cache.first = None
            await scheduler.round()
            assert await withdrawn(here) == 1

    asyncio.run(act())
