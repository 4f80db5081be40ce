"""What is held back cannot be told apart from what never was.

Two houses on one clock are given the same, but that one of them has nine items more, each held back from
everybody who asks here (`indistinguishability.HIDDEN`). Every question gets the same answer from both.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from syndicate.errors import Conflict
from syndicate.services.newsroom.item_service import Keep
from tests.support.databases import PostgresqlServer, sqlite_at
from tests.support.factories import NOON, STAFF, minutes
from tests.support.feed_contents import FORMATS
from tests.support.indistinguishability import (
    HIDDEN,
    MADE_UP,
    OBSERVERS,
    OPENS,
    SEEN,
    House,
    Pair,
    Question,
    fill,
    furnish,
    go_on,
    licensed_questions,
    open_questions,
    page,
    questions_to_database,
    same,
    sequence_questions,
    two_houses,
)
from tests.support.servers import MovableClock, serving

COMPARED = (
    "the status",
    "every header line, in its order: ETag, Last-Modified, Content-Length, Content-Type, Content-Encoding",
    "and Cache-Control with its max-age, Vary, Link, Allow, Retry-After, RateLimit, RateLimit-Policy",
    "every octet of the body: pages, feeds, ninjs, problems, the licence with what is left of its quota",
    "and the change sequence, with its numbers, its cursors, `more` and `reset`",
    "the statements put to the database, in their order: what decides how long an answer takes",
)
"""What is compared, of every answer to everybody. What is not, and why: `indistinguishability.MASKED`."""


@pytest.fixture(params=["sqlite", "postgresql"])
def addresses(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Two databases with nothing in them: SQLite files, then databases of PostgreSQL."""
    if request.param == "sqlite":
        yield sqlite_at(tmp_path / "full" / "one.db"), sqlite_at(tmp_path / "bare" / "two.db")
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    names = [server.database("pattern") for _ in range(2)]
    yield server.address(names[0]), server.address(names[1])
    for name in names:
        server.sql(f"DROP DATABASE {name} WITH (FORCE)")


