"""The table of the benchmarks: in the terminal, and as `docs/explanation/performance.md`.

Every figure is kept with the time and the commit that it was measured at, so that rows can be measured in
several runs: a document that is written holds the newest figure of each row.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from rich.table import Table

from tests.bench.commands import BEFORE
from tests.bench.contestants import PROJECT
from tests.bench.machine import described
from tests.bench.rows import Row

ANSWER = {True: "yes", False: "no", None: "–"}
DOCUMENT = PROJECT / "docs" / "explanation" / "performance.md"
SUBJECTS = Path(__file__).parent / "subjects"


_HEAD = """\
# Performance

What the server costs: against other software in the same run, against itself with a small archive, and
against what it was at commit `{before}`. `make bench` makes this page; nothing is rounded up.

A figure such as `0.48 (0.45 to 0.52)` is the median of the rounds, with the lowest and the highest.
`0.48` of nginx says that nginx needs 0.48 of our CPU for the same answer; above 1 we need less. Commit
`{before}` is the server before the work on speed. What it needed was measured on another day; where it
was measured again, the notes below say so. Ratios compare CPU time (user and system) of server
processes in the same round: they depend less on the machine, and on what else runs there, than seconds
do. They still vary on a machine whose cores are shared.

## The table

"""
_TAIL = """\

A server has one core to itself and the load client has another; where a row has two workers, they have
both. All traffic stays on the loopback interface.

## How to repeat it

```sh
make bench                              # archives of 10,000 items and 1,000 partners
make bench SIZE=1000000 WRITE=1         # a million items; writes this page
make bench ONLY=public-304,ingest       # some rows; with WRITE=1 the page keeps the others
```

Archives are made at the first run, the same ones everywhere, and kept in `var/bench`; what is measured
is a copy. The last run, perhaps of some rows only, took {minutes} minutes, and {disk} GiB of disk at
most. wrk and nginx are used where they are installed; without nginx its rows have no figure. Commit
`{before}` is unpacked from the repository; where that is not possible, `SYNDICATE_BENCH_BEFORE` names a
checkout of it.
"""


@dataclass(frozen=True)
class Measured:
    """A row with the time (UTC) and the commit of its measurement."""

    row: Row
    at: str
    commit: str


def table(rows: Sequence[Row]) -> Table:
    """The table for the terminal."""
    made = Table(title="What was measured, against what it was and what it should be")
    for name in ("row", "what", f"before ({BEFORE})", "goal", "now", "reached"):
        made.add_column(name, overflow="fold")
    for row in rows:
        what = f"{row.what}\n[dim]{row.note}[/dim]" if row.note else row.what
        made.add_row(row.name, what, row.before, row.goal, row.now, ANSWER[row.reached])
    return made


def remember(path: Path, rows: Sequence[Row]) -> dict[str, Measured]:
    """Keep these rows as the newest of their names; every row that was ever measured here, by its name."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    at, commit = f"{datetime.now(UTC):%Y-%m-%d %H:%M}", _commit()
    for row in rows:
        kept[row.name] = {"row": asdict(row), "at": at, "commit": commit}
    path.write_text(json.dumps(kept, ensure_ascii=False, indent=1))
    return {name: Measured(Row(**one["row"]), one["at"], one["commit"]) for name, one in kept.items()}


def _commit() -> str:
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    return said.stdout.strip() or "unknown"


def write(names: Sequence[str], measured: dict[str, Measured], minutes: float, disk: int) -> None:
    """Write the document; `names` in their order, `minutes` and `disk` (bytes) of this run."""
    found = [measured[name] for name in names if name in measured]
    DOCUMENT.write_text("\n".join(_lines(found, minutes, disk)) + "\n", encoding="utf-8")


def _lines(found: Sequence[Measured], minutes: float, disk: int) -> list[str]:
    missed = [one.row.name for one in found if one.row.reached is False]
    lines = [
        *_HEAD.format(before=BEFORE).splitlines(),
        f"| row | what | before (`{BEFORE}`) | goal | now | reached |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in found:
        row = one.row
        cells = (f"`{row.name}`", row.what, row.before, row.goal, row.now, ANSWER[row.reached])
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    lines += ["", f"Not reached: {', '.join(f'`{name}`' for name in missed) if missed else 'none'}."]
    lines += ["", "## The figures behind it", ""]
    lines += [
        f"- `{one.row.name}` ({one.at} UTC, `{one.commit}`): {one.row.note}."
        for one in found
        if one.row.note
    ]
    lines += ["", "## What the rows mean", ""]
    lines += [f"- {names}: {text}" for names, text in _meanings()]
    lines += ["", "## The machine", "", "| | |", "| --- | --- |"]
    lines += [f"| {name} | {value} |" for name, value in described()]
    gib = f"{disk / 2**30:.1f}"
    lines += _TAIL.format(before=BEFORE, minutes=f"{minutes:.0f}", disk=gib).splitlines()
    return lines


def _meanings() -> list[tuple[str, str]]:
    """The rows of each subject, and its docstring on one line."""
    found = []
    for path in sorted(SUBJECTS.glob("[a-z]*.py")):
        subject = import_module(f"tests.bench.subjects.{path.stem}")
        names = ", ".join(f"`{name}`" for name in subject.NAMES)
        found.append((names, " ".join((subject.__doc__ or "").split())))
    return found
