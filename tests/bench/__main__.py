"""`python -m tests.bench`: measure, print the table, and with `--write` keep it as a document."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from tests.bench.contestants import PROJECT
from tests.bench.report import table
from tests.bench.rows import Bench, Row
from tests.bench.subjects import excepted, peers

SUBJECTS: tuple[tuple[tuple[str, ...], Callable[[Bench], Iterator[Row]]], ...] = (
    (peers.NAMES, peers.rows),
    (excepted.NAMES, excepted.rows),
)


def main() -> None:
    """Measure what is wanted and print it."""
    names = [name for subject, _ in SUBJECTS for name in subject]
    parser = argparse.ArgumentParser(prog="make bench", description="Measure, side by side in one run.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each comparison")
    parser.add_argument("--seconds", type=int, default=1, help="seconds of load in a round")
    parser.add_argument("--only", default="", metavar="ROW,ROW", help=", ".join(names))
    options = parser.parse_args()
    only = frozenset(filter(None, options.only.split(",")))
    if only - set(names):
        parser.error(f"no such row: {', '.join(sorted(only - set(names)))}")
    out = Console()
    if not out.is_terminal:
        out.width = 150
    with tempfile.TemporaryDirectory(prefix="syndicate-bench-") as folder:
        bench = Bench(
            size=0,
            partners=0,
            rounds=options.rounds,
            seconds=options.seconds,
            only=only,
            kept=PROJECT / "var" / "bench",
            scratch=Path(folder),
            baseline=None,
            out=out,
        )
        rows = [row for _, measure in SUBJECTS for row in measure(bench)]
    out.print(table(rows))


if __name__ == "__main__":
    main()
