"""The tables of the database, for SQLAlchemy Core.

The migrations make these tables; this is how queries see them, and a test holds the two together.
Agreements, versions of items, kept lists and the trail are only ever added to. The indexes that hold only
some rows are in `partial_indexes`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)
from typing_extensions import override

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def as_number(moment: datetime) -> int:
    """Microseconds since 1970 UTC, exactly. Raises ValueError for a moment without a time zone."""
    if moment.utcoffset() is None:
        raise ValueError(f"a moment to keep needs its time zone: {moment!r}")
    return (moment - _EPOCH) // _MICROSECOND


def as_moment(number: int) -> datetime:
    """The inverse of `as_number`, in UTC."""
    return _EPOCH + timedelta(microseconds=number)


class Instant(TypeDecorator[datetime]):
    """A moment as a whole number, so that both databases sort and compare alike.

    Refuses datetimes without a time zone; gives them back in UTC.
    """

    impl = BigInteger
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else as_number(value)

    @override
    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else as_moment(value)


# Byte order, not a language's: ids are compared the same way on both databases and in Python.
NAME: Final = Text().with_variant(Text(collation="C"), "postgresql")
# SQLite makes a rowid of `INTEGER PRIMARY KEY` alone.
NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

counters = Table(
    "counters",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("change", BigInteger, nullable=False),
    Column("rights", BigInteger, nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
)
"""One row. Every writer takes it first, so that numbers are in the order of commits."""

items = Table(
    "items",
    metadata,
    Column("id", NAME, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("outlet", NAME),
    Column("channel", NAME, nullable=False),
    Column("medium", NAME, nullable=False),
    Column("published", Instant, nullable=False),
    Column("available", Instant, nullable=False),
    Column("exclusive_until", Instant),
    Column("holds", Text, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("state", NAME, nullable=False),
    Column("held_until", Instant),
    Column("recalled_at", Instant),
    Column("standalone", Integer, nullable=False, server_default="1"),
    Index("items_changed", "changed"),
    Index("items_available", "available"),
    Index("items_exclusive", "exclusive_until"),
    Index("items_newest", "published", "id"),
    Index("items_by_outlet", "state", "outlet", "medium", "published", "id"),
    Index("items_by_channel", "state", "outlet", "medium", "channel", "published", "id"),
)
"""What listings ask of an item's newest version, and what holds it back now. `changed` is the number of
the last change that was about it; `state` is its `HoldState`; `held_until` is when what makes it TIMED
ends, `recalled_at` when a RECALLED one was recalled, and each NULL in every other state. `standalone` is 0
for what came with a story."""

hold_exemptions = Table(
    "hold_exemptions",
    metadata,
    Column("partner", NAME, primary_key=True),
    Column("published", Instant, primary_key=True),
    Column("item", NAME, ForeignKey("items.id"), primary_key=True),
    Index("hold_exemptions_by_item", "item"),
)
"""Which partner a hold on an item does not hold back: its exclusive is that partner's, or the partner has
acknowledged its embargo. `published` is the item's, so that they are found newest first."""

holds = Table(
    "holds",
    metadata,
    Column("item", NAME, ForeignKey("items.id"), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),
    Column("line", BigInteger, nullable=False),
)
"""Everything that ever held an item back. `line`, here and in every table of revisions, is the trail's
line from which on it was known."""

