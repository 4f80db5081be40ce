"""Feeds: what they hold, in which order, and that no archive is too large for them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.dialects import sqlite

from syndicate.language import Text
from syndicate.model.feeds import Feed
from syndicate.model.item import ChannelId, Item, Medium, OutletId
from syndicate.store.protocol import Change, Place, Selection
from syndicate.store.queries.feed_listing import listing
from tests.support.databases import opened
from tests.test_store.samples import NOON, an_act, an_item

NAME = Text("频道", "channel")
ALL = Feed("all", NAME)
NEWS = Feed("news", NAME, channel=ChannelId("news"))
DAILY = Feed("daily", NAME, outlet=OutletId("daily"))
PICTURES = Feed("pictures", NAME, medium=Medium.PICTURE)
VIDEO = Feed("video", NAME, channel=ChannelId("video"), medium=Medium.VIDEO)
THREE = Feed("x", NAME, channel=ChannelId("news"), outlet=OutletId("tv"), medium=Medium.AUDIO)

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
    Selection(feed, outlets, media, channels, until, since)
    for feed in (None, ALL, NEWS, DAILY, PICTURES, VIDEO, THREE)
    for outlets in (None, frozenset[OutletId](), frozenset({OutletId("daily")}),
                    frozenset({OutletId("daily"), OutletId("tv")}))
    for media in (None, frozenset({Medium.TEXT}), frozenset({Medium.TEXT, Medium.VIDEO}))
    for channels in (None, frozenset({ChannelId("news"), ChannelId("health")}))
    for until, since in ((None, None), (NOON + timedelta(minutes=8), NOON + timedelta(minutes=3)))
]  # fmt: skip


def fits(item: Item, feed: Feed) -> bool:
    """Whether the item fits any selector that the feed has; a feed without one holds everything."""
    wanted = ((feed.channel, item.channel), (feed.outlet, item.outlet), (feed.medium, item.medium))
    asked = [value == found for value, found in wanted if value is not None]
    return any(asked) or not asked


def names(items: list[Item]) -> list[str]:
    return [item.id for item in items]


def expected(selection: Selection) -> list[Item]:
    """The selection as its docstring says it."""
    chosen = [
        item
        for item in EVERYTHING
        if (selection.feed is None or fits(item, selection.feed))
        and (selection.outlets is None or item.outlet in selection.outlets)
        and (selection.media is None or item.medium in selection.media)
        and (selection.channels is None or item.channel in selection.channels)
        and (selection.published_until is None or item.published <= selection.published_until)
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


@pytest.mark.parametrize("feed", [ALL, VIDEO, THREE], ids=lambda feed: feed.id)
@pytest.mark.parametrize("outlets", [None, frozenset({OutletId("daily"), OutletId("tv")})])
def test_pages_follow_each_other_without_gap_or_double(
    store_address: str, feed: Feed, outlets: frozenset[OutletId] | None
) -> None:
    selection = Selection(feed, outlets)

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
            assert await store.items(Selection(NEWS)) == [an_item(2)]

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
            for feed in (ALL, NEWS, VIDEO):
                selection = Selection(feed, many, frozenset({Medium.TEXT}))
                assert names(await store.items(selection)) == names(expected(selection))

    asyncio.run(act())


def test_every_feed_is_a_walk_along_an_index(sqlite_address: str) -> None:
    engine = create_engine(sqlite_address.replace("+aiosqlite", ""), poolclass=NullPool)
    with engine.connect() as connection:
        for selection, place in product(SELECTIONS, (None, Place(NOON, an_item(1).id))):
            query = listing(selection, place, 50).compile(
                dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}
            )
            steps = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))]
            walks = [step for step in steps if step.startswith(("SEARCH items", "SCAN items"))]
            others = [step for step in steps if step not in walks]
            bounded = place or selection.published_until or selection.published_from
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
