"""The server: away, restarted, refusing; and never a password in what we say."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack

import asyncpg
import pytest
from sqlalchemy import text

from syndicate.errors import StoreBusy, StoreDamaged, StoreFault, StoreMissing
from syndicate.store.postgresql import engine
from syndicate.store.postgresql.engine import PostgresqlDatabase
from syndicate.store.protocol import Outcome, Pending
from syndicate.store.sql_store import SqlStore, open_store
from tests.support.databases import PostgresqlServer, opened, postgresql_binaries
from tests.test_store.raw import by_hand
from tests.test_store.samples import a_delivery, a_pending, keep_partner
from tests.test_store.test_processes import settled


@pytest.fixture
def own_server() -> Iterator[PostgresqlServer]:
    """A server that this test may kill."""
    binaries = postgresql_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL binaries not found: apt-get install postgresql")
    server = PostgresqlServer(binaries)
    try:
        server.make()
        yield server
    finally:
        server.remove()


def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: every connection is refused
        address = f"postgresql+asyncpg://syndicate:topsecret@127.0.0.1:{taken.getsockname()[1]}/x"
        for attempt in (open_store(address).open, open_store(address).create):
            with pytest.raises(StoreFault) as fault:
                asyncio.run(attempt())
            assert fault.value.code == "store_unreachable"
            assert "SYNDICATE_DATABASE" in fault.value.text.zh
            chain: BaseException | None = fault.value
            while chain is not None:
                assert "topsecret" not in f"{chain} {chain!r}"
                chain = chain.__cause__


def test_a_server_that_hangs_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        address = f"postgresql+asyncpg://u:p@127.0.0.1:{silent.getsockname()[1]}/x"
        with pytest.raises(StoreFault) as fault:
            asyncio.run(open_store(address).open())
        assert fault.value.code == "store_unreachable"
        assert time.monotonic() - began < 8


def test_a_database_that_the_server_does_not_have_is_missing(postgresql_server: PostgresqlServer) -> None:
    for attempt in ("open", "create"):
        with pytest.raises(StoreMissing):
            asyncio.run(getattr(open_store(postgresql_server.address("nowhere")), attempt)())


def test_a_database_in_another_encoding_is_refused(postgresql_server: PostgresqlServer) -> None:
    postgresql_server.sql("CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII'")
    with pytest.raises(StoreDamaged, match="UTF8"):
        asyncio.run(open_store(postgresql_server.address("ascii")).create())


def test_a_crashed_server_is_an_honest_fault_and_found_again_within_five_seconds(
    own_server: PostgresqlServer,
) -> None:
    async def act() -> None:
        async with opened(own_server.address("pattern")) as store:
            async with store.writing() as writing:
                await keep_partner(writing)
            await settled(store.notice)
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, own_server.stop, signal.SIGQUIT)
            for attempt in (store.sequence, lambda: store.record([a_pending(1)])):
                with pytest.raises(StoreFault) as fault:
                    await attempt()
                assert fault.value.code == "store_unreachable"
            first = store.notice()
            assert store.notice() != first  # deaf: anything may have changed
            await loop.run_in_executor(None, own_server.start)
            assert (await store.sequence()).change == 1
            assert await store.record([a_pending(1)]) == [Outcome.WRITTEN]
            async with asyncio.timeout(5):
                await settled(store.notice)
            before = store.notice()
            async with opened(own_server.address("pattern")) as other, other.writing() as writing:
                await keep_partner(writing)
            async with asyncio.timeout(2):
                while store.notice() == before:
                    await asyncio.sleep(0.01)

    asyncio.run(act())


def test_connections_cut_in_the_middle_of_an_act_leave_nothing_of_it(
    postgresql_server: PostgresqlServer, postgresql_address: str
) -> None:
    cut = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    async def act() -> None:
        async with opened(postgresql_address) as store:
            with pytest.raises(StoreFault):  # noqa: PT012
                async with store.writing() as writing:
                    await keep_partner(writing)
                    await by_hand(postgresql_address, cut)
            assert (await store.sequence()).change == 0
            assert await store.lines() == []
            async with store.writing() as writing:
                await keep_partner(writing)
            assert (await store.sequence()).change == 1

    asyncio.run(act())


def test_readers_and_the_writer_never_wait_for_each_other_and_keep_to_their_number(
    postgresql_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "PATIENCE", 2.0)
    count = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    async def act() -> None:
        store = open_store(postgresql_address, 6)
        await store.open()
        try:
            await settled(store.notice)
            async with AsyncExitStack() as readers:
                for _ in range(3):
                    reading = await readers.enter_async_context(store._database.reading())
                    await reading.row(text("SELECT 1"))
                async with asyncio.timeout(5):
                    async with store.writing() as writing:
                        await keep_partner(writing)
                    assert await store.record([a_pending(1)]) == [Outcome.WRITTEN]
                with pytest.raises(StoreBusy, match="raise database_connections"):
                    await store.sequence()
            assert (await store.sequence()).change == 1
            async with store.writing():
                await asyncio.gather(*(store.sequence() for _ in range(6)))
                ((connections,),) = await by_hand(postgresql_address, count)
            assert 5 <= connections <= 6  # the one of the gate is opened when it is needed
        finally:
            await store.close()

    asyncio.run(act())


def test_a_server_without_a_connection_left_is_named_with_what_to_do(
    postgresql_server: PostgresqlServer, postgresql_address: str
) -> None:
    postgresql_server.sql("CREATE ROLE crowded LOGIN CONNECTION LIMIT 1")
    address = postgresql_address.replace("syndicate:hush@", "crowded@")
    database = postgresql_address.rpartition("/")[2]
    try:
        postgresql_server.sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO crowded", database)

        async def act() -> None:
            async with opened(address) as store:
                await store.sequence()
                with pytest.raises(StoreBusy, match=r"max_connections.*database_connections") as fault:
                    await open_store(address).open()
                assert "max_connections" in fault.value.text.zh

        asyncio.run(act())
    finally:
        postgresql_server.sql("DROP OWNED BY crowded", database)
        postgresql_server.sql("DROP ROLE crowded")


@pytest.mark.parametrize("connections", [3, 101])
def test_too_few_or_too_many_connections_are_refused(connections: int) -> None:
    with pytest.raises(ValueError, match="connections"):
        open_store("postgresql+asyncpg://a@127.0.0.1/b", connections)


def test_every_connection_keeps_its_promises(postgresql_address: str) -> None:
    async def act() -> None:
        async with opened(postgresql_address) as store:
            async with store._database.writing() as session:
                for name, value in {"synchronous_commit": "on", "lock_timeout": "5s"}.items():
                    assert await session.row(text(f"SHOW {name}")) == (value,)
            async with store._database.reading() as session:
                for name, value in {
                    "transaction_isolation": "repeatable read",
                    "transaction_read_only": "on",
                }.items():
                    assert await session.row(text(f"SHOW {name}")) == (value,)

    asyncio.run(act())


async def listened(store: SqlStore) -> list[str]:
    """Every statement that the gate sends from now on."""
    database = store._database
    assert isinstance(database, PostgresqlDatabase)
    await store.record([a_pending(None)])
    await store.record([a_pending(None)])
    sent: list[str] = []
    database._gate._driver.add_query_logger(lambda query: sent.append(query.query))
    return sent


def test_a_group_that_gives_nothing_is_one_statement(postgresql_address: str) -> None:
    async def act() -> None:
        async with opened(postgresql_address) as store:
            sent = await listened(store)
            group = [
                Pending(a_delivery(f"20260301-{n:010d}"), 0, (f"m{n % 3}", b"list")) for n in range(30)
            ]
            for _ in range(3):
                assert await store.record(group) == [Outcome.WRITTEN] * 30
            assert len(sent) == 3
            assert await store.manifest("m2") == b"list"
            assert [line.seq for line in await store.lines(limit=1000)] == list(range(1, 93))

    asyncio.run(act())


def test_what_another_process_changed_is_seen_by_the_one_statement_too(postgresql_address: str) -> None:
    async def act() -> None:
        async with opened(postgresql_address) as here, opened(postgresql_address) as there:
            await listened(here)
            async with there.writing() as writing:
                await keep_partner(writing)
            assert await here.record([a_pending(0)]) == [Outcome.STALE]
            assert await here.record([a_pending(1), a_pending(0)]) == [Outcome.WRITTEN, Outcome.STALE]
            for _ in range(20):
                group = [a_pending(1)] * 3
                told = await asyncio.gather(here.record(group), there.record(group))
                assert told[0] == told[1] == [Outcome.WRITTEN] * 3
            assert [line.seq for line in await here.lines(limit=1000)] == list(range(1, 125))

    asyncio.run(act())


@pytest.mark.parametrize("long", [False, True])
def test_a_server_that_crashes_in_the_middle_of_a_group_leaves_nothing_of_it(
    own_server: PostgresqlServer, long: bool
) -> None:
    """Another session holds the row of counters, so that the group is under way when the server dies."""

    async def act() -> None:
        async with opened(own_server.address("pattern")) as store:
            await listened(store)
            if long:
                await store.transact(keep_partner)
            before = len(await store.lines())
            holder = await asyncpg.connect(
                host=str(own_server.folder), port=own_server.port, user="syndicate", database="pattern"
            )
            await holder.execute("BEGIN; SELECT * FROM counters FOR UPDATE")
            group = asyncio.create_task(store.record([a_pending(None), a_pending(None, 2)]))
            await asyncio.sleep(0.3)
            assert not group.done()
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, own_server.stop, signal.SIGQUIT)
            with pytest.raises(StoreFault) as fault:
                await group
            assert fault.value.code == "store_unreachable"
            holder.terminate()
            await loop.run_in_executor(None, own_server.start)
            assert len(await store.lines()) == before
            assert await store.record([a_pending(None)] * 2) == [Outcome.WRITTEN] * 2
            assert await store.record([a_pending(None)] * 2) == [Outcome.WRITTEN] * 2
            assert [line.seq for line in await store.lines()] == list(range(1, before + 5))

    asyncio.run(act())
