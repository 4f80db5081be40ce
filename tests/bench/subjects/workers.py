"""Measure what a second worker adds: answers for the same CPU, or more for each because they share."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from tests.bench import contestants, load
from tests.bench.archive import Archive, kept
from tests.bench.machine import CORES, cpu_seconds
from tests.bench.rows import Bench, Row, ratios, spread

NAMES = ("workers-public", "workers-licensed")
GOAL = 1.8
PARTNERS = 64
GZIP = {"Accept-Encoding": "gzip"}


def rows(bench: Bench) -> Iterator[Row]:
    """The rows of this subject that are wanted."""
    if not bench.wants(*NAMES):
        return
    whole = kept(bench.kept, 1_000, PARTNERS, bench.say)
    with ExitStack() as stack:
        archive = stack.enter_context(whole.copied(bench.scratch))
        # A core is left for the load where there are three.
        cores = CORES[:-1] if len(CORES) > 2 else CORES
        servers = [
            stack.enter_context(
                contestants.ours(archive.data, workers=number, cores=cores[:number], pin=True)
            )
            for number in (1, 2)
        ]
        for name, asked in (
            ("workers-public", [("/feeds/all.rss", GZIP)]),
            ("workers-licensed", _licensed(archive)),
        ):
            if bench.wants(name):
                yield _compare(bench, name, servers, asked)


def _licensed(archive: Archive) -> list[tuple[str, dict[str, str]]]:
    return [
        ("/licensed/feeds/all.rss", {**GZIP, "Authorization": f"Bearer {key}"})
        for key in archive.keys.values()
    ]


def _compare(
    bench: Bench,
    name: str,
    servers: Sequence[contestants.Server],
    asked: Sequence[tuple[str, dict[str, str]]],
) -> Row:
    targets = [load.target(server.port, asked) for server in servers]
    cost: list[list[float]] = [[], []]
    rate: list[list[float]] = [[], []]
    for number in range(bench.rounds + 1):
        for server, target, spent, answered in zip(servers, targets, cost, rate, strict=True):
            before = cpu_seconds(server.pid)
            # The first round warms up: every worker makes the feeds of every partner.
            done = load.load(target, connections=64, seconds=bench.seconds if number else 5)
            if number:
                spent.append((cpu_seconds(server.pid) - before) / done.answers * 1e6)
                answered.append(done.answers / done.seconds)
    bench.say(name)
    middles = [statistics.median(one) for one in cost]
    rates = [statistics.median(one) for one in rate]
    if len(CORES) > 2:
        gained = ratios(rate[1], rate[0])
        how = "answers a second of two workers against one"
    else:
        # The load has no core of its own: with two workers it takes its CPU from them.
        gained = [2 * one / two for one, two in zip(*cost, strict=True)]
        how = "twice the CPU of an answer by one worker / by two, since the load shares the two cores"
    kind = "public feed, gzip" if name == "workers-public" else "licensed feed, gzip, 64 partners' keys"
    return Row(
        name,
        f"second worker: {kind}, 64 at once",
        "not measured",
        f"≥ {GOAL} ×",
        f"{spread(gained)} ×",
        statistics.median(gained) >= GOAL,
        f"with --pin; {how}; {middles[0]:.1f} and {middles[1]:.1f} µs of CPU, "
        f"{rates[0]:.0f} and {rates[1]:.0f} answers a second",
    )
