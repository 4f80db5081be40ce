"""The server: away, restarted, refusing; and never a password in what we say."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from syndicate.errors import StoreDamaged, StoreFault, StoreMissing
from syndicate.store.protocol import Outcome
from syndicate.store.sql_store import open_store
from tests.support.databases import PostgresqlServer, opened, postgresql_binaries
from tests.test_store.raw import by_hand
from tests.test_store.samples import a_pending, keep_partner
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
