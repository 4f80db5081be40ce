"""The gate: no answer leaves on rights that are no longer true, and feeds agree on when they changed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syndicate.errors import StoreBusy
from syndicate.language import Text
from syndicate.store.database import T, Work
from syndicate.store.edition_records import EditionContent, EditionRecord, answer, whole_second
from syndicate.store.protocol import Change, Outcome, Pending, Reached
from syndicate.store.sql_store import SqlStore
from tests.support.databases import opened
from tests.test_store import samples
from tests.test_store.samples import (
    NOON,
    ZJOL,
    a_delivery,
    a_key,
    a_pending,
    an_act,
    an_item,
    keep_item,
    keep_partner,
    seconds,
)


def test_a_line_judged_at_the_newest_change_is_written(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            async with store.writing() as writing:
                await keep_partner(writing)
            assert await store.record([]) == []
            assert await store.record([a_pending(1), a_pending(1, 2)]) == [Outcome.WRITTEN, Outcome.WRITTEN]
            lines = await store.lines(after=1)
            assert [line.seq for line in lines] == [2, 3]
            assert [line.entry for line in lines] == [a_pending(1).entry, a_pending(1, 2).entry]

    asyncio.run(act())


def test_a_line_judged_before_the_last_change_of_rights_is_not_written(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            async with store.writing() as writing:
                await keep_item(writing, an_item())
            async with store.writing() as writing:
                await keep_partner(writing)
            pending = [a_pending(1, 1), a_pending(2, 2), a_pending(None, 3), a_pending(0, 4)]
            assert await store.record(pending) == [
                Outcome.STALE,
                Outcome.WRITTEN,
                Outcome.WRITTEN,
                Outcome.STALE,
            ]
            lines = await store.lines(after=2)
            assert [line.entry for line in lines] == [pending[1].entry, pending[2].entry]
            assert await store.record([a_pending(1)]) == [Outcome.STALE]
            assert len(await store.lines()) == 4

    asyncio.run(act())


def test_a_new_item_takes_nothing_from_what_was_judged_before_it(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            async with store.writing() as writing:
                await keep_partner(writing)
            async with store.writing() as writing:
                await keep_item(writing, an_item())
            assert await store.record([a_pending(0), a_pending(1), a_pending(2), a_pending(3)]) == [
                Outcome.STALE,
                Outcome.WRITTEN,
                Outcome.WRITTEN,
                Outcome.STALE,
            ]

    asyncio.run(act())


def test_a_number_from_the_future_is_of_another_database_and_not_believed(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            assert await store.record([a_pending(7)]) == [Outcome.STALE]
            assert await store.lines() == []

    asyncio.run(act())


def test_reads_are_no_changes(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            assert await store.record([a_pending(0)]) == [Outcome.WRITTEN]
            assert await store.sequence() == Reached(0, 0)

    asyncio.run(act())


def test_a_list_is_kept_once_and_only_with_its_line(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            entry = a_delivery()
            first, stale = Pending(entry, 0, ("aa", "一".encode())), Pending(entry, 9, ("bb", b"2"))
            assert await store.record([first, first, stale]) == [
                Outcome.WRITTEN,
                Outcome.WRITTEN,
                Outcome.STALE,
            ]
            assert await store.record([first, Pending(entry, 0, ("cc", b"3"))]) == [
                Outcome.WRITTEN,
                Outcome.WRITTEN,
            ]
            assert await store.manifest("aa") == "一".encode()
            assert await store.manifest("bb") is None
            assert await store.manifest("cc") == b"3"

    asyncio.run(act())


def test_a_revocation_anywhere_closes_the_gate_everywhere(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as here, opened(store_address) as there:
            async with here.writing() as writing:
                await keep_partner(writing)
                await writing.put_key(a_key())
            judged = (await there.sequence()).change
            assert await there.record([a_pending(judged)]) == [Outcome.WRITTEN]
            async with here.writing() as writing:
                await writing.put_key(a_key(revoked=NOON))
                await writing.changed(Change.RIGHTS)
                await writing.append(an_act())
            assert await there.record([a_pending(judged)]) == [Outcome.STALE]
            assert (await there.register()).keys["key-1"].revoked == NOON
            assert await there.record([a_pending((await there.sequence()).change)]) == [Outcome.WRITTEN]

    asyncio.run(act())


def test_answers_and_changes_at_once_leave_no_line_judged_on_old_rights(store_address: str) -> None:
    """Lines say in their item at which change they were judged: none may stand after a newer change."""

    async def act() -> None:
        async with opened(store_address) as here, opened(store_address) as there:
            done = asyncio.Event()

            async def change() -> None:
                for number in range(1, 31):
                    async with here.writing() as writing:
                        await keep_partner(writing, replace(ZJOL, name=f"浙江在线 {number}"))
                done.set()

            async def answers() -> tuple[int, int]:
                told = [0, 0]
                while not done.is_set():
                    judged = (await there.sequence()).change
                    await asyncio.sleep(0)
                    (left,) = await there.record([a_pending(judged, judged)])
                    told[left is Outcome.WRITTEN] += 1
                return told[0], told[1]

            _, (refused, left) = await asyncio.gather(change(), answers())
            change_reached = 0
            written = 0
            for line in await here.lines(limit=10_000):
                item = getattr(line.entry.event, "item", None)
                if item is None:
                    change_reached += 1
                else:
                    written += 1
                    assert int(item[-10:]) == change_reached
            assert written == left
            assert refused + left > 0

    asyncio.run(act())


def test_an_edition_keeps_its_moment_until_its_content_changes(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as here, opened(store_address) as there:

            async def moment(store: SqlStore, digest: str, judged: int, at: float) -> float | None:
                found = await store.edition_moment(
                    "news", "public", digest, judged=judged, at=NOON + seconds(at)
                )
                if found is None:
                    return None
                assert found.tzinfo is UTC
                assert found.microsecond == 0
                return (found - NOON).total_seconds()

            assert await moment(here, "a", 1, 10.7) == 10
            assert await moment(there, "a", 1, 20) == 10
            assert await moment(there, "a", 2, 30) == 10
            assert await moment(there, "b", 3, 40) == 40
            assert await moment(here, "c", 3, 40.2) == 41  # always grows
            assert await moment(here, "d", 3, 5) == 42  # also when a clock went back
            assert await moment(there, "a", 2, 50) is None  # judged before what is known: out of date
            assert await moment(here, "d", 3, 60) == 42
            assert await here.edition_moment("news", "partner:zjol", "a", judged=1, at=NOON) == NOON
        async with opened(store_address) as again:
            at = NOON + seconds(99)
            assert await again.edition_moment("news", "public", "d", judged=3, at=at) == NOON + seconds(42)
            assert await again.lines() == []
            assert await again.sequence() == Reached(0, 0)

    asyncio.run(act())


def test_many_workers_agree_on_a_new_edition(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as here, opened(store_address) as there:
            found = await asyncio.gather(
                *(
                    store.edition_moment("all", "public", "x", judged=1, at=NOON + seconds(number))
                    for number in range(10)
                    for store in (here, there)
                )
            )
            assert len(set(found)) == 1

    asyncio.run(act())


def test_editions_that_wait_together_share_one_write_and_one_fault(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            writes: list[bool] = []
            database = store._database
            real = database.transact

            async def counted(work: Work[T], *, lazily: bool = False) -> T:
                writes.append(lazily)
                return await real(work, lazily=lazily)

            async def busy(work: Work[T], *, lazily: bool = False) -> T:
                raise StoreBusy(Text("忙", "busy"))

            def ask(digest: str, feeds: int = 20) -> list[asyncio.Task[datetime | None]]:
                return [
                    asyncio.create_task(
                        store.edition_moment(f"feed-{number}", "public", digest, judged=1, at=NOON)
                    )
                    for number in range(feeds)
                ]

            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(database, "transact", counted)
                first = store.edition_moment("all", "public", "a", judged=1, at=NOON)
                assert set(await asyncio.gather(first, *ask("a"))) == {NOON}
                assert len(writes) <= 2
                assert all(writes)
                known = len(writes)
                assert set(await asyncio.gather(*ask("a"))) == {NOON}
                assert len(writes) == known, "what is known is read, and not written"
                asked = ask("b")
                await asyncio.sleep(0)
                asked[0].cancel()
                found = await asyncio.gather(*asked, return_exceptions=True)
                assert isinstance(found[0], asyncio.CancelledError)
                assert set(found[1:]) == {NOON + seconds(1)}
                patched.setattr(database, "transact", busy)
                faults = await asyncio.gather(*ask("c"), return_exceptions=True)
                assert all(isinstance(fault, StoreBusy) for fault in faults)
                assert len({id(fault) for fault in faults}) == len(faults)
            assert set(await asyncio.gather(*ask("c"))) == {NOON + seconds(2)}

    asyncio.run(act())


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4), samples.moments), min_size=1, max_size=20)
)
def test_the_moment_of_what_is_kept_never_goes_back(asked: list[tuple[str, int, datetime]]) -> None:
    known: EditionRecord | None = None
    for digest, judged, at in asked:
        since, news = answer(known, EditionContent("all", "public", digest, judged, at))
        if since is None:
            assert known is not None
            assert judged < known.judged
            assert news is None
            continue
        assert since == whole_second(since)
        if news is not None:
            if known is not None:
                assert news.judged >= known.judged
                grown = timedelta(0) if news.digest == known.digest else seconds(1)
                assert news.since - known.since >= grown
            known = news
