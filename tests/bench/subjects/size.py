"""Compare what an answer costs in a large archive with what it costs in one of 1,000 items.

Both archives have the same partners and are served side by side; what is compared is the server's CPU time,
in the same round. A million items are twenty years, a thousand are the last week of them.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime

from syndicate.store.protocol import Place
from syndicate.wiring import Services, opened
from tests.bench import contestants, corpus, load
from tests.bench.agreements import SHAPES, partner
from tests.bench.archive import ZONE, Archive, kept
from tests.bench.machine import cpu_seconds
from tests.bench.rows import Bench, Row, ratios, spread
from tests.support.factories import STAFF

NAMES = (
    *("size-public", "size-feed", "size-item", "size-list", "size-changes"),
    *("size-build", "size-after-change"),
)
SMALL = 1_000
ITEMS = 300
"""Different items that are asked for."""
ENTRIES = 500
"""Entries of the change sequence that a new partner reads."""
CHANGES = 10
PAGES, PAGE = 10, 50
SETTLE = 2.0
"""Seconds that a server has after a change for what it does by itself."""
GOAL = 1.1
GZIP = {"Accept-Encoding": "gzip"}


@dataclass(frozen=True)
class Side:
    """One archive with its server."""

    archive: Archive
    server: contestants.Server

    def key(self, number: int = 0) -> dict[str, str]:
        """The header with the key of the partner of this number."""
        return {"Authorization": f"Bearer {self.archive.keys[partner(number)]}"}

    def cpu(self) -> float:
        """CPU seconds that the server has used."""
        return cpu_seconds(self.server.pid)


Sides = tuple[Side, Side]


def rows(bench: Bench) -> Iterator[Row]:
    """The rows of this subject that are wanted."""
    if not bench.wants(*NAMES):
        return
    with ExitStack() as stack:
        made = []
        for items in (SMALL, bench.size):
            whole = kept(bench.kept, items, bench.partners, bench.say)
            archive = stack.enter_context(whole.copied(bench.scratch))
            made.append(Side(archive, stack.enter_context(contestants.ours(archive.data))))
        sides = made[0], made[1]
        bench.say(f"size: {SMALL:,} and {bench.size:,} items, {bench.partners:,} partners each")
        if bench.wants("size-public"):
            asked = [[("/feeds/all.rss", GZIP)]] * 2
            yield _loaded(bench, "size-public", "cached public feed, gzip", sides, asked)
        if bench.wants("size-feed"):
            asked = [[("/licensed/feeds/all.rss", {**GZIP, **side.key()})] for side in sides]
            yield _loaded(bench, "size-feed", "cached licensed feed, gzip, record durable", sides, asked)
        if bench.wants("size-item"):
            asked = [
                [(f"/licensed/items/{id}", {**GZIP, **side.key()}) for id in _ids(side.archive)]
                for side in sides
            ]
            yield _loaded(bench, "size-item", f"licensed item, {ITEMS} different ones", sides, asked)
        if bench.wants("size-changes"):
            yield _changes(bench, sides)
        if bench.wants("size-list"):
            yield asyncio.run(_list(bench, sides))
        if bench.wants("size-build", "size-after-change"):
            yield from asyncio.run(_after_changes(bench, sides))


def _row(bench: Bench, name: str, what: str, figures: Sequence[Sequence[float]], unit: str) -> Row:
    """A row of the ratios of the large archive's figures to the small one's."""
    small, large = figures
    shares = ratios(large, small)
    middle = [statistics.median(side) for side in figures]
    note = f"CPU: {middle[0]:.1f} {unit} at {SMALL:,} items, {middle[1]:.1f} at {bench.size:,}"
    reached = statistics.median(shares) <= GOAL
    what = f"{what}: {bench.size:,} items against {SMALL:,}"
    return Row(name, what, "not measured", f"≤ {GOAL} ×", f"{spread(shares)} ×", reached, note)


def _loaded(
    bench: Bench, name: str, what: str, sides: Sides, asked: Sequence[Sequence[tuple[str, dict[str, str]]]]
) -> Row:
    """CPU for each answer under load, by turns."""
    targets = [load.target(side.server.port, one) for side, one in zip(sides, asked, strict=True)]
    figures: list[list[float]] = [[], []]
    for number in range(bench.rounds + 1):
        for side, one, taken in zip(sides, targets, figures, strict=True):
            before = side.cpu()
            done = load.load(one, connections=8, seconds=bench.seconds)
            if number > 0:  # the first round warms up
                taken.append((side.cpu() - before) / done.answers * 1e6)
    bench.say(f"size: {what}")
    return _row(bench, name, what, figures, "µs")


def _ids(archive: Archive) -> list[str]:
    """Items of our outlets from all times of the archive."""
    with closing(sqlite3.connect(f"file:{archive.data / 'syndicate.db'}?mode=ro", uri=True)) as connection:
        last = connection.execute("SELECT max(rowid) FROM items").fetchone()[0]
        found = []
        for number in range(ITEMS):
            query = "SELECT id FROM items WHERE rowid >= ? AND outlet = 'daily' AND medium = 'text' LIMIT 1"
            row = connection.execute(query, (1 + number * (last - 20) // ITEMS,)).fetchone()
            found.append(str(row[0]))
        return found


def _changes(bench: Bench, sides: Sides) -> Row:
    """CPU for each entry that a new partner reads, a partner without limits in each round."""
    figures: list[list[float]] = [[], []]
    rounds = min(bench.rounds + 1, bench.partners // len(SHAPES))
    for number in range(rounds):
        for side, taken in zip(sides, figures, strict=True):
            before, read, after, answers = side.cpu(), 0, 0, 0
            while read < ENTRIES and answers < 100:
                path = f"/licensed/changes?after={after}&limit=100"
                answer = load.ask(side.server.port, path, side.key(number * len(SHAPES)))
                page = json.loads(answer.body)
                read, after, answers = read + len(page["changes"]), page["next"], answers + 1
                if not page["more"]:
                    break
            if read < ENTRIES:
                raise SystemExit(f"{read} entries where {ENTRIES} were expected")
            if number > 0 or rounds == 1:
                taken.append((side.cpu() - before) / read * 1e6)
    bench.say("size: changes")
    return _row(
        bench, "size-changes", f"first {ENTRIES} entries of a partner's changes", figures, "µs an entry"
    )


@asynccontextmanager
async def _opened(sides: Sides) -> AsyncIterator[list[Services]]:
    """The services of both archives in this process, beside their servers."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(opened(side.archive.settings)) for side in sides]


