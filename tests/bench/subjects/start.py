"""Measure what it takes to start a command, in the same rounds as the earlier release."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

from tests.bench import corpus
from tests.bench.commands import BEFORE, checked, earlier
from tests.bench.contestants import PROJECT
from tests.bench.rows import Bench, Row, ratios, spread
from tests.bench.subjects.ingest import stories

NAMES = ("start-help", "start-list")
GOALS = {"start-help": ("--help", 0.25), "start-list": ("item list", 0.4)}
ITEMS = 50


def rows(bench: Bench) -> Iterator[Row]:
    """The rows of this subject that are wanted."""
    if not bench.wants(*NAMES):
        return
    before = earlier(bench.baseline, bench.kept)
    bench.say("start of commands")
    documents = bench.scratch / "start-documents"
    corpus.write_folder(documents, stories(ITEMS, 60_000_000))
    ours = _data(bench, PROJECT, documents)
    theirs = _data(bench, before, documents) if before is not None else None
    for name, (words, goal) in GOALS.items():
        if not bench.wants(name):
            continue
        cost, other, memory = [], [], 0
        for number in range(bench.rounds + 1):
            now = checked(["--data", str(ours), *words.split()])
            then = (
                checked(["--data", str(theirs), *words.split()], checkout=before)
                if before is not None and theirs is not None
                else None
            )
            if number > 0:  # the first round compiles
                cost.append(now.cpu)
                memory = max(memory, now.memory)
                if then is not None:
                    other.append(then.cpu)
        note = f"{statistics.median(cost):.2f} s of CPU, {memory / 2**20:.0f} MB"
        if not other:
            said, reached = f"{statistics.median(cost):.2f} s of CPU", None
            note += f"; the repository does not have {BEFORE} to compare with"
        else:
            said = f"{spread(ratios(cost, other))} ×"
            reached = statistics.median(ratios(cost, other)) <= goal
            note += f"; {BEFORE} now: {statistics.median(other):.2f} s"
        what = f"start of `{words}`, CPU against {BEFORE}"
        yield Row(name, what, "1.5 s, 97 MB", f"≤ {goal} ×", said, reached, note)


def _data(bench: Bench, checkout: Path, documents: Path) -> Path:
    """A data folder that this release made and filled."""
    data = bench.scratch / f"start-{checkout.name}"
    checked(["--data", str(data), "init"], checkout=checkout)
    checked(["--data", str(data), "ingest", str(documents)], checkout=checkout)
    return data
