"""The indexes that hold only some rows of a table, for the migrations and the test that compares with them.

They stand apart from `tables`, because SQLAlchemy loads all that it knows of a database to read a condition
for it, and each command would pay for both databases.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Column, Index, text

from syndicate.store.schema.media_tables import metadata
from syndicate.store.schema.tables import items, open_takedowns, trail


def _add(name: str, condition: str, *columns: Column[Any]) -> None:
    """Add an index of the rows for which the condition holds to the columns' table."""
    Index(name, *columns, sqlite_where=text(condition), postgresql_where=text(condition))


_add("items_held", "held_until IS NOT NULL", items.c.held_until)
_add("items_recalled", "recalled_at IS NOT NULL", items.c.recalled_at, items.c.id)
_add("items_late", "available > published", items.c.available)
_add("trail_by_item", "item IS NOT NULL", trail.c.item, trail.c.seq)
_add("trail_refused", "kind = 'release_refused'", trail.c.seq)
_add("open_takedowns_due", "due IS NOT NULL", *open_takedowns.c["due", "partner", "seq"])

full_metadata: Final = metadata
"""The tables with every index."""
