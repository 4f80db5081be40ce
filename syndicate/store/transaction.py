"""One act of staff: what it keeps, its place in the change sequence, and its line in the trail."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Table, func, insert, select, update

from syndicate.errors import Conflict, Unknown
from syndicate.language import Text
from syndicate.model.changes import ChangeEntry, Holding, Progress
from syndicate.model.holds import Holds
from syndicate.model.item import Item, ItemId
from syndicate.model.parties import Partner, PartnerId
from syndicate.model.records import Checkpoint, Entry
from syndicate.model.register import Key, Register
from syndicate.model.rights import Licence, Mandate
from syndicate.store.counters import Count, keep, write_lines
from syndicate.store.database import Transaction
from syndicate.store.protocol import Change, Reached, SequenceUpdate
from syndicate.store.queries import changes, deliveries
from syndicate.store.queries import items as item_queries
from syndicate.store.schema.hold_json import holds_from, holds_text, partner_text
from syndicate.store.schema.rows import (
    checkpoint_values,
    item_values,
    key_values,
    licence_text,
    mandate_text,
    partner_values,
    version_values,
)
from syndicate.store.schema.tables import (
    checkpoints,
    item_keys,
    items,
    keys,
    licences,
    mandates,
    partner_revisions,
    partners,
    versions,
)
from syndicate.store.schema.tables import holds as held_history


class SqlWriting:
    """`Writing` in SQL. `finish` ends it; without it nothing of it stays."""

    def __init__(self, session: Transaction, count: Count) -> None:
        self._session = session
        self._count = count
        self._put = False
        self._changed = False
        self._lines = 0

    async def find_item(self, keys: Sequence[str]) -> tuple[Item, str] | None:
        return await item_queries.find_item(self._session, keys)

    async def item(self, id: ItemId) -> Item | None:
        return await item_queries.item(self._session, id)

    async def keys_of(self, id: ItemId) -> frozenset[str]:
        return await item_queries.keys_of(self._session, id)

    async def register(self) -> Register:
        return await item_queries.register(self._session, self._count.change)

    async def put_item(self, item: Item, keys: Iterable[str]) -> None:
        """A key belongs to the item that first went by it: what another item has stays its own."""
        self._put = True
        current = await self._session.row(
            select(items.c.version, items.c.holds).where(items.c.id == item.id)
        )
        # What holds an item back outlives its versions, whatever the new one was made from.
        held = item.holds if current is None else holds_from(current.holds)
        values = {**item_values(replace(item, holds=held)), "changed": self._count.change + 1}
        if current is None:
            await self._session.run(insert(items), values)
        elif await item_queries.item(self._session, item.id, item.version) is not None:
            raise Conflict(
                Text(
                    f"稿件 {item.id} 的第 {item.version} 版已经存在，版本不能改写",
                    f"item {item.id} already has a version {item.version}: versions are never overwritten",
                )
            )
        elif item.version > current.version:
            await self._session.run(update(items).where(items.c.id == item.id).values(values))
        await self._session.run(insert(versions), {**version_values(item), "line": self._next_line})
        await self._remember(item.id, keys)

    async def _remember(self, id: ItemId, keys: Iterable[str]) -> None:
        wanted = list(dict.fromkeys(keys))
        taken = select(item_keys.c.key).where(item_keys.c.key.in_(wanted))
        known = {row.key for row in await self._session.rows(taken)} if wanted else set()
        new = [{"key": key, "item": id} for key in wanted if key not in known]
        if new:
            await self._session.run(insert(item_keys), new)

    @property
    def _next_line(self) -> int:
        """The line that will say what is being kept: everything with this number is known from it on."""
        return self._count.line + 1

    async def put_holds(self, id: ItemId, holds: Holds) -> None:
        item = await item_queries.item(self._session, id)
        if item is None:
            raise Unknown(Text("稿件", "item"), id)
        self._put = True
        held = {**item_values(replace(item, holds=holds)), "changed": self._count.change + 1}
        await self._session.run(update(items).where(items.c.id == id).values(held))
        await self._put_history(held_history, "item", id, holds_text(holds))

    async def put_partner(self, partner: Partner) -> None:
        await self._put_state(partners, "id", partner_values(partner))
        await self._put_history(partner_revisions, "partner", partner.id, partner_text(partner))

    async def _put_history(self, table: Table, name: str, value: str, content: str) -> None:
        row = await self._session.row(
            select(func.max(table.c.revision).label("last")).where(table.c[name] == value)
        )
        revision = 1 if row is None or row.last is None else row.last + 1
        values = {name: value, "revision": revision, "content": content, "line": self._next_line}
        await self._session.run(insert(table), values)

    async def reached(self) -> Reached:
        return Reached(self._count.change, self._count.rights)

    async def holders(self, item: ItemId) -> list[Holding]:
        return await changes.holders(self._session, item)

    async def given_to(self, item: ItemId) -> list[Holding]:
        return await deliveries.given_to(self._session, item)

    async def progress(self, partner: PartnerId) -> Progress:
        return await changes.progress(self._session, partner)

    async def append_entries(self, update: SequenceUpdate) -> bool:
        return await changes.append_entries(self._session, update)

    async def entries(self, partner: PartnerId, seqs: Collection[int]) -> list[ChangeEntry]:
        return await changes.entries(self._session, partner, seqs)

    async def acknowledge(self, partner: PartnerId, seqs: Collection[int], at: datetime) -> list[int]:
        return await changes.acknowledge(self._session, partner, seqs, at)

    async def overdue(self, at: datetime, limit: int) -> list[ChangeEntry]:
        return await changes.overdue_by(self._session, at, limit)

    async def mark_overdue(self, entry: ChangeEntry, at: datetime) -> None:
        await changes.mark_overdue(self._session, entry, at)

    async def checkpoints(self) -> list[Checkpoint]:
        return await item_queries.checkpoints(self._session)

    async def put_checkpoint(self, checkpoint: Checkpoint) -> None:
        await self._session.run(insert(checkpoints), checkpoint_values(checkpoint))

    async def put_key(self, key: Key) -> None:
        await self._put_state(keys, "jti", key_values(key))

    async def _put_state(self, table: Table, name: str, values: dict[str, Any]) -> None:
        self._put = True
        here = table.c[name] == values[name]
        if not await self._session.run(update(table).where(here).values(values)):
            await self._session.run(insert(table), values)

    async def put_mandate(self, mandate: Mandate, document: str, at: datetime) -> None:
        await self._put_revision(mandates, mandate.number, document, mandate_text(mandate), at)

    async def put_licence(self, licence: Licence, document: str, at: datetime) -> None:
        await self._put_revision(
            licences, licence.number, document, licence_text(licence), at, partner=licence.partner
        )

    async def _put_revision(
        self, agreements: Table, number: str, document: str, content: str, at: datetime, **more: str
    ) -> None:
        self._put = True
        row = await self._session.row(
            select(func.max(agreements.c.revision).label("last")).where(agreements.c.number == number)
        )
        values = {
            "number": number,
            "revision": 1 if row is None or row.last is None else row.last + 1,
            "document": document,
            "content": content,
            "known_from": at,
            "line": self._next_line,
            **more,
        }
        await self._session.run(insert(agreements), values)

    async def append(self, entry: Entry) -> int:
        self._lines += 1
        await write_lines(self._session, self._count, [entry])
        return self._count.line

    async def changed(self, change: Change) -> int:
        self._changed = True
        self._count.change += 1
        if change is Change.RIGHTS:
            self._count.rights = self._count.change
        return self._count.change

    async def finish(self) -> None:
        """Hold the act to its rules, and write the sequences back. Raises RuntimeError: a mistake of
        ours, not of the person who acted."""
        if self._put and not self._changed:
            raise RuntimeError("something was kept and no change was announced: readers would not see it")
        if self._changed and not self._lines:
            raise RuntimeError("no act without its line in the trail")
        if self._changed or self._lines:
            await keep(self._session, self._count)
            self._session.announces = self._changed