async def _list(bench: Bench, sides: Sides) -> Row:
    """CPU for a page of `item list`: pages from the newest item on, and pages from far back."""
    figures: list[list[float]] = [[], []]
    async with _opened(sides) as both:
        for number in range(bench.rounds + 1):
            for side, services, taken in zip(sides, both, figures, strict=True):
                spent = 0.0
                for start in (None, _far_back(side.archive)):
                    place = start
                    begun = time.process_time()
                    for _ in range(PAGES):
                        page = await services.items.items(after=place, limit=PAGE)
                        place = Place(page[-1].published, page[-1].id)
                        if len(page) != PAGE:
                            raise SystemExit(f"{len(page)} items on a page where {PAGE} were expected")
                    spent += time.process_time() - begun
                if number > 0:
                    taken.append(spent / (2 * PAGES) * 1e3)
    bench.say("size: item list")
    return _row(bench, "size-list", f"a page of {PAGE} of the list of items, new and old", figures, "ms")


def _far_back(archive: Archive) -> Place:
    """The place from which on the last tenth of the archive, or what is left of 1,000 items, is listed."""
    back = max(PAGES * PAGE, archive.items // 10)
    with closing(sqlite3.connect(f"file:{archive.data / 'syndicate.db'}?mode=ro", uri=True)) as connection:
        query = "SELECT id, published FROM items WHERE rowid = ?"
        id, published = connection.execute(query, (back + 1,)).fetchone()
    return Place(datetime.fromtimestamp(published / 1e6, UTC), id)


async def _after_changes(bench: Bench, sides: Sides) -> list[Row]:
    """CPU for the first answers after a new item, and for what a server does by itself after it."""
    built: list[list[float]] = [[], []]
    settled: list[list[float]] = [[], []]
    async with _opened(sides) as both:
        for number in range(CHANGES + 1):
            for side, services, build, settle in zip(sides, both, built, settled, strict=True):
                document = corpus.ninjs(corpus.story(10_000_000 + number, datetime.now(ZONE)))
                port = side.server.port
                taken = await services.items.take_in(STAFF, document, "new.json")
                if taken.item is None:
                    raise SystemExit(f"a document was refused: {taken.faults}")
                before = side.cpu()
                load.ask(port, "/feeds/all.rss", GZIP)
                load.ask(port, "/licensed/feeds/all.rss", {**GZIP, **side.key()})
                answered = side.cpu()
                await asyncio.sleep(SETTLE)
                if number > 0:
                    build.append((answered - before) * 1e3)
                    settle.append((side.cpu() - answered) * 1e3)
    bench.say("size: after a change")
    return [
        _row(bench, "size-build", "a public and a licensed feed built after a new item", built, "ms"),
        _row(
            bench,
            "size-after-change",
            f"what a server does by itself in the {SETTLE:.0f} s after a new item",
            settled,
            "ms",
        ),
    ]
