"""Measure the memory of a worker that has served every partner of a large archive."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench import contestants, load
from tests.bench.archive import kept
from tests.bench.machine import children, memory
from tests.bench.rows import Bench, Row

NAMES = ("memory",)
GOAL = 300
FORMATS = ("rss", "atom", "json")
FEEDS = ("all", "daily", "tv", "radio", "news", "health", "video", "pictures")


def rows(bench: Bench) -> Iterator[Row]:
    """The row of this subject, if it is wanted."""
    if not bench.wants(*NAMES):
        return
    whole = kept(bench.kept, bench.size, bench.partners, bench.say)
    with whole.copied(bench.scratch) as archive, contestants.ours(archive.data, workers=2) as server:
        bench.say(f"memory: {bench.size:,} items, every one of {bench.partners:,} partners reads its feed")
        _must(load.ask(server.port, "/readyz", {}))  # the worker that answers has loaded everything
        start = max(memory(pid)[0] for pid in children(server.pid))
        for feed in FEEDS:
            for format in FORMATS:
                _must(load.ask(server.port, f"/feeds/{feed}.{format}", {}))
        gzip = {"Accept-Encoding": "gzip"}
        for key in archive.keys.values():
            held = {**gzip, "Authorization": f"Bearer {key}"}
            _must(load.ask(server.port, "/licensed/feeds/all.rss", held))
        rss, pss = max(memory(pid) for pid in children(server.pid))
    yield Row(
        "memory",
        f"memory of a worker at {bench.size:,} items and {bench.partners:,} partners",
        "136 MB at 20,000 items and 1 partner",
        f"≤ {GOAL} MB",
        f"{rss / 2**20:.0f} MB",
        rss / 2**20 <= GOAL,
        f"the larger of two workers, resident (PSS {pss / 2**20:.0f} MB), after "
        f"{len(FEEDS) * len(FORMATS)} public feeds and one feed in full text of each partner; "
        f"{start / 2**20:.0f} MB at the start",
    )


def _must(answer: load.Answer) -> None:
    if answer.status != 200:
        raise SystemExit(f"{answer.status}: {answer.body[:300]!r}")
