"""The audit writer: which lines are committed together, and what everyone who waits is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from syndicate.errors import StoreFault
from syndicate.model.events import LicenceShown
from syndicate.model.records import Entry
from syndicate.services.audit.audit_writer import AuditWriter, Result
from syndicate.store.protocol import Outcome, Pending
from tests.support.databases import opened, sqlite_file
from tests.test_store.samples import NOON


def _line(name: str) -> Pending:
    return Pending(Entry(NOON, "zjol", LicenceShown("zjol", "jti", name)))


def test_a_group_is_whatever_waits(sqlite_address: str) -> None:
    async def act() -> None:
        async with opened(sqlite_address) as store:
            writer, real, sizes = AuditWriter(store), store.record, []

            async def record(pending: Sequence[Pending]) -> list[Outcome]:
                sizes.append(len(pending))
                if len(sizes) == 1:
                    late.extend(writer.submit(_line(f"late {number}")) for number in range(5))
                return await real(pending)

            late: list[asyncio.Future[Outcome]] = []
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(store, "record", record)
                early = [writer.submit(_line(f"early {number}")) for number in range(8)]
                assert await asyncio.gather(*early) == [Outcome.WRITTEN] * 8
                assert await asyncio.gather(*late) == [Outcome.WRITTEN] * 5
                assert await writer.write(_line("alone")) is Outcome.WRITTEN
            assert sizes == [8, 5, 1]
            await writer.flush()
            names = [
                line.entry.event.request
                for line in await store.lines()
                if isinstance(line.entry.event, LicenceShown)
            ]
            assert names == [f"early {n}" for n in range(8)] + [f"late {n}" for n in range(5)] + ["alone"]

    asyncio.run(act())


def test_those_who_ask_again_at_once_share_a_group_and_do_not_take_turns(sqlite_address: str) -> None:
    async def act() -> None:
        async with opened(sqlite_address) as store:
            writer, real, sizes = AuditWriter(store), store.record, []
            late: list[asyncio.Task[None]] = []

            async def client(name: str) -> None:
                for number in range(5):
                    assert await writer.write(_line(f"{name} {number}")) is Outcome.WRITTEN

            async def record(pending: Sequence[Pending]) -> list[Outcome]:
                sizes.append(len(pending))
                if not late:
                    late.extend(asyncio.create_task(client(f"late {number}")) for number in range(4))
                return await real(pending)

            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(store, "record", record)
                await asyncio.gather(*(client(f"early {number}") for number in range(4)))
                await asyncio.gather(*late)
            assert sizes == [4, 8, 8, 8, 8, 4]

    asyncio.run(act())


def test_a_request_that_gave_up_takes_nothing_out_of_its_group(sqlite_address: str) -> None:
    async def act() -> None:
        async with opened(sqlite_address) as store:
            writer = AuditWriter(store)
            gone, here = writer.submit(_line("gone")), writer.submit(_line("here"))
            gone.cancel()
            assert await here is Outcome.WRITTEN
            assert len(await store.lines()) == 2

    asyncio.run(act())


def test_everyone_in_a_group_is_told_why_it_was_not_written(sqlite_address: str) -> None:
    async def act() -> None:
        async with opened(sqlite_address) as store:
            writer = AuditWriter(store)
            lock = sqlite_file(sqlite_address).with_name("syndicate.db-lock")
            lock.unlink(missing_ok=True)
            lock.mkdir()
            told = await asyncio.gather(
                *(writer.submit(_line(str(number))) for number in range(3)), return_exceptions=True
            )
            assert [type(fault) for fault in told] == [StoreFault] * 3
            assert len({id(fault) for fault in told}) == 3
            assert {fault.code for fault in told if isinstance(fault, StoreFault)} == {"store_unreachable"}
            lock.rmdir()
            assert await writer.write(_line("again")) is Outcome.WRITTEN
            assert len(await store.lines()) == 1

    asyncio.run(act())


def test_an_answer_that_fails_keeps_no_other_from_leaving(
    sqlite_address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def act() -> None:
        async with opened(sqlite_address) as store:
            writer, told = AuditWriter(store), list[Result]()

            def fails(_: Result) -> None:
                raise ZeroDivisionError

            writer.submit_for(_line("first"), told.append)
            writer.submit_for(_line("fails"), fails)
            writer.submit_for(_line("last"), told.append)
            await writer.flush()
            assert told == [Outcome.WRITTEN] * 2
            assert len(await store.lines()) == 3
            assert await writer.write(_line("again")) is Outcome.WRITTEN

    asyncio.run(act())
    assert "answer_failed_after_its_line" in "".join(capsys.readouterr())


def test_everyone_is_told_and_the_next_line_is_written_where_the_task_was_cancelled(
    sqlite_address: str,
) -> None:
    async def act() -> None:
        async with opened(sqlite_address) as store:
            writer, told, again = AuditWriter(store), list[Result](), list[Result]()

            def asks_again(result: Result) -> None:
                told.append(result)
                writer.submit_for(_line("again"), again.append)

            async with store.writing():
                writer.submit_for(_line("first"), asks_again)
                await asyncio.sleep(0.02)
                writer.submit_for(_line("queued"), told.append)
                assert writer._task is not None
                writer._task.cancel()
                await asyncio.sleep(0.02)
            assert [type(one) for one in told] == [RuntimeError] * 2
            await writer.flush()
            assert again == [Outcome.WRITTEN]

    asyncio.run(act())
