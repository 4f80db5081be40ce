"""`python -m tests.bench`: measure, print the table, and with `--write` keep it as a document."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from tests.bench.contestants import PROJECT
from tests.bench.machine import DiskWatch
from tests.bench.report import remember, table, write
from tests.bench.rows import Bench, Row
from tests.bench.subjects import (
    excepted,
    film,
    history,
    ingest,
    memory,
    peers,
    polls,
    pull,
    size,
    start,
    visible,
    workers,
)

SUBJECTS: tuple[tuple[tuple[str, ...], Callable[[Bench], Iterator[Row]]], ...] = (
    (peers.NAMES, peers.rows),
    (size.NAMES, size.rows),
    (excepted.NAMES, excepted.rows),
    (history.NAMES, history.rows),
    (visible.NAMES, visible.rows),
    (ingest.NAMES, ingest.rows),
    (pull.NAMES, pull.rows),
    (memory.NAMES, memory.rows),
    (film.NAMES, film.rows),
    (polls.NAMES, polls.rows),
    (start.NAMES, start.rows),
    (workers.NAMES, workers.rows),
)


def main() -> None:
    """Measure what is wanted and print it."""
    names = [name for subject, _ in SUBJECTS for name in subject]
    parser = argparse.ArgumentParser(prog="make bench", description="Measure, side by side in one run.")
    parser.add_argument("--size", type=int, default=10_000, help="items of the large archive")
    parser.add_argument("--partners", type=int, default=1_000, help="partners of the archives")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each comparison")
    parser.add_argument("--seconds", type=int, default=1, help="seconds of load in a round")
    parser.add_argument("--only", default="", metavar="ROW,ROW", help=", ".join(names))
    parser.add_argument("--write", action="store_true", help="write docs/explanation/performance.md too")
    options = parser.parse_args()
    only = frozenset(filter(None, options.only.split(",")))
    if only - set(names):
        parser.error(f"no such row: {', '.join(sorted(only - set(names)))}")
    given = os.environ.get("SYNDICATE_BENCH_BEFORE")
    out = Console()
    if not out.is_terminal:
        out.width = 150
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # servers and copies go too
    kept = PROJECT / "var" / "bench"
    kept.mkdir(parents=True, exist_ok=True)
    # Beside what is kept: copies of a large archive have no room in a /tmp that is memory.
    with DiskWatch(kept) as disk, tempfile.TemporaryDirectory(prefix=".run-", dir=kept) as folder:
        bench = Bench(
            size=options.size,
            partners=options.partners,
            rounds=options.rounds,
            seconds=options.seconds,
            only=only,
            kept=kept,
            scratch=Path(folder),
            baseline=Path(given) if given else None,
            out=out,
        )
        rows: list[Row] = []
        try:
            for _, measure in SUBJECTS:
                for row in measure(bench):
                    rows.append(row)
                    bench.say(f"{row.name}: {row.now}")
        finally:  # what was measured is not lost where the rest fails
            out.print(table(rows))
            measured = remember(kept / "results.json", rows)
    minutes = (time.monotonic() - bench.begun) / 60
    out.print(f"{minutes:.1f} minutes; at most {disk.most / 2**30:.2f} GiB of disk in {kept}")
    if options.write:
        write(names, measured, minutes, disk.most)


if __name__ == "__main__":
    main()
