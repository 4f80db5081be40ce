"""The rights in memory: looked at ahead of time while they are used, and left alone afterwards."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from syndicate.access import rights_cache
from syndicate.access.rights_cache import RightsCache
from syndicate.clock import wall_clock
from syndicate.store.protocol import Change, Reached
from tests.support.databases import opened
from tests.test_store.samples import keep_partner


def test_rights_that_are_used_never_get_too_old_and_unused_ones_are_left_alone(
    sqlite_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rights_cache, "_RECHECK", timedelta(seconds=0.2))
    monkeypatch.setattr(rights_cache, "_AHEAD", 0.05)

    async def act() -> None:
        async with opened(sqlite_address) as store:
            looks, real = 0, store.sequence

            async def sequence() -> Reached:
                nonlocal looks
                looks += 1
                return await real()

            monkeypatch.setattr(store, "sequence", sequence)
            cache = RightsCache(store, wall_clock, looks_ahead=True)
            await cache.read()
            generation = cache.generation
            for _ in range(50):
                assert cache.current() is not None
                await asyncio.sleep(0.01)
            assert looks > 3
            assert cache.generation == generation, "what was kept ready stays good where nothing changed"

            async with store.writing() as writing:
                await keep_partner(writing)
                await writing.changed(Change.RIGHTS)
            await asyncio.sleep(0.1)
            assert cache.generation > generation
            current = cache.current()
            assert current is not None
            assert list(current.register.partners) == ["zjol"]

            await asyncio.sleep(0.3)
            done = looks
            await asyncio.sleep(0.3)
            assert looks == done, "nobody asked, so the store is left alone"
            assert cache.current() is None
            await cache.close()

    asyncio.run(act())


def test_a_cache_that_is_closed_looks_no_more(sqlite_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rights_cache, "_AHEAD", 0.01)

    async def act() -> None:
        async with opened(sqlite_address) as store:
            cache = RightsCache(store, wall_clock, looks_ahead=True)
            await cache.read()
            assert cache.current() is not None
            await asyncio.sleep(0.015)
            await cache.close()
            assert len(asyncio.all_tasks()) == 1

    asyncio.run(act())
