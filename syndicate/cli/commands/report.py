"""`report`: 报表, what was given to whom, what each month comes to, and what is not yet taken down."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syndicate.cli.app import Group, with_services
from syndicate.cli.ui import report_options as options
from syndicate.cli.ui.failures import REFUSED, typed
from syndicate.cli.ui.output import Column, Output, iso
from syndicate.cli.ui.proof_io import written
from syndicate.cli.ui.report_tables import Sheet
from syndicate.language import Text
from syndicate.model.changes import Action
from syndicate.model.names import OutletId, PartnerId
from syndicate.policy.reasons import REASONS, RECALLS
from syndicate.wiring import Services

if TYPE_CHECKING:
    from syndicate.services.reports.report_service import Outstanding

_UNDONE = Text("未出报表", "no report was made")
_ACTIONS = {Action.RECALL: Text("撤回", "recall"), Action.WITHDRAW: Text("撤下", "withdraw")}


@click.group(cls=Group)
def report() -> None:
    """报表：用量、月结单、未撤稿件 · Report usage and open take-downs.

    \b
    例 · Example:
      syndicate report statement --month 2026-11 --check
    """


@report.command()
@click.option(
    "--from",
    "first",
    required=True,
    callback=options.day,
    metavar="DATE",
    help="从此日起（含，本网时区） · from this day on, in the publisher's zone",
)
@click.option(
    "--to",
    "end",
    required=True,
    callback=options.day,
    metavar="DATE",
    help="到此日为止（不含此日） · up to this day, which is not included",
)
@click.option("--partner", metavar="P", help="只看该授权媒体 · this partner only")
@click.option("--outlet", metavar="O", help="只看该媒体的稿件 · this outlet's items only")
@options.FORMAT
@options.OUT
@options.LINES
@options.CHECK
@with_services
async def usage(
    services: Services,
    voice: Output,
    first: date,
    end: date,
    partner: str | None,
    outlet: str | None,
    format_: str,
    out: Path | None,
    lines: bool,
    check: bool,
) -> int:
    """用量：发出的和其中已撤回的 · Report items delivered and recalled.

    按权利人、媒体、类型、授权媒体和条款分列。 By owner, outlet, medium, partner and clause.

    \b
    例 · Example:
      syndicate report usage --from 2026-11-01 --to 2026-12-01 --partner zjol
    """
    with typed(_UNDONE):
        made = await services.reports.usage(
            first,
            end,
            partner=None if partner is None else PartnerId(partner),
            outlet=None if outlet is None else OutletId(outlet),
            lines=lines,
            check=check,
        )
    heading = [(Text("起", "from"), first.isoformat()), (Text("止（不含）", "to"), end.isoformat())]
    register = await services.rights.register()
    publisher = services.settings.publisher
    sheet = Sheet(made, heading, register.partners, publisher, voice, finely=True, lines=lines)
    about: dict[str, object] = {"report": "usage", "partner": partner, "outlet": outlet}
    return _hand_over(sheet, about, format_, out)


@report.command()
@click.option(
    "--month",
    required=True,
    callback=options.month,
    metavar="YYYY-MM",
    help="本网时区的月份 · a month in the publisher's zone",
)
@options.FORMAT
@options.OUT
@options.LINES
@options.CHECK
@with_services
async def statement(
    services: Services, voice: Output, month: date, format_: str, out: Path | None, lines: bool, check: bool
) -> int:
    """月结单：当月发出、撤回、恢复及净数 · Report a month's account, net of recalls.

    按权利人、类型和授权媒体分列。已完的月份不再变动；未完的月份注明暂计。

    By owner, medium and partner. A month that is over never changes; one that is not is provisional.

    \b
    例 · Example:
      syndicate report statement --month 2026-11 --format csv --out 2026-11.csv
    """
    with typed(_UNDONE):
        made = await services.reports.statement(month.year, month.month, lines=lines, check=check)
    heading = [(Text("月份", "month"), f"{month:%Y-%m}")]
    register = await services.rights.register()
    publisher = services.settings.publisher
    sheet = Sheet(made, heading, register.partners, publisher, voice, finely=False, lines=lines)
    return _hand_over(sheet, {"report": "statement", "month": f"{month:%Y-%m}"}, format_, out)


@report.command()
@click.option("--partner", metavar="P", help="只看该授权媒体 · this partner only")
@click.option("--overdue", is_flag=True, help="只看逾期的 · only what is overdue")
@with_services
async def takedowns(services: Services, voice: Output, partner: str | None, overdue: bool) -> int:
    """列出尚未确认撤下的稿件 · List unacknowledged take-downs.

    列出的只要有一项逾期，退出码即为 1。 Exit code 1 if anything listed is overdue.

    \b
    例 · Example:
      syndicate report takedowns --overdue
    """
    whose = None if partner is None else PartnerId(partner)
    found = await services.reports.takedowns(whose, overdue=overdue)
    for one in found:
        voice.give(_as_json(one))
    if not voice.json:
        voice.table(
            [
                Column(Text("授权媒体", "partner")),
                Column(Text("稿件", "item")),
                Column(Text("事项", "action")),
                Column(Text("变更序号", "change")),
                Column(Text("通知时间", "notified")),
                Column(Text("期限", "deadline")),
                Column(Text("确认", "acknowledged")),
                Column(Text("逾期", "overdue")),
                Column(Text("原因", "reason"), tight=False),
            ],
            [_row(one, voice) for one in found],
            empty=Text("没有待确认的撤稿", "nothing is left to be acknowledged"),
        )
    return REFUSED if any(one.overdue for one in found) else 0


def _hand_over(sheet: Sheet, about: dict[str, object], format_: str, out: Path | None) -> int:
    """Write the report as it was asked for, and say beside it what must be known of it."""
    report, voice = sheet.report, sheet.voice
    if format_ == "table" and out is None:
        _say(sheet)
    else:
        with written(out) as file:
            file.write(_content(sheet, about, format_))
    if report.provisional:
        voice.aside(Text("时段未完，数字为暂计", "the span is not over: the numbers are provisional"))
    if out is not None:
        voice.aside(Text(f"已写入 {out}", f"wrote {out}"))
    if report.differences is None:
        return 0
    for one in report.differences:
        voice.aside(one.said(voice.lang))
    count = len(report.differences)
    if count:
        voice.aside(
            Text(f"与审计记录有 {count} 处出入", f"differences between this and the trail: {count}")
        )
        return REFUSED
    voice.aside(
        Text(
            f"与审计记录第 1 至 {report.line} 条核对无误",
            f"the same numbers come out of the trail's lines 1 to {report.line}",
        )
    )
    return 0


def _content(sheet: Sheet, about: dict[str, object], format_: str) -> bytes:
    if format_ == "csv":
        return sheet.csv()
    if format_ == "json":
        return sheet.json(about)
    text = io.StringIO()
    with redirect_stdout(text):
        _say(sheet)
    return text.getvalue().encode(errors="backslashreplace")


def _say(sheet: Sheet) -> None:
    """The table as people see it."""
    sheet.voice.table(
        sheet.columns(),
        sheet.said() if sheet.report.rows else [],
        empty=Text("这一时段没有发出、撤回或恢复任何稿件", "nothing was given or recalled in this span"),
    )


def _as_json(one: Outstanding) -> dict[str, object]:
    order = one.takedown.entry
    return {
        "partner": order.partner,
        "item": order.item,
        "version": order.version,
        "action": order.action.value,
        "reason": order.reason,
        "clause": order.clause,
        "change": order.seq,
        "told": iso(order.at),
        "deadline": iso(order.deadline),
        "acknowledged": iso(one.takedown.acknowledged),
        "overdue": one.overdue,
    }


def _row(one: Outstanding, voice: Output) -> tuple[str, ...]:
    order = one.takedown.entry
    return (
        order.partner,
        order.item,
        _ACTIONS[order.action].in_(voice.lang),
        str(order.seq),
        voice.moment(order.at),
        voice.moment(order.deadline),
        voice.moment(one.takedown.acknowledged),
        (Text("是", "yes") if one.overdue else Text("否", "no")).in_(voice.lang),
        _why(order.reason or "").in_(voice.lang),
    )


def _why(reason: str) -> Text:
    """Why something must be taken down, in words."""
    words = {one.value: text for one, text in RECALLS.items()} | {
        one.value: text for one, text in REASONS.items()
    }
    return words.get(reason, Text("本网已扣住此稿", "the item is held back"))
