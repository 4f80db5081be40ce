"""Read an archive through, from the feed to its oldest document, as a reader that follows RFC 5005 does.

One partner without limits follows `next_url` in JSON Feed until there is none, and must be given every item
that it may have. What a document costs the server is compared between the newest ones and the oldest.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

from tests.bench import contestants, load
from tests.bench.agreements import partner
from tests.bench.archive import Archive, kept
from tests.bench.machine import cpu_seconds
from tests.bench.rows import Bench, Row, percentile

NAMES = ("archive",)
ENDS = 40
"""Documents at either end of the walk that are compared."""
GOAL = 1.2


def rows(bench: Bench) -> Iterator[Row]:
    """The row of this subject if it is wanted."""
    if not bench.wants(*NAMES):
        return
    whole = kept(bench.kept, bench.size, bench.partners, bench.say)
    with whole.copied(bench.scratch) as archive, contestants.ours(archive.data) as server:
        key = {"Authorization": f"Bearer {archive.keys[partner(0)]}"}
        path, seen, walls, costs = "/licensed/feeds/all.json", set[str](), list[float](), list[float]()
        while path:
            before, begun = cpu_seconds(server.pid), time.perf_counter()
            answer = load.ask(server.port, path, key)
            walls.append((time.perf_counter() - begun) * 1e3)
            document = json.loads(answer.body)
            items = {item["id"] for item in document["items"]}
            costs.append((cpu_seconds(server.pid) - before) * 1e3 / max(1, len(items)))
            seen |= items
            path = urlsplit(document.get("next_url", "")).path
            if len(walls) % 1_000 == 0:
                bench.say(f"archive: {len(walls):,} documents, {len(seen):,} items")
        expected = _all_it_may_have(archive)
        if len(seen) != expected:
            raise SystemExit(f"{len(seen)} items were given where there are {expected}")
        newest, oldest = costs[1 : 1 + ENDS], costs[-ENDS:]
        ratio = statistics.mean(oldest) / statistics.mean(newest)
        yield Row(
            "archive",
            f"a document at the old end of an archive of {bench.size:,} items against one at the new end",
            "not measured",
            f"≤ {GOAL} ×",
            f"{ratio:.2f} ×",
            ratio <= GOAL,
            f"{len(walls):,} documents with all {len(seen):,} items that the partner may have; "
            f"{statistics.median(walls):.0f} ms median, {percentile(walls, 0.99):.0f} ms p99; CPU for each "
            f"item {statistics.mean(newest):.2f} ms new, {statistics.mean(oldest):.2f} old",
        )


def _all_it_may_have(archive: Archive) -> int:
    """Items of our outlets that a mandate covers and nothing holds back."""
    with closing(sqlite3.connect(f"file:{archive.data / 'syndicate.db'}?mode=ro", uri=True)) as connection:
        query = (
            "SELECT count(*) FROM items WHERE state = 'open' AND (outlet IN ('tv', 'radio') "
            "OR (outlet = 'daily' AND medium IN ('text', 'picture')))"
        )
        return int(connection.execute(query).fetchone()[0])
