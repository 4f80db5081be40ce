"""What is still open or refused, found without a walk over all that is past."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the table of open takedowns, fill it, and index refusals."""
    op.create_table(
        "open_takedowns",
        sa.Column("partner", NAME, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("due", sa.BigInteger),
    )
    op.execute(
        """INSERT INTO open_takedowns (partner, seq, due)
        SELECT changes.partner, changes.seq, CASE WHEN overdue.seq IS NULL THEN changes.deadline END
        FROM changes
        LEFT JOIN acknowledgements
            ON acknowledgements.partner = changes.partner AND acknowledgements.seq = changes.seq
        LEFT JOIN overdue ON overdue.partner = changes.partner AND overdue.seq = changes.seq
        WHERE changes.action IN ('recall', 'withdraw') AND acknowledgements.seq IS NULL"""
    )
    due = sa.text("due IS NOT NULL")
    op.create_index(
        "open_takedowns_due",
        "open_takedowns",
        ["due", "partner", "seq"],
        sqlite_where=due,
        postgresql_where=due,
    )
    op.drop_index("changes_by_deadline", "changes")
    refused = sa.text("kind = 'release_refused'")
    op.create_index("trail_refused", "trail", ["seq"], sqlite_where=refused, postgresql_where=refused)
