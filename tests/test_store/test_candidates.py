"""Candidates: every item that may have changed for a reader is found, whatever the limit."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import datetime, timedelta

from syndicate.model.changes import Holding, Progress, Terms, Watermark
from syndicate.model.holds import Exclusive, Holds
from syndicate.model.item import Item
from syndicate.model.parties import Partner, PartnerId
from syndicate.model.rights import Clause
from syndicate.store.protocol import CandidateQuery, Change, SequenceUpdate
from tests.support.databases import opened
from tests.test_store.samples import NOON, an_act, an_item

COUNT = 12
QUERIES = 60


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def archive() -> list[Item]:
    """Items published a minute apart; each third one is exclusive to one partner for five minutes."""
    items = [an_item(number, published=at(number)) for number in range(COUNT)]
    for number in range(0, COUNT, 3):
        exclusive = Exclusive(PartnerId("zjol"), at(number + 5))
        items[number] = replace(items[number], holds=Holds(exclusive=exclusive))
    return items


def some_query(rng: random.Random, first: int) -> CandidateQuery:
    def span() -> tuple[datetime, datetime]:
        low = rng.randrange(-2, COUNT)
        return at(low), at(low + rng.randrange(COUNT))

    return CandidateQuery(
        first + rng.randrange(-1, COUNT + 1),
        tuple(span() for _ in range(rng.randrange(3))),
        tuple(span() for _ in range(rng.randrange(4))),
        span(),
    )


def wanted(query: CandidateQuery, items: list[Item], first: int) -> set[str]:
    """The ids that the query's docstring describes."""
    found: set[str] = set()
    for change, item in enumerate(items, first):
        times = [(item.published, query.published), (item.available, query.available)]
        if item.holds.exclusive is not None:
            times.append((item.holds.exclusive.until, (query.exclusive,)))
        if change > query.after or any(low < when <= high for when, spans in times for low, high in spans):
            found.add(item.id)
    return found


def test_fewer_candidates_than_the_limit_are_all_of_them(store_address: str) -> None:
    async def act() -> None:
        rng, items = random.Random(7), archive()
        async with opened(store_address) as store:
            first = (await store.sequence()).change + 1
            for item in items:
                async with store.writing() as writing:
                    await writing.put_item(item, [])
                    await writing.append(an_act())
                    await writing.changed(Change.ITEM)
            for query in [some_query(rng, first) for _ in range(QUERIES)]:
                expected = wanted(query, items, first)
                for limit in range(1, COUNT + 2):
                    found = await store.candidates(query, limit)
                    assert len(found) == len(set(found)) == min(limit, len(expected)), (query, limit)
                    assert set(found) <= expected, (query, limit)

    asyncio.run(act())


def test_changed_items_come_in_the_order_of_changes_with_their_holders(store_address: str) -> None:
    async def act() -> None:
        zjol, hzw, nobody = PartnerId("zjol"), PartnerId("hzw"), PartnerId("nobody")
        items = [an_item(number) for number in range(4)]
        async with opened(store_address) as store:
            first = (await store.sequence()).change + 1
            for item in reversed(items):
                async with store.writing() as writing:
                    await writing.put_item(item, [])
                    await writing.append(an_act())
                    await writing.changed(Change.ITEM)
            async with store.writing() as writing:
                for partner, theirs in ((zjol, items[:2]), (hzw, items[1:3]), (nobody, [])):
                    await writing.put_partner(Partner(partner, "授权媒体", (), NOON))
                    if not theirs:
                        continue
                    held = tuple(Holding(partner, one.id, 1, Clause("L#1"), 1, Terms()) for one in theirs)
                    progress = Progress(partner, last=7)
                    assert await writing.append_entries(SequenceUpdate(0, progress, held=held))
                await writing.append(an_act())
                await writing.changed(Change.RIGHTS)
            changed = await store.changed_since(first, 2)
            assert [(change, item.id) for change, item in changed] == [
                (first + 1, items[2].id),
                (first + 2, items[1].id),
            ]
            assert await store.changed_since(first + 3, 2) == []
            ids = [one.id for one in items]
            assert await store.holders_of([ids[1], ids[3]]) == {(zjol, ids[1]), (hzw, ids[1])}
            found = await store.progress_of([zjol, nobody])
            assert found == {zjol: Progress(zjol, 1, 7)}
            assert await store.holding_anything([zjol, hzw, nobody]) == {zjol, hzw}
            touched = CandidateQuery(first + 1, (), (), (NOON, NOON))
            assert await store.touched_holdings(touched, 10) == {
                (zjol, ids[0]),
                (zjol, ids[1]),
                (hzw, ids[1]),
            }
            assert len(await store.touched_holdings(touched, 2)) >= 2

    asyncio.run(act())


def test_watermarks_move_forward_only_and_only_under_the_rights_they_were_made_by(
    store_address: str,
) -> None:
    async def act() -> None:
        zjol, hzw = PartnerId("zjol"), PartnerId("hzw")
        async with opened(store_address) as store:
            async with store.writing() as writing:
                for partner in (zjol, hzw):
                    progress = Progress(partner, removals_until=Watermark(5, at(5), "rights"))
                    assert await writing.append_entries(SequenceUpdate(0, progress))
                await writing.append(an_act())

            async def moved(mark: Watermark) -> list[Watermark | None]:
                await store.transact(lambda tx: tx.move_removals_until({zjol: mark}))
                found = await store.progress_of([zjol, hzw])
                assert {one.revision for one in found.values()} == {1}
                return [found[partner].removals_until for partner in (zjol, hzw)]

            old = Watermark(5, at(5), "rights")
            assert await moved(Watermark(7, at(7), "other")) == [old, old]
            assert await moved(Watermark(4, at(7), "rights")) == [old, old]
            assert await moved(Watermark(7, at(7), "rights")) == [Watermark(7, at(7), "rights"), old]

    asyncio.run(act())
