"""Whatever happens, the trail alone comes to the same numbers; and who edits the database is found out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syndicate.errors import Conflict
from syndicate.model.changes import Charge
from syndicate.model.parties import Partner
from syndicate.model.statement import Balance, total
from tests.support.databases import PostgresqlServer, sqlite_at
from tests.support.factories import OTHER, ZJOL
from tests.support.report_fixtures import (
    Counter,
    codes,
    counts,
    moment,
    named,
    run,
)
from tests.test_store.raw import by_hand

ONE, TWO = named(1), named(2)


# What somebody with the database's own tools may do, and what the check then says.


def unguarded(address: str, table: str, statement: str) -> tuple[str, ...]:
    if address.startswith("sqlite"):
        guards = [f"DROP TRIGGER {table}_no_{what}" for what in ("update", "delete", "replace")]
        return (*guards, statement)
    return (
        f"ALTER TABLE {table} DISABLE TRIGGER {table}_only_grows",
        statement,
    )


ADD = "INSERT INTO deliveries SELECT partner, clause, item, 7, use, mandate, at, {to} FROM deliveries "
HERE = "WHERE line = {line}"
ROW = "row_differs"
EDITS = {
    "another mandate": (
        "deliveries",
        f"UPDATE deliveries SET mandate = 'HEAD-2' {HERE}",
        ["ledger_differs", ROW, ROW],
    ),
    "another month": (
        "deliveries",
        f"UPDATE deliveries SET at = at + 4000000000000 {HERE}",
        ["not_in_ledger", ROW],
    ),
    "another line": ("deliveries", f"UPDATE deliveries SET line = 1 {HERE}", ["ledger_differs"]),
    "an entry removed": ("deliveries", f"DELETE FROM deliveries {HERE}", ["not_in_ledger", ROW]),
    "an entry added": (
        "deliveries",
        ADD.replace("{to}", "line") + HERE,
        ["not_in_trail", ROW],
    ),
    "a line of the trail removed": (
        "trail",
        "DELETE FROM trail WHERE seq = {line}",
        ["line_missing", "not_in_trail", ROW],
    ),
    "a line of the trail spoiled": (
        "trail",
        "UPDATE trail SET body = '[' WHERE seq = {line}",
        ["line_unreadable", "not_in_trail", ROW],
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_behind_the_stores_back_is_found_and_named(store_address: str, edit: str) -> None:
    table, statement, expected = EDITS[edit]

    async def act(here: Counter) -> None:
        await here.give(moment("09-01 08:00"), here.charge(ONE))
        await here.give(moment("09-02 08:00"), here.charge(TWO, partner=OTHER))
        line = (await here.statement(9)).line - 1
        await by_hand(store_address, *unguarded(store_address, table, statement.format(line=line)))
        made = await here.statement(9)
        assert codes(made) == expected
        assert made.differences is not None
        assert {one.line for one in made.differences if one.code != ROW} == {line}
        assert all(ZJOL.id in one.field for one in made.differences if one.code == ROW)
        usage = await here.desk.usage(date(2026, 9, 1), date(2026, 10, 1), check=True)
        assert set(codes(usage)) >= {code for code in expected if code != "not_in_ledger"}

    run(store_address, act)


def test_an_entry_behind_the_end_of_the_trail_is_named_and_not_counted(store_address: str) -> None:
    async def act(here: Counter) -> None:
        await here.give(moment("09-01 08:00"), here.charge(ONE))
        line = (await here.statement(9)).line
        await by_hand(store_address, (ADD + HERE).format(to=99, line=line))
        made = await here.statement(9)
        assert (codes(made), counts(made)) == (["not_in_trail"], (1, 0, 0))
        assert made.differences is not None
        assert made.differences[0].line == 99

    run(store_address, act)


def test_an_item_that_was_made_another_medium_is_named(store_address: str) -> None:
    async def act(here: Counter) -> None:
        await here.give(moment("09-01 08:00"), here.charge(ONE))
        change = f"""UPDATE versions SET content = replace(content, '"text"', '"video"')
            WHERE item = '{ONE}' AND version = 1"""
        await by_hand(store_address, *unguarded(store_address, "versions", change))
        made = await here.statement(9)
        assert codes(made) == ["item_differs"]
        assert made.differences is not None
        assert made.differences[0].field == f"{ONE} v1"

    run(store_address, act)


def test_a_recall_that_was_taken_off_the_item_is_found(store_address: str) -> None:
    async def act(here: Counter) -> None:
        await here.give(moment("09-01 08:00"), here.charge(ONE))
        await here.recall(moment("09-02 08:00"), ONE)
        await by_hand(store_address, "UPDATE items SET holds = '{}'")
        asked = (date(2026, 9, 1), date(2026, 10, 1))
        assert total((await here.desk.usage(*asked)).rows) == Balance(1)
        assert codes(await here.desk.usage(*asked, check=True)) == [ROW]
        assert counts(await here.statement(9)) == (1, 1, 0)

    run(store_address, act)


def test_a_line_about_a_recall_that_cannot_be_read_stops_the_statement(store_address: str) -> None:
    async def act(here: Counter) -> None:
        await here.give(moment("09-01 08:00"), here.charge(ONE))
        await here.recall(moment("09-02 08:00"), ONE)
        spoil = "UPDATE trail SET body = '{}' WHERE kind = 'item_recalled'"
        await by_hand(store_address, *unguarded(store_address, "trail", spoil))
        with pytest.raises(Conflict) as refused:
            await here.statement(9)
        assert refused.value.code == "trail_broken"

    run(store_address, act)


def test_a_kept_list_that_was_changed_or_is_somebody_elses_is_named(store_address: str) -> None:
    async def act(here: Counter) -> None:
        await here.give_feed(moment("09-01 08:00"), [here.charge(ONE)])
        line = (await here.statement(9)).line
        changed = "UPDATE manifests SET content = CAST('{}' AS BLOB)"
        if store_address.startswith("postgresql"):
            changed = "UPDATE manifests SET content = '{}'::bytea"
        await by_hand(store_address, *unguarded(store_address, "manifests", changed))
        made = await here.statement(9)
        assert codes(made) == ["list_missing", "not_in_trail", "row_differs"]
        assert made.differences is not None
        assert {one.line for one in made.differences[:2]} == {line}

    run(store_address, act)


# Whatever happens in three months, both ways of counting agree, and the months add up to what stands.

steps = st.lists(
    st.tuples(
        st.sampled_from(["give", "give", "give", "feed", "recall", "reinstate"]),
        st.integers(1, 5),
        st.integers(1, 2),
        st.sampled_from([ZJOL, OTHER]),
        st.integers(0, 12 * 24 * 60 * 60),
    ),
    max_size=14,
)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_trail_alone_says_the_same_and_the_months_add_up_to_what_stands(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    addresses = fresh(kind, request, tmp_path)

    @settings(max_examples=20 if kind == "sqlite" else 6, deadline=None)
    @given(steps)
    def holds(story: list[tuple[str, int, int, Partner, int]]) -> None:
        run(next(addresses), lambda here: lived(here, story))

    holds()


async def lived(here: Counter, story: list[tuple[str, int, int, Partner, int]]) -> None:
    at, end = moment("09-01 00:00"), moment("11-30 23:59:59")
    stands: dict[Charge, bool] = {}
    for what, number, version, partner, passed in story:
        at = min(at + timedelta(seconds=passed), end)
        charge = here.charge(named(number), partner=partner, version=version)
        if what == "give":
            await here.give(at, charge)
            stands.setdefault(charge, True)
        elif what == "feed":
            other = here.charge(named(number % 5 + 1), partner=partner, clause="XSW-1#2")
            await here.give_feed(at, [charge, other])
            stands.setdefault(charge, True)
            stands.setdefault(other, True)
        else:
            await (here.recall if what == "recall" else here.reinstate)(at, named(number))
            stands.update({one: what == "reinstate" for one in stands if one.item == named(number)})
    made = [await here.statement(number) for number in (9, 10, 11)]
    assert all(one.differences == () for one in made)
    assert sum(total(one.rows).net for one in made) == sum(stands.values())
    used = await here.desk.usage(date(2026, 9, 1), date(2026, 12, 1), check=True)
    assert used.differences == ()
    assert total(used.rows) == Balance(len(stands), len(stands) - sum(stands.values()))


def fresh(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """As many new databases as are asked for."""
    if kind == "sqlite":
        pattern: Path = request.getfixturevalue("sqlite_pattern")
        for number in count():
            yield sqlite_at(Path(shutil.copyfile(pattern, folder / f"{number}.db")))
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    for _ in count():
        name = server.database("pattern")
        yield server.address(name)
        server.sql(f"DROP DATABASE {name} WITH (FORCE)")
