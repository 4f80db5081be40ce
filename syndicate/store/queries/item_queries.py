"""The queries for items: their versions, the keys they are found by, and what holds them back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Select, case, delete, insert, select, update
from typing_extensions import override

from syndicate.errors import Conflict, Unknown
from syndicate.language import Text
from syndicate.model.holds import Holds
from syndicate.model.item import FileState, Item, ItemId
from syndicate.model.notes import Note
from syndicate.store.database import Transaction
from syndicate.store.faults import damaged
from syndicate.store.protocol import ItemReads, ItemWrites, KeyedItems, Place, Selection
from syndicate.store.queries.item_listing import listing
from syndicate.store.queries.media_queries import media_changes, write_media
from syndicate.store.queries.revisions import add_revision
from syndicate.store.queries.sql_reads import SqlReads, SqlWrites, batches
from syndicate.store.requests import HoldState
from syndicate.store.schema.hold_json import holds_from, holds_text
from syndicate.store.schema.note_json import notes_from, notes_text
from syndicate.store.schema.rows import (
    exemption_values,
    item_from,
    item_values,
    outline_from,
    version_values,
)
from syndicate.store.schema.tables import hold_exemptions, ingested_files, item_keys, items, notes, versions
from syndicate.store.schema.tables import holds as hold_revisions

_KEYS: Final = select(item_keys.c.key, item_keys.c.item)


class SqlItemReads(SqlReads, ItemReads):
    """`ItemReads` in SQL."""

    @override
    async def item(self, id: ItemId, version: int | None = None) -> Item | None:
        async with self._reading() as transaction:
            return await _item(transaction, id, version)

    @override
    async def outline(self, id: ItemId) -> Item | None:
        row = await self._row(select(items).where(items.c.id == id))
        return None if row is None else outline_from(row)

    @override
    async def outlines(self, ids: Collection[ItemId]) -> dict[ItemId, Item]:
        found: dict[ItemId, Item] = {}
        async with self._reading() as transaction:
            for batch in batches(ids):
                for row in await transaction.rows(select(items).where(items.c.id.in_(batch))):
                    found[ItemId(row.id)] = outline_from(row)
        return found

    @override
    async def newest(self, ids: Collection[ItemId]) -> dict[ItemId, Item]:
        query = _versions_with_holds().where(versions.c.version == items.c.version)
        found: dict[ItemId, Item] = {}
        async with self._reading() as transaction:
            for batch in batches(ids):
                for row in await transaction.rows(query.where(versions.c.item.in_(batch))):
                    item = item_from(row)
                    found[item.id] = item
        return found

    @override
    async def versions(self, id: ItemId) -> list[Item]:
        query = _versions_with_holds().where(versions.c.item == id).order_by(versions.c.version)
        return [item_from(row) for row in await self._rows(query)]

    @override
    async def find_item(self, keys: Sequence[str]) -> tuple[Item, str] | None:
        if not keys:
            return None
        query = select(item_keys.c.key, item_keys.c.item).where(item_keys.c.key.in_(list(keys)))
        async with self._reading() as transaction:
            owners = {row.key: ItemId(row.item) for row in await transaction.rows(query)}
            strongest = next((key for key in keys if key in owners), None)
            if strongest is None:
                return None
            found = await _item(transaction, owners[strongest])
        if found is None:
            raise damaged()
        return found, strongest

    @override
    async def keyed(self, keys: Collection[str], ids: Collection[ItemId]) -> KeyedItems:
        owners: dict[str, ItemId] = {}
        known: dict[ItemId, set[str]] = {}
        async with self._reading() as transaction:
            for batch in batches(keys):
                for row in await transaction.rows(_KEYS.where(item_keys.c.key.in_(batch))):
                    owners[row.key] = ItemId(row.item)
            found = await self.newest({*ids, *owners.values()})
            for batch in batches(found):
                for row in await transaction.rows(_KEYS.where(item_keys.c.item.in_(batch))):
                    known.setdefault(ItemId(row.item), set()).add(row.key)
            noted = await self.newest_notes(found) if found else {}
        if not found.keys() >= set(owners.values()):
            raise damaged()
        of = {id: frozenset(known.get(id, ())) for id in found}
        return KeyedItems({**owners, **{key: id for id in of for key in of[id]}}, found, of, noted)

    @override
    async def ingested(self, files: Collection[FileState]) -> dict[FileState, ItemId]:
        found: dict[FileState, ItemId] = {}
        async with self._reading() as transaction:
            for batch in batches([file.place for file in files]):
                query = select(ingested_files).where(ingested_files.c.place.in_(batch))
                for row in await transaction.rows(query):
                    found[FileState(bytes(row.place), bytes(row.digest))] = ItemId(row.item)
        return {file: found[file] for file in files if file in found}

    @override
    async def keys_of(self, id: ItemId) -> frozenset[str]:
        rows = await self._rows(select(item_keys.c.key).where(item_keys.c.item == id))
        return frozenset(row.key for row in rows)

    @override
    async def notes(self, id: ItemId, version: int) -> tuple[Note, ...]:
        row = await self._row(select(notes.c.content).where(notes.c.item == id, notes.c.version == version))
        return () if row is None else notes_from(row.content)

    @override
    async def newest_notes(self, ids: Collection[ItemId]) -> dict[ItemId, tuple[Note, ...]]:
        found: dict[ItemId, tuple[Note, ...]] = {}
        newest = select(notes.c.item, notes.c.content).join(
            items, (items.c.id == notes.c.item) & (items.c.version == notes.c.version)
        )
        async with self._reading() as transaction:
            for batch in batches(ids):
                for row in await transaction.rows(newest.where(notes.c.item.in_(batch))):
                    found[ItemId(row.item)] = notes_from(row.content)
        return found

    @override
    async def items(
        self, selection: Selection, *, after: Place | None = None, limit: int = 50
    ) -> list[Item]:
        return [item_from(row) for row in await self._rows(listing(selection, after, limit))]

    @override
    async def listed(
        self, selection: Selection, *, after: Place | None = None, limit: int = 500
    ) -> list[Item]:
        query = listing(selection, after, limit, oldest=True, text=False)
        return [outline_from(row) for row in await self._rows(query)]


class SqlItemWrites(SqlWrites, ItemWrites):
    """`ItemWrites` in SQL."""

    @override
    async def put_item(self, item: Item, keys: Iterable[str]) -> None:
        self._has_written = True
        current = await self._row(select(items.c.version, items.c.holds).where(items.c.id == item.id))
        # Holds belong to the item, whichever version a new one was made from.
        holds = item.holds if current is None else holds_from(current.holds)
        values = self._item_row(replace(item, holds=holds))
        if current is None:
            await self._transaction.run(insert(items), values)
        elif await _item(self._transaction, item.id, item.version) is not None:
            raise Conflict(
                Text(
                    f"稿件 {item.id} 的第 {item.version} 版已经存在，版本不能改写",
                    f"item {item.id} already has a version {item.version}: versions are never overwritten",
                )
            )
        elif item.version > current.version:
            await self._transaction.run(update(items).where(items.c.id == item.id).values(values))
        await self._transaction.run(insert(versions), {**version_values(item), "line": self._next_line})
        if current is None or item.version > current.version:
            await self._put_exemptions(
                replace(item, holds=holds), before=None if current is None else holds
            )
        newest = current is None or item.version > current.version
        changed = media_changes([(item, self._counters.change + 1)]) if newest else {}
        await write_media(self._transaction, [item], changed)
        await self._add_keys(item.id, keys)

    @override
    async def put_holds(self, id: ItemId, holds: Holds) -> None:
        item = await _item(self._transaction, id)
        if item is None:
            raise Unknown(Text("稿件", "item"), id)
        self._has_written = True
        values = self._item_row(replace(item, holds=holds))
        await self._transaction.run(update(items).where(items.c.id == id).values(values))
        await self._put_exemptions(replace(item, holds=holds), before=item.holds)
        await write_media(self._transaction, [], media_changes([(item, self._counters.change + 1)]))
        await add_revision(
            self._transaction,
            hold_revisions,
            {"item": id},
            {"content": holds_text(holds), "line": self._next_line},
        )

    @override
    async def put_ingested(self, files: Mapping[FileState, ItemId]) -> None:
        rows = {
            file.place: {"place": file.place, "digest": file.digest, "item": id}
            for file, id in files.items()
        }
        for batch in batches(rows):
            await self._transaction.run(delete(ingested_files).where(ingested_files.c.place.in_(batch)))
        if rows:
            await self._transaction.run(insert(ingested_files), list(rows.values()))

    @override
    async def put_notes(self, id: ItemId, version: int, found: Sequence[Note]) -> None:
        # No reader sees notes: they are no change to announce, and go without a record in the trail.
        await self._transaction.run(delete(notes).where(notes.c.item == id, notes.c.version == version))
        if found:
            row = {"item": id, "version": version, "content": notes_text(found)}
            await self._transaction.run(insert(notes), row)

    def _item_row(self, item: Item) -> dict[str, Any]:
        """The row of `items`, with the change number that this transaction takes."""
        return {**item_values(item), "changed": self._counters.change + 1}

    async def _put_exemptions(self, item: Item, before: Holds | None) -> None:
        """Replace the item's rows of `hold_exemptions`; `before` is what held it until now."""
        if before is not None and exemption_values(replace(item, holds=before)):
            await self._transaction.run(delete(hold_exemptions).where(hold_exemptions.c.item == item.id))
        rows = exemption_values(item)
        if rows:
            await self._transaction.run(insert(hold_exemptions), rows)

    async def open_ended_holds(self) -> None:
        """Open the items whose embargo or exclusive is over at the time of the newest trail record.

        Feeds find them before, as items whose hold has ended; so this needs no change to be announced.
        """
        ended = items.c.held_until <= self._counters.at
        await self._transaction.run(
            update(items)
            .where(ended)
            .values(
                state=case((items.c.standalone == 1, HoldState.OPEN.value), else_=HoldState.PART.value),
                held_until=None,
            )
        )

    async def _add_keys(self, id: ItemId, keys: Iterable[str]) -> None:
        """Add the keys to the item, except those that another item has already."""
        wanted = list(dict.fromkeys(keys))
        taken = select(item_keys.c.key).where(item_keys.c.key.in_(wanted))
        known = {row.key for row in await self._rows(taken)} if wanted else set()
        new = [{"key": key, "item": id} for key in wanted if key not in known]
        if new:
            await self._transaction.run(insert(item_keys), new)


async def _item(transaction: Transaction, id: ItemId, version: int | None = None) -> Item | None:
    query = _versions_with_holds().where(versions.c.item == id)
    query = query.where(versions.c.version == (items.c.version if version is None else version))
    row = await transaction.row(query)
    return None if row is None else item_from(row)


def _versions_with_holds() -> Select[Any]:
    """Versions, each with what holds its item back now."""
    return select(versions, items.c.holds).join(items, versions.c.item == items.c.id)
