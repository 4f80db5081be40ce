"""Ways that were found to get round a hold, a recall or a quota, each as its shortest story."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from syndicate.model.events import ItemIngested
from syndicate.model.holds import RecallReason
from syndicate.model.item import ChannelId, ItemId
from syndicate.model.parties import PartnerId
from syndicate.model.records import Entry
from syndicate.services.delivery.delivery_events import RequestContext
from syndicate.services.newsroom.document_decision import Action
from syndicate.services.newsroom.document_holds import Keep
from syndicate.store.protocol import Change
from tests.support.factories import NOON, STAFF, an_item, days, minutes
from tests.support.fixtures import session_for
from tests.support.ingest_helpers import ninjs
from tests.support.servers import Serving, serving
from tests.test_changes import REPRINT, changes, furnish, page, take_in

HOURS = timedelta(hours=1)
ZJOL = PartnerId("zjol")
ASKED = RequestContext(request="r", method="GET", format="json")


def with_partner(
    tmp_path: Path, act: Callable[[Serving, str], Awaitable[None]], terms: str = REPRINT
) -> None:
    async def whole() -> None:
        async with serving(tmp_path) as here:
            keys = await furnish(here, {"zjol": terms})
            await act(here, keys["zjol"])

    asyncio.run(whole())


def wire(here: Serving, **parts: object) -> bytes:
    """A newsroom's document of the daily, published an hour ago."""
    document = {
        **ninjs(),
        **{name: (here.clock.now - HOURS).isoformat() for name in ("firstCreated", "versionCreated")},
        **parts,
    }
    document.pop("contentCreated", None)
    return json.dumps(document).encode()


async def status(here: Serving, id: ItemId) -> int:
    return (await here.get(f"/items/{id}")).status


def test_the_same_file_again_neither_shortens_nor_renews_what_staff_decided(tmp_path: Path) -> None:
    async def act(here: Serving, key: str) -> None:
        soon = here.clock.now + 2 * HOURS
        document = wire(here, embargoedUntil=soon.isoformat())
        id = await take_in(here, document, "a.json")
        await here.house.holds.embargo(STAFF, id, soon + days(2))
        assert await take_in(here, document, "a.json") == id
        here.clock.now = soon + minutes(1)
        assert await status(here, id) == 404
        # A document that asks for longer is heard, one that asks for less than staff is not.
        await take_in(here, wire(here, embargoedUntil=(soon + days(1)).isoformat()), "a.json")
        here.clock.now = soon + days(1) + minutes(1)
        assert await status(here, id) == 404
        await here.house.holds.release(STAFF, id)
        assert await status(here, id) == 200
        await take_in(here, wire(here, embargoedUntil=(soon + days(1)).isoformat()), "a.json")
        assert await status(here, id) == 200

    with_partner(tmp_path, act)


def test_the_same_file_again_does_not_close_what_staff_released(tmp_path: Path) -> None:
    async def act(here: Serving, key: str) -> None:
        document = wire(here, embargoedUntil=(here.clock.now + days(1)).isoformat())
        id = await take_in(here, document, "a.json")
        await here.house.holds.release(STAFF, id)
        assert await take_in(here, document, "a.json") == id
        assert await status(here, id) == 200

    with_partner(tmp_path, act)


def test_of_two_embargoes_at_once_the_longer_one_counts(tmp_path: Path) -> None:
    async def act(here: Serving, key: str) -> None:
        soon, late = here.clock.now + days(1), here.clock.now + days(3)
        for number, (asked, wanted) in enumerate(((late, soon), (soon, late))):
            headlines = [{"role": "main", "value": f"第{number}件新鲜事"}]
            about = {"uri": f"urn:newsroom:{number}", "headlines": headlines}
            story = wire(here, embargoedUntil=asked.isoformat(), **about)
            taken = await here.house.items.take_in(STAFF, story, f"{number}.json", Keep(wanted))
            assert taken.item is not None, taken.faults
            assert taken.action is Action.CREATED
            assert taken.item.holds.embargo is not None
            assert taken.item.holds.embargo.until == late

    with_partner(tmp_path, act)