versions = Table(
    "versions",
    metadata,
    Column("item", NAME, ForeignKey("items.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("ingested", Instant, nullable=False),
    Column("first_ingested", Instant, nullable=False),
    Column("content", Text, nullable=False),
    Column("line", BigInteger, nullable=False),
)

notes = Table(
    "notes",
    metadata,
    Column("item", NAME, ForeignKey("items.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),
)
"""What ingest noted on the document that a version was made of. A version without notes has no row."""

item_keys = Table(
    "item_keys",
    metadata,
    Column("key", NAME, primary_key=True),
    Column("item", NAME, ForeignKey("items.id"), nullable=False),
    Index("item_keys_by_item", "item"),
)

ingested_files = Table(
    "ingested_files",
    metadata,
    Column("place", LargeBinary, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("item", NAME, ForeignKey("items.id"), nullable=False),
)
"""The state in which each file was last taken in (`FileState`), and the item that it became."""

partners = Table(
    "partners",
    metadata,
    Column("id", NAME, primary_key=True),
    Column("name", Text, nullable=False),
    Column("domains", Text, nullable=False),
    Column("added", Instant),
    Column("suspended", Instant),
)

partner_revisions = Table(
    "partner_revisions",
    metadata,
    Column("partner", NAME, ForeignKey("partners.id"), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),
    Column("line", BigInteger, nullable=False),
)

mandates = Table(
    "mandates",
    metadata,
    Column("number", NAME, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("known_from", Instant, nullable=False),
    Column("line", BigInteger, nullable=False),
)

licences = Table(
    "licences",
    metadata,
    Column("number", NAME, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("partner", NAME, ForeignKey("partners.id"), nullable=False),
    Column("document", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("known_from", Instant, nullable=False),
    Column("line", BigInteger, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("jti", NAME, primary_key=True),
    Column("partner", NAME, ForeignKey("partners.id"), nullable=False),
    Column("kid", NAME, nullable=False),
    Column("label", Text, nullable=False),
    Column("issued", Instant, nullable=False),
    Column("expires", Instant, nullable=False),
    Column("revoked", Instant),
    Index("keys_by_partner", "partner", "issued"),
)

signing_keys = Table("signing_keys", metadata, Column("kid", NAME, primary_key=True))
"""The signing keys that sign or verify for this database: a folder with other keys is not its own."""

wrapped_keys = Table(
    "wrapped_keys",
    metadata,
    Column("purpose", NAME, primary_key=True),
    Column("kid", NAME, primary_key=True),
    Column("x", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created", Instant, nullable=False),
    Column("rotated", Instant),
    Column("retired", Instant),
    Column("kek", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
"""Signing keys that are kept here and not in a folder: `sealed` is encrypted (`WrappedKey`)."""

trail = Table(
    "trail",
    metadata,
    Column("seq", NUMBER, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("kind", NAME, nullable=False),
    Column("actor", NAME, nullable=False),
    Column("partner", NAME),
    Column("jti", NAME),
    Column("item", NAME),
    Column("body", Text, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Index("trail_by_key", "partner", "jti", "seq"),
)
"""Every licensed answer appends here, and each index costs as much as the row. Times and partners are found
without one of their own: see `queries/trail_selection.py`."""

manifests = Table(
    "manifests",
    metadata,
    Column("digest", NAME, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

editions = Table(
    "editions",
    metadata,
    Column("feed", NAME, primary_key=True),
    Column("recipient", NAME, primary_key=True),
    Column("digest", NAME, nullable=False),
    Column("judged", BigInteger, nullable=False),
    Column("since", Instant, nullable=False),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", NUMBER, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("at", Instant, nullable=False),
    Column("note", Text, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("partner", NAME, primary_key=True),
    Column("clause", NAME, primary_key=True),
    Column("item", NAME, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("use", NAME, nullable=False),
    Column("mandate", NAME, nullable=False),
    Column("at", Instant, nullable=False),
    Column("line", BigInteger, nullable=False),
    Index("deliveries_by_item", "item", "partner"),
    Index("deliveries_by_time", "at"),
)
"""Which item versions each partner was given under which clause, each once, with the line of the first
time: a summary of the trail that can be made from it again."""

usage = Table(
    "usage",
    metadata,
    Column("partner", NAME, primary_key=True),
    Column("clause", NAME, primary_key=True),
    Column("period", NAME, primary_key=True),
    Column("used", BigInteger, nullable=False),
)
"""How much of each quota is used."""

changes = Table(
    "changes",
    metadata,
    Column("partner", NAME, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("action", NAME, nullable=False),
    Column("item", NAME, nullable=False),
    Column("version", Integer, nullable=False),
    Column("clause", NAME),
    Column("reason", NAME),
    Column("note", Text),
    Column("deadline", Instant),
    Column("until", Instant),
    Index("changes_by_item", "item", "partner", "seq"),
)
"""What each partner was told, in order."""

acknowledgements = Table(
    "acknowledgements",
    metadata,
    Column("partner", NAME, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
)

overdue = Table(
    "overdue",
    metadata,
    Column("partner", NAME, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
)
"""Takedowns whose deadline passed without a word, each once."""

open_takedowns = Table(
    "open_takedowns",
    metadata,
    Column("partner", NAME, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("due", Instant),
)
"""The takedowns that are not acknowledged, so that none that is past is looked at again. `due` is the
deadline; NULL once the takedown is marked overdue. A summary of the three tables above."""

holdings = Table(
    "holdings",
    metadata,
    Column("partner", NAME, primary_key=True),
    Column("item", NAME, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("clause", NAME, nullable=False),
    Column("told", Integer, nullable=False),
    Column("terms", NAME, nullable=False),
    Index("holdings_by_item", "item", "partner"),
)
"""What each partner has, as far as we gave it and did not yet tell it to remove it."""

progress = Table(
    "progress",
    metadata,
    Column("partner", NAME, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("ends_change", BigInteger),
    Column("ends_at", Instant),
    Column("ends_rights", NAME),
    Column("begins_change", BigInteger),
    Column("begins_at", Instant),
    Column("begins_rights", NAME),
    Column("walked_published", Instant),
    Column("walked_item", NAME),
)
