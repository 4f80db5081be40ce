"""The tables of media: which story has which item, and every file that an item names."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from syndicate.store.schema.tables import NAME, metadata

__all__ = ["associations", "media_files", "metadata"]

associations = Table(
    "associations",
    metadata,
    Column("media", NAME, ForeignKey("items.id"), primary_key=True),
    Column("story", NAME, ForeignKey("items.id"), primary_key=True),
    Index("associations_by_story", "story"),
)
"""Which media items the newest version of each story has, so that an act about one is found as one about
the story too."""

media_files = Table(
    "media_files",
    metadata,
    Column("item", NAME, ForeignKey("items.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("rendition", NAME, primary_key=True),
    Column("sha256", NAME, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Index("media_files_by_digest", "sha256"),
)
"""Every file that a version of an item names: what is here is never removed from the file store."""
