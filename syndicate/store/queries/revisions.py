"""Tables of revisions: each state of a thing gets the next number, and none is overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, func, insert, select

from syndicate.store.database import Transaction


async def add_revision(
    transaction: Transaction, table: Table, key: Mapping[str, str], values: Mapping[str, Any]
) -> None:
    """Add the next revision of what `key` names (one column and its value)."""
    ((column, name),) = key.items()
    query = select(func.max(table.c.revision).label("last")).where(table.c[column] == name)
    row = await transaction.row(query)
    revision = 1 if row is None or row.last is None else row.last + 1
    await transaction.run(insert(table), {**key, "revision": revision, **values})


def newest_revisions(table: Table, key: ColumnElement[Any], upto_line: int | None = None) -> Select[Any]:
    """The newest revision of each thing, ordered by `key`; with `upto_line`, of those known after it."""
    numbers = select(key.label("name"), func.max(table.c.revision).label("revision")).group_by(key)
    if upto_line is not None:
        numbers = numbers.where(table.c.line <= upto_line)
    newest = numbers.subquery()
    return (
        select(table)
        .join(newest, and_(key == newest.c.name, table.c.revision == newest.c.revision))
        .order_by(key)
    )
