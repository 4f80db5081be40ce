"""Editions, the audit writer and exports: what every way in gives alike, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from syndicate.access.rights_cache import RightsCache
from syndicate.errors import NotLicensed, StoreBusy
from syndicate.formats import FEED_FORMATS
from syndicate.language import Text
from syndicate.model.events import ItemDelivered, LicenceShown
from syndicate.model.records import Entry
from syndicate.model.register import Register
from syndicate.model.rights import Use
from syndicate.services.audit.audit_writer import AuditWriter
from syndicate.services.delivery.delivery_service import DeliveryService
from syndicate.stamping import Edition
from syndicate.store.protocol import Outcome, Pending
from syndicate.wiring import build
from tests.support.databases import opened
from tests.support.factories import NOON, STAFF, days
from tests.support.fixtures import LICENSED_FEED, Keys, an_id, session_for, visit
from tests.support.servers import Serving
from tests.test_services import LICENCE, MANDATE, ZJOL, Here, events, licensed, on, page


async def _bytes(delivery: DeliveryService) -> dict[str, bytes]:
    """The public's feed in every format."""
    edition = (await delivery.public_feed("all")).edition
    return {name: format.render(edition).body for name, format in FEED_FORMATS.items()}


@pytest.mark.parametrize("polled", [(), ("second",), ("first",), ("second", "third"), ("first", "second")])
def test_the_same_content_has_the_same_time_on_every_worker_whoever_saw_another_in_between(
    store_address: str, tmp_path: Path, polled: Sequence[str]
) -> None:
    async def story(here: Here) -> None:
        await licensed(here)
        (item,) = await here.house.items.items()
        async with AsyncExitStack() as stack:
            workers = {"first": here.house.delivery}
            for name in ("second", "third"):
                store = await stack.enter_async_context(opened(store_address))
                workers[name] = build(here.house.settings, store, here.clock).delivery
            before = [await _bytes(worker) for worker in workers.values()]
            assert before[0] == before[1] == before[2]
            here.clock.move(timedelta(minutes=1))
            await here.house.holds.withhold(STAFF, item.id)
            for name in polled:
                assert (await workers[name].public_feed("all")).edition.items == ()
            here.clock.move(timedelta(minutes=1))
            await here.house.holds.release(STAFF, item.id)
            first = [await workers[name].public_feed("all") for name in ("second", "first", "third")]
            assert len({one.edition.updated for one in first}) == 1
            after = [await _bytes(worker) for worker in workers.values()]
            assert after[0] == after[1] == after[2]
            assert (first[0].edition.updated == NOON) is (polled == ())
            pages = [(await worker.public_item(item.id)).edition for worker in workers.values()]
            assert len({page.updated for page in pages}) == 1

    on(store_address, tmp_path, story)


