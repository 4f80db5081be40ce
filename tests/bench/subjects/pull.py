"""Measure what a new partner costs the server that pulls everything with `syndicate pull`."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench import contestants
from tests.bench.agreements import SHAPES, partner
from tests.bench.archive import kept
from tests.bench.commands import checked
from tests.bench.machine import LOAD_CORE, cpu_seconds
from tests.bench.rows import Bench, Row

NAMES = ("pull",)
MOST = 20_000
GOAL = 0.7


def rows(bench: Bench) -> Iterator[Row]:
    """The row of this subject, if it is wanted."""
    if not bench.wants(*NAMES):
        return
    items = min(bench.size, MOST)
    whole = kept(bench.kept, items, len(SHAPES), bench.say)
    key_file, folder = bench.scratch / "key", bench.scratch / "pulled"
    key_file.write_text(whole.keys[partner(0)])
    key_file.chmod(0o600)
    with whole.copied(bench.scratch) as archive, contestants.ours(archive.data) as server:
        bench.say(f"pull: {items:,} items")
        before = cpu_seconds(server.pid)
        words = [
            "pull",
            f"http://127.0.0.1:{server.port}",
            "--key-file",
            str(key_file),
            "--to",
            str(folder),
        ]
        cost = checked(words, cores=(LOAD_CORE,))
        spent = cpu_seconds(server.pid) - before
    pulled = sum(1 for path in folder.rglob("*.json") if path.name[:8].isdigit())
    if pulled < items * 0.8:
        raise SystemExit(f"{pulled} items were pulled of {items}")
    each = spent / pulled * 1e3
    yield Row(
        "pull",
        f"first pull of {pulled:,} items: server CPU an item",
        "3.7 ms",
        f"≤ {GOAL} ms",
        f"{each:.2f} ms",
        each <= GOAL,
        f"the pull took {cost.wall:.0f} s, the client {cost.cpu / pulled * 1e3:.2f} ms of CPU an item",
    )
