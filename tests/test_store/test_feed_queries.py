"""What it costs to find a feed: the same steps of the database in a small archive and in a large one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import chain

from sqlalchemy import ClauseElement
from sqlalchemy.dialects import sqlite

from syndicate.model.feeds import Feed, feeds_of
from syndicate.model.holds import Embargo, Holds, Recall, RecallReason
from syndicate.model.item import Item, Medium
from syndicate.model.parties import PUBLIC, Recipient
from syndicate.model.rights import Clause, Except, Grant, Licence, Window
from syndicate.policy.coverage import coverage, reach, recalled_coverage
from syndicate.store.protocol import EntryQuery, FeedQuery
from syndicate.store.queries.feed_queries import entry_statements, outline_statements
from syndicate.store.schema.rows import item_values
from syndicate.store.schema.tables import as_number, items
from tests.support.databases import sqlite_file
from tests.support.factories import (
    ASK,
    NOON,
    PUBLISHER,
    ZJOL,
    a_grant,
    a_licence,
    a_mandate,
    an_item,
    days,
    minutes,
)

STEP = 10
"""Steps of SQLite's machine between two counts."""
SMALL_AND_LARGE = (100, 1_500)
SKIPPED = {"a rare channel", "a delay"}
"""Where SQLite skips what a hold keeps back one by one: some 30 steps each, as decision 0024 says."""
FEEDS = feeds_of(PUBLISHER)
OPENS = NOON - days(3_000)
MANDATES = [a_mandate()]


def _archive(layer: int) -> Iterator[Item]:
    """Some hundred items, and above them, newer, `layer` of each kind that a feed must not walk over."""
    kinds = ["", "excepted", "picture", "recalled", "embargoed", "nobody's", "withheld", "future"]
    for age, kind in enumerate(reversed(kinds)):
        for number in range(layer if kind else 200):
            published = NOON - days(age) - minutes(number / layer)
            item = an_item(id=f"20261102-{age:02d}{number:08d}", published=published)
            match kind:
                case "excepted":
                    item = replace(item, channel=ASK)
                case "picture":
                    item = replace(item, medium=Medium.PICTURE)
                case "recalled":
                    recall = Recall(RecallReason.LEGAL, "撤回", NOON, NOON, published)
                    item = replace(item, holds=Holds(recall=recall))
                case "embargoed":
                    item = replace(item, holds=Holds(embargo=Embargo(NOON + days(9))))
                case "nobody's":
                    item = replace(item, outlet=None)
                case "withheld":
                    item = replace(item, holds=Holds(withheld=True))
                case "future":
                    item = replace(item, published=NOON + minutes(1 + number))
                case _:
                    pass
            yield item


def _fill(connection: sqlite3.Connection, layer: int) -> None:
    connection.execute("DELETE FROM items")
    names = [column.name for column in items.c]
    rows = (
        {**item_values(item), "changed": number} for number, item in enumerate(_archive(layer), start=1)
    )
    kept = (
        [as_number(row[name]) if hasattr(row[name], "tzinfo") else row[name] for name in names]
        for row in rows
    )
    marks = ", ".join("?" * len(names))
    connection.executemany(f"INSERT INTO items ({', '.join(names)}) VALUES ({marks})", kept)


def _steps(connection: sqlite3.Connection, statement: ClauseElement) -> int:
    """How many steps SQLite takes for the statement, to the nearest ten."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += STEP
        return 0

    sql = str(statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    connection.set_progress_handler(count, STEP)
    connection.execute(sql).fetchall()
    connection.set_progress_handler(None, 0)
    return counted


def _cost(connection: sqlite3.Connection, feed: Feed, to: Recipient, agreed: list[Licence]) -> int:
    known = reach(to, MANDATES, agreed, NOON)
    assert known is not None
    channels = [channel.id for channel in PUBLISHER.channels]
    covered = coverage(feed, to, MANDATES, agreed, None, NOON, channels)
    recalled = recalled_coverage(feed, to, MANDATES, agreed, None, known)
    partner = None if to == PUBLIC else ZJOL.id
    outlines = outline_statements(FeedQuery(covered.cells, recalled, partner, NOON), None, 64)
    entries = entry_statements(EntryQuery(covered.delayed, None, NOON))
    return sum(_steps(connection, statement) for statement in chain(outlines, entries))


def _licence(*excepts: Except, **terms: object) -> list[Licence]:
    grant: Grant = a_grant(**{"media": list(Medium), **terms})  # type: ignore[arg-type]
    return [a_licence(grant, window=Window(OPENS), excepts=excepts)]


def _except(**scope: object) -> Except:
    return Except(clause=Clause("XSW-1#except-1"), **scope)  # type: ignore[arg-type]


CASES: dict[str, tuple[str, Recipient, list[Licence]]] = {
    "public": ("all", PUBLIC, []),
    "everything": ("all", ZJOL, _licence()),
    "excepted by channel": ("all", ZJOL, _licence(_except(channels=frozenset({ASK})))),
    "excepted by medium": ("all", ZJOL, _licence(_except(media=frozenset({Medium.PICTURE})))),
    "a rare channel": ("all", ZJOL, _licence(channels=["beigan"])),
    "an archive that holds nothing": ("all", ZJOL, _licence(archive=timedelta(hours=1))),
    "a delay": ("all", ZJOL, _licence(delay=days(6))),
    "a feed of little": ("video", ZJOL, _licence()),
    "a channel": ("news", ZJOL, _licence()),
}


def test_a_feed_costs_the_database_the_same_in_a_large_archive(sqlite_address: str) -> None:
    costs: list[dict[str, int]] = []
    with closing(sqlite3.connect(sqlite_file(sqlite_address), isolation_level=None)) as connection:
        for layer in SMALL_AND_LARGE:
            connection.execute("BEGIN")
            _fill(connection, layer)
            costs.append(
                {
                    name: _cost(connection, FEEDS[feed], to, agreed)
                    for name, (feed, to, agreed) in CASES.items()
                }
            )
            connection.execute("ROLLBACK")
    small, large = costs
    most = {
        name: 1.1 * cost + 100 + 40 * SMALL_AND_LARGE[1] * (name in SKIPPED) for name, cost in small.items()
    }
    grown = {name: (small[name], large[name]) for name in CASES if large[name] > most[name]}
    assert not grown
