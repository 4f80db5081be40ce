"""What a feed's listing needs to know of holds, so that it reads nothing that a hold keeps back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ROWS = 1_000


def upgrade() -> None:
    """Add the columns and the table, fill them, and replace the indexes of feeds."""
    # SQLite adds a column that is never NULL only with a default.
    op.add_column("items", sa.Column("state", NAME, nullable=False, server_default="open"))
    op.add_column("items", sa.Column("held_until", sa.BigInteger))
    op.add_column("items", sa.Column("recalled_at", sa.BigInteger))
    exemptions = op.create_table(
        "hold_exemptions",
        sa.Column("partner", NAME, primary_key=True),
        sa.Column("published", sa.BigInteger, primary_key=True),
        sa.Column("item", NAME, sa.ForeignKey("items.id"), primary_key=True),
    )
    _fill(exemptions)
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("items", "state", server_default=None)
    for name in ("items_by_channel", "items_by_medium", "items_by_outlet", "items_by_all"):
        op.drop_index(name, "items")
    op.create_index("items_by_outlet", "items", ["state", "outlet", "medium", "published", "id"])
    op.create_index(
        "items_by_channel", "items", ["state", "outlet", "medium", "channel", "published", "id"]
    )
    held, late = sa.text("held_until IS NOT NULL"), sa.text("available > published")
    op.create_index("items_held", "items", ["held_until"], sqlite_where=held, postgresql_where=held)
    op.create_index("items_late", "items", ["available"], sqlite_where=late, postgresql_where=late)
    op.create_index("hold_exemptions_by_item", "hold_exemptions", ["item"])


def _fill(exemptions: sa.Table) -> None:
    bind = op.get_bind()
    bind.execute(sa.text("UPDATE items SET state = 'closed' WHERE outlet IS NULL"))
    held = bind.execute(sa.text("SELECT id, outlet, published, holds FROM items WHERE holds <> '{}'")).all()
    for start in range(0, len(held), ROWS):
        states: list[dict[str, Any]] = []
        exempt: list[dict[str, Any]] = []
        for row in held[start : start + ROWS]:
            holds = json.loads(row.holds)
            state, until, recalled = _state(row.outlet, row.published, holds)
            states.append({"id": row.id, "state": state, "until": until, "recalled": recalled})
            exempt += [
                {"partner": one, "published": row.published, "item": row.id} for one in _exempt(holds)
            ]
        bind.execute(
            sa.text(
                "UPDATE items SET state = :state, held_until = :until, recalled_at = :recalled "
                "WHERE id = :id"
            ),
            states,
        )
        if exempt:
            op.bulk_insert(exemptions, exempt)


def _state(outlet: str | None, published: int, holds: dict[str, Any]) -> tuple[str, int | None, int | None]:
    ends = [holds["embargo"][0]] if "embargo" in holds else []
    ends += [holds["exclusive"][1]] if "exclusive" in holds else []
    if outlet is None or holds.get("withheld"):
        return "closed", None, None
    if "recall" in holds:
        _, _, at, _, stood = holds["recall"]
        out = max([min(published, stood), *ends]) <= at
        return ("recalled", None, at) if out else ("closed", None, None)
    until = max(ends, default=published)
    return ("timed", until, None) if until > published else ("open", None, None)


def _exempt(holds: dict[str, Any]) -> Iterable[str]:
    acknowledged = holds["embargo"][1] if "embargo" in holds else []
    return sorted({*acknowledged, *([holds["exclusive"][0]] if "exclusive" in holds else [])})
