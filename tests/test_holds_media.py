"""Holds and recalls of stories with pictures: what goes with the story, what stays, and who is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from syndicate.errors import Conflict
from syndicate.model.holds import NO_HOLDS, RecallReason, in_force
from syndicate.model.item import ItemId
from syndicate.model.lifecycle_events import (
    ItemCorrected,
    ItemRecalled,
    ItemReinstated,
    TakedownOrdered,
)
from syndicate.model.parties import PartnerId
from syndicate.services.newsroom.document_decision import Action
from syndicate.services.newsroom.document_holds import Keep
from syndicate.services.newsroom.hold_service import Held
from syndicate.services.newsroom.story_media import WhyLeft
from tests.support.factories import STAFF, days, minutes
from tests.support.media_house import licence, mandate
from tests.support.servers import Serving, serving
from tests.support.stories_with_media import Pic, document, holds, story, take_in
from tests.test_changes import changes

TWO_HOURS = timedelta(hours=2)
ONE, TWO = Pic(1), Pic(2)
Act = Callable[[Serving], Awaitable[None]]
LICENCES = {"txt": licence("txt", '"text"'), "all": licence("all", '"text", "picture"')}


def in_newsroom(folder: Path, act: Act, database: str | None = None) -> None:
    async def inside() -> None:
        async with serving(folder, database) as here:
            await act(here)

    asyncio.run(inside())


async def partners(here: Serving) -> dict[str, str]:
    """A partner with a text licence and one with pictures too; their keys."""
    await here.house.rights.add_mandate(STAFF, mandate(public_preview=True), "m.toml")
    keys = {}
    for partner, text in LICENCES.items():
        await here.house.rights.add_partner(STAFF, PartnerId(partner), partner)
        await here.house.rights.add_licence(STAFF, text, f"{partner}.toml")
        keys[partner] = (await here.house.keys.issue(STAFF, PartnerId(partner))).token
    return keys


async def recalled(here: Serving, id: ItemId, *, alone: bool = False) -> Held:
    return await here.house.holds.recall(STAFF, id, RecallReason.RIGHTS, "权利有误", TWO_HOURS, alone=alone)


async def lines_since(here: Serving, line: int) -> list[object]:
    return [one.entry.event for one in await here.house.store.lines(after=line, limit=1_000)]


async def newest_line(here: Serving) -> int:
    (line,) = await here.house.store.lines(limit=1, newest_first=True)
    return line.seq


def ids(held: Held) -> list[ItemId]:
    return [one.item.id for one in held.media]


def test_a_recall_of_a_story_takes_its_pictures_along_each_with_its_own_line_and_orders(
    tmp_path: Path, bare_address: str
) -> None:
    async def act(here: Serving) -> None:
        told, pictures = await story(here, "湘湖", [ONE, TWO])
        keys = await partners(here)
        for partner in ("txt", "all"):
            assert (await here.get("/licensed/feeds/daily.json", key=keys[partner])).status == 200
        before = await newest_line(here)
        held = await recalled(here, told.id)
        assert (ids(held), held.left) == ([one.id for one in pictures], ())
        assert sorted(one.partner for one in held.orders) == ["all", "txt"]
        # The partner with a text licence never knew of the pictures; the other had them by the story.
        assert [[order.partner for order in one.orders] for one in held.media] == [["all"], ["all"]]
        events = await lines_since(here, before)
        assert [one.item for one in events if isinstance(one, ItemRecalled)] == [
            told.id,
            *(one.id for one in pictures),
        ]
        assert len([one for one in events if isinstance(one, TakedownOrdered)]) == 4
        entries, _ = await changes(here, keys["all"])
        assert sorted(one["id"] for one in entries if one["action"] == "recall") == sorted(
            [told.id, *(one.id for one in pictures)]
        )
        report = await here.house.holds.report(told.id)
        assert ([one.item.id for one in report.media], report.missing) == ([one.id for one in pictures], 4)
        for one in pictures:
            assert (await here.get(f"/items/{one.id}/preview")).status == 410
        before = await newest_line(here)
        back = await here.house.holds.reinstate(STAFF, told.id)
        assert ids(back) == [one.id for one in pictures]
        events = await lines_since(here, before)
        assert len([one for one in events if isinstance(one, ItemReinstated)]) == 3
        after = await holds(here, *(one.id for one in pictures))
        assert [one.recall for one in after] == [None, None]

    in_newsroom(tmp_path, act, bare_address)


def test_a_picture_of_another_story_or_one_that_stands_alone_is_left_and_named(tmp_path: Path) -> None:
    async def act(here: Serving) -> None:
        first, (shared, own) = await story(here, "湘湖", [ONE, TWO])
        second, (same,) = await story(here, "湘湖的早晨", [ONE])
        assert same.id == shared.id
        held = await recalled(here, first.id)
        assert ids(held) == [own.id]
        ((left,),) = [held.left]
        assert (left.item.id, left.why, left.stories) == (shared.id, WhyLeft.SHARED, (second.id,))
        assert (await holds(here, shared.id))[0] == NO_HOLDS
        # Once no other story has it, it goes with the story that does.
        await here.house.holds.reinstate(STAFF, first.id)
        await take_in(here, await document(here, "湘湖的早晨", [], body="改写"))
        assert ids(await recalled(here, first.id)) == [shared.id, own.id]

    in_newsroom(tmp_path, act)


def test_only_the_story_on_request_and_what_its_earlier_version_showed_too(tmp_path: Path) -> None:
    async def act(here: Serving) -> None:
        told, (one, two) = await story(here, "湘湖", [ONE, TWO])
        held = await here.house.holds.withhold(STAFF, told.id, alone=True)
        assert (held.media, [left.why for left in held.left]) == ((), [WhyLeft.ASKED, WhyLeft.ASKED])
        assert await holds(here, one.id, two.id) == [NO_HOLDS, NO_HOLDS]
        await here.house.holds.release(STAFF, told.id)
        await take_in(here, await document(here, "湘湖", [TWO], body="改写"))
        assert ids(await recalled(here, told.id)) == [two.id, one.id]

    in_newsroom(tmp_path, act)


def test_release_lifts_from_pictures_what_was_put_on_with_the_story_and_nothing_else(
    tmp_path: Path,
) -> None:
    async def act(here: Serving) -> None:
        told, (one, two) = await story(here, "湘湖", [ONE, TWO])
        service, now = here.house.holds, here.clock.now
        await service.withhold(STAFF, two.id)
        held = await service.withhold(STAFF, told.id)
        assert ids(held) == [one.id]
        assert [(left.item.id, left.why) for left in held.left] == [(two.id, WhyLeft.HELD)]
        freed = await service.release(STAFF, told.id)
        assert ids(freed) == [one.id]
        assert [in_force(each, now) for each in await holds(here, one.id, two.id)] == [[], ["withheld"]]
        # A longer embargo of its own stays; a shorter one becomes that of the story.
        await service.release(STAFF, two.id)
        await service.embargo(STAFF, two.id, now + days(3))
        await service.embargo(STAFF, one.id, now + days(1))
        assert ids(await service.embargo(STAFF, told.id, now + days(2))) == [one.id]
        assert ids(await service.release(STAFF, told.id)) == [one.id]
        assert [in_force(each, now) for each in await holds(here, one.id, two.id)] == [[], ["embargo"]]
        # What was withheld with its story and then by itself stays withheld.
        await service.withhold(STAFF, told.id)
        await service.withhold(STAFF, one.id)
        with pytest.raises(Conflict):
            await service.withhold(STAFF, one.id)
        assert one.id not in ids(await service.release(STAFF, told.id))
        assert (await holds(here, one.id))[0].withheld

    in_newsroom(tmp_path, act)


def test_an_exclusive_is_one_of_the_pictures_too(tmp_path: Path) -> None:
    async def act(here: Serving) -> None:
        told, (one,) = await story(here, "湘湖", [ONE])
        await partners(here)
        until = here.clock.now + days(1)
        held = await here.house.holds.exclusive(STAFF, told.id, PartnerId("all"), until)
        assert ids(held) == [one.id]
        assert (await holds(here, one.id))[0].exclusive == held.item.holds.exclusive
        await here.house.holds.release(STAFF, told.id, ["exclusive"])
        assert (await holds(here, one.id))[0].exclusive is None

    in_newsroom(tmp_path, act)


def test_a_picture_that_was_recalled_by_itself_stays_recalled_when_its_story_comes_back(
    tmp_path: Path,
) -> None:
    async def act(here: Serving) -> None:
        told, (one, two) = await story(here, "湘湖", [ONE, TWO])
        alone = await recalled(here, one.id)
        assert (alone.stories, alone.media) == ((told.id,), ())
        here.clock.move(minutes(1))
        held = await recalled(here, told.id)
        assert ids(held) == [two.id]
        assert [(left.item.id, left.why) for left in held.left] == [(one.id, WhyLeft.RECALLED)]
        back = await here.house.holds.reinstate(STAFF, told.id)
        assert (ids(back), [left.item.id for left in back.left]) == ([two.id], [one.id])
        assert (await holds(here, one.id))[0].recall is not None

    in_newsroom(tmp_path, act)


@pytest.mark.parametrize("way", ["document", "option", "doubt"])
def test_a_story_taken_in_under_a_hold_has_its_pictures_under_it_and_releases_them(
    tmp_path: Path, way: str
) -> None:
    notice = {"document": "<p>（本稿禁发至2026年12月1日8时）</p>", "doubt": "<p>（本稿暂缓发布）</p>"}

    async def act(here: Serving) -> None:
        keep = Keep(withheld=True) if way == "option" else None
        parsed = await document(here, "湘湖", [ONE], notice=notice.get(way, ""))
        taken = await take_in(here, parsed, keep)
        (shown,) = taken.media
        assert taken.item is not None
        assert shown.item is not None
        now = here.clock.now
        kinds = in_force(taken.item.holds, now)
        assert kinds == (["embargo"] if way == "document" else ["withheld"])
        keys = await partners(here)
        for path in (f"/licensed/items/{shown.item.id}", f"/licensed/media/{shown.item.id}/original"):
            assert (await here.get(path, key=keys["all"])).status == 404
        assert in_force((await holds(here, shown.item.id))[0], now) == kinds
        assert ids(await here.house.holds.release(STAFF, taken.item.id)) == [shown.item.id]
        assert in_force((await holds(here, shown.item.id))[0], now) == []
        answer = await here.get(f"/licensed/items/{shown.item.id}", key=keys["all"])
        assert ONE.caption[:-1] in answer.text

    in_newsroom(tmp_path, act)


def test_a_picture_that_is_new_in_a_held_or_recalled_story_is_not_out_before_it(tmp_path: Path) -> None:
    """The story was held by staff; its new version brings a picture, which nobody may see either."""

    async def act(here: Serving) -> None:
        service, now = here.house.holds, here.clock.now
        keys = await partners(here)
        told, _ = await story(here, "湘湖", [ONE])
        await service.withhold(STAFF, told.id)
        taken = await take_in(here, await document(here, "湘湖", [ONE, TWO]))
        assert taken.action is Action.UPDATED
        new = next(one.item for one in taken.media if one.action is Action.CREATED)
        assert new is not None
        assert in_force((await holds(here, new.id))[0], now) == ["withheld"]
        assert (await here.get(f"/licensed/media/{new.id}/original", key=keys["all"])).status == 404
        assert new.id in ids(await service.release(STAFF, told.id))
        await recalled(here, told.id)
        third = Pic(3)
        taken = await take_in(here, await document(here, "湘湖", [ONE, TWO, third]))
        newest = taken.media[2].item
        assert newest is not None
        assert (await here.get(f"/items/{newest.id}/preview")).status == 404
        back = await service.reinstate(STAFF, told.id)
        assert newest.id in ids(back)
        assert (await holds(here, newest.id))[0].withheld is False

    in_newsroom(tmp_path, act)


def test_a_hold_that_is_asked_for_later_is_put_on_the_pictures_as_well(tmp_path: Path) -> None:
    async def act(here: Serving) -> None:
        told, (one,) = await story(here, "湘湖", [ONE])
        until = here.clock.now + days(1)
        taken = await take_in(here, await document(here, "湘湖", [ONE]), Keep(embargo=until))
        assert (taken.action, taken.item and taken.item.id) == (Action.UNCHANGED, told.id)
        (held,) = await holds(here, one.id)
        assert held.embargo is not None
        assert held.embargo.until == until
        # Staff release the picture; the same document again does not hold it again.
        await here.house.holds.release(STAFF, one.id)
        await take_in(here, await document(here, "湘湖", [ONE]))
        assert in_force((await holds(here, one.id))[0], here.clock.now) == []

    in_newsroom(tmp_path, act)


def test_a_recalled_picture_is_gone_from_its_story_at_once_and_the_story_goes_on(tmp_path: Path) -> None:
    paths = ("feeds/daily.rss", "feeds/daily.atom", "feeds/daily.json", "feeds/daily/2026-11.json")

    async def act(here: Serving) -> None:
        told, (one,) = await story(here, "湘湖", [ONE])
        key = (await partners(here))["all"]
        routes = [*(f"/licensed/{path}" for path in paths), f"/licensed/items/{told.id}"]
        before = [await here.get(path, key=key) for path in routes]
        assert all(f"/licensed/media/{one.id}" in answer.text for answer in before)
        assert ONE.caption[:-1] in before[-1].text
        await recalled(here, one.id)
        for path, old in zip(routes, before, strict=True):
            answer = await here.get(path, key=key, headers={"If-None-Match": old.headers["ETag"]})
            assert answer.status == 200, path
            assert told.headline in answer.text, path
            for secret in (*ONE.secrets, f"/licensed/media/{one.id}"):
                assert secret not in answer.text, (path, secret)
        entries, _ = await changes(here, key)
        assert one.id in [entry["id"] for entry in entries if entry["action"] == "recall"]
        whole = (await here.get("/licensed/changes", key=key)).text
        assert not any(secret in whole for secret in ONE.secrets)

    in_newsroom(tmp_path, act)


@pytest.mark.parametrize("way", ["file", "item", "story", "changes"])
def test_who_has_a_picture_by_any_way_is_told_of_its_recall(tmp_path: Path, way: str) -> None:
    async def act(here: Serving) -> None:
        told, (one,) = await story(here, "湘湖", [ONE])
        keys = await partners(here)
        path = {
            "file": f"/licensed/media/{one.id}/thumbnail",
            "item": f"/licensed/items/{one.id}",
            "story": f"/licensed/items/{told.id}",
            "changes": "/licensed/changes",
        }[way]
        for partner in ("all", "txt"):
            await here.get(path, key=keys[partner])
        held = await recalled(here, one.id)
        assert [order.partner for order in held.orders] == ["all"]
        entries, _ = await changes(here, keys["all"])
        assert [entry["id"] for entry in entries if entry["action"] == "recall"] == [one.id]
        assert not [entry for entry in (await changes(here, keys["txt"]))[0] if entry["action"] == "recall"]

    in_newsroom(tmp_path, act)


def test_a_correction_has_the_pictures_of_its_document_and_a_plain_text_keeps_them(tmp_path: Path) -> None:
    async def act(here: Serving) -> None:
        told, (one, two) = await story(here, "湘湖", [ONE, TWO])
        third = Pic(3)
        parsed = await document(here, "湘湖", [TWO, third], body="改正。")
        corrected = await here.house.items.correct_with(STAFF, told.id, parsed, "图片有误")
        (new,) = corrected.added
        assert corrected.dropped == (one.id,)
        assert [link.item for link in corrected.item.associations] == [two.id, new.id]
        plain = (
            "湘湖\n\n2026年11月2日 11:30来源:萧山日报\n\n  一段足够长的正文，写的是湖水。\n\n编辑:桂信怡\n"
        )
        after = await here.house.items.correct(STAFF, told.id, plain.encode(), "b.txt", "文字有误")
        assert [link.item for link in after.associations] == [two.id, new.id]
        events = [line.entry.event for line in await here.house.store.lines(limit=1_000)]
        assert len([each for each in events if isinstance(each, ItemCorrected)]) == 2

    in_newsroom(tmp_path, act)


def test_two_names_of_the_same_picture_in_a_story_are_one_item_with_one_place(tmp_path: Path) -> None:
    async def act(here: Serving) -> None:
        parsed = await document(here, "湘湖", [ONE, ONE])
        taken = await take_in(here, replace(parsed, media=(*parsed.media, *parsed.media)))
        assert taken.item is not None
        assert len({one.item.id for one in taken.media if one.item is not None}) == 1
        assert len(taken.item.associations) == 1

    in_newsroom(tmp_path, act)


def test_each_act_is_one_transaction(tmp_path: Path) -> None:
    """A story whose picture cannot be held is not held either: nothing of a failed act is kept."""

    async def act(here: Serving) -> None:
        told, _ = await story(here, "湘湖", [ONE])
        await recalled(here, told.id)
        before = await here.house.store.sequence(), await newest_line(here)
        with pytest.raises(Conflict):
            await recalled(here, told.id)
        with pytest.raises(Conflict):
            await here.house.holds.withhold(STAFF, told.id)
        assert (await here.house.store.sequence(), await newest_line(here)) == before

    in_newsroom(tmp_path, act)
