"""The store itself: every promise of `protocol.Store`, on SQLite or on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from syndicate.errors import StoreFault, StoreReadOnly
from syndicate.language import Text
from syndicate.model.item import Item, ItemId
from syndicate.model.parties import PartnerId
from syndicate.model.register import Key, Register
from syndicate.model.trail import Line
from syndicate.store import gate, reading
from syndicate.store.count import take
from syndicate.store.database import Database, to_the_end
from syndicate.store.listing import listing
from syndicate.store.postgresql import PostgresqlDatabase
from syndicate.store.protocol import Pending, Place, Reached, Selection, Writing
from syndicate.store.rows import item_from
from syndicate.store.sqlite import SqliteDatabase
from syndicate.store.writing import SqlWriting


def open_store(address: str) -> SqlStore:
    """The store at this address; it still waits for its `open` (or `create`).

    `sqlite+aiosqlite:////absolute/path.db` or `postgresql+asyncpg://user:password@host/name`. Raises
    StoreFault (`store_address`) for any other; what it says never repeats the address, which may hold a
    password.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise _not_an_address() from None
    if url.drivername == "postgresql+asyncpg" and url.database:
        return SqlStore(PostgresqlDatabase(url))
    if url.drivername == "sqlite+aiosqlite" and url.database and url.database != ":memory:":
        return SqlStore(SqliteDatabase(Path(url.database).absolute()))
    raise _not_an_address()


def _not_an_address() -> StoreFault:
    return StoreFault(
        Text(
            "数据库地址有误：应为 sqlite+aiosqlite:////绝对路径/syndicate.db，"
            "或 postgresql+asyncpg://用户:密码@主机/数据库",
            "this is no address of a database: expected sqlite+aiosqlite:////absolute/path/syndicate.db "
            "or postgresql+asyncpg://user:password@host/database",
        ),
        code="store_address",
    )


class SqlStore:
    """`Store` in SQL. For one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self) -> bool:
        return await self._database.create()

    async def open(self) -> None:
        await self._database.open()

    async def close(self) -> None:
        await self._database.close()

    def notice(self) -> int:
        return self._database.notice()

    async def sequence(self) -> Reached:
        async with self._database.reading() as session:
            return await reading.sequence(session)

    async def register(self) -> Register:
        async with self._database.reading() as session:
            return await reading.register(session, (await reading.sequence(session)).change)

    async def item(self, id: ItemId, version: int | None = None) -> Item | None:
        async with self._database.reading() as session:
            return await reading.item(session, id, version)

    async def versions(self, id: ItemId) -> list[Item]:
        async with self._database.reading() as session:
            return await reading.all_versions(session, id)

    async def items(
        self, selection: Selection, *, after: Place | None = None, limit: int = 50
    ) -> list[Item]:
        async with self._database.reading() as session:
            return [item_from(row) for row in await session.rows(listing(selection, after, limit))]

    async def outline(self, id: ItemId) -> Item | None:
        async with self._database.reading() as session:
            return await reading.outline(session, id)

    async def keys(self, partner: PartnerId | None = None) -> list[Key]:
        async with self._database.reading() as session:
            return await reading.partners_keys(session, partner)

    async def document(self, number: str) -> str | None:
        async with self._database.reading() as session:
            return await reading.document(session, number)

    async def lines(
        self,
        *,
        after: int = 0,
        limit: int = 100,
        partner: PartnerId | None = None,
        item: ItemId | None = None,
    ) -> list[Line]:
        async with self._database.reading() as session:
            return await reading.lines(session, after, limit, partner, item)

    async def manifest(self, digest: str) -> bytes | None:
        async with self._database.reading() as session:
            return await reading.manifest(session, digest)

    async def edition_moment(
        self, feed: str, recipient: str, digest: str, *, judged: int, at: datetime
    ) -> datetime:
        async with self._database.reading() as session:
            known = await gate.standing(session, feed, recipient)
        since, news = gate.answer(known, digest, judged, at)
        if news is None:
            return since
        try:
            async with self._database.writing() as session:
                return await gate.edition_moment(session, feed, recipient, digest, judged, at)
        except StoreReadOnly:
            return since if known is not None and known.digest == digest else gate.whole_second(at)

    async def record(self, pending: Sequence[Pending]) -> list[bool]:
        return await to_the_end(self._record(pending)) if pending else []

    async def _record(self, pending: Sequence[Pending]) -> list[bool]:
        async with self._database.writing() as session:
            return await gate.record(session, pending)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        async with self._database.writing() as session:
            writing = SqlWriting(session, await take(session))
            yield writing
            await writing.finish()
