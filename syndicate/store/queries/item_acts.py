"""Write many acts of ingest at once: few statements, and the same numbers as one by one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from syndicate.model.item import Item, ItemId
from syndicate.store.counters import Counters
from syndicate.store.database import Transaction
from syndicate.store.queries.media_queries import media_changes, write_media
from syndicate.store.queries.sql_reads import batches
from syndicate.store.requests import Change, ItemAct
from syndicate.store.schema.hold_json import holds_text
from syndicate.store.schema.note_json import notes_text
from syndicate.store.schema.rows import TrailRow, exemption_values, item_values, version_values
from syndicate.store.schema.tables import hold_exemptions, holds, item_keys, items, notes, versions

_CHANGED: Final = tuple(column.name for column in items.c if column.name != "id")
_UPDATE: Final = (
    update(items)
    .where(items.c.id == bindparam("of_id"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGED})
)
_FORGET_NOTES: Final = delete(notes).where(
    notes.c.item == bindparam("of_item"), notes.c.version == bindparam("of_version")
)


@dataclass(slots=True)
class _Rows:
    """The rows of all acts, each table's in order. Of `items` only the last state is written."""

    added: dict[ItemId, dict[str, Any]] = field(default_factory=dict)
    updated: dict[ItemId, dict[str, Any]] = field(default_factory=dict)
    exempt: dict[ItemId, list[dict[str, Any]]] = field(default_factory=dict)
    versions: list[dict[str, Any]] = field(default_factory=list)
    holds: list[dict[str, Any]] = field(default_factory=list)
    keys: list[dict[str, Any]] = field(default_factory=list)
    notes: dict[tuple[ItemId, int], str | None] = field(default_factory=dict)
    trail: list[TrailRow] = field(default_factory=list)
    new: list[Item] = field(default_factory=list)
    changed: list[tuple[Item, int]] = field(default_factory=list)


async def write_acts(transaction: Transaction, counters: Counters, acts: Sequence[ItemAct]) -> None:
    """See `ItemWrites.put_acts`. The counters move on; the caller saves them."""
    rows = _Rows()
    for act in acts:
        _add(rows, counters, act)
    if rows.added:
        await transaction.run(insert(items), list(rows.added.values()))
    if rows.updated:
        values = [
            {"of_id": id, **{f"new_{name}": row[name] for name in _CHANGED}}
            for id, row in rows.updated.items()
        ]
        await transaction.run(_UPDATE, values)
    await _write_exemptions(transaction, rows)
    if rows.versions:
        await transaction.run(insert(versions), rows.versions)
    await write_media(transaction, rows.new, media_changes(rows.changed))
    if rows.holds:
        await _number(transaction, rows.holds)
        await transaction.run(insert(holds), rows.holds)
    if rows.keys:
        await transaction.run(insert(item_keys), rows.keys)
    await _write_notes(transaction, rows)
    if rows.trail:
        await transaction.append_lines(rows.trail)


def _add(rows: _Rows, counters: Counters, act: ItemAct) -> None:
    """Add the rows of one act, with the next numbers of both sequences."""
    item, line = act.item, counters.line + 1
    if item is not None:
        if act.version:
            rows.versions.append({**version_values(item), "line": line})
            rows.new.append(item)
        if act.holds:
            rows.holds.append({"item": item.id, "content": holds_text(item.holds), "line": line})
        if act.version or act.holds:
            row = {**item_values(item), "changed": counters.change + 1}
            (rows.added if act.added or item.id in rows.added else rows.updated)[item.id] = row
            rows.exempt[item.id] = exemption_values(item)
            rows.changed.append((item, counters.change + 1))
        rows.keys += ({"key": key, "item": item.id} for key in act.keys)
        if act.notes is not None:
            rows.notes[item.id, item.version] = notes_text(act.notes) if act.notes else None
    rows.trail += (counters.next_line(entry) for entry in act.entries)
    if act.change is not None:
        counters.change += 1
        if act.change is Change.RIGHTS:
            counters.rights = counters.change


async def _write_exemptions(transaction: Transaction, rows: _Rows) -> None:
    for batch in batches(rows.updated):
        await transaction.run(delete(hold_exemptions).where(hold_exemptions.c.item.in_(batch)))
    exempt = [row for several in rows.exempt.values() for row in several]
    if exempt:
        await transaction.run(insert(hold_exemptions), exempt)


async def _number(transaction: Transaction, rows: Collection[dict[str, Any]]) -> None:
    """Give each state of holds the next number of its item."""
    last: dict[str, int] = {}
    query = select(holds.c.item, func.max(holds.c.revision).label("last")).group_by(holds.c.item)
    for batch in batches({row["item"] for row in rows}):
        for found in await transaction.rows(query.where(holds.c.item.in_(batch))):
            last[found.item] = found.last
    for row in rows:
        row["revision"] = last[row["item"]] = last.get(row["item"], 0) + 1


async def _write_notes(transaction: Transaction, rows: _Rows) -> None:
    new = {(row["item"], row["version"]) for row in rows.versions}
    replaced = [
        {"of_item": id, "of_version": version} for id, version in rows.notes if (id, version) not in new
    ]
    if replaced:
        await transaction.run(_FORGET_NOTES, replaced)
    kept = [
        {"item": id, "version": version, "content": content}
        for (id, version), content in rows.notes.items()
        if content is not None
    ]
    if kept:
        await transaction.run(insert(notes), kept)
