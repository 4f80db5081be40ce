"""Requests that wait cost nothing while nothing happens, and miss nothing that does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from syndicate.access.authentication import Session
from syndicate.model.changes import Action
from syndicate.model.holds import RecallReason
from syndicate.model.item import ItemId
from syndicate.model.parties import PartnerId
from syndicate.services.changes.page_builder import Page
from syndicate.services.delivery.delivery_events import RequestContext
from tests.support.factories import STAFF, days, minutes
from tests.support.fixtures import jti_of, session_for
from tests.support.indistinguishability import questions_to_database
from tests.support.servers import MovableClock, Serving, serving
from tests.test_changes import REPRINT, changes, furnish, page, take_in

MANY = 150
IN_TIME = 5.0
"""Seconds for a wake-up on a busy machine."""


async def last_page(here: Serving, partner: str, key: str) -> tuple[Page, Session]:
    """The empty answer at the end of the partner's sequence, and its session."""
    _, answer = await changes(here, key)
    session = await session_for(here.house, PartnerId(partner), jti_of(key))
    made = await here.house.changes.read(session, answer["next"], 50)
    assert made.empty
    return made, session


def waits(here: Serving, made: Page, session: Session, seconds: float = 60) -> asyncio.Task[int | None]:
    """A request that waits behind this page."""
    until = asyncio.get_running_loop().time() + seconds
    return asyncio.create_task(here.house.changes.wait(made, session, until, lambda: False))


async def settled() -> None:
    """Long enough for several looks at the change notice."""
    await asyncio.sleep(0.35)


async def quiet() -> None:
    """Until nothing is asked of the database any more."""
    while True:
        with questions_to_database() as asked:
            await settled()
        if not asked:
            return


def television(headline: str) -> bytes:
    return page(headline).replace("来源:萧山日报".encode(), "来源:萧山电视台".encode())


def test_many_waiting_requests_read_nothing_while_nothing_happens_and_wake_for_what_is_theirs(
    tmp_path: Path,
) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            keys = await furnish(here, {"zjol": REPRINT, "hzw": REPRINT + '\nchannels = ["health"]'})
            of = {partner: await last_page(here, partner, key) for partner, key in keys.items()}
            waiting = {partner: [waits(here, *of[partner]) for _ in range(MANY)] for partner in keys}
            await asyncio.wait_for(quiet(), 30)
            with questions_to_database() as asked:
                await here.house.items.take_in(STAFF, television("与谁都无关"), "tv.txt")
                during = len(asked)
                await settled()
                assert len(asked) - during <= 8, asked[during:]
            everybody = [one for group in waiting.values() for one in group]
            assert not any(one.done() for one in everybody)
            await take_in(here, page("一稿"))
            assert await asyncio.wait_for(asyncio.gather(*waiting["zjol"]), IN_TIME) == [None] * MANY
            assert not any(one.done() for one in waiting["hzw"])
            await here.house.rights.end_licence(STAFF, "L-hzw")
            assert await asyncio.wait_for(asyncio.gather(*waiting["hzw"]), IN_TIME) == [None] * MANY

    asyncio.run(act())


Act = Callable[[Serving, ItemId, str], Awaitable[object]]
WAKES: dict[str, Act] = {
    "a new item": lambda here, _item, _key: take_in(here, page("新稿"), "new.txt"),
    "a correction": lambda here, item, _key: here.house.items.correct(
        STAFF, item, page("一稿", body="湘湖水质好转。"), "b.txt", "数字有误"
    ),
    "a recall": lambda here, item, _key: here.house.holds.recall(
        STAFF, item, RecallReason.EDITORIAL, "事实有误", timedelta(hours=2)
    ),
    "a hold": lambda here, item, _key: here.house.holds.withhold(STAFF, item),
    "an end of right": lambda here, _item, _key: here.house.rights.end_licence(STAFF, "L-zjol"),
    "an end of mandate": lambda here, _item, _key: here.house.rights.end_mandate(STAFF, "HEAD-1"),
    "a suspension": lambda here, _item, _key: here.house.rights.suspend(STAFF, PartnerId("zjol")),
    "a revocation": lambda here, _item, key: here.house.keys.revoke(STAFF, jti_of(key)),
}


@pytest.mark.parametrize("what", WAKES)
def test_whatever_concerns_the_partner_wakes_it(tmp_path: Path, what: str) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            keys = await furnish(
                here, {"zjol": REPRINT, "other": 'uses = ["reprint"]\nchannels = ["health"]'}
            )
            id = await take_in(here, page("一稿"))
            mine = waits(here, *await last_page(here, "zjol", keys["zjol"]))
            theirs = waits(here, *await last_page(here, "other", keys["other"]))
            await settled()
            await WAKES[what](here, id, keys["zjol"])
            assert await asyncio.wait_for(mine, IN_TIME) is None
            await settled()
            assert theirs.done() == (what == "an end of mandate")
            theirs.cancel()

    asyncio.run(act())


