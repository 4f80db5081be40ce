"""The first release: items, agreements, keys, and a trail that can only grow."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.BigInteger()
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")

GROWING = {
    "trail": "NEW.seq <= (SELECT coalesce(max(seq), 0) FROM trail)",
    "versions": "EXISTS (SELECT 1 FROM versions WHERE item = NEW.item AND version = NEW.version)",
    "manifests": "EXISTS (SELECT 1 FROM manifests WHERE digest = NEW.digest)",
    "mandates": "EXISTS (SELECT 1 FROM mandates WHERE number = NEW.number AND revision = NEW.revision)",
    "licences": "EXISTS (SELECT 1 FROM licences WHERE number = NEW.number AND revision = NEW.revision)",
}
"""Tables that are only ever added to, and what SQLite's INSERT OR REPLACE must not get past: it deletes
the old row without calling the triggers against deletion."""


def upgrade() -> None:
    """Make the tables, and the triggers that let some of them only grow."""
    _count()
    _items()
    _rights()
    _trail()
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def _count() -> None:
    counters = op.create_table(
        "counters",
        sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
        sa.Column("change", sa.BigInteger, nullable=False),
        sa.Column("rights", sa.BigInteger, nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
    )
    op.bulk_insert(counters, [{"id": 1, "change": 0, "rights": 0, "line": 0, "at": 0}])


def _items() -> None:
    op.create_table(
        "items",
        sa.Column("id", NAME, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("outlet", NAME),
        sa.Column("channel", NAME, nullable=False),
        sa.Column("medium", NAME, nullable=False),
        sa.Column("published", INSTANT, nullable=False),
    )
    op.create_index("items_newest", "items", ["published", "id"])
    op.create_index("items_by_channel", "items", ["channel", "published", "id"])
    op.create_index("items_by_medium", "items", ["medium", "published", "id"])
    op.create_index("items_by_outlet", "items", ["outlet", "medium", "published", "id"])
    op.create_index("items_by_all", "items", ["outlet", "medium", "channel", "published", "id"])
    op.create_table(
        "versions",
        sa.Column("item", NAME, sa.ForeignKey("items.id"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("ingested", INSTANT, nullable=False),
        sa.Column("first_ingested", INSTANT, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_table(
        "item_keys",
        sa.Column("key", NAME, primary_key=True),
        sa.Column("item", NAME, sa.ForeignKey("items.id"), nullable=False),
    )
    op.create_index("item_keys_by_item", "item_keys", ["item"])


def _rights() -> None:
    op.create_table(
        "partners",
        sa.Column("id", NAME, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("domains", sa.Text, nullable=False),
        sa.Column("added", INSTANT),
        sa.Column("suspended", INSTANT),
    )
    op.create_table(
        "mandates",
        sa.Column("number", NAME, primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("known_from", INSTANT, nullable=False),
    )
    op.create_table(
        "licences",
        sa.Column("number", NAME, primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("partner", NAME, sa.ForeignKey("partners.id"), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("known_from", INSTANT, nullable=False),
    )
    op.create_table(
        "keys",
        sa.Column("jti", NAME, primary_key=True),
        sa.Column("partner", NAME, sa.ForeignKey("partners.id"), nullable=False),
        sa.Column("kid", NAME, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("issued", INSTANT, nullable=False),
        sa.Column("expires", INSTANT, nullable=False),
        sa.Column("revoked", INSTANT),
    )
    op.create_index("keys_by_partner", "keys", ["partner", "issued"])


def _trail() -> None:
    op.create_table(
        "trail",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("partner", NAME),
        sa.Column("jti", NAME),
        sa.Column("item", NAME),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("trail_by_partner", "trail", ["partner", "seq"])
    op.create_index("trail_by_key", "trail", ["jti", "seq"])
    op.create_index("trail_by_item", "trail", ["item", "seq"])
    op.create_table(
        "manifests",
        sa.Column("digest", NAME, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "editions",
        sa.Column("feed", NAME, primary_key=True),
        sa.Column("recipient", NAME, primary_key=True),
        sa.Column("digest", NAME, nullable=False),
        sa.Column("judged", sa.BigInteger, nullable=False),
        sa.Column("since", INSTANT, nullable=False),
    )


def _guard_sqlite() -> None:
    for table, taken in GROWING.items():
        refuse = f"SELECT RAISE(ABORT, '{table} only grows')"
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN {refuse}; END")
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN {refuse}; END")
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {taken} BEGIN {refuse}; END"
        )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION syndicate_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; "
        "END $$"
    )
    for table in GROWING:
        op.execute(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION syndicate_only_grows()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION syndicate_only_grows()"
        )
