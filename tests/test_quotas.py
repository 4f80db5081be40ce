"""Quotas are exact: whoever asks, in whatever way, on whichever worker, however often at once."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from syndicate.model.holds import RecallReason
from syndicate.model.item import ItemId
from syndicate.model.rights import Quota
from syndicate.services.delivery.quotas import Period
from tests.support.factories import NOON, STAFF, days
from tests.support.servers import Answer, MovableClock, Serving, serving
from tests.support.shell import Shell
from tests.test_changes import changes, furnish, page, take_in

FEED = "/licensed/feeds/all.json"


def grant(items: int, per: str = "day", uses: str = '["reprint"]') -> str:
    return f'uses = {uses}\nquota = {{ items = {items}, per = "{per}" }}'


async def stories(here: Serving, count: int) -> list[ItemId]:
    """So many items, each of its own minute, oldest first."""
    pages = [page(f"第{number}稿", f"2026年11月2日 10:{number:02}") for number in range(count)]
    return [await take_in(here, one, f"{number}.txt") for number, one in enumerate(pages)]


async def fetch(here: Serving, key: str, id: str, **more: Any) -> Answer:
    return await here.get(f"/licensed/items/{id}", key=key, **more)


async def patiently(here: Serving, path: str, key: str) -> Answer:
    """The answer, asked for again where the server was too busy to give one."""
    answer = await here.get(path, key=key)
    for _ in range(10):
        if answer.status != 503:
            break
        answer = await here.get(path, key=key)
    return answer


async def left(here: Serving, key: str) -> list[int]:
    """What `/licensed/licence` says is left of each quota."""
    document = json.loads((await here.get("/licensed/licence", key=key)).body)
    grants = [one for licence in document["licences"] for one in licence["grants"]]
    return [one["quota"]["left"] for one in grants if "quota" in one]


def in_feed(answer: Answer) -> set[str]:
    """The ids of the items in a feed."""
    assert answer.status == 200, answer.text
    return {one["id"].rpartition(":")[2] for one in json.loads(answer.body)["items"]}


def must_be_over(answer: Answer, clause: str) -> None:
    """A 429 that says which quota, and how long to wait."""
    problem = json.loads(answer.body)
    assert (answer.status, problem["code"], problem["clause"]) == (429, "quota_exceeded", clause)
    wait = int(answer.headers["Retry-After"])
    assert wait > 0
    name, remaining, resets = answer.headers["RateLimit"].split(";")
    assert (name, remaining) == (f'"{clause}"', "r=0")
    assert 0 < int(resets.removeprefix("t=")) <= wait


async def ledger(here: Serving, partner: str) -> Counter[tuple[str, str, int]]:
    """What the partner was given first, as the store has it: (clause, item, version)."""
    found = await here.house.store.deliveries(limit=10_000)
    return Counter((one.clause, one.item, one.version) for _, one in found if one.partner == partner)


def test_the_same_item_many_times_at_once_counts_once(tmp_path: Path, store_address: str) -> None:
    async def act() -> None:
        async with serving(tmp_path, store_address) as one:
            key = (await furnish(one, {"zjol": grant(3)}))["zjol"]
            (id,) = await stories(one, 1)
            async with serving(tmp_path, store_address, clock=one.clock) as two:
                answers = await asyncio.gather(
                    *(fetch(here, key, id) for _ in range(32) for here in (one, two))
                )
                assert Counter(answer.status for answer in answers) == {200: 64}
                assert await left(one, key) == await left(two, key) == [2]
                assert await ledger(two, "zjol") == {("L-zjol#1", id, 1): 1}

    asyncio.run(act())


def test_requests_of_every_kind_at_once_never_exceed(tmp_path: Path, store_address: str) -> None:
    async def act() -> None:
        async with serving(tmp_path, store_address) as one:
            key = (await furnish(one, {"zjol": grant(6)}))["zjol"]
            ids = await stories(one, 14)
            async with serving(tmp_path, store_address, clock=one.clock) as two:
                asking = [
                    patiently((one, two)[number % 2], f"/licensed/items/{id}", key)
                    for number, id in enumerate(ids)
                ]
                asking += [patiently(here, FEED, key) for here in (one, two) for _ in range(3)]
                asking += [
                    patiently(here, f"/licensed/changes?limit={limit}", key)
                    for here in (one, two)
                    for limit in (3, 7, 100)
                ]
                answers = await asyncio.gather(*asking)
                single, feeds, sequence = answers[:14], answers[14:20], answers[20:]
                assert {answer.status for answer in (*single, *feeds)} <= {200, 429}
                given = {id for id, answer in zip(ids, single, strict=True) if answer.status == 200}
                given |= {ItemId(id) for answer in feeds if answer.status == 200 for id in in_feed(answer)}
                assert [(one.status, one.body) for one in sequence if one.status != 200] == []
                for answer in sequence:
                    given |= {one["id"] for one in json.loads(answer.body)["changes"] if "item" in one}
                assert len(given) == 6
                assert await ledger(one, "zjol") == {("L-zjol#1", id, 1): 1 for id in given}
                assert await left(one, key) == await left(two, key) == [0]
                # What was given is given again by every way; nothing else is by any.
                for here in (one, two):
                    assert in_feed(await here.get(FEED, key=key)) == given
                    told, _ = await changes(here, key)
                    assert {entry["id"] for entry in told if "item" in entry} == given
                    assert {entry["id"] for entry in told} == set(ids)
                    for id in ids:
                        assert (await fetch(here, key, id)).status == (200 if id in given else 429)

    asyncio.run(act())


def test_a_feed_gives_exactly_what_is_left_and_then_the_same_again(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key = (await furnish(here, {"zjol": grant(3), "none": grant(1)}))["zjol"]
            ids = await stories(here, 5)
            first = await here.get(FEED, key=key)
            assert in_feed(first) == set(ids[-3:])
            assert first.headers["RateLimit"] == '"L-zjol#1";r=0;t=43200'
            again = await here.get(FEED, key=key)
            assert (again.body, again.headers["ETag"]) == (first.body, first.headers["ETag"])
            late = await take_in(here, page("晚到的稿件", "2026年11月2日 11:30"))
            assert in_feed(await here.get(FEED, key=key)) == set(ids[-3:])
            here.clock.move(timedelta(hours=12))
            assert in_feed(await here.get(FEED, key=key)) == {*ids[-3:], late, ids[0], ids[1]}

    asyncio.run(act())


def test_a_feed_with_nothing_left_and_nothing_given_before_is_429(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key = (await furnish(here, {"zjol": grant(1)}))["zjol"]
            first, second = await stories(here, 2)
            assert (await fetch(here, key, first)).status == 200
            assert in_feed(await here.get(FEED, key=key)) == {first}
            await here.house.holds.withhold(STAFF, first)
            must_be_over(await here.get(FEED, key=key), "L-zjol#1")
            must_be_over(await fetch(here, key, second), "L-zjol#1")

    asyncio.run(act())


def test_what_a_quota_holds_back_is_told_without_its_text_and_recalls_are_not_held_back(
    tmp_path: Path,
) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key = (await furnish(here, {"zjol": grant(2)}))["zjol"]
            ids = await stories(here, 4)
            told, answer = await changes(here, key)
            assert [(one["action"], "item" in one) for one in told] == [
                ("put", True),
                ("put", True),
                ("put", False),
                ("put", False),
            ]
            must_be_over(await fetch(here, key, ids[2]), "L-zjol#1")
            await here.house.holds.recall(
                STAFF, ids[0], RecallReason.RIGHTS, "图片无授权", timedelta(hours=1)
            )
            await here.house.holds.recall(STAFF, ids[3], RecallReason.LEGAL, "法院裁定", timedelta(hours=1))
            # The other was told of and never given: there is nothing to take down.
            ended, _ = await changes(here, key, answer["next"])
            assert [(one["action"], one["id"]) for one in ended] == [("recall", ids[0])]
            assert (await fetch(here, key, ids[3])).status == 451
            here.clock.move(days(1))
            assert (await fetch(here, key, ids[2])).status == 200

    asyncio.run(act())


@pytest.mark.parametrize(
    ("per", "almost"), [("day", timedelta(hours=12)), ("month", timedelta(days=28, hours=12))]
)
def test_a_period_turns_at_midnight_in_shanghai(tmp_path: Path, per: str, almost: timedelta) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key = (await furnish(here, {"zjol": grant(1, per)}))["zjol"]
            first, second, third = await stories(here, 3)
            assert (await fetch(here, key, first)).status == 200
            here.clock.move(almost - timedelta(microseconds=1))
            over = await fetch(here, key, second)
            must_be_over(over, "L-zjol#1")
            assert over.headers["Retry-After"] == "1"
            here.clock.move(timedelta(microseconds=1))
            assert (await fetch(here, key, second)).status == 200
            must_be_over(await fetch(here, key, third), "L-zjol#1")
            # A clock that jumps back finds the day as it was left, and so does one that comes back.
            here.clock.move(timedelta(hours=-1))
            must_be_over(await fetch(here, key, third), "L-zjol#1")
            here.clock.move(timedelta(hours=1))
            must_be_over(await fetch(here, key, third), "L-zjol#1")
            assert (await fetch(here, key, first)).status == 200
            assert sum((await ledger(here, "zjol")).values()) == 2

    asyncio.run(act())


def test_periods_are_those_of_the_publishers_calendar(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path, clock=MovableClock(NOON + days(59.5))) as here:
            quotas = here.house.delivery.quotas
            zone = here.house.settings.publisher.zone
            day, month = (quotas.period(Quota(1, per)) for per in ("day", "month"))
            midnight = (NOON + days(59.5)).astimezone(zone)
            assert day == Period("2027-01-01", midnight, midnight + days(1))
            assert month == Period("2027-01", midnight, midnight + days(31))

    asyncio.run(act())


def test_an_answer_without_a_body_costs_nothing(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key = (await furnish(here, {"zjol": grant(2)}))["zjol"]
            first, second = await stories(here, 2)
            head = await fetch(here, key, first, method="HEAD")
            assert (head.status, head.body) == (200, b"")
            assert (await here.get(FEED, key=key, method="HEAD")).status == 200
            for path in (f"/licensed/items/{second}", FEED):
                sent = {"If-None-Match": "*"}
                assert (await here.get(path, key=key, headers=sent)).status == 304
            assert await left(here, key) == [2]
            assert not await ledger(here, "zjol")
            assert (await fetch(here, key, first)).status == 200
            assert await left(here, key) == [1]

    asyncio.run(act())


def test_a_new_version_counts_anew_and_the_same_under_another_clause_counts_there(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            terms = grant(3) + '\n[[grant]]\noutlets = ["daily"]\nmedia = ["text"]\narchive = "P999D"\n'
            key = (await furnish(here, {"zjol": terms + grant(2, uses='["link"]')}))["zjol"]
            (id,) = await stories(here, 1)
            assert (await fetch(here, key, id)).status == 200
            assert await left(here, key) == [2, 2]
            await here.house.items.correct(
                STAFF, id, page("第0稿", "2026年11月2日 10:00", "更正。"), "b", "有误"
            )
            for _ in range(2):
                assert (await fetch(here, key, id)).status == 200
                assert await left(here, key) == [1, 2]
            assert (await here.get(f"/licensed/items/{id}?use=link", key=key)).status == 200
            assert await left(here, key) == [1, 1]
            assert await ledger(here, "zjol") == {
                ("L-zjol#1", id, 1): 1,
                ("L-zjol#1", id, 2): 1,
                ("L-zjol#2", id, 2): 1,
            }

    asyncio.run(act())


def test_what_staff_export_counts_as_given_and_against_no_quota(tmp_path: Path) -> None:
    data = tmp_path / "var"
    data.mkdir()

    async def before() -> tuple[str, Sequence[str]]:
        async with serving(data) as here:
            key = (await furnish(here, {"zjol": grant(1)}))["zjol"]
            return key, await stories(here, 2)

    async def after(key: str, ids: Sequence[str]) -> None:
        async with serving(data) as here:
            assert await left(here, key) == [1]
            assert await ledger(here, "zjol") == {("L-zjol#1", ids[0], 1): 1}
            assert (await fetch(here, key, ids[0])).status == 200
            assert await left(here, key) == [1]
            assert (await fetch(here, key, ids[1])).status == 200
            held = await here.house.holds.recall(
                STAFF, ItemId(ids[0]), RecallReason.RIGHTS, "有误", timedelta(hours=1)
            )
            assert [order.partner for order in held.orders] == ["zjol"]

    key, ids = asyncio.run(before())
    assert Shell(data)("item", "export", ids[0], "--as", "ninjs", "--partner", "zjol").code == 0
    asyncio.run(after(key, ids))


def test_what_is_given_again_after_a_recall_is_recalled_again(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key = (await furnish(here, {"zjol": grant(1)}))["zjol"]
            (id,) = await stories(here, 1)
            for path in (f"/licensed/items/{id}", FEED, f"/licensed/items/{id}"):
                answer = await here.get(path, key=key)
                assert answer.status == 200
                assert await left(here, key) == [0]
                held = await here.house.holds.recall(
                    STAFF, id, RecallReason.EDITORIAL, "事实有误", timedelta(hours=1)
                )
                assert [(order.partner, order.version) for order in held.orders] == [("zjol", 1)]
                await here.house.holds.reinstate(STAFF, id)
            assert await ledger(here, "zjol") == {("L-zjol#1", id, 1): 1}

    asyncio.run(act())