def test_a_second_worker_wakes_who_waits_on_the_first(tmp_path: Path, store_address: str) -> None:
    async def act() -> None:
        clock, data = MovableClock(), tmp_path / "data"
        async with (
            serving(data, store_address, clock=clock) as first,
            serving(data, store_address, clock=clock) as second,
        ):
            keys = await furnish(first, {"zjol": REPRINT, "hzw": REPRINT + '\nchannels = ["health"]'})
            mine = waits(first, *await last_page(first, "zjol", keys["zjol"]))
            theirs = waits(first, *await last_page(first, "hzw", keys["hzw"]))
            await settled()
            await take_in(second, page("一稿"))
            assert await asyncio.wait_for(mine, IN_TIME) is None
            assert not theirs.done()
            await second.house.keys.revoke(STAFF, jti_of(keys["hzw"]))
            assert await asyncio.wait_for(theirs, IN_TIME) is None

    asyncio.run(act())


def test_an_item_that_comes_during_the_wait_wakes_it_when_its_delay_has_passed(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key = (await furnish(here, {"zjol": REPRINT + '\ndelay = "PT2H"'}))["zjol"]
            waiting = waits(here, *await last_page(here, "zjol", key))
            await settled()
            await take_in(here, page("一稿"))
            await settled()
            assert not waiting.done()
            here.clock.move(minutes(119))
            assert await asyncio.wait_for(waiting, IN_TIME) is None

    asyncio.run(act())


def test_a_key_that_expires_during_the_wait_wakes_it(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            await furnish(here, {"zjol": REPRINT})
            key = (await here.house.keys.issue(STAFF, PartnerId("zjol"), days=2)).token
            waiting = asyncio.create_task(here.get("/licensed/changes?wait=60", key=key))
            while not here.worker.waiting["zjol"]:
                await asyncio.sleep(0.01)
            await settled()
            here.clock.move(days(2))
            answer = await asyncio.wait_for(waiting, IN_TIME)
            assert (answer.status, json.loads(answer.body)["code"]) == (401, "token_expired")

    asyncio.run(act())


def test_an_answer_that_waited_in_vain_is_recorded_without_being_made_again(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            keys = await furnish(here, {"zjol": REPRINT, "other": REPRINT})
            made, session = await last_page(here, "zjol", keys["zjol"])
            waiting = waits(here, made, session, seconds=1)
            await settled()
            # A change of rights that is not the partner's: nothing judged before it may leave after it.
            await here.house.keys.issue(STAFF, PartnerId("other"))
            change = await waiting
            assert change is not None
            context = RequestContext("r1", "GET", "json")
            assert not await here.house.changes.deliver(made, session, context)
            session = await session_for(here.house, PartnerId("zjol"), session.key.jti)
            assert await here.house.changes.deliver(made.still_true(change, session), session, context)

    asyncio.run(act())


def test_entries_that_another_request_of_the_partner_added_meanwhile_end_the_wait(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key = (await furnish(here, {"zjol": REPRINT}))["zjol"]
            await take_in(here, page("一稿"))
            made, session = await last_page(here, "zjol", key)
            # As if this answer had been made just before the entry was written.
            assert await asyncio.wait_for(waits(here, replace(made, last=0), session), IN_TIME) is None

    asyncio.run(act())


def test_who_waited_in_vain_asks_again_without_a_search_until_something_happens(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            keys = await furnish(here, {"zjol": REPRINT + '\ndelay = "PT2H"', "other": REPRINT})
            service = here.house.changes
            made, session = await last_page(here, "zjol", keys["zjol"])

            async def again() -> tuple[Page, int]:
                """Read, and how many statements that took."""
                with questions_to_database() as asked:
                    found = await service.read(session, made.after, 50)
                return found, len(asked)

            assert (await again())[1] > 0
            assert await waits(here, made, session, seconds=0.1) is not None
            found, statements = await again()
            assert (found.empty, found.update, statements) == (True, None, 0)
            assert await service.deliver(found, session, RequestContext("r1", "GET", "json"))
            # It waits on, without a search, and is still watched for when that is over.
            with questions_to_database() as asked:
                assert await waits(here, found, session, seconds=0.3) is not None
            assert asked == []
            # A change that was not looked at yet: the answer is made, and not remembered.
            await take_in(here, page("一稿"))
            _, statements = await again()
            assert statements > 0
            await settled()
            found, statements = await again()
            assert (found.empty, statements) == (True, 0), "the item is not the partner's before its delay"
            here.clock.move(minutes(61))
            found, statements = await again()
            assert statements > 0
            assert [entry.action for entry, _ in found.page.entries] == [Action.PUT]

    asyncio.run(act())


def test_nothing_is_remembered_of_a_wait_once_the_key_was_revoked_or_minutes_have_passed(
    tmp_path: Path,
) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            keys = await furnish(here, {"zjol": REPRINT})
            second = (await here.house.keys.issue(STAFF, PartnerId("zjol"), days=90)).token
            for what in ("revoked", "minutes"):
                made, session = await last_page(here, "zjol", second)
                assert await waits(here, made, session, seconds=0.1) is not None
                assert await here.house.changes._watcher.known_empty(session, made.after) is not None
                if what == "revoked":
                    await here.house.keys.revoke(STAFF, jti_of(second))
                    second = keys["zjol"]
                    await settled()
                else:
                    here.clock.move(minutes(6))
                assert await here.house.changes._watcher.known_empty(session, made.after) is None

    asyncio.run(act())
