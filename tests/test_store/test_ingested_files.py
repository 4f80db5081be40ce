"""A file is known in the state in which it was last taken in, and in no other."""

from __future__ import annotations

import asyncio

from syndicate.model.item import FileState
from tests.support.databases import opened
from tests.test_store.samples import an_item, keep_item

A, A_CHANGED, B = FileState(b"\0a", b"1"), FileState(b"\0a", b"2"), FileState(b"b", b"1")
MANY = {FileState(number.to_bytes(2, "big"), b"x"): an_item(1).id for number in range(1200)}


def test_a_file_is_known_in_its_last_state_alone(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            one, two = an_item(1), an_item(2)
            async with store.writing() as writing:
                await keep_item(writing, one)
                await keep_item(writing, two)
                await writing.put_ingested({A: one.id, B: two.id})
            assert await store.ingested([A, A_CHANGED, B]) == {A: one.id, B: two.id}
            assert await store.ingested([]) == {}
            sequence = await store.sequence()
            async with store.writing() as writing:
                await writing.put_ingested({})
                await writing.put_ingested({A: one.id, A_CHANGED: two.id})  # twice in one group
            assert await store.ingested([A, A_CHANGED, B]) == {A_CHANGED: two.id, B: two.id}
            assert await store.sequence() == sequence, "no reader has anything to read"
            async with store.writing() as writing:
                await writing.put_ingested(MANY)
            assert await store.ingested(MANY) == MANY

    asyncio.run(act())
