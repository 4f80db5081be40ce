"""Compare the feeds of this server with nginx, with bare aiohttp, and with feedgen at every request.

Each contestant answers the same requests with the same bytes, alone on one core, in turns. What is
compared is CPU time for each answer in the same round: 0.5 says that the other needs half of what we need.
"""

from __future__ import annotations

import asyncio
import gzip
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from syndicate.config import load as load_settings
from syndicate.config.defaults import CHANNELS, TIMEZONE
from syndicate.model.item import Medium
from syndicate.wiring import initialise, opened
from tests.bench import contestants, corpus, load
from tests.bench.contestants import Server
from tests.bench.machine import cpu_seconds
from tests.bench.partners import add_partners
from tests.bench.rows import Bench, Row, ratios, spread
from tests.support.factories import STAFF

NAMES = (
    *("public-200", "public-gzip", "public-304", "feedgen"),
    *("licensed-64", "licensed-64-keys", "licensed-8", "licensed-8-keys"),
    *("licensed-304", "licensed-304-keys"),
)
ITEMS = 50
PARTNERS = 64
OURS, NGINX, BARE, FEEDGEN = "ours", "nginx", "bare aiohttp", "aiohttp with feedgen"
TRAILLESS, MANY, NGINX_MANY = "ours without a trail", "ours, 64 keys", "nginx, 64 files"
ZIPPED = {"Accept-Encoding": "gzip"}
PUBLIC, LICENSED = "/feeds/all.rss", "/licensed/feeds/all.rss"


@dataclass(frozen=True)
class Contestant:
    """One server, and what it is asked."""

    server: Server
    target: load.Target


@dataclass(frozen=True)
class Case:
    """One question, asked of several."""

    what: str
    connections: int
    contestants: dict[str, Contestant]


@dataclass(frozen=True)
class Servers:
    """Every contestant, under way."""

    ours: Server
    trailless: Server
    bare: Server
    feedgen: Server
    nginx: Server | None
    keys: Sequence[str]


def rows(bench: Bench) -> Iterator[Row]:
    """The rows of this subject that are wanted."""
    if not bench.wants(*NAMES):
        return
    folder = bench.scratch / "peers"
    folder.mkdir()
    bench.say(f"peers: {ITEMS} items, {PARTNERS} partners")
    keys = asyncio.run(_furnish(folder / "data"))
    with ExitStack() as stack:
        servers = _start(stack, folder, keys)
        for name, case in _cases(bench, servers).items():
            yield from _compare(bench, name, case)


async def _furnish(data: Path) -> list[str]:
    """Make 50 items under a mandate and 64 partners with a licence and a key each; the keys."""
    settings = load_settings(None, {}, data=data)
    await initialise(settings, STAFF)
    async with opened(settings) as services:
        await services.rights.add_mandate(
            STAFF,
            'number="B-1"\nholder="萧山日报社"\noutlets=["daily"]\nmedia=["text"]\nexclusive=true\n'
            "valid_from=2015-01-01\n",
            "mandate",
        )
        for number in range(ITEMS):
            sent = _story(number)
            taken = await services.items.take_in(STAFF, corpus.text(sent), f"{number}.txt")
            if taken.item is None:
                raise SystemExit(f"a document was refused: {taken.faults}")
        licence = (
            'number="L-{0}"\npartner="{0}"\nvalid_from=2015-01-01\nvalid_until=2099-01-01\n[[grant]]\n'
            'uses=["reprint"]\noutlets=["daily"]\nmedia=["text"]\n'
        )
        names = [f"bench-{number}" for number in range(PARTNERS)]
        made = await add_partners(services, {name: licence.format(name) for name in names})
        return list(made.values())


def _story(number: int) -> corpus.Story:
    """A story of our newspaper, of 1,800 characters: as a feed, 350 KB of full text, 150 KB as gzip."""
    variant = corpus.Variant(
        source="萧山网-萧山日报",
        channel=CHANNELS[0].id,
        channel_name=CHANNELS[0].name,
        medium=Medium.TEXT,
        byline="首席记者 周喆",
        paragraphs=corpus.drawn_paragraphs(number, 15),
    )
    published = datetime(2018, 1, number % 28 + 1, 8, 1, tzinfo=ZoneInfo(TIMEZONE))
    return corpus.Story(number, f"民生幸福事报道之{number}", published, variant)


def _start(stack: ExitStack, folder: Path, keys: Sequence[str]) -> Servers:
    """Start every contestant; the others serve the bytes that ours answers."""
    ours = stack.enter_context(contestants.ours(folder / "data"))
    files = folder / "files"
    files.mkdir()
    bodies = {
        "public.rss": load.ask(ours.port, PUBLIC, {}).body,
        "full.rss": load.ask(ours.port, LICENSED, _authorised(keys[0])).body,
    }
    for number, key in enumerate(keys):
        bodies[f"full-{number}.rss"] = load.ask(ours.port, LICENSED, _authorised(key)).body
    for name, body in bodies.items():
        (files / name).write_bytes(body)
        (files / f"{name}.gz").write_bytes(gzip.compress(body, 6, mtime=0))
    return Servers(
        ours=ours,
        trailless=stack.enter_context(contestants.ours(folder / "data", module="tests.bench.trailless")),
        bare=stack.enter_context(contestants.bare(files)),
        feedgen=stack.enter_context(contestants.bare(files, with_feedgen=True)),
        nginx=stack.enter_context(contestants.nginx(folder)),
        keys=keys,
    )


