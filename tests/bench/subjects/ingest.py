"""Measure `ingest` of a folder on all cores, and what a partner notices of it."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from tests.bench import contestants, corpus, load
from tests.bench.agreements import partner
from tests.bench.archive import ZONE, kept
from tests.bench.commands import BEFORE, Cost, checked, earlier, run
from tests.bench.machine import CORES
from tests.bench.rows import Bench, Row, percentile

NAMES = ("ingest", "ingest-reads")
DOCUMENTS = 6_000
MEANWHILE = 2_000
"""Documents that come in while a partner reads."""
SOME = 150
"""Documents for the earlier release, which takes 45 a second."""
GOAL = 600
PAUSE = 0.02
"""Seconds between two reads of a feed."""


def rows(bench: Bench) -> Iterator[Row]:
    """The rows of this subject that are wanted."""
    if bench.wants("ingest"):
        yield _rate(bench)
    if bench.wants("ingest-reads"):
        yield _reads(bench)


def stories(count: int, first: int) -> Iterator[corpus.Story]:
    """So many stories from this number on, of 2019, each in a minute of its own."""
    at = datetime(2019, 1, 1, 8, tzinfo=ZONE)
    return (corpus.story(first + number, at + number * timedelta(minutes=7)) for number in range(count))


def _folder(bench: Bench, name: str, documents: int, first: int) -> Path:
    """A folder of documents that no archive has."""
    folder = bench.scratch / name
    size = corpus.write_folder(folder, stories(documents, first))
    bench.say(f"ingest: {documents:,} documents, {size / documents / 1024:.1f} KB each")
    return folder


def _rate(bench: Bench) -> Row:
    folder = _folder(bench, "documents", DOCUMENTS, 30_000_000)
    data = bench.scratch / "ingested"
    checked(["--data", str(data), "init"])
    start = checked(["--data", str(data), "item", "list"])
    cost = checked(["--data", str(data), "ingest", str(folder)])
    rate = DOCUMENTS / cost.wall
    note = (
        f"{DOCUMENTS:,} documents (HTML, text, ninjs) in {cost.wall:.1f} s on {len(CORES)} cores, "
        f"start included; {cost.cpu / DOCUMENTS * 1e3:.2f} ms of CPU each; {cost.memory / 2**20:.0f} MB"
    )
    before = _before(bench)
    if before is not None:
        paired = before.cpu / SOME / ((cost.cpu - start.cpu) / DOCUMENTS)
        note += (
            f"; {BEFORE} on this machine now: {SOME / before.wall:.0f} a second, "
            f"{before.cpu / SOME * 1e3:.1f} ms of CPU each, {paired:.1f} × as much"
        )
    return Row(
        "ingest",
        "ingest of a folder",
        "45 a second",
        f"≥ {GOAL} a second on two cores",
        f"{rate:.0f} a second",
        rate >= GOAL,
        note,
    )


def _before(bench: Bench) -> Cost | None:
    """The same by the earlier release, of fewer documents; its start is taken off."""
    checkout = earlier(bench.baseline, bench.kept)
    if checkout is None:
        return None
    folder = _folder(bench, "documents-before", SOME, 40_000_000)
    data = bench.scratch / "ingested-before"
    checked(["--data", str(data), "init"], checkout=checkout)
    start = checked(["--data", str(data), "item", "list"], checkout=checkout)
    cost = checked(["--data", str(data), "ingest", str(folder)], checkout=checkout)
    return Cost(cost.wall - start.wall, cost.cpu - start.cpu, cost.memory, cost.status)


def _reads(bench: Bench) -> Row:
    """The time that a partner waits for a feed while a folder is ingested into the same archive."""
    folder = _folder(bench, "documents-meanwhile", MEANWHILE, 50_000_000)
    whole = kept(bench.kept, 1_000, bench.partners, bench.say)
    held = {"Authorization": f"Bearer {whole.keys[partner(0)]}", "Accept-Encoding": "gzip"}
    with (
        whole.copied(bench.scratch) as archive,
        contestants.ours(archive.data, cores=CORES) as server,
    ):
        load.ask(server.port, "/licensed/feeds/all.rss", held)
        done: list[Cost] = []
        work = threading.Thread(
            target=lambda: done.append(run(["--data", str(archive.data), "ingest", str(folder)]))
        )
        work.start()
        waits = []
        while work.is_alive():
            asked = time.perf_counter()
            if load.ask(server.port, "/licensed/feeds/all.rss", held).status != 200:
                raise SystemExit("a licensed feed was refused while documents were ingested")
            waits.append((time.perf_counter() - asked) * 1e3)
            time.sleep(PAUSE)
        work.join()
    if done[0].status != 0:
        raise SystemExit(f"ingest: exit code {done[0].status}")
    middle = statistics.median(waits)
    return Row(
        "ingest-reads",
        "a licensed read while a folder is ingested",
        "not measured",
        "< 100 ms median",
        f"{middle:.0f} ms median, {percentile(waits, 0.99):.0f} ms p99",
        middle < 100,
        f"{len(waits)} reads, a feed of 50 items in full text, while {MEANWHILE:,} documents came in "
        f"at {MEANWHILE / done[0].wall:.0f} a second; wall time, everything on the same cores",
    )
