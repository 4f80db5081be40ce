"""The trail only grows, its numbers have no gaps, its time never goes back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import product

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from syndicate.model.events import PartnerAdded, ReleaseRefused
from syndicate.model.item import ItemId
from syndicate.model.parties import PartnerId
from syndicate.model.records import Entry, Line
from syndicate.store.protocol import Outcome, Pending
from tests.support.databases import opened
from tests.test_store.raw import by_hand
from tests.test_store.samples import (
    NOON,
    ZJOL,
    a_delivery,
    a_licence,
    a_mandate,
    a_pending,
    an_act,
    an_item,
    keep_item,
    keep_partner,
    seconds,
)

GROWING = ("trail", "versions", "manifests", "mandates", "licences")
A_COLUMN = {
    "trail": "actor = 'nobody'",
    "versions": "content = '{}'",
    "manifests": "digest = 'x'",
    "mandates": "document = ''",
    "licences": "document = ''",
}


async def fill(address: str) -> None:
    async with opened(address) as store:
        async with store.writing() as writing:
            await keep_partner(writing)
            await keep_item(writing, an_item())
            await writing.put_mandate(a_mandate(), "head", NOON)
            await writing.put_licence(a_licence(), "first", NOON)
        assert await store.record([Pending(a_delivery(), 2, ("aa", b"1"))]) == [Outcome.WRITTEN]


@pytest.mark.parametrize("table", GROWING)
def test_what_was_written_is_neither_changed_nor_deleted(store_address: str, table: str) -> None:
    async def act() -> None:
        await fill(store_address)
        before = await by_hand(store_address, f"SELECT * FROM {table}")
        assert before
        for statement in (f"UPDATE {table} SET {A_COLUMN[table]}", f"DELETE FROM {table}"):
            with pytest.raises(IntegrityError, match="only grows"):
                await by_hand(store_address, statement)
        if store_address.startswith("sqlite"):
            with pytest.raises(IntegrityError, match="only grows"):
                await by_hand(store_address, f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
        else:
            with pytest.raises(DBAPIError, match="only grows"):
                await by_hand(store_address, f"TRUNCATE {table}")
        assert await by_hand(store_address, f"SELECT * FROM {table}") == before

    asyncio.run(act())


def test_lines_are_found_by_partner_and_by_item(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            async with store.writing() as writing:
                await keep_partner(writing)
            await store.record([a_pending(1, number) for number in (1, 2, 1)])
            assert [line.seq for line in await store.lines()] == [1, 2, 3, 4]
            assert [line.seq for line in await store.lines(after=1, limit=2)] == [2, 3]
            item = ItemId("20260301-0000000001")
            assert [line.seq for line in await store.lines(item=item)] == [2, 4]
            assert [line.seq for line in await store.lines(item=item, after=2)] == [4]
            zjol, other = PartnerId("zjol"), PartnerId("other")
            assert [line.seq for line in await store.lines(partner=zjol, limit=3)] == [1, 2, 3]
            assert [line.seq for line in await store.lines(partner=zjol, item=item)] == [2, 4]
            assert await store.lines(partner=other) == []
            assert await store.lines(after=4) == []

    asyncio.run(act())


def test_lines_are_filtered_by_everything_at_once_and_in_both_directions(store_address: str) -> None:
    refused = [f"item:{item}" for item in ("20260301-0000000001", "20260301-00000000012", "x", "100%_")]
    entries = [
        a_delivery(f"20260301-000000000{number % 3}", at=NOON + seconds(number)) for number in range(9)
    ]
    entries += [
        Entry(
            NOON + seconds(9 + number),
            "zjol",
            ReleaseRefused("zjol", "key-1", subject, "reprint", "delayed", None, "r"),
        )
        for number, subject in enumerate([*refused, "feed:20260301-0000000001"])
    ]

    def about(line: Line, item: str) -> bool:
        event = line.entry.event
        return getattr(event, "item", None) == item or getattr(event, "subject", None) == f"item:{item}"

    async def act() -> None:
        async with opened(store_address) as store:
            async with store.writing() as writing:
                await keep_partner(writing)
            await store.record([Pending(entry, None) for entry in entries])
            every = await store.lines()
            items = ["20260301-0000000001", "100%_", "100__", '"', "nothing"]
            for item, kinds, since, after, newest in product(
                [None, *items],
                [None, ["release_refused"], ["item_delivered", "partner_added"]],
                [None, NOON + seconds(4)],
                [None, 3],
                [False, True],
            ):
                expected = [
                    line
                    for line in every
                    if (item is None or about(line, item))
                    and (kinds is None or line.entry.event.kind in kinds)
                    and (since is None or since <= line.entry.at < since + seconds(6))
                    and (after is None or after < line.seq < 12)
                ]
                found = await store.lines(
                    item=None if item is None else ItemId(item),
                    kinds=kinds,
                    since=since,
                    until=None if since is None else since + seconds(6),
                    after=after,
                    before=None if after is None else 12,
                    newest_first=newest,
                    limit=4,
                )
                assert found == (expected[::-1] if newest else expected)[:4]

    asyncio.run(act())


def test_the_trails_time_never_decreases(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            async with store.writing() as writing:
                await writing.append(an_act(NOON + seconds(10)))
                await writing.append(an_act(NOON))
            later = [Pending(a_delivery(at=NOON + seconds(at))) for at in (5, 30, 20)]
            assert await store.record(later) == [Outcome.WRITTEN, Outcome.WRITTEN, Outcome.WRITTEN]
            moments = [(line.entry.at - NOON).total_seconds() for line in await store.lines()]
            assert moments == [10, 10, 10, 30, 30]

    asyncio.run(act())


def test_an_undone_act_leaves_no_gap_in_the_numbers(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            for number in range(3):
                async with store.writing() as writing:
                    await writing.append(an_act())
                with pytest.raises(ValueError, match=str(number)):  # noqa: PT012
                    async with store.writing() as writing:
                        await writing.append(an_act())
                        raise ValueError(number)
            assert [line.seq for line in await store.lines()] == [1, 2, 3]

    asyncio.run(act())


def test_a_partners_records_come_in_order_however_many_keys_it_has(store_address: str) -> None:
    """They are looked up key by key: more keys than one statement takes, and records without a key."""
    other = replace(ZJOL, id=PartnerId("other"))

    async def act() -> None:
        async with opened(store_address) as store:
            async with store.writing() as writing:
                await keep_partner(writing)
                await keep_partner(writing, other)
                await writing.append(Entry(NOON, "staff", PartnerAdded("other")))
            pending = [
                Pending(
                    a_delivery(
                        f"20260301-{number:010d}", jti=f"key-{number % 130}", at=NOON + seconds(number)
                    )
                )
                for number in range(300)
            ]
            assert await store.record(pending) == [Outcome.WRITTEN] * 300
            every = await store.lines(limit=1000)
            theirs = [line for line in every if getattr(line.entry.event, "partner", None) == ZJOL.id]
            assert len(theirs) == 302
            for limit, after, before, since in product(
                (1, 7, 1000), (None, 150), (None, 250), (None, 99, 120)
            ):
                wanted = [
                    line
                    for line in theirs
                    if (after is None or line.seq > after)
                    and (before is None or line.seq < before)
                    and (since is None or line.entry.at >= NOON + seconds(since))
                ]
                found: dict[bool, list[Line]] = {}
                for newest_first in (False, True):
                    found[newest_first] = await store.lines(
                        partner=ZJOL.id,
                        limit=limit,
                        after=after,
                        before=before,
                        since=None if since is None else NOON + seconds(since),
                        newest_first=newest_first,
                    )
                assert found[False] == wanted[:limit]
                assert found[True] == wanted[::-1][:limit]
            assert len(await store.lines(partner=PartnerId("other"))) == 1
            assert await store.lines(partner=PartnerId("nobody")) == []

    asyncio.run(act())
