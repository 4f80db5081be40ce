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
from itertools import chain, product
from pathlib import Path

import pytest

from syndicate.errors import Conflict
from syndicate.services.newsroom.document_holds import Keep
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


async def compare_everything(pair: Pair, *, statements: bool = False) -> int:
    """Ask everything of both; how many answers were the same.

    With `statements`, most of it is asked one after the other, and what each house asks of its database is
    compared as well: time by what takes it, no clock is looked at.
    """
    opened = list(open_questions(pair))
    licensed = {who: list(licensed_questions(pair, who)) for who in OBSERVERS}
    sequences = {who: list(sequence_questions(who, pair.clock())) for who in OBSERVERS}
    asked = len(opened) + sum(len(some) for one in (licensed, sequences) for some in one.values())
    if statements:
        for question in [*opened, *licensed["wide"], *chain.from_iterable(sequences.values())]:
            if not question.headers:
                await compare_twice(pair, question, statements=True)
        opened = [question for question in opened if question.headers]
        licensed["wide"] = [question for question in licensed["wide"] if question.headers]
        sequences = {who: [] for who in OBSERVERS}
    async with asyncio.TaskGroup() as asking:
        asking.create_task(compare_at_once(pair, opened))
        for who in OBSERVERS:
            asking.create_task(compare_partner(pair, who, licensed[who], sequences[who]))
    return asked


async def compare_partner(pair: Pair, who: str, licensed: list[Question], sequence: list[Question]) -> None:
    """Ask a partner's questions: in order where one decides what is left for the next."""
    if who == "counted":
        sequence = [*licensed, *sequence]
    else:
        await compare_at_once(pair, licensed)
    for question in sequence:
        await compare_twice(pair, question)


async def compare_at_once(pair: Pair, questions: list[Question]) -> None:
    """Ask these of both houses, a few at the same time."""
    for start in range(0, len(questions), 8):
        await asyncio.gather(*(compare_twice(pair, one) for one in questions[start : start + 8]))


async def compare_twice(pair: Pair, question: Question, *, statements: bool = False) -> None:
    """Ask, and ask again with the answer's own validators, as a client sends them the next time."""
    answer = await (pair.compare_statements if statements else pair.compare)(question)
    if question.method == "GET" and "ETag" in answer.headers and not question.headers:
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
        asked = await compare_everything(pair, statements=True)
        await hidden_costs_what_is_absent(pair)
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


async def hidden_costs_what_is_absent(pair: Pair) -> None:
    """What is asked of the database tells no hidden item from one that never was."""
    # Something held back comes of an age at which a grant would release it.
    pair.clock.now = NOON + minutes(20)
    for who in OBSERVERS:
        await pair.compare_statements(Question("/licensed/changes", who))
    full = pair.full
    everybody: tuple[str | None, ...] = (None, *OBSERVERS)
    for headline, asker, method in product(HIDDEN, everybody, ("GET", "HEAD")):
        path = "/items" if asker is None else "/licensed/items"
        hidden = Question(f"{path}/{full.ids[headline]}", asker, method)
        absent = Question(f"{path}/{MADE_UP}", asker, method)
        _, one, asked_for_one = await full.ask_counted(hidden)
        _, other, asked_for_other = await full.ask_counted(absent)
        same(hidden, (one, asked_for_one), (other, asked_for_other))


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