def test_content_judged_before_what_another_worker_recorded_is_judged_again(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        await licensed(here)
        (item,) = await here.house.items.items()
        async with opened(store_address) as elsewhere:
            other = build(here.house.settings, elsewhere, here.clock)
            real, slowed = here.store.edition_moment, asyncio.Event()
            began = asyncio.Event()

            async def slow(*words: str, **named: object) -> object:
                began.set()
                await slowed.wait()
                return await real(*words, **named)  # type: ignore[arg-type]

            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(here.store, "edition_moment", slow)
                reading = asyncio.create_task(here.house.delivery.public_feed("all"))
                await began.wait()
                await other.holds.withhold(STAFF, item.id)
                newer = await other.delivery.public_feed("all")
                slowed.set()
                answered = await reading
            assert newer.edition.items == answered.edition.items == ()
            assert newer.edition.updated == answered.edition.updated

    on(store_address, tmp_path, story)


def _line(name: str) -> Pending:
    return Pending(Entry(NOON, "zjol", LicenceShown("zjol", "jti", name)))


def test_lines_that_wait_behind_an_unexpected_error_are_written(store_address: str) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            writer, real = AuditWriter(store), store.record

            async def record(pending: Sequence[Pending]) -> list[Outcome]:
                if any(
                    isinstance(one.entry, Entry)
                    and isinstance(one.entry.event, LicenceShown)
                    and one.entry.event.request == "bad"
                    for one in pending
                ):
                    queued.append(asyncio.create_task(writer.write(_line("behind"))))
                    await asyncio.sleep(0)
                    raise ZeroDivisionError
                return await real(pending)

            queued: list[asyncio.Task[Outcome]] = []
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(store, "record", record)
                with pytest.raises(RuntimeError, match="could not be written"):
                    await writer.write(_line("bad"))
                async with asyncio.timeout(5):
                    assert await queued[0] is Outcome.WRITTEN
                    await writer.flush()
            (line,) = await store.lines(limit=10)
            assert isinstance(line.entry.event, LicenceShown)
            assert line.entry.event.request == "behind"

    asyncio.run(act())


def test_a_feed_is_made_by_one_request_at_a_time_also_after_one_of_them_failed(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        jti = await licensed(here)
        session = await session_for(here.house, ZJOL, jti)
        real, making, most, calls = here.store.read, 0, 0, 0

        async def read(*words: object, **named: object) -> object:
            nonlocal making, most, calls
            making, calls = making + 1, calls + 1
            most = max(most, making)
            try:
                await asyncio.sleep(0.02)
                if calls == 1:
                    raise StoreBusy(Text("忙", "busy"))
                return await real(*words, **named)  # type: ignore[arg-type]
            finally:
                making -= 1

        async def late() -> object:
            await asyncio.sleep(0.03)
            return await here.house.delivery.licensed_feed("all", session, None)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(here.store, "read", read)
            readers = [here.house.delivery.licensed_feed("all", session, None) for _ in range(2)]
            failed, *made = await asyncio.gather(*readers, late(), late(), return_exceptions=True)
        assert isinstance(failed, StoreBusy)
        assert all(one is made[0] for one in made)
        assert (most, calls) == (1, 2)

    on(store_address, tmp_path, story)


def test_an_export_is_judged_again_where_its_time_has_passed_while_it_was_rendered(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        await licensed(here)
        (item,) = await here.house.items.items()
        rendered = []

        def render(edition: Edition) -> bytes:
            rendered.append(edition.items[0].id)
            here.clock.move(days(365))  # the licence ends
            return b""

        with pytest.raises(NotLicensed):
            await here.house.delivery.export(STAFF, item.id, ZJOL, None, "ninjs", render)
        assert rendered == [item.id]
        assert not any(isinstance(event, ItemDelivered) for event in await events(here))

    on(store_address, tmp_path, story)


def test_an_export_is_recorded_as_given_by_staff_and_counts_against_no_quota(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        await here.house.rights.add_mandate(STAFF, MANDATE, "m.toml")
        await here.house.rights.add_partner(STAFF, ZJOL, "浙江在线", ["zjol.com.cn"])
        limited = LICENCE + '\nquota = { items = 1, per = "day" }\n'
        await here.house.rights.add_licence(STAFF, limited, "l.toml")
        for minute in range(2):
            await here.house.items.take_in(STAFF, page(f"第{minute}篇", minute=minute), f"{minute}.html")
        for item in await here.house.items.items():
            body = await here.house.delivery.export(
                STAFF,
                item.id,
                ZJOL,
                Use.REPRINT,
                "ninjs",
                lambda edition: edition.items[0].headline.encode(),
            )
            assert body.decode() == item.headline
        lines = await here.store.lines(limit=100)
        given = [
            (line.entry.actor, line.entry.event.method, line.entry.event.jti)
            for line in lines
            if isinstance(line.entry.event, ItemDelivered)
        ]
        assert given == [("cli:zhou", "EXPORT", "")] * 2
        assert len(await here.store.holdings(ZJOL)) == 2
        (left,) = await here.house.delivery.quotas.left(
            ZJOL, (await here.house.rights.register()).licences_of(ZJOL)
        )
        assert left.left == 1

    on(store_address, tmp_path, story)


def test_a_licensed_request_reads_the_rights_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        reads, real = 0, RightsCache.read

        async def read(cache: RightsCache) -> tuple[Register, int]:
            nonlocal reads
            reads += 1
            return await real(cache)

        monkeypatch.setattr(RightsCache, "read", read)
        item = await an_id(here, "日报新闻")
        for path in (LICENSED_FEED, f"/licensed/items/{item}", "/licensed/licence"):
            for number in "12":
                reads = 0
                # The same head again would be answered by lookup, which reads nothing.
                answer = await here.get(path, key=next(iter(keys.values())), headers={"X-Number": number})
                assert (answer.status, reads) == (200, 1), path

    visit(tmp_path, act)