def test_a_correction_keeps_the_embargo_that_its_document_asks_for(tmp_path: Path) -> None:
    async def act(here: Serving, key: str) -> None:
        id = await take_in(here, wire(here), "a.json")
        later = here.clock.now + days(1)
        corrected = wire(here, embargoedUntil=later.isoformat(), headlines=[{"value": "改过的标题"}])
        item = await here.house.items.correct(STAFF, id, corrected, "b.json", "标题有误")
        assert item.holds.embargo is not None
        assert await status(here, id) == 404
        here.clock.now = later
        assert "改过的标题" in (await here.get(f"/items/{id}")).text

    with_partner(tmp_path, act)


def test_an_embargo_asked_for_while_the_item_is_recalled_counts_when_it_is_reinstated(
    tmp_path: Path,
) -> None:
    async def act(here: Serving, key: str) -> None:
        id = await take_in(here, wire(here), "a.json")
        await here.house.holds.recall(STAFF, id, RecallReason.EDITORIAL, "有误", 2 * HOURS)
        later = here.clock.now + days(1)
        await take_in(here, wire(here, embargoedUntil=later.isoformat()), "a.json")
        assert await status(here, id) == 410
        await here.house.holds.reinstate(STAFF, id)
        assert await status(here, id) == 404
        here.clock.now = later
        assert await status(here, id) == 200

    with_partner(tmp_path, act)


def test_a_correction_made_during_a_recall_leaves_it_gone(tmp_path: Path) -> None:
    async def act(here: Serving, key: str) -> None:
        id = await take_in(here, page("一稿"))
        await here.house.holds.recall(STAFF, id, RecallReason.LEGAL, "法院裁定", 2 * HOURS)
        here.clock.move(HOURS)
        later = page("一稿", "2026年11月2日 12:30", "改过。")
        await here.house.items.correct(STAFF, id, later, "b.txt", "日期有误")
        assert await status(here, id) == 451
        assert (await here.get(f"/licensed/items/{id}", key=key)).status == 451
        assert "deleted-entry" in (await here.get("/feeds/all.atom")).text

    with_partner(tmp_path, act)


def test_who_is_told_that_its_copy_still_stands_is_told_of_the_recall(tmp_path: Path) -> None:
    async def act(here: Serving, key: str) -> None:
        ways = (
            *("/licensed/items/{}", "/licensed/feeds/all.rss", "/licensed/feeds/all.json"),
            "/licensed/feeds/all/2026-11.atom",
        )
        for number, way in enumerate(ways):
            story = page(f"第{number}件新鲜事", f"2026年11月2日 11:0{number}", f"这是第{number}件。")
            id = await take_in(here, story)
            path = way.format(id)
            first = await here.get(path, key=key)
            await here.house.holds.withhold(STAFF, id)
            await here.house.holds.release(STAFF, id)
            again = await here.get(path, key=key, headers={"If-None-Match": first.headers["ETag"]})
            assert again.status == 304
            held = await here.house.store.held(ZJOL, [id])
            assert id in held
            order = await here.house.holds.recall(STAFF, id, RecallReason.LEGAL, "法院裁定", 2 * HOURS)
            assert [one.partner for one in order.orders] == ["zjol"]

    with_partner(tmp_path, act)


def test_a_304_for_what_nobody_was_given_makes_nothing_free(tmp_path: Path) -> None:
    async def act(here: Serving, key: str) -> None:
        one = await take_in(here, page("给得了的"))
        two = await take_in(here, page("给不了的", "2026年11月2日 10:30"))
        statuses = []
        for id in (one, two):
            path = f"/licensed/items/{id}"
            assert (await here.get(path, key=key, headers={"If-None-Match": "*"})).status == 304
            statuses.append((await here.get(path, key=key)).status)
        assert statuses == [200, 429]
        assert set(await here.house.store.held(ZJOL, [one, two])) == {one}

    with_partner(tmp_path, act, REPRINT + '\nquota = { items = 1, per = "day" }')


