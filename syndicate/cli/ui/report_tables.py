"""Reports as tables: the same columns for people and for a spreadsheet; by name for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syndicate.cli.ui import agreement_words
from syndicate.cli.ui.failures import faults_as_json
from syndicate.cli.ui.output import Column, Output, iso
from syndicate.cli.ui.spreadsheet import csv_bytes
from syndicate.language import Text
from syndicate.model.item import medium_name
from syndicate.model.parties import Partner, PartnerId, Publisher
from syndicate.model.statement import Account, Balance, Row, by_owner, total

if TYPE_CHECKING:
    from syndicate.services.reports.report_service import Report

_STATES = {True: Text("未完，暂计", "provisional"), False: Text("已完", "final")}
_UNKNOWN = Text("未知", "unknown")
_ITEM, _SUBTOTAL = Text("明细", "account"), Text("小计", "total of owner")
_TOTAL = Text("合计", "total")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The layout of one report.

    `finely` adds outlets and clauses, as in a usage report. `heading` holds the report's own fields, such
    as its month; a spreadsheet repeats them in front of every row.
    """

    report: Report
    heading: Sequence[tuple[Text, str]]
    partners: Mapping[PartnerId, Partner]
    publisher: Publisher
    voice: Output
    finely: bool
    lines: bool

    def columns(self) -> list[Column]:
        """The columns for people."""
        columns = [Column(Text("权利人", "owner"), tight=False)]
        columns += [Column(Text("媒体", "outlet"))] if self.finely else []
        columns += [
            Column(Text("类型", "medium")),
            Column(Text("授权媒体", "partner")),
            Column(Text("名称", "name"), tight=False),
        ]
        columns += [Column(Text("条款", "clause"))] if self.finely else []
        columns += [Column(Text("发出", "delivered")), Column(Text("撤回", "recalled"))]
        columns += [] if self.finely else [Column(Text("恢复", "reinstated"))]
        columns.append(Column(Text("净数", "net")))
        columns += [Column(Text("审计记录", "lines"), tight=False)] if self.lines else []
        return columns

    def rows(self) -> list[list[str | int]]:
        """A row for each account."""
        return [self._row(row) for row in self.report.rows]

    def totals(self) -> list[list[str | int]]:
        """A row for each owner's total, and the last for all, whose owner is left blank."""
        rows = self.report.rows
        owners = [self._total(self._owner(owner), balance) for owner, balance in by_owner(rows)]
        return [*owners, self._total("", total(rows))]

    def said(self) -> list[list[str]]:
        """Rows and totals for people."""
        rows = [[str(cell) for cell in row] for row in (*self.rows(), *self.totals())]
        subtotal, all_ = _SUBTOTAL.in_(self.voice.lang), _TOTAL.in_(self.voice.lang)
        for row in rows[len(self.report.rows) : -1]:
            row[0] = f"{subtotal} {row[0]}"
        rows[-1][0] = all_
        return rows

    def csv(self) -> bytes:
        """Return the rows and totals for a spreadsheet.

        Each row names its kind, its span, and whether the span is over, so that it can stand alone.
        """
        voice = self.voice
        names = [Text("行", "row"), *(name for name, _ in self.heading), Text("状态", "state")]
        names += [column.name for column in self.columns()]
        said = [value for _, value in self.heading]
        state = _STATES[self.report.provisional].in_(voice.lang)
        item, subtotal, all_ = (text.in_(voice.lang) for text in (_ITEM, _SUBTOTAL, _TOTAL))
        totals = self.totals()
        kinds = [item] * len(self.report.rows) + [subtotal] * (len(totals) - 1) + [all_]
        rows = [*self.rows(), *totals]
        return csv_bytes(
            [
                [name.in_(voice.lang) for name in names],
                *([kind, *said, state, *row] for kind, row in zip(kinds, rows, strict=True)),
            ]
        )

    def json(self, about: Mapping[str, object]) -> bytes:
        """One JSON value for programs; `about` says which report it is."""
        report = self.report
        value: dict[str, object] = {
            **about,
            "from": iso(report.within.opens),
            "to": iso(report.within.closes),
            "provisional": report.provisional,
            "line": report.line,
            "rows": [self._row_as_json(row) for row in report.rows],
            "owners": [
                {"owner": owner, **self._numbers(balance)} for owner, balance in by_owner(report.rows)
            ],
            "total": self._numbers(total(report.rows)),
        }
        if report.differences is not None:
            value["whole"] = not report.differences
            value["differences"] = faults_as_json(report.differences, self.voice.lang)
        return json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"

    def _row(self, row: Row) -> list[str | int]:
        account = row.account
        cells: list[str | int] = [self._owner(account.owner)]
        cells += [self._outlet(account)] if self.finely else []
        medium = _UNKNOWN if account.medium is None else medium_name(account.medium)
        cells += [medium.in_(self.voice.lang), account.partner, self._name(account)]
        cells += [account.clause] if self.finely else []
        cells += self._numbers(row.balance).values()
        # Blanks, so that no spreadsheet takes two numbers for a date or for thousands.
        return [*cells, " ".join(map(str, row.lines))] if self.lines else cells

    def _total(self, owner: str, balance: Balance) -> list[str | int]:
        numbers = self._numbers(balance).values()
        blank = [""] * (len(self.columns()) - 1 - len(numbers) - self.lines)
        return [owner, *blank, *numbers, *([""] if self.lines else [])]

    def _numbers(self, balance: Balance) -> dict[str, int]:
        numbers = {"delivered": balance.delivered, "recalled": balance.recalled}
        numbers |= {} if self.finely else {"reinstated": balance.reinstated}
        return {**numbers, "net": balance.net}

    def _row_as_json(self, row: Row) -> dict[str, object]:
        account = row.account
        value: dict[str, object] = {"owner": account.owner}
        value |= {"outlet": account.outlet} if self.finely else {}
        value |= {
            "medium": None if account.medium is None else account.medium.value,
            "partner": account.partner,
        }
        value |= {"clause": account.clause} if self.finely else {}
        value |= self._numbers(row.balance)
        return {**value, "lines": list(row.lines)} if self.lines else value

    def _owner(self, owner: str | None) -> str:
        return _UNKNOWN.in_(self.voice.lang) if owner is None else owner

    def _outlet(self, account: Account) -> str:
        if account.outlet is None:
            return _UNKNOWN.in_(self.voice.lang)
        return agreement_words.outlet_name(account.outlet, self.publisher).in_(self.voice.lang)

    def _name(self, account: Account) -> str:
        known = self.partners.get(account.partner)
        return "" if known is None else known.name
