"""Signing keys that the database keeps, encrypted; empty until staff move them there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "wrapped_keys",
        sa.Column("purpose", NAME, primary_key=True),
        sa.Column("kid", NAME, primary_key=True),
        sa.Column("x", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("rotated", sa.BigInteger),
        sa.Column("retired", sa.BigInteger),
        sa.Column("kek", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