def _authorised(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _contestant(server: Server, asked: Sequence[tuple[str, Mapping[str, str]]], status: int) -> Contestant:
    """A server that is asked these paths in turn, each with its headers; for a 304, with its validator."""
    if status == 304:
        asked = [(path, _conditional(server, path, headers)) for path, headers in asked]
    return Contestant(server, load.target(server.port, asked, status))


def _conditional(server: Server, path: str, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with the validator of the present answer, so that the next one is a 304."""
    return {**headers, "If-None-Match": load.ask(server.port, path, headers).headers["etag"]}


def _cases(bench: Bench, servers: Servers) -> dict[str, Case]:
    """What is asked of whom, by the name of its row."""

    def others(file: str, headers: Mapping[str, str], status: int) -> dict[str, Contestant]:
        found = {BARE: servers.bare, NGINX: servers.nginx}
        return {
            name: _contestant(server, [(file, headers)], status)
            for name, server in found.items()
            if server is not None
        }

    def public(what: str, status: int, headers: Mapping[str, str]) -> Case:
        own = _contestant(servers.ours, [(PUBLIC, headers)], status)
        return Case(what, 8, {OURS: own, **others("/public.rss", headers, status)})

    def licensed(what: str, status: int, connections: int) -> Case:
        def own(server: Server, keys: Sequence[str]) -> Contestant:
            return _contestant(server, [(LICENSED, {**ZIPPED, **_authorised(key)}) for key in keys], status)

        made = {
            OURS: own(servers.ours, servers.keys[:1]),
            MANY: own(servers.ours, servers.keys),
            TRAILLESS: own(servers.trailless, servers.keys[:1]),
            **others("/full.rss", ZIPPED, status),
        }
        if servers.nginx is not None:
            files = [(f"/full-{number}.rss", ZIPPED) for number in range(len(servers.keys))]
            made[NGINX_MANY] = _contestant(servers.nginx, files, status)
        return Case(what, connections, made)

    cases: dict[str, Case] = {}
    if bench.wants("public-200", "feedgen"):
        cases["public-200"] = public("public feed, 200", 200, {})
        cases["public-200"].contestants[FEEDGEN] = _contestant(servers.feedgen, [("/feedgen", {})], 200)
    if bench.wants("public-gzip"):
        cases["public-gzip"] = public("public feed, 200, gzip", 200, ZIPPED)
    if bench.wants("public-304"):
        cases["public-304"] = public("public feed, 304", 304, {})
    for connections in (64, 8):
        if bench.wants(f"licensed-{connections}", f"licensed-{connections}-keys"):
            what = f"licensed feed, gzip, record durable, {connections} at once"
            cases[f"licensed-{connections}"] = licensed(what, 200, connections)
    if bench.wants("licensed-304", "licensed-304-keys"):
        cases["licensed-304"] = licensed("licensed feed, 304, 64 at once", 304, 64)
    return cases


GOALS = {
    "public-200": ("0.48", 0.8),
    "public-gzip": ("0.37", 0.8),
    "public-304": ("0.44", 0.8),
    "licensed-64": ("0.06", 0.5),
    "licensed-8": ("0.03", 0.3),
    "licensed-304": ("not measured", 0.5),
}
"""What was measured at 71b94cd, and the share of nginx's efficiency to reach."""


def _compare(bench: Bench, name: str, case: Case) -> Iterator[Row]:
    taken = _measure(bench, case)
    middles = {who: statistics.median(figures) for who, figures in taken.items()}
    note = "CPU for each answer: "
    note += "; ".join(f"{who} {middle:.1f} µs" for who, middle in middles.items())
    before, goal = GOALS[name]
    for own, suffix, peer in ((OURS, "", NGINX), (MANY, "-keys", NGINX_MANY)):
        if own not in taken:
            continue
        what = case.what + (
            ", 64 partners, each with its own text" if suffix else ", one key" if MANY in taken else ""
        )
        if peer not in taken:
            yield Row(name + suffix, what, before, f"≥ {goal:.2f} of nginx", "no nginx here", None, note)
            continue
        shares = ratios(taken[peer], taken[own])
        reached = statistics.median(shares) >= goal
        said = before if not suffix else "not measured"
        more = note if not suffix else ""
        yield Row(name + suffix, what, said, f"≥ {goal:.2f} of nginx", spread(shares), reached, more)
    if FEEDGEN in taken:
        times = ratios(taken[FEEDGEN], taken[OURS])
        reached = statistics.median(times) >= 50
        what = "public feed, 200, against feedgen at every request"
        yield Row("feedgen", what, "18 ×", "≥ 50 ×", f"{spread(times, 0)} ×", reached)


def _measure(bench: Bench, case: Case) -> dict[str, list[float]]:
    """Microseconds of CPU for each answer, by contestant, one figure a round."""
    taken: dict[str, list[float]] = {name: [] for name in case.contestants}
    for number in range(bench.rounds + 1):
        for name, one in case.contestants.items():
            before = cpu_seconds(one.server.pid)
            done = load.load(one.target, connections=case.connections, seconds=bench.seconds)
            spent = cpu_seconds(one.server.pid) - before
            if number > 0:  # the first round warms up
                taken[name].append(spent / done.answers * 1e6)
    bench.say(case.what)
    return taken