def test_an_item_that_cannot_be_stamped_stops_no_sequence(tmp_path: Path) -> None:
    async def act(here: Serving, key: str) -> None:
        odd = an_item(id="20261102-oddoddoddd", channel=ChannelId("abolished"), published=NOON - HOURS)
        async with here.house.store.writing() as tx:
            await tx.put_item(odd, [])
            await tx.append(Entry(NOON, "staff", ItemIngested(odd.id, 1, odd.digest, "odd.txt")))
            await tx.changed(Change.ITEM)
        id = await take_in(here, page("一稿"))
        told, _ = await changes(here, key)
        assert {one["id"]: "item" in one for one in told} == {odd.id: False, id: True}

    with_partner(tmp_path, act)


def test_what_is_given_while_a_page_of_changes_is_made_is_not_forgotten(tmp_path: Path) -> None:
    async def act(here: Serving, key: str) -> None:
        id = await take_in(here, page("一稿"))
        desk = here.house.changes
        (known,) = (await here.house.rights.register()).keys.values()
        caller = await session_for(here.house, known.partner, known.jti)
        made = await desk.read(caller, 0, 10)
        assert made.update is not None
        assert (await here.get(f"/licensed/items/{id}", key=key)).status == 200
        # As if the quota had not allowed the text: told, and not given by this page.
        assert await desk.deliver(replace(made, charges=()), caller, ASKED)
        (held,) = await here.house.store.holdings(known.partner)
        assert (held.version, held.announced) == (1, 1)

    with_partner(tmp_path, act)


def test_one_partner_does_not_fill_the_waiting_room(tmp_path: Path) -> None:
    async def act(here: Serving, key: str) -> None:
        waiting = [asyncio.create_task(here.get("/licensed/changes?wait=30", key=key)) for _ in range(8)]
        while here.worker.waiting["zjol"] < 8:
            await asyncio.sleep(0.01)
        ninth = await asyncio.wait_for(here.get("/licensed/changes?wait=30", key=key), 10)
        assert json.loads(ninth.body)["changes"] == []
        await take_in(here, page("一稿"))
        assert {answer.status for answer in await asyncio.gather(*waiting)} == {200}
        assert here.worker.waiting["zjol"] == 0

    with_partner(tmp_path, act)


def test_who_hangs_up_no_longer_waits(tmp_path: Path) -> None:
    async def act(here: Serving, key: str) -> None:
        waiting = asyncio.create_task(here.get("/licensed/changes?wait=60", key=key))
        while not here.worker.waiting["zjol"]:
            await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait_for(_until(lambda: here.worker.waiting["zjol"] == 0), 10)

    with_partner(tmp_path, act)


async def _until(there: Callable[[], bool]) -> None:
    while not there():
        await asyncio.sleep(0.05)


def test_a_feed_whose_quota_is_used_up_still_tells_of_recalls(tmp_path: Path) -> None:
    async def act(here: Serving, key: str) -> None:
        given = await take_in(here, page("给过的"))
        assert (await here.get(f"/licensed/items/{given}", key=key)).status == 200
        await take_in(here, page("给不了的", "2026年11月2日 10:30"))
        await here.house.holds.recall(STAFF, given, RecallReason.RIGHTS, "版权有争议", 2 * HOURS)
        feed = await here.get("/licensed/feeds/all.atom", key=key)
        assert (feed.status, "deleted-entry" in feed.text, "给不了的" in feed.text) == (200, True, False)

    with_partner(tmp_path, act, REPRINT + '\nquota = { items = 1, per = "day" }')


def test_taking_in_says_that_it_held_what_was_there(tmp_path: Path) -> None:
    async def act(here: Serving, key: str) -> None:
        await take_in(here, page("一稿"))
        taken = await here.house.items.take_in(
            STAFF, page("一稿"), "a.txt", Keep(here.clock.now + HOURS, True)
        )
        assert [note.text.zh[:2] for note in taken.notes] == ["禁发", "已扣"]

    with_partner(tmp_path, act)
