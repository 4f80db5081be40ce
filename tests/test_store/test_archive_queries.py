"""How the databases find archive documents and recent recalls: along indexes, in archives of any size."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest
from sqlalchemy import ClauseElement
from sqlalchemy.dialects import postgresql, sqlite

from syndicate.model.feeds import feeds_of
from syndicate.model.holds import NO_HOLDS
from syndicate.model.parties import PUBLIC
from syndicate.model.rights import Window
from syndicate.policy.coverage import coverage, reach, recalled_coverage
from syndicate.store.protocol import Change, FeedQuery, Place, RecallQuery
from syndicate.store.queries.feed_queries import outline_statements, recall_statement
from syndicate.store.schema.hold_json import holds_text
from syndicate.store.schema.tables import as_number
from tests.support.databases import opened
from tests.support.factories import NOON, PUBLISHER, ZJOL, a_grant, a_licence, a_mandate, an_item, days
from tests.test_store.raw import by_hand
from tests.test_store.samples import an_act

ALL = feeds_of(PUBLISHER)["all"]
MANDATES = [a_mandate()]
LICENCES = [a_licence(a_grant(archive=days(9_999)), window=Window(NOON - days(3_000)))]
MIDDLE = Place(NOON - days(10), an_item().id)
COUNT = 100_000


def _fill(address: str) -> str:
    """The statement that makes an archive: an item every 17 seconds, one of ten recalled an hour later."""
    numbers = (
        f"WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {COUNT})"
        if address.startswith("sqlite")
        else f"WITH n(n) AS (SELECT generate_series(1, CAST({COUNT} AS bigint)))"
    )
    at, recalled = f"{as_number(NOON)} - n * 17000000", "n % 10 = 3"
    values = {
        "id": "'20261102-' || (1000000000 + n)",
        "version": "1",
        "outlet": "'daily'",
        "channel": "'news'",
        "medium": "'text'",
        "changed": "n",
        "published": at,
        "available": at,
        "standalone": "1",
        "holds": f"'{holds_text(NO_HOLDS)}'",
        "state": f"CASE WHEN {recalled} THEN 'recalled' ELSE 'open' END",
        "recalled_at": f"CASE WHEN {recalled} THEN {at} + 3600000000 END",
    }
    into, chosen = ", ".join(values), ", ".join(values.values())
    return f"INSERT INTO items ({into}) {numbers} SELECT {chosen} FROM n"


def statements() -> Iterator[ClauseElement]:
    """What an archive document and the recalls of a feed ask, for the public and a partner."""
    channels = [channel.id for channel in PUBLISHER.channels]
    for to in (PUBLIC, ZJOL):
        covered = coverage(ALL, to, MANDATES, LICENCES, None, NOON, channels)
        query = FeedQuery(covered.cells, (), None if to == PUBLIC else ZJOL.id, NOON)
        yield from outline_statements(query, MIDDLE, 100)
        yield from outline_statements(query, MIDDLE, 100, oldest_first=True)
        known = reach(to, MANDATES, LICENCES, NOON)
        assert known is not None
        recalled = recalled_coverage(ALL, to, MANDATES, LICENCES, None, known)
        yield recall_statement(RecallQuery(recalled, NOON - days(30), MIDDLE), None, 64)


def test_the_plans_begin_at_a_place_in_an_index_and_sort_nothing_that_is_large(store_address: str) -> None:
    on_sqlite = store_address.startswith("sqlite")
    dialect = sqlite.dialect() if on_sqlite else postgresql.dialect()  # type: ignore[no-untyped-call]

    async def act() -> list[str]:
        await by_hand(store_address, _fill(store_address))
        await by_hand(store_address, "ANALYZE items")
        plans = []
        for statement in statements():
            sql = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
            asked = "EXPLAIN QUERY PLAN " if on_sqlite else "EXPLAIN "
            rows = await by_hand(store_address, (asked + sql).replace(":", r"\:"))
            plans.append("\n".join(row.detail if on_sqlite else row[0] for row in rows))
        return plans

    plans = asyncio.run(act())
    for plan in plans:
        assert not re.search(r"SCAN items(?! USING)|Seq Scan on items", plan), plan
    walks = [plan for number, plan in enumerate(plans) if number % 3 != 2]
    recalls = plans[2::3]
    for plan in walks:
        assert re.search(r"items_by_(outlet|channel)|items_newest", plan), plan
        assert re.search(r"MERGE \(UNION ALL\)|Merge Append", plan), plan
    for plan in recalls:
        assert "items_recalled" in plan, plan
        assert not re.search(r"TEMP B-TREE|^ *Sort\b", plan, re.MULTILINE), plan


@pytest.mark.parametrize("oldest_first", [False, True])
def test_a_walk_gives_each_item_once_in_both_directions(store_address: str, oldest_first: bool) -> None:
    """Also where several stand at one time, and a walk is cut short at each of its batches."""
    times = [NOON - days(number // 7) for number in range(40)]
    stories = [
        an_item(
            id=f"20261102-{number:010d}", published=at, outlet=None if number % 5 == 0 else an_item().outlet
        )
        for number, at in enumerate(times)
    ]

    async def act() -> list[str]:
        async with opened(store_address) as store:
            async with store.writing() as writing:
                for item in stories:
                    await writing.put_item(item, [])
                await writing.append(an_act())
                await writing.changed(Change.ITEM)
            covered = coverage(ALL, PUBLIC, MANDATES, [], None, NOON, [])
            query = FeedQuery(covered.cells, (), None, NOON)
            found: list[str] = []
            place, more = None, True
            while more:
                batch, more = await store.feed_outlines(
                    query, after=place, limit=3, oldest_first=oldest_first
                )
                found += [item.id for item in batch]
                place = Place(batch[-1].published, batch[-1].id) if batch else place
            return found

    ours = sorted((item for item in stories if item.outlet), key=lambda one: (one.published, one.id))
    assert asyncio.run(act()) == [item.id for item in (ours if oldest_first else reversed(ours))]
