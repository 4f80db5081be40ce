"""What was recalled lately, found without a walk over all that was ever recalled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Index recalled items by the time of their recall."""
    recalled = sa.text("recalled_at IS NOT NULL")
    op.create_index(
        "items_recalled",
        "items",
        ["recalled_at", "id"],
        sqlite_where=recalled,
        postgresql_where=recalled,
    )
