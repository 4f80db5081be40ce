"""The store itself: every promise of `protocol.Store`, on SQLite or on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from syndicate.errors import StoreFault, StoreReadOnly
from syndicate.language import Text
from syndicate.model.changes import ChangeEntry, Delivery, Holding, Progress, Takedown
from syndicate.model.item import Item, ItemId
from syndicate.model.parties import PartnerId
from syndicate.model.records import Checkpoint, Line, Written
from syndicate.model.register import Key, Register
from syndicate.store import gate
from syndicate.store.counters import take
from syndicate.store.database import Database, to_the_end
from syndicate.store.postgresql.engine import PostgresqlDatabase
from syndicate.store.protocol import CandidateQuery, Outcome, Pending, Place, Reached, Selection, Writing
from syndicate.store.queries import changes, deliveries, history
from syndicate.store.queries import items as item_queries
from syndicate.store.queries.feed_listing import listing
from syndicate.store.schema.rows import item_from, outline_from
from syndicate.store.sqlite.engine import SqliteDatabase
from syndicate.store.transaction import SqlWriting


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
            return await item_queries.sequence(session)

    async def latest(self) -> datetime:
        async with self._database.reading() as session:
            return await item_queries.latest(session)

    async def register(self) -> Register:
        async with self._database.reading() as session:
            return await item_queries.register(session, (await item_queries.sequence(session)).change)

    async def item(self, id: ItemId, version: int | None = None) -> Item | None:
        async with self._database.reading() as session:
            return await item_queries.item(session, id, version)

    async def versions(self, id: ItemId) -> list[Item]:
        async with self._database.reading() as session:
            return await item_queries.all_versions(session, id)

    async def items(
        self, selection: Selection, *, after: Place | None = None, limit: int = 50
    ) -> list[Item]:
        async with self._database.reading() as session:
            return [item_from(row) for row in await session.rows(listing(selection, after, limit))]

    async def listed(
        self, selection: Selection, *, after: Place | None = None, limit: int = 500
    ) -> list[Item]:
        query = listing(selection, after, limit, oldest=True, text=False)
        async with self._database.reading() as session:
            return [outline_from(row) for row in await session.rows(query)]

    async def outlines(self, ids: Collection[ItemId]) -> dict[ItemId, Item]:
        async with self._database.reading() as session:
            return await item_queries.outlines(session, ids)

    async def candidates(self, query: CandidateQuery, limit: int) -> list[ItemId]:
        async with self._database.reading() as session:
            return await changes.candidates(session, query, limit)

    async def progress(self, partner: PartnerId) -> Progress:
        async with self._database.reading() as session:
            return await changes.progress(session, partner)

    async def holdings(
        self, partner: PartnerId, *, after: ItemId | None = None, limit: int = 500
    ) -> list[Holding]:
        async with self._database.reading() as session:
            return await changes.holdings_of(session, partner, after, limit)

    async def held(self, partner: PartnerId, items: Collection[ItemId]) -> dict[ItemId, Holding]:
        async with self._database.reading() as session:
            return await changes.held(session, partner, items)

    async def next_transition(
        self, now: datetime, published: Collection[timedelta], available: Collection[timedelta]
    ) -> datetime | None:
        async with self._database.reading() as session:
            return await changes.next_transition(session, now, published, available)

    async def offers(self, partner: PartnerId, items: Collection[ItemId]) -> set[tuple[ItemId, datetime]]:
        async with self._database.reading() as session:
            return await changes.offers(session, partner, items)

    async def entries_after(self, partner: PartnerId, after: int, limit: int) -> list[ChangeEntry]:
        async with self._database.reading() as session:
            return await changes.entries_after(session, partner, after, limit)

    async def has_entry(self, partner: PartnerId, seq: int) -> bool:
        async with self._database.reading() as session:
            return bool(await changes.entries(session, partner, [seq]))

    async def takedowns(
        self, *, item: ItemId | None = None, partner: PartnerId | None = None, open_only: bool = False
    ) -> list[Takedown]:
        async with self._database.reading() as session:
            return await changes.takedowns(session, item, partner, open_only)

    async def overdue(self, at: datetime, limit: int) -> list[ChangeEntry]:
        async with self._database.reading() as session:
            return await changes.overdue_by(session, at, limit)

    async def given(self, partner: PartnerId, items: Collection[ItemId]) -> set[tuple[str, ItemId, int]]:
        async with self._database.reading() as session:
            return await deliveries.given(session, partner, items)

    async def used(self, partner: PartnerId, periods: Collection[str]) -> Mapping[tuple[str, str], int]:
        async with self._database.reading() as session:
            return await deliveries.used(session, partner, periods)

    async def deliveries(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        item: ItemId | None = None,
        after: tuple[int, int] = (0, 0),
        limit: int = 1000,
    ) -> list[tuple[tuple[int, int], Delivery]]:
        async with self._database.reading() as session:
            return await deliveries.between(session, since, until, item, after, limit)

    async def written(self, after: int, limit: int) -> list[Written]:
        async with self._database.reading() as session:
            return await item_queries.written(session, after, limit)

    async def leaves(self, after: int, limit: int) -> list[bytes]:
        async with self._database.reading() as session:
            return await item_queries.leaves(session, after, limit)

    async def checkpoints(self) -> list[Checkpoint]:
        async with self._database.reading() as session:
            return await item_queries.checkpoints(session)

    async def line_at(self, moment: datetime) -> int:
        async with self._database.reading() as session:
            return await history.line_at(session, moment)

    async def register_at(self, line: int) -> Register:
        async with self._database.reading() as session:
            return await history.register_at(session, line)

    async def item_at(self, id: ItemId, line: int) -> Item | None:
        async with self._database.reading() as session:
            return await history.item_at(session, id, line)

    async def outline(self, id: ItemId) -> Item | None:
        async with self._database.reading() as session:
            return await item_queries.outline(session, id)

    async def keys(self, partner: PartnerId | None = None) -> list[Key]:
        async with self._database.reading() as session:
            return await item_queries.partners_keys(session, partner)

    async def document(self, number: str) -> str | None:
        async with self._database.reading() as session:
            return await item_queries.document(session, number)

    async def lines(
        self,
        *,
        after: int = 0,
        limit: int = 100,
        partner: PartnerId | None = None,
        item: ItemId | None = None,
    ) -> list[Line]:
        async with self._database.reading() as session:
            return await item_queries.lines(session, after, limit, partner, item)

    async def manifest(self, digest: str) -> bytes | None:
        async with self._database.reading() as session:
            return await item_queries.manifest(session, digest)

    async def edition_moment(
        self, feed: str, recipient: str, digest: str, *, judged: int, at: datetime
    ) -> datetime:
        async with self._database.reading() as session:
            known = await gate.edition_record(session, feed, recipient)
        since, news = gate.answer(known, digest, judged, at)
        if news is None:
            return since
        try:
            async with self._database.writing() as session:
                return await gate.edition_moment(session, feed, recipient, digest, judged, at)
        except StoreReadOnly:
            return since if known is not None and known.digest == digest else gate.whole_second(at)

    async def record(self, pending: Sequence[Pending]) -> list[Outcome]:
        return await to_the_end(self._record(pending)) if pending else []

    async def _record(self, pending: Sequence[Pending]) -> list[Outcome]:
        async with self._database.writing() as session:
            return await gate.record(session, pending)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        async with self._database.writing() as session:
            writing = SqlWriting(session, await take(session))
            yield writing
            await writing.finish()
