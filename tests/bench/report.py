"""The table of the benchmarks: in the terminal, and as `docs/explanation/performance.md`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from tests.bench.rows import Row

ANSWER = {True: "yes", False: "no", None: "–"}


def table(rows: Sequence[Row]) -> Table:
    """The table for the terminal."""
    made = Table(title="What was measured, against what it was and what it should be")
    for name in ("row", "what", "before (71b94cd)", "goal", "now", "reached"):
        made.add_column(name, overflow="fold")
    for row in rows:
        what = f"{row.what}\n[dim]{row.note}[/dim]" if row.note else row.what
        made.add_row(row.name, what, row.before, row.goal, row.now, ANSWER[row.reached])
    return made