def with_both(folder: Path, addresses: tuple[str, str], act: Callable[[Pair], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with two_houses(folder, addresses) as pair:
            await act(pair)

    asyncio.run(inside())


async def compare_everything(pair: Pair) -> int:
    """Ask everything of both; how many answers were the same."""
    asked = [list(open_questions(pair))]
    asked += [[*licensed_questions(pair, who), *sequence_questions(who, pair.clock())] for who in OBSERVERS]
    async with asyncio.TaskGroup() as asking:
        for questions in asked:
            asking.create_task(compare_in_order(pair, questions))
    return sum(map(len, asked))


async def compare_in_order(pair: Pair, questions: list[Question]) -> None:
    """Ask these of both houses, one after the other."""
    for question in questions:
        answer = await pair.compare(question)
        if question.method == "GET" and "ETag" in answer.headers and not question.headers:
            # Its own validators, as a client sends them the next time.
            known = {"If-None-Match": answer.headers["ETag"]}
            if "Last-Modified" in answer.headers:
                known["If-Modified-Since"] = answer.headers["Last-Modified"]
            again = await pair.compare(replace(question, headers=known))
            assert again.status == 304


@pytest.mark.timeout(400)
def test_no_answer_tells_that_something_is_held_back(tmp_path: Path, addresses: tuple[str, str]) -> None:
    async def act(pair: Pair) -> None:
        assert set(pair.full.ids) == {*SEEN, *HIDDEN}
        assert set(pair.bare.ids) == set(SEEN)
        asked = await compare_everything(pair)
        pair.clock.now = NOON + minutes(30)
        for house in pair.both:
            await go_on(house)
        # Less than the age of an open answer before the embargoes end.
        pair.clock.now = OPENS - timedelta(seconds=90)
        asked += await compare_everything(pair)
        assert asked > 1200
        front = await pair.compare(Question("/feeds/all.rss"))
        assert front.headers["Cache-Control"] == "public, max-age=300"
        # What was called back before anybody had it, nobody can be told of by lifting what hid it.
        with pytest.raises(Conflict):
            await pair.full.here.house.holds.release(STAFF, pair.full.ids["扣发而撤回"])
        # The comparison has teeth: the moment that the embargoes end, it finds what is there.
        pair.clock.now, opened = OPENS, {"禁发的电文", "禁发的版面", "禁发而更正"}
        for path, who in (("/feeds/all.json", None), ("/", None), ("/licensed/changes", "wide")):
            full, bare = await pair.ask(Question(path, who))
            assert pair.full.told(full) != pair.bare.told(bare)
            assert {name for name in HIDDEN if name in full.text} == opened
        # What was recalled under its embargo was never out, also now that the embargo would have ended.
        for name in HIDDEN.keys() - opened:
            id = pair.full.ids[name]
            await pair.compare(Question(f"/items/{id}"))
            for who in OBSERVERS:
                await pair.compare(Question(f"/licensed/items/{id}", who))

    with_both(tmp_path, addresses, act)


def test_who_waits_hears_nothing_of_what_is_held_back(tmp_path: Path, addresses: tuple[str, str]) -> None:
    async def act(pair: Pair) -> None:
        first = await pair.compare(Question("/licensed/changes", "wide"))
        cursor = json.loads(first.body)["next"]
        waits = Question(f"/licensed/changes?after={cursor}&wait=2", "wide")
        waiting = asyncio.create_task(pair.compare(waits))
        await pair.full.take_in("扣发的第二篇", page("扣发的第二篇"), Keep(withheld=True))
        nothing = json.loads((await waiting).body)
        assert (nothing["changes"], nothing["next"]) == ([], cursor)

    with_both(tmp_path, addresses, act)


@pytest.mark.timeout(400)
def test_the_database_is_asked_the_same(tmp_path: Path, addresses: tuple[str, str]) -> None:
    """Time is compared by what takes it: no clock is looked at."""

    async def statements(house: House, question: Question) -> list[str]:
        with questions_to_database() as asked:
            await house.ask(question)
        return asked

    async def act(pair: Pair) -> None:
        full = pair.full
        questions = [*open_questions(pair), *licensed_questions(pair, "wide")]
        for who in OBSERVERS:
            questions += sequence_questions(who, pair.clock())
        for question in questions:
            if not question.headers:
                same(question, *[await statements(house, question) for house in pair.both])
        # Something held back comes of an age at which a grant would release it.
        pair.clock.now = NOON + minutes(20)
        for who in OBSERVERS:
            question = Question("/licensed/changes", who)
            same(question, *[await statements(house, question) for house in pair.both])
        for headline in HIDDEN:
            everybody: tuple[str | None, ...] = (None, *OBSERVERS)
            for asker, method in product(everybody, ("GET", "HEAD")):
                path = "/items" if asker is None else "/licensed/items"
                hidden = Question(f"{path}/{full.ids[headline]}", asker, method)
                absent = Question(f"{path}/{MADE_UP}", asker, method)
                same(hidden, await statements(full, hidden), await statements(full, absent))
                same(hidden, *[full.told(await full.ask(one)) for one in (hidden, absent)])

    with_both(tmp_path, addresses, act)


OPENED = ("禁发的电文", "禁发的版面", "禁发而更正", "禁发而撤回")
"""What is there when the embargoes end, where nobody has touched it since it was taken in."""


def test_both_workers_show_it_by_themselves_when_the_embargo_ends(
    tmp_path: Path, store_address: str
) -> None:
    async def act() -> None:
        clock, data = MovableClock(), tmp_path / "data"
        async with (
            serving(data, store_address, clock=clock) as first,
            serving(data, store_address, clock=clock) as second,
        ):
            one = House(first, full=True)
            await furnish(one)
            await fill(one)
            workers = one, House(second, True, one.keys, one.ids)
            items = [one.ids[name] for name in OPENED]
            questions = [
                Question(f"/feeds/{name}.{format}") for name, format in product(("all", "news"), FORMATS)
            ]
            questions += [Question(f"/licensed/feeds/all.{format}", "wide") for format in FORMATS]
            questions += [Question(path) for path in ("/", "/?lang=en")]
            before = {
                question: [await worker.ask(question) for worker in workers] for question in questions
            }
            assert not any(
                name in answer.text for both in before.values() for answer in both for name in OPENED
            )
            for id, worker in product(items, workers):
                assert (await worker.ask(Question(f"/items/{id}"))).status == 404
                assert (await worker.ask(Question(f"/licensed/items/{id}", "wide"))).status == 404
            cursor = (await one.changes("wide"))[-1]["seq"]
            waits = Question(f"/licensed/changes?after={cursor}&wait=30", "wide")
            waiting = [asyncio.create_task(worker.ask(waits)) for worker in workers]
            clock.now = OPENS
            for question in questions:
                answers = [await worker.ask(question) for worker in workers]
                told = [worker.told(answer) for worker, answer in zip(workers, answers, strict=True)]
                assert told[0] == told[1], question
                assert all(name.encode() in told[0][2] for name in OPENED), question
                new, old = answers[0].headers, before[question][0].headers
                assert all(new[name] != old[name] for name in ("ETag", "Last-Modified")), question
            for id in items:
                for question in (Question(f"/items/{id}"), Question(f"/licensed/items/{id}", "wide")):
                    told = [worker.told(await worker.ask(question)) for worker in workers]
                    assert (told[0][0], told[0]) == (200, told[1])
            # Whoever waited is told without asking again: on both workers the same, under the same numbers.
            heard = [json.loads((await answer).body)["changes"] for answer in waiting]
            assert heard[0] == heard[1]
            assert sorted(change["id"] for change in heard[0]) == sorted(items)

    asyncio.run(act())
