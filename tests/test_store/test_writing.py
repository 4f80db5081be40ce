"""One act of staff: all of it or nothing, with its line, in its place in the sequence."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from syndicate.errors import Conflict
from syndicate.model.item import ItemId
from syndicate.model.register import Register
from syndicate.store.protocol import Change, Reached, Selection
from tests.support.databases import opened
from tests.test_store.samples import (
    NOON,
    ZJOL,
    a_delivery,
    a_key,
    a_licence,
    a_mandate,
    an_act,
    an_item,
    keep_item,
    keep_partner,
    seconds,
)


def test_a_new_store_holds_nothing(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            assert await store.sequence() == Reached(0, 0)
            assert await store.register() == Register(0, {}, (), {}, {})
            assert await store.lines() == []
            assert await store.keys() == []
            assert await store.items(Selection()) == []
            assert await store.versions(ItemId("20260301-0000000001")) == []
            assert await store.document("XSW-1") is None
            assert await store.manifest("0" * 64) is None

    asyncio.run(act())


def test_rights_come_back_as_they_were_given(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            async with store.writing() as writing:
                await writing.put_partner(ZJOL)
                await writing.put_mandate(a_mandate(), "head", NOON)
                await writing.put_licence(a_licence(), "first", NOON)
                await writing.put_licence(a_licence("XSW-0"), "other", NOON)
                await writing.put_key(a_key())
                assert await writing.changed(Change.RIGHTS) == 1
                assert await writing.append(an_act()) == 1
                inside = await writing.register()
            outside = await store.register()
            assert inside == outside
            assert outside.seq == 1
            assert outside.partners == {ZJOL.id: ZJOL}
            assert outside.mandates == (a_mandate(),)
            assert outside.licences_of(ZJOL.id) == (a_licence("XSW-0"), a_licence())
            assert outside.keys == {"key-1": a_key()}

    asyncio.run(act())


def test_the_newest_revision_of_an_agreement_counts(store_address: str) -> None:
    ended = a_licence(closes=NOON + timedelta(days=1))

    async def act() -> None:
        async with opened(store_address) as store:
            async with store.writing() as writing:
                await keep_partner(writing)
                await writing.put_licence(a_licence(), "first", NOON)
            async with store.writing() as writing:
                await writing.put_licence(ended, "second", NOON + seconds(1))
                await writing.changed(Change.RIGHTS)
                await writing.append(an_act())
                assert (await writing.register()).licences_of(ZJOL.id) == (ended,)
            assert (await store.register()).licences_of(ZJOL.id) == (ended,)
            assert await store.document("XSW-1") == "second"

    asyncio.run(act())


def test_a_partner_and_a_key_have_one_present_state(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            async with store.writing() as writing:
                await keep_partner(writing)
                await writing.put_key(a_key())
            async with store.writing() as writing:
                await keep_partner(writing, replace(ZJOL, suspended=NOON))
                await writing.put_key(a_key(revoked=NOON))
            register = await store.register()
            assert register.partners[ZJOL.id].suspended == NOON
            assert register.keys["key-1"].revoked == NOON
            assert register.seq == 2

    asyncio.run(act())


def test_a_version_is_never_overwritten(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            async with store.writing() as writing:
                await keep_item(writing, an_item())
            with pytest.raises(Conflict):
                async with store.writing() as writing:
                    await keep_item(writing, replace(an_item(), headline="另一个标题"))
            assert await store.versions(an_item().id) == [an_item()]

    asyncio.run(act())


def test_an_item_is_found_by_its_strongest_key_in_its_newest_version(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            async with store.writing() as writing:
                await keep_item(writing, an_item(1), "address:a", "title:x")
                await keep_item(writing, an_item(2), "address:b", "title:x")
                await keep_item(writing, an_item(1, version=2), "address:c")
                assert await writing.find_item([]) is None
                assert await writing.find_item(["address:none"]) is None
                assert await writing.find_item(["none", "title:x", "address:b"]) == (
                    an_item(1, version=2),
                    "title:x",
                )
                assert await writing.find_item(["address:b", "title:x"]) == (an_item(2), "address:b")
                assert await writing.keys_of(an_item(1).id) == {"address:a", "address:c", "title:x"}
                assert await writing.keys_of(an_item(2).id) == {"address:b"}
            assert await store.item(an_item().id) == an_item(version=2)
            assert await store.item(an_item().id, 1) == an_item(version=1)
            assert await store.item(an_item().id, 3) is None
            assert await store.versions(an_item().id) == [an_item(version=1), an_item(version=2)]

    asyncio.run(act())


def test_a_late_older_version_does_not_become_the_newest(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            async with store.writing() as writing:
                await keep_item(writing, an_item(version=2))
                await keep_item(writing, an_item(version=1))
            assert await store.item(an_item().id) == an_item(version=2)

    asyncio.run(act())


def test_an_exception_leaves_nothing(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            with pytest.raises(ZeroDivisionError):  # noqa: PT012
                async with store.writing() as writing:
                    await keep_item(writing, an_item(), "a")
                    await keep_partner(writing)
                    _ = 1 / 0
            assert await store.items(Selection()) == []
            assert await store.lines() == []
            assert await store.sequence() == Reached(0, 0)
            async with store.writing() as writing:
                assert await writing.find_item(["a"]) is None
                assert await writing.append(an_act()) == 1

    asyncio.run(act())


def test_an_act_without_its_line_is_refused_and_leaves_nothing(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            with pytest.raises(RuntimeError, match="record in the trail"):  # noqa: PT012
                async with store.writing() as writing:
                    await writing.put_partner(ZJOL)
                    await writing.changed(Change.RIGHTS)
            with pytest.raises(RuntimeError, match="record in the trail"):
                async with store.writing() as writing:
                    await writing.changed(Change.ITEM)
            with pytest.raises(RuntimeError, match="no change was announced"):  # noqa: PT012
                async with store.writing() as writing:
                    await writing.put_item(an_item(), [])
                    await writing.append(an_act())
            assert (await store.register()).partners == {}
            assert await store.sequence() == Reached(0, 0)
            assert await store.items(Selection()) == []
            assert await store.lines() == []

    asyncio.run(act())


def test_a_line_alone_needs_no_change(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            before = store.notice()
            async with store.writing() as writing:
                await writing.append(an_act())
            assert await store.sequence() == Reached(0, 0)
            assert len(await store.lines()) == 1
            if store_address.startswith("sqlite"):
                assert store.notice() == before

    asyncio.run(act())


def test_changes_are_numbered_in_order_and_rights_apart(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            notices = [store.notice()]
            async with store.writing() as writing:
                await keep_partner(writing)
            notices.append(store.notice())
            assert await store.sequence() == Reached(1, 1)
            async with store.writing() as writing:
                await keep_item(writing, an_item())
            notices.append(store.notice())
            assert await store.sequence() == Reached(2, 1)
            assert len(set(notices)) == 3

    asyncio.run(act())


def test_writers_in_one_process_take_turns(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:

            async def one(number: int) -> None:
                async with store.writing() as writing:
                    await keep_item(writing, an_item(number))

            await asyncio.gather(*(one(number) for number in range(1, 21)))
            assert await store.sequence() == Reached(20, 0)
            assert [line.seq for line in await store.lines()] == list(range(1, 21))

    asyncio.run(act())


def test_a_cancelled_act_leaves_nothing_and_nobody_waits_for_it(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:

            async def slow(begun: asyncio.Event) -> None:
                async with store.writing() as writing:
                    await keep_item(writing, an_item())
                    begun.set()
                    await asyncio.sleep(60)

            for _ in range(3):
                begun = asyncio.Event()
                task = asyncio.create_task(slow(begun))
                await begun.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            for pause in range(12):
                task = asyncio.create_task(slow(asyncio.Event()))
                await asyncio.sleep(pause / 2000)
                task.cancel()
                await asyncio.wait({task})
            async with asyncio.timeout(3), store.writing() as writing:
                assert await writing.append(an_act()) == 1
            assert await store.items(Selection()) == []

    asyncio.run(act())


def test_keys_are_listed_newest_first_with_their_last_use(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            async with store.writing() as writing:
                await keep_partner(writing)
                await writing.put_key(a_key("old"))
                await writing.put_key(a_key("new", issued=NOON + seconds(5)))
                await writing.append(a_delivery(jti="old", at=NOON + seconds(10)))
                await writing.append(a_delivery(jti="old", at=NOON + seconds(20)))
                await writing.append(an_act(NOON + seconds(30)))
            new, old = await store.keys()
            assert (new.jti, new.last_used) == ("new", None)
            assert (old.jti, old.last_used) == ("old", NOON + seconds(20))
            assert await store.keys(ZJOL.id) == [new, old]
            assert await store.keys(type(ZJOL.id)("other")) == []
            assert (await store.register()).keys["old"].last_used is None

    asyncio.run(act())


def test_a_key_of_no_partner_is_refused(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            with pytest.raises(Conflict):
                async with store.writing() as writing:
                    await writing.put_key(a_key())
            assert await store.keys() == []

    asyncio.run(act())
