"""What may be asked of a report on the command line: days and months, its format, its file, its proof."""

from __future__ import annotations

import re
from datetime import date

import click

from syndicate.cli.app import given
from syndicate.cli.ui.failures import Bilingual
from syndicate.cli.ui.proof_io import PATH
from syndicate.language import Text


def day(_ctx: click.Context, param: click.Parameter, value: str) -> date:
    """A day of the calendar, written in the one way that nobody can take for another."""
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    name = param.opts[0]
    raise Bilingual(
        Text(
            f"{name} {value!r} 不是日期，应如 2026-11-01",
            f"{name} {value!r} is no day; expected e.g. 2026-11-01",
        )
    )


def month(_ctx: click.Context, _param: click.Parameter, value: str) -> date:
    """A month, as its first day."""
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}", value):
        try:
            return date.fromisoformat(f"{value}-01")
        except ValueError:
            pass
    raise Bilingual(
        Text(
            f"--month {value!r} 不是月份，应如 2026-11",
            f"--month {value!r} is no month; expected e.g. 2026-11",
        )
    )


def _format(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str:
    """`--json` says the same as `--format json`, and neither may contradict the other."""
    common = given()
    if common.json and value not in (None, "json"):
        raise Bilingual(
            Text(
                f"--json 与 --format {value} 不能同时使用",
                f"--json and --format {value} contradict each other",
            )
        )
    common.json = common.json or value == "json"
    return "json" if common.json else value or "table"


FORMAT = click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "csv", "json"]),
    callback=_format,
    metavar="table|csv|json",
    help="输出格式，默认 table；csv 可用电子表格打开 · default table; csv opens in a spreadsheet",
)
OUT = click.option("--out", type=PATH, metavar="FILE", help="写入文件，默认标准输出 · default: stdout")
LINES = click.option(
    "--lines",
    is_flag=True,
    help="列出每行所依据的审计记录序号 · numbers of the trail records behind each row",
)
CHECK = click.option(
    "--check",
    is_flag=True,
    help="仅凭审计记录重算并比对，有出入时退出码为 1 · "
    "compute again from the trail alone; exit code 1 if anything differs",
)
