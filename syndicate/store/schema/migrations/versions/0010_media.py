"""Pictures, sound and film: which story has which, and every file that an item names."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the column and the two tables. No item of before has files."""
    op.add_column("items", sa.Column("standalone", sa.Integer, nullable=False, server_default="1"))
    op.create_table(
        "associations",
        sa.Column("media", NAME, sa.ForeignKey("items.id"), primary_key=True),
        sa.Column("story", NAME, sa.ForeignKey("items.id"), primary_key=True),
    )
    op.create_index("associations_by_story", "associations", ["story"])
    op.create_table(
        "media_files",
        sa.Column("item", NAME, sa.ForeignKey("items.id"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("rendition", NAME, primary_key=True),
        sa.Column("sha256", NAME, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
    )
    op.create_index("media_files_by_digest", "media_files", ["sha256"])
