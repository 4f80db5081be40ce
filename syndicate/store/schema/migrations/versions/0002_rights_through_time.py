"""Holds, recalls, what each partner was given and told, quotas, and a trail whose lines are hashed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.BigInteger()
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")

GROWING = {
    "holds": "EXISTS (SELECT 1 FROM holds WHERE item = NEW.item AND revision = NEW.revision)",
    "partner_revisions": (
        "EXISTS (SELECT 1 FROM partner_revisions WHERE partner = NEW.partner AND revision = NEW.revision)"
    ),
    "checkpoints": "NEW.size <= (SELECT coalesce(max(size), 0) FROM checkpoints)",
    "deliveries": (
        "EXISTS (SELECT 1 FROM deliveries WHERE partner = NEW.partner AND clause = NEW.clause "
        "AND item = NEW.item AND version = NEW.version)"
    ),
    "changes": "EXISTS (SELECT 1 FROM changes WHERE partner = NEW.partner AND seq = NEW.seq)",
    "acknowledgements": (
        "EXISTS (SELECT 1 FROM acknowledgements WHERE partner = NEW.partner AND seq = NEW.seq)"
    ),
    "overdue": "EXISTS (SELECT 1 FROM overdue WHERE partner = NEW.partner AND seq = NEW.seq)",
}
"""The new tables that are only ever added to, as in the first step."""


def upgrade() -> None:
    """Add tables and columns, and fill them from the trail."""
    _holds()
    _revisions()
    _told()
    with _unguarded("trail", "versions", "mandates", "licences"):
        _number_what_is_there()
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def _holds() -> None:
    op.add_column("items", sa.Column("available", INSTANT, nullable=False, server_default="0"))
    op.add_column("items", sa.Column("exclusive_until", INSTANT))
    op.add_column("items", sa.Column("holds", sa.Text, nullable=False, server_default="{}"))
    op.add_column("items", sa.Column("changed", sa.BigInteger, nullable=False, server_default="0"))
    op.execute("UPDATE items SET available = published")
    op.create_index("items_changed", "items", ["changed"])
    op.create_index("items_available", "items", ["available"])
    op.create_index("items_exclusive", "items", ["exclusive_until"])
    op.create_table(
        "holds",
        sa.Column("item", NAME, sa.ForeignKey("items.id"), primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False),
    )


def _revisions() -> None:
    for table in ("versions", "mandates", "licences"):
        op.add_column(table, sa.Column("line", sa.BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "partner_revisions",
        sa.Column("partner", NAME, sa.ForeignKey("partners.id"), primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False),
    )
    op.add_column("trail", sa.Column("leaf", sa.LargeBinary, nullable=False, server_default=sa.text("''")))
    op.create_index("trail_by_time", "trail", ["at", "seq"])
    op.create_table(
        "checkpoints",
        sa.Column("size", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )


def _told() -> None:
    op.create_table(
        "deliveries",
        sa.Column("partner", NAME, primary_key=True),
        sa.Column("clause", NAME, primary_key=True),
        sa.Column("item", NAME, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("use", NAME, nullable=False),
        sa.Column("mandate", NAME, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False),
    )
    op.create_index("deliveries_by_item", "deliveries", ["item", "partner"])
    op.create_index("deliveries_by_time", "deliveries", ["at"])
    op.create_table(
        "usage",
        sa.Column("partner", NAME, primary_key=True),
        sa.Column("clause", NAME, primary_key=True),
        sa.Column("period", NAME, primary_key=True),
        sa.Column("used", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "changes",
        sa.Column("partner", NAME, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("action", NAME, nullable=False),
        sa.Column("item", NAME, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("clause", NAME),
        sa.Column("reason", NAME),
        sa.Column("note", sa.Text),
        sa.Column("deadline", INSTANT),
        sa.Column("until", INSTANT),
    )
    op.create_index("changes_by_item", "changes", ["item", "partner", "seq"])
    op.create_index("changes_by_deadline", "changes", ["deadline"])
    for table in ("acknowledgements", "overdue"):
        op.create_table(
            table,
            sa.Column("partner", NAME, primary_key=True),
            sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("at", INSTANT, nullable=False),
        )
    op.create_table(
        "holdings",
        sa.Column("partner", NAME, primary_key=True),
        sa.Column("item", NAME, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("clause", NAME, nullable=False),
        sa.Column("told", sa.Integer, nullable=False),
        sa.Column("terms", NAME, nullable=False),
    )
    op.create_index("holdings_by_item", "holdings", ["item", "partner"])
    op.create_table(
        "progress",
        sa.Column("partner", NAME, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("ends_change", sa.BigInteger),
        sa.Column("ends_at", INSTANT),
        sa.Column("ends_rights", NAME),
        sa.Column("begins_change", sa.BigInteger),
        sa.Column("begins_at", INSTANT),
        sa.Column("begins_rights", NAME),
        sa.Column("walked_published", INSTANT),
        sa.Column("walked_item", NAME),
    )


@contextmanager
def _unguarded(*tables: str) -> Iterator[None]:
    """What only grows gets new columns, filled from what stands there: the guards step aside for that."""
    bind = op.get_bind()
    if bind.dialect.name == "sqlite":
        for table in tables:
            op.execute(f"DROP TRIGGER {table}_no_update")
        yield
        for table in tables:
            refuse = f"SELECT RAISE(ABORT, '{table} only grows')"
            op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN {refuse}; END")
        return
    for table in tables:
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_only_grows")
    yield
    for table in tables:
        op.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_only_grows")


def _number_what_is_there() -> None:
    """Walk the trail once: hash each line, and tell every revision from which line on it was known."""
    bind = op.get_bind()
    partners: dict[str, dict[str, Any]] = {
        row.id: {"name": row.name, "domains": json.loads(row.domains), "added": row.added, "revision": 0}
        for row in bind.execute(sa.text("SELECT id, name, domains, added FROM partners"))
    }
    revisions: dict[tuple[str, str], int] = {}
    given: set[tuple[str, str, str, int]] = set()
    after = 0
    while True:
        rows = bind.execute(
            sa.text(
                "SELECT seq, at, kind, actor, body FROM trail WHERE seq > :after ORDER BY seq LIMIT 1000"
            ),
            {"after": after},
        ).all()
        if not rows:
            return
        for row in rows:
            event = json.loads(row.body)
            bind.execute(
                sa.text("UPDATE trail SET leaf = :leaf WHERE seq = :seq"),
                {"leaf": _leaf(row, event), "seq": row.seq},
            )
            _known_from(bind, row, event, partners, revisions)
            _was_given(bind, row, event, given)
        after = rows[-1].seq


def _leaf(row: Any, event: dict[str, Any]) -> bytes:
    at = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=row.at)).isoformat(
        timespec="microseconds"
    )
    record = {"seq": row.seq, "at": at, "actor": row.actor, "kind": row.kind, "event": event}
    try:
        data = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        data = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(b"\0" + data).digest()


def _known_from(
    bind: sa.Connection,
    row: Any,
    event: dict[str, Any],
    partners: dict[str, dict[str, Any]],
    revisions: dict[tuple[str, str], int],
) -> None:
    match row.kind:
        case "item_ingested":
            bind.execute(
                sa.text("UPDATE versions SET line = :line WHERE item = :item AND version = :version"),
                {"line": row.seq, "item": event["item"], "version": event["version"]},
            )
        case "mandate_added" | "mandate_ended" | "licence_added" | "licence_ended":
            what = row.kind.partition("_")[0]
            number = event[what]
            revisions[what, number] = revisions.get((what, number), 0) + 1
            bind.execute(
                sa.text(
                    f"UPDATE {what}s SET line = :line "  # noqa: S608  (our own words)
                    "WHERE number = :number AND revision = :revision"
                ),
                {"line": row.seq, "number": number, "revision": revisions[what, number]},
            )
        case "partner_added" | "partner_suspended" | "partner_resumed":
            known = partners.get(event["partner"])
            if known is None:
                return
            known["revision"] += 1
            content = {
                "name": known["name"],
                "domains": known["domains"],
                "added": known["added"],
                "suspended": row.at if row.kind == "partner_suspended" else None,
            }
            bind.execute(
                sa.text("INSERT INTO partner_revisions VALUES (:partner, :revision, :content, :line)"),
                {
                    "partner": event["partner"],
                    "revision": known["revision"],
                    "content": json.dumps(
                        content, ensure_ascii=False, sort_keys=True, separators=(",", ":")
                    ),
                    "line": row.seq,
                },
            )
        case _:
            return


def _was_given(
    bind: sa.Connection, row: Any, event: dict[str, Any], given: set[tuple[str, str, str, int]]
) -> None:
    """The summary of what partners were given, from the lines that say so."""
    if event.get("status") != 200 or event.get("method") not in ("GET", "EXPORT"):
        return
    if row.kind == "item_delivered":
        items = [[event["item"], event["version"], event["use"], event["clause"]]]
    elif row.kind == "edition_delivered":
        kept = bind.execute(
            sa.text("SELECT content FROM manifests WHERE digest = :digest"), {"digest": event["edition"]}
        ).scalar()
        items = [] if kept is None else json.loads(bytes(kept))["items"]
    else:
        return
    put: Callable[..., Any] = bind.execute
    for item, version, use, clause in items:
        name = (event["partner"], clause, item, version)
        if name in given:
            continue
        given.add(name)
        put(
            sa.text(
                "INSERT INTO deliveries VALUES (:partner, :clause, :item, :version, :use, '', :at, :line)"
            ),
            {
                "partner": name[0],
                "clause": clause,
                "item": item,
                "version": version,
                "use": use,
                "at": row.at,
                "line": row.seq,
            },
        )
        form = "summary" if use == "link" else "full"
        values = {"partner": name[0], "item": item, "version": version, "clause": clause, "form": form}
        updated = put(
            sa.text(
                "UPDATE holdings SET version = :version, clause = :clause, "
                "terms = CASE WHEN terms = 'full' THEN terms ELSE :form END "
                "WHERE partner = :partner AND item = :item"
            ),
            values,
        )
        if not updated.rowcount:
            put(
                sa.text("INSERT INTO holdings VALUES (:partner, :item, :version, :clause, 0, :form)"),
                values,
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
    for table in GROWING:
        op.execute(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION syndicate_only_grows()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION syndicate_only_grows()"
        )
