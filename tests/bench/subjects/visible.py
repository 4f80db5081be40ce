"""Measure how long a new item takes until every feed that has it shows it, on both of two workers.

Time counts from the commit of the item, in this process, as `ingest` commits it. Every feed is asked again
and again on connections of its own, for the public and for a partner, until its answer holds the item: with
the validator of the last answer, as feed readers ask.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from syndicate.ingest.document_parser import parse
from syndicate.model.feeds import feeds_of
from syndicate.wiring import opened
from tests.bench import contestants, corpus
from tests.bench.agreements import partner
from tests.bench.archive import ZONE, Archive, kept
from tests.bench.contestants import Server
from tests.bench.machine import CORES, children
from tests.bench.rows import Bench, Row, percentile
from tests.bench.wire import Connection, Workers
from tests.support.factories import STAFF

NAMES = ("visible",)
NEW = 50
WORKERS = 2
LIMIT = 30.0
"""Seconds after which an item that is not seen ends the run."""
MOST = 4
"""Feeds that an item can be in: all, its outlet, its channel, its medium."""


@dataclass(frozen=True)
class Look:
    """A feed that is asked for on a connection of its own."""

    connection: Connection
    path: str
    headers: Mapping[str, str]


def rows(bench: Bench) -> Iterator[Row]:
    """The row of this subject, if it is wanted."""
    if not bench.wants(*NAMES):
        return
    whole = kept(bench.kept, bench.size, bench.partners, bench.say)
    with (
        whole.copied(bench.scratch) as archive,
        contestants.ours(archive.data, workers=WORKERS, cores=CORES) as server,
    ):
        bench.say(f"visible: {NEW} new items among {bench.size:,}, {WORKERS} workers")
        took, first, feeds = asyncio.run(_measure(archive, server))
    middle, late = statistics.median(took), percentile(took, 0.99)
    yield Row(
        "visible",
        f"one new item among {bench.size:,} until every feed that has it shows it, on {WORKERS} workers",
        "not measured",
        "≤ 50 ms median, ≤ 250 ms p99",
        f"{middle:.0f} ms median, {late:.0f} ms p99",
        middle <= 50 and late <= 250,
        f"{NEW} items; {feeds:.1f} answers to wait for on average (RSS, public and one partner's); "
        f"the first of them after {statistics.median(first):.0f} ms; wall time, client on the same cores",
    )


async def _measure(archive: Archive, server: Server) -> tuple[list[float], list[float], float]:
    """Milliseconds until the last and until the first feed showed each item; how many there were."""
    held = {"Authorization": f"Bearer {archive.keys[partner(0)]}"}
    last, first, feeds = [], [], []
    async with opened(archive.settings) as services:
        known = feeds_of(services.settings.publisher)
        workers = Workers(server.port, list(children(server.pid)), WORKERS, 2 * MOST)
        for number in range(NEW + 3):
            one = corpus.story(20_000_000 + number, datetime.now(ZONE))
            while one.variant.source == corpus.SOURCES[-1]:  # in no feed
                one = corpus.story(one.number + NEW, one.published)
            connections = await workers.connected()
            document, publisher = corpus.ninjs(one), services.settings.publisher
            like = parse(document, name="new.json", publisher=publisher, now=one.published).item
            paths = [f"/feeds/{feed.id}.rss" for feed in known.values() if like in feed]
            asked: list[tuple[str, dict[str, str]]] = [(path, {}) for path in paths]
            asked += [(f"/licensed{path}", held) for path in paths]
            looks = [
                Look(connection, path, headers)
                for each in connections
                for connection, (path, headers) in zip(each, asked, strict=False)
            ]
            for look in looks:
                await look.connection.get(look.path, look.headers)
            taken = await services.items.take_in(STAFF, document, "new.json")
            committed = time.perf_counter()
            if taken.item is None:
                raise SystemExit(f"a document was refused: {taken.faults}")
            item = taken.item
            seen = await asyncio.gather(*(_seen(look, item.id.encode(), committed) for look in looks))
            if number >= 3:  # the first ones warm up
                last.append(max(seen) * 1e3)
                first.append(min(seen) * 1e3)
                feeds.append(len(seen))
        workers.close()
    return last, first, statistics.mean(feeds)


async def _seen(look: Look, id: bytes, since: float) -> float:
    """Seconds since then until the answer holds the item."""
    while time.perf_counter() - since < LIMIT:
        condition = {"If-None-Match": look.connection.etag}
        status, body = await look.connection.get(look.path, {**look.headers, **condition})
        if status not in (200, 304):
            raise SystemExit(f"{look.path}: {status}: {body[:300]!r}")
        if id in body:
            return time.perf_counter() - since
        await asyncio.sleep(0.001)
    raise SystemExit(f"{look.path} did not show {id.decode()} within {LIMIT:.0f} s")
