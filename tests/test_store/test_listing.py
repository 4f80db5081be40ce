"""Lists of items: what they hold, in which order, and that no archive is too large for them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.dialects import sqlite

from syndicate.model.holds import Embargo, Holds
from syndicate.model.item import ChannelId, Item, Medium, OutletId
from syndicate.store.protocol import Change, Place, Selection
from syndicate.store.queries.item_listing import listing
from tests.support.databases import opened
from tests.test_store.samples import NOON, an_act, an_item

EVERYTHING = [
    an_item(
        number,
        # Three share each moment: the id decides among them.
        published=NOON + timedelta(minutes=number // 3),
        outlet=outlet,
        channel=channel,
        medium=medium,
    )
    for number, (outlet, channel, medium) in enumerate(
        product(["daily", "tv", None], ["news", "video", "health"], Medium), start=1
    )
]

SELECTIONS = [
    Selection(),
    Selection(published_from=NOON + timedelta(minutes=3)),
    *(
        Selection(outlets, media, channels, since)
        for outlets in (frozenset[OutletId](), frozenset({OutletId("daily")}),
                        frozenset({OutletId("daily"), OutletId("tv")}))
        for media in (None, frozenset({Medium.TEXT}), frozenset({Medium.TEXT, Medium.VIDEO}))
        for channels in (None, frozenset({ChannelId("news"), ChannelId("health")}))
        for since in (None, NOON + timedelta(minutes=3))
    ),
]  # fmt: skip


def names(items: list[Item]) -> list[str]:
    return [item.id for item in items]


def expected(selection: Selection) -> list[Item]:
    """The selection as its docstring says it."""
    chosen = [
        item
        for item in EVERYTHING
        if (selection.outlets is None or item.outlet in selection.outlets)
        and (selection.media is None or item.medium in selection.media)
        and (selection.channels is None or item.channel in selection.channels)
        and (selection.published_from is None or item.published >= selection.published_from)
    ]
    return sorted(chosen, key=lambda item: (item.published, item.id), reverse=True)


def test_every_selection_lists_what_it_says_newest_first(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            async with store.writing() as writing:
                for item in EVERYTHING:
                    await writing.put_item(item, [])
                await writing.changed(Change.ITEM)
                await writing.append(an_act())
            for selection in SELECTIONS:
                assert names(await store.items(selection)) == names(expected(selection)), selection

    asyncio.run(act())


@pytest.mark.parametrize("outlets", [None, frozenset({OutletId("daily"), OutletId("tv")})])
def test_pages_follow_each_other_without_gap_or_double(
    store_address: str, outlets: frozenset[OutletId] | None
) -> None:
    selection = Selection(outlets)

    async def act() -> None:
        async with opened(store_address) as store:
            async with store.writing() as writing:
                for item in EVERYTHING:
                    await writing.put_item(item, [])
                await writing.changed(Change.ITEM)
                await writing.append(an_act())
            seen: list[Item] = []
            after = None
            while page := await store.items(selection, after=after, limit=4):
                assert len(page) <= 4
                seen += page
                after = Place(page[-1].published, page[-1].id)
            assert names(seen) == names(expected(selection))

    asyncio.run(act())


def test_a_listing_shows_the_newest_version_in_its_new_place(store_address: str) -> None:
    moved = an_item(1, version=2, published=NOON + timedelta(days=1), channel="health")

    async def act() -> None:
        async with opened(store_address) as store:
            async with store.writing() as writing:
                await writing.put_item(an_item(1), [])
                await writing.put_item(an_item(2), [])
                await writing.put_item(moved, [])
                await writing.changed(Change.ITEM)
                await writing.append(an_act())
            assert await store.items(Selection()) == [moved, an_item(2)]
            news = Selection(frozenset({OutletId("daily")}), channels=frozenset({ChannelId("news")}))
            assert await store.items(news) == [an_item(2)]

    asyncio.run(act())


def test_more_outlets_than_one_query_can_hold_are_still_listed(store_address: str) -> None:
    many = frozenset(OutletId(f"o{number}") for number in range(300)) | {OutletId("tv")}

    async def act() -> None:
        async with opened(store_address) as store:
            async with store.writing() as writing:
                for item in EVERYTHING:
                    await writing.put_item(item, [])
                await writing.changed(Change.ITEM)
                await writing.append(an_act())
            for channels in (None, frozenset({ChannelId("news"), ChannelId("health")})):
                selection = Selection(many, frozenset({Medium.TEXT}), channels)
                assert names(await store.items(selection)) == names(expected(selection))

    asyncio.run(act())


def test_what_only_an_act_can_open_is_in_the_list_of_staff_alone(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            async with store.writing() as writing:
                for number in (1, 2, 3):
                    await writing.put_item(an_item(number), [])
                await writing.put_holds(an_item(1).id, Holds(withheld=True))
                await writing.put_holds(an_item(2).id, Holds(embargo=Embargo(NOON + timedelta(days=900))))
                await writing.changed(Change.RIGHTS)
                await writing.append(an_act())
            covered = Selection(frozenset({OutletId("daily")}))
            assert [one.id[-1] for one in await store.items(covered)] == ["3", "2"]
            assert [one.id[-1] for one in await store.items(Selection())] == ["3", "2", "1"]

    asyncio.run(act())


def test_every_list_is_a_walk_along_an_index(sqlite_address: str) -> None:
    engine = create_engine(sqlite_address.replace("+aiosqlite", ""), poolclass=NullPool)
    with engine.connect() as connection:
        for selection, place in product(SELECTIONS, (None, Place(NOON, an_item(1).id))):
            query = listing(selection, place, 50).compile(
                dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}
            )
            steps = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))]
            walks = [step for step in steps if step.startswith(("SEARCH items", "SCAN items"))]
            others = [step for step in steps if step not in walks]
            bounded = place or selection.published_from
            if not walks:
                assert not expected(selection), steps
                continue
            for walk in walks:
                assert "USING INDEX items_" in walk or "USING COVERING INDEX items_" in walk, steps
                # Only a walk along everything asks for nothing but the order.
                assert walk.startswith("SEARCH") or ("items_newest" in walk and not bounded), steps
            assert not any("SCAN versions" in step for step in others), steps
            # No walk is sorted: only the few chosen are, at the end.
            assert sum("FOR ORDER BY" in step or "LAST" in step for step in steps) <= 1, steps
    engine.dispose()
