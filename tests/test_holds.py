"""Holds, corrections and recalls as staff use them: what is refused, and that a refusal changes nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from syndicate.errors import Conflict, Faulty, SyndicateError, Unknown
from syndicate.model.events import ItemIngested
from syndicate.model.holds import RecallReason
from syndicate.model.item import ItemId
from syndicate.model.lifecycle_events import ItemCorrected, ItemHeld
from syndicate.model.parties import PartnerId
from syndicate.services.newsroom.document_decision import Action
from syndicate.services.newsroom.document_holds import Keep
from tests.support.factories import STAFF, days, minutes
from tests.support.servers import Serving, serving
from tests.test_changes import REPRINT, changes, furnish, page, take_in

ZJOL, IDLE = PartnerId("zjol"), PartnerId("idle")


def with_item(act: Callable[[Serving, ItemId, str], Awaitable[None]], tmp_path: Path) -> None:
    """A house with one item that partner zjol may reprint, and its key."""

    async def whole() -> None:
        async with serving(tmp_path) as here:
            keys = await furnish(here, {"zjol": REPRINT})
            await here.house.rights.add_partner(STAFF, "idle", "没有协议的媒体")
            await act(here, await take_in(here, page("一稿")), keys["zjol"])

    asyncio.run(whole())


async def refused(here: Serving, act: Awaitable[object]) -> SyndicateError:
    """What was said; and that the refusal left the house as it was."""
    before = await here.house.store.sequence(), len(await here.house.store.lines())
    with pytest.raises(SyndicateError) as error:
        await act
    assert (await here.house.store.sequence(), len(await here.house.store.lines())) == before
    return error.value


def codes(error: SyndicateError) -> list[str]:
    return [fault.code for fault in error.faults] if isinstance(error, Faulty) else [error.code]


def test_what_cannot_be_held_is_refused_with_its_reason(tmp_path: Path) -> None:
    async def act(here: Serving, id: ItemId, key: str) -> None:
        holds, now = here.house.holds, here.clock.now
        for past in (now, now - days(1)):
            assert codes(await refused(here, holds.embargo(STAFF, id, past))) == ["hold_in_the_past"]
            assert codes(await refused(here, holds.exclusive(STAFF, id, ZJOL, past))) == [
                "hold_in_the_past"
            ]
        error = await refused(here, holds.exclusive(STAFF, id, IDLE, now + days(1)))
        assert (codes(error), "idle" in error.text.en) == (["exclusive_without_licence"], True)
        error = await refused(here, holds.exclusive(STAFF, id, PartnerId("nobody"), now + days(1)))
        assert isinstance(error, Unknown)
        assert isinstance(
            await refused(here, holds.withhold(STAFF, ItemId("20200101-aaaaaaaaaa"))), Unknown
        )
        await holds.exclusive(STAFF, id, ZJOL, now + days(2))
        error = await refused(here, holds.exclusive(STAFF, id, ZJOL, now + days(3)))
        assert (codes(error), "item release" in error.text.en) == (["exclusives_overlap"], True)
        here.clock.move(days(2))
        await holds.exclusive(STAFF, id, ZJOL, here.clock.now + days(1))
        assert codes(await refused(here, holds.release(STAFF, id, ["embargo"]))) == ["not_held"]
        await holds.release(STAFF, id)
        assert codes(await refused(here, holds.release(STAFF, id))) == ["not_held"]

    with_item(act, tmp_path)


def test_an_exclusive_is_not_for_a_licence_that_has_ended_by_then(tmp_path: Path) -> None:
    async def act(here: Serving, id: ItemId, key: str) -> None:
        await here.house.rights.end_licence(STAFF, "L-zjol")
        error = await refused(here, here.house.holds.exclusive(STAFF, id, ZJOL, here.clock.now + days(1)))
        assert codes(error) == ["exclusive_without_licence"]

    with_item(act, tmp_path)


def test_a_recall_of_what_is_recalled_is_refused_and_so_is_every_other_hold(tmp_path: Path) -> None:
    async def act(here: Serving, id: ItemId, key: str) -> None:
        holds = here.house.holds
        for note in ("", "  ", "字" * 501, "两\n行"):
            error = await refused(
                here, holds.recall(STAFF, id, RecallReason.LEGAL, note, timedelta(hours=2))
            )
            assert codes(error) == ["note_invalid"]
        error = await refused(here, holds.recall(STAFF, id, RecallReason.LEGAL, "法院裁定", timedelta(0)))
        assert codes(error) == ["deadline_invalid"]
        assert codes(await refused(here, holds.reinstate(STAFF, id))) == ["not_recalled"]
        assert codes(await refused(here, holds.report(id))) == ["not_recalled"]
        await holds.recall(STAFF, id, RecallReason.LEGAL, "法院裁定", timedelta(hours=2))
        error = await refused(
            here, holds.recall(STAFF, id, RecallReason.RIGHTS, "再次", timedelta(hours=2))
        )
        assert isinstance(error, Conflict)
        assert codes(error) == ["recalled_already"]
        assert codes(await refused(here, holds.withhold(STAFF, id))) == ["recalled_already"]
        await holds.reinstate(STAFF, id)

    with_item(act, tmp_path)


def test_what_corrects_nothing_is_refused(tmp_path: Path) -> None:
    async def act(here: Serving, id: ItemId, key: str) -> None:
        news = here.house.items

        async def wrong(document: bytes, note: str = "更正") -> list[str]:
            return codes(await refused(here, news.correct(STAFF, id, document, "b.txt", note)))

        assert await wrong(page("一稿")) == ["correction_unchanged"]
        assert await wrong(page("一稿", "2026年11月2日 10:59", "改过。")) == ["correction_older"]
        assert await wrong(b"\x00\xff") != []
        assert await wrong(page("一稿", body="改过。"), "") == ["note_invalid"]
        assert await wrong(page("一稿", body="改过。").replace("萧山日报".encode(), "新华社".encode())) == [
            "correction_of_another"
        ]
        corrected = await news.correct(STAFF, id, page("一稿", body="改过。"), "b.txt", "数字有误")
        assert (corrected.version, corrected.note) == (2, "数字有误")
        assert await wrong(page("一稿")) == ["correction_older"]
        # The newsroom's folder still has both files: neither undoes the correction.
        for document in (page("一稿"), page("一稿", body="改过。")):
            taken = await news.take_in(STAFF, document, "again.txt")
            assert (taken.action, taken.item and taken.item.version) == (Action.UNCHANGED, 2)
        (line,) = [
            line
            for line in await here.house.store.lines(item=id)
            if isinstance(line.entry.event, ItemCorrected)
        ]
        assert isinstance(line.entry.event, ItemCorrected)
        assert "数字有误" not in line.entry.event.note

    with_item(act, tmp_path)


def test_a_document_of_another_item_corrects_nothing(tmp_path: Path) -> None:
    async def act(here: Serving, id: ItemId, key: str) -> None:
        document = json.loads((await here.get(f"/licensed/items/{id}", key=key)).body)
        other = await take_in(here, page("另一稿", "2026年11月2日 10:00"))
        document["descriptions"] = []
        error = await refused(
            here, here.house.items.correct(STAFF, other, json.dumps(document).encode(), "c.json", "换稿")
        )
        assert codes(error) == ["correction_of_another"]
        assert isinstance(error, Faulty)
        assert id in error.faults[0].text.en

    with_item(act, tmp_path)


def test_an_item_is_held_from_its_first_moment(tmp_path: Path) -> None:
    async def act(here: Serving, id: ItemId, key: str) -> None:
        until = here.clock.now + minutes(30)
        taken = await here.house.items.take_in(
            STAFF, page("通稿", "2026年11月2日 9:00"), "n.txt", Keep(until)
        )
        assert taken.item is not None
        lines = [line.entry.event for line in await here.house.store.lines(item=taken.item.id)]
        assert [type(event) for event in lines] == [ItemIngested, ItemHeld]
        for path in ("/feeds/all.rss", "/", f"/items/{taken.item.id}"):
            assert "通稿" not in (await here.get(path)).text
        assert (await here.get(f"/items/{taken.item.id}")).status == 404
        assert (await here.get(f"/licensed/items/{taken.item.id}", key=key)).status == 404
        assert [one["id"] for one in (await changes(here, key))[0]] == [id]
        here.clock.move(minutes(30))
        assert "通稿" in (await here.get("/feeds/all.rss")).text
        assert (await here.get(f"/licensed/items/{taken.item.id}", key=key)).status == 200
        assert [one["id"] for one in (await changes(here, key))[0]] == [id, taken.item.id]

    with_item(act, tmp_path)


def test_a_later_version_does_not_lift_what_holds_the_item(tmp_path: Path) -> None:
    async def act(here: Serving, id: ItemId, key: str) -> None:
        await here.house.holds.withhold(STAFF, id)
        taken = await here.house.items.take_in(STAFF, page("一稿", body="新的一版。"), "a.txt")
        assert taken.action is Action.UPDATED
        assert (await here.get(f"/items/{id}")).status == 404
        await here.house.holds.release(STAFF, id)
        assert (await here.get(f"/items/{id}")).status == 200

    with_item(act, tmp_path)


def test_early_access_takes_a_grant_and_a_promise(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            keys = await furnish(here, {"early": REPRINT + "\nearly = true", "plain": REPRINT})
            until = here.clock.now + days(1)
            taken = await here.house.items.take_in(STAFF, page("通稿"), "n.txt", Keep(until))
            assert taken.item is not None
            id = taken.item.id
            assert (await changes(here, keys["plain"]))[0] == []
            refusal = await here.get(f"/licensed/items/{id}", key=keys["early"])
            assert (refusal.status, json.loads(refusal.body)["reason"]) == (403, "embargo_unacknowledged")
            (offer,), _ = await changes(here, keys["early"])
            assert (offer["action"], offer["id"], "item" in offer) == ("embargo", id, False)
            assert "通稿" not in json.dumps(offer, ensure_ascii=False)
            async with here.client.post(
                here.address + "/licensed/changes/ack",
                data=json.dumps({"ack": [offer["seq"]]}),
                headers={"Authorization": f"Bearer {keys['early']}"},
            ) as answer:
                assert answer.status == 200
            (put,), _ = await changes(here, keys["early"], offer["seq"])
            assert put["item"]["embargoedUntil"].startswith("2026-11-03T12:00:00")
            assert (await here.get(f"/licensed/items/{id}", key=keys["plain"])).status == 404
            # Another time is another promise.
            await here.house.holds.embargo(STAFF, id, until + days(1))
            told, _ = await changes(here, keys["early"], put["seq"])
            assert [one["action"] for one in told] == ["withdraw", "embargo"]
            here.clock.move(days(2))
            (late,), _ = await changes(here, keys["early"], told[-1]["seq"])
            assert (late["action"], "embargoedUntil" in late["item"]) == ("put", False)
            assert [one["action"] for one in (await changes(here, keys["plain"]))[0]] == ["put"]

    asyncio.run(act())


def test_who_does_not_take_down_in_time_is_told_aloud_and_suspended_where_agreed(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            strict = 'overdue = "suspend"\n---' + REPRINT
            keys = await furnish(here, {"strict": strict, "mild": REPRINT, "prompt": strict})
            id = await take_in(here, page("一稿"))
            for partner in keys:
                await changes(here, keys[partner])
            held = await here.house.holds.recall(
                STAFF, id, RecallReason.EDITORIAL, "有误", timedelta(hours=2)
            )
            assert {order.partner for order in held.orders} == {"strict", "mild", "prompt"}
            (_, recall), _ = await changes(here, keys["prompt"])
            async with here.client.post(
                here.address + "/licensed/changes/ack",
                data=json.dumps({"ack": [recall["seq"]]}),
                headers={"Authorization": f"Bearer {keys['prompt']}"},
            ) as answer:
                assert answer.status == 200
            await here.house.scheduler.round()
            assert not (await here.house.holds.report(id)).complete
            here.clock.move(timedelta(hours=2))
            await here.house.scheduler.round()
            report = await here.house.holds.report(id)
            assert {one.entry.partner: one.overdue is not None for one in report.takedowns} == {
                "strict": True,
                "mild": True,
                "prompt": False,
            }
            statuses = {
                partner: (await here.get("/licensed/changes", key=key)).status
                for partner, key in keys.items()
            }
            assert statuses == {"strict": 401, "mild": 200, "prompt": 200}
            lines = len(await here.house.store.lines())
            await here.house.scheduler.round()
            assert [line.entry.event.kind for line in (await here.house.store.lines(after=lines))] == []

    asyncio.run(act())


def test_what_was_hidden_when_it_was_recalled_stays_hidden_whatever_comes(tmp_path: Path) -> None:
    async def act(here: Serving, id: ItemId, key: str) -> None:
        taken = await here.house.items.take_in(STAFF, page("通稿"), "n.txt", Keep(here.clock.now + days(1)))
        assert taken.item is not None
        hidden = taken.item.id
        await here.house.holds.recall(STAFF, hidden, RecallReason.EDITORIAL, "不发了", timedelta(hours=2))
        assert codes(await refused(here, here.house.holds.release(STAFF, hidden))) == ["recalled_already"]
        # A new version asks for another embargo: what holds a recalled item stays as it was.
        again = await here.house.items.take_in(
            STAFF, page("通稿", body="改过。"), "n.txt", Keep(here.clock.now)
        )
        assert again.action is Action.UPDATED
        for _ in range(2):
            for path in (f"/items/{hidden}", "/items/20261102-aaaaaaaaaa"):
                assert (await here.get(path)).status == 404
            assert "通稿" not in (await here.get("/feeds/all.atom")).text
            assert hidden not in (await here.get("/feeds/all.atom")).text
            here.clock.move(days(2))
        told, _ = await changes(here, key)
        assert hidden not in {one["id"] for one in told}

    with_item(act, tmp_path)


def test_a_recall_goes_to_everybody_who_was_given_the_item_and_to_nobody_else(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            terms = dict.fromkeys(("holds", "ended", "never"), REPRINT)
            keys = await furnish(here, terms)
            id = await take_in(here, page("一稿"))
            assert (await here.get(f"/licensed/items/{id}", key=keys["holds"])).status == 200
            assert (await here.get("/licensed/feeds/all.rss", key=keys["ended"])).status == 200
            await here.house.rights.end_licence(STAFF, "L-ended")
            told, _ = await changes(here, keys["ended"])
            assert [one["action"] for one in told] == ["withdraw"]
            held = await here.house.holds.recall(
                STAFF, id, RecallReason.LEGAL, "法院裁定", timedelta(hours=2)
            )
            assert {order.partner for order in held.orders} == {"holds", "ended"}
            assert [one["action"] for one in (await changes(here, keys["ended"]))[0]] == [
                "withdraw",
                "recall",
            ]
            assert [one["action"] for one in (await changes(here, keys["holds"]))[0]] == ["recall"]
            assert (await changes(here, keys["never"]))[0] == []
            report = await here.house.holds.report(id)
            assert {one.entry.partner for one in report.takedowns} == {"holds", "ended"}

    asyncio.run(act())
