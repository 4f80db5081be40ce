"""The feed that is found along indexes is the feed that judging every item of the archive gives.

Random agreements are asked about one random archive, on both databases. `until` may be another: it must
not come after the content changes by itself.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from syndicate.errors import Unstampable
from syndicate.model.feeds import Feed, feeds_of
from syndicate.model.holds import NO_HOLDS, Embargo, Exclusive, Holds, Recall, RecallReason
from syndicate.model.item import ChannelId, Item, ItemId, Medium
from syndicate.model.parties import PUBLIC, Partner, Recipient
from syndicate.model.register import Register
from syndicate.model.rights import Clause, Except, Licence, Mandate, Use
from syndicate.policy import Clearance, Refusal
from syndicate.policy.coverage import Reach, reach
from syndicate.policy.scope import edges, instants, upcoming
from syndicate.services.delivery import feed_builder
from syndicate.services.delivery.feed_builder import FeedContent, FeedRequest, build_feed
from syndicate.services.delivery.version_cache import VersionCache
from syndicate.stamping import StampedItem, Tombstone, make_tombstone, stamp
from syndicate.store.protocol import Change, Place
from syndicate.store.queries.item_queries import SqlItemReads
from syndicate.store.requests import HoldState
from syndicate.store.schema.rows import item_values
from syndicate.store.sql_store import SqlStore, open_store
from tests.support.factories import (
    ASK,
    HEALTH,
    NEWS,
    NOON,
    OTHER,
    PUBLISHER,
    ZJOL,
    a_grant,
    a_licence,
    an_item,
)
from tests.test_promise import CHANNELS, OUTLETS, WIDE, mandates, mostly, several, some, spans, windows
from tests.test_store.samples import an_act

LENGTH = 8
"""Of a feed here: short, so that the end of it matters."""
RECALLS_TOLD = timedelta(hours=30)
"""The recalls of the archive lie within two days."""
GONE = ChannelId("gone")
"""A channel that is not in the settings any more: its items cannot be stamped."""
FEEDS = feeds_of(PUBLISHER)
ASKED = [FEEDS[name] for name in ("all", "news", "health", "daily", "pictures", "video")]


def _hours(dice: random.Random, least: int, most: int) -> datetime:
    return NOON + timedelta(hours=dice.randint(least, most))


def _some_holds(dice: random.Random, published: datetime) -> Holds:
    holds = NO_HOLDS
    if dice.random() < 0.3:
        acknowledged = frozenset(one.id for one in (ZJOL, OTHER) if dice.random() < 0.5)
        holds = replace(holds, embargo=Embargo(_hours(dice, -60, 60), acknowledged))
    if dice.random() < 0.2:
        holds = replace(holds, exclusive=Exclusive(dice.choice([ZJOL, OTHER]).id, _hours(dice, -60, 60)))
    if dice.random() < 0.2:
        holds = replace(holds, opened=published + timedelta(hours=dice.randint(0, 48)))
    if dice.random() < 0.1:
        holds = replace(holds, withheld=True)
    if dice.random() < 0.2:
        at, stood = _hours(dice, -40, 10), published + timedelta(hours=dice.choice([0, 0, 24]))
        holds = replace(holds, recall=Recall(RecallReason.LEGAL, "撤回", at, at, stood))
    return holds


def _archive() -> list[Item]:
    dice = random.Random(8)
    found = []
    for number in range(160):
        published = _hours(dice, -96, 24)
        item = an_item(
            id=f"20261102-{number:010d}",
            published=published,
            outlet=dice.choice([*OUTLETS, OUTLETS[0], None]),
            channel=dice.choice([NEWS, NEWS, HEALTH, ASK, GONE, ChannelId("video")]),
            medium=dice.choice([*Medium, Medium.TEXT, Medium.TEXT]),
        )
        held = dice.random() < 0.5
        found.append(replace(item, holds=_some_holds(dice, published) if held else NO_HOLDS))
    return sorted(found, key=lambda item: (item.published, item.id), reverse=True)


ARCHIVE = _archive()


@dataclass
class Archive:
    """The database that holds `ARCHIVE`, and the loop that it is used in."""

    runner: asyncio.Runner
    store: SqlStore

    def build(self, request: FeedRequest) -> FeedContent:
        return self.runner.run(
            self.store.read(lambda reads: build_feed(request, PUBLISHER, reads, VersionCache()))
        )


async def _filled(address: str) -> SqlStore:
    store = open_store(address)
    await store.open()
    async with store.writing() as writing:
        for item in ARCHIVE:
            await writing.put_item(item, [])
            if item.holds != NO_HOLDS:
                await writing.put_holds(item.id, item.holds)
        await writing.append(an_act())
        await writing.changed(Change.RIGHTS)
    return store


@pytest.fixture
def archive(store_address: str) -> Iterator[Archive]:
    with asyncio.Runner() as runner:
        store = runner.run(_filled(store_address))
        yield Archive(runner, store)
        runner.run(store.close())


@pytest.fixture(autouse=True)
def _short_feeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_builder, "FEED_LENGTH", LENGTH)
    monkeypatch.setattr(feed_builder, "_BATCH", 5)
    monkeypatch.setattr(feed_builder, "_MANY_CELLS", 4)
    monkeypatch.setattr(feed_builder, "RECALLS_TOLD", RECALLS_TOLD)


def judged_one_by_one(request: FeedRequest) -> FeedContent:
    """The content as `docs/explanation/read-path.md` says it, from the whole archive."""
    licences, mandates = request.licences, request.register.mandates
    items: list[StampedItem] = []
    tombstones: list[Tombstone] = []
    changes = [upcoming((*edges(mandates), *edges(licences)), request.now)]
    shown: list[datetime | None] = []
    known = reach(request.recipient, mandates, licences, request.now)
    below: Place | None = None
    for item in ARCHIVE:
        if known is None or item not in known or item not in request.feed:
            continue
        verdict = request.verdict(item)
        changes.append(verdict.until)
        if isinstance(verdict, Clearance):
            try:
                stamped = stamp(verdict, PUBLISHER)
            except Unstampable:
                continue
            if len(items) == LENGTH:
                below = Place(item.published, item.id)
                break
            items.append(stamped)
            shown.append(verdict.until)
        elif len(items) < LENGTH and len(tombstones) < LENGTH:
            tombstone = make_tombstone(item, verdict, request.recipient, PUBLISHER)
            tombstones += [tombstone] if tombstone is not None else []
    if known is not None and len(items) == LENGTH:
        gone = _recalled_lately(request, known, items[-1])[: LENGTH - len(tombstones)]
        changes += [one.when + RECALLS_TOLD for one in gone]
        tombstones += sorted(gone, key=lambda one: (one.published, one.id), reverse=True)
    return FeedContent(items, tombstones, _first(changes), shown, below)


def _recalled_lately(request: FeedRequest, known: Reach, end: StampedItem) -> list[Tombstone]:
    """The tombstones of items below the end of the feed that were out, newest recall first."""
    found = []
    for item in (one for one in ARCHIVE if item_values(one)["state"] == HoldState.RECALLED):
        if (item.published, item.id) < (end.published, end.id) and item in known and item in request.feed:
            verdict = request.verdict(item)
            if isinstance(verdict, Refusal):
                found.append(make_tombstone(item, verdict, request.recipient, PUBLISHER))
    told = [one for one in found if one is not None and one.when > request.now - RECALLS_TOLD]
    return sorted(told, key=lambda one: (one.when, one.id), reverse=True)


def _first(times: Sequence[datetime | None]) -> datetime | None:
    return min((one for one in times if one is not None), default=None)


def _bare(items: Sequence[StampedItem]) -> list[Any]:
    """What a stamped item says, whichever zone its times are in."""
    return [(one.id, one.version, one.use, one.clause, one.mandate, one.take_down) for one in items]


grants = st.builds(
    lambda **terms: terms,
    uses=some(list(Use)),
    outlets=some(OUTLETS),
    media=some(list(Medium)),
    channels=mostly(None)(some(CHANNELS)),
    delay=mostly(timedelta(0))(spans),
    archive=mostly(timedelta(days=9))(st.none() | spans),
    retain=mostly(None)(spans),
    early=st.booleans(),
)


def _part(values: list[Any]) -> st.SearchStrategy[frozenset[Any] | None]:
    return st.none() | st.lists(st.sampled_from(values), min_size=1, max_size=2).map(frozenset)


excepts = st.builds(
    Except,
    clause=st.just(Clause("L#except-1")),
    uses=_part(list(Use)),
    outlets=_part(OUTLETS),
    media=_part(list(Medium)),
    channels=_part(CHANNELS),
)


@st.composite
def licences(draw: st.DrawFn) -> Licence:
    number = f"L-{draw(st.integers(1, 9))}"
    return a_licence(
        *(a_grant(f"{number}#{at}", **draw(grants)) for at in range(1, draw(st.integers(1, 3)) + 1)),
        number=number,
        partner=ZJOL,
        window=draw(mostly(WIDE)(windows)),
        excepts=draw(st.lists(excepts, max_size=2)),
    )


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    st.sampled_from(ASKED),
    mostly(ZJOL)(st.just(PUBLIC)),
    several(mandates),
    several(licences()),
    st.integers(-72, 72).map(lambda number: NOON + timedelta(hours=number)),
    mostly(None)(st.sampled_from(list(Use))),
)
def test_a_feed_found_along_indexes_is_what_judging_every_item_gives(
    archive: Archive,
    feed: Feed,
    to: Recipient,
    heads: list[Mandate],
    agreed: list[Licence],
    now: datetime,
    use: Use | None,
) -> None:
    own = {to.id: tuple(agreed)} if isinstance(to, Partner) else {}
    request = FeedRequest(feed, to, use, Register(1, {}, tuple(heads), own, {}), now)
    found, expected = archive.build(request), judged_one_by_one(request)
    assert _bare(found.items) == _bare(expected.items)
    assert found.tombstones == expected.tombstones
    assert found.below == expected.below
    assert found.shown_until == expected.shown_until
    event(f"{len(found.items)} items, {len(found.tombstones)} tombstones")
    assert found.until is None or found.until > now
    if expected.until is not None and (found.until is None or found.until > expected.until):
        event("until later than that of all that was judged")
        for later in _instants(request, expected.until, found.until):
            then = judged_one_by_one(replace(request, now=later))
            assert _bare(then.items) == _bare(found.items), later
            assert then.below == found.below, later
            assert _made(then.tombstones, now) == _made(found.tombstones, now), later


def _made(tombstones: list[Tombstone], now: datetime) -> list[Tombstone]:
    """Those of recalls that have been made: only a clock that went back has others before it."""
    return [one for one in tombstones if one.when <= now]


def _instants(request: FeedRequest, start: datetime, end: datetime | None) -> list[datetime]:
    """The times from `start` on, before `end`, at which any verdict may change."""
    mandates, licences = request.register.mandates, request.licences
    every = {time for item in ARCHIVE for time in instants(item, mandates, licences)}
    return sorted(time for time in every if start <= time and (end is None or time < end))[:6]


def test_an_item_is_read_with_its_text_only_where_it_is_released(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[ItemId] = []
    real = SqlItemReads.newest

    async def newest(reads: SqlItemReads, ids: Sequence[ItemId]) -> dict[ItemId, Item]:
        read.extend(ids)
        return await real(reads, ids)

    monkeypatch.setattr(SqlItemReads, "newest", newest)
    licence = a_licence(
        window=WIDE, excepts=[Except(clause=Clause("L#except-1"), channels=frozenset({NEWS}))]
    )
    mandate = Mandate("M", "萧山日报社", frozenset(OUTLETS), frozenset(Medium), True, WIDE)
    register = Register(1, {}, (mandate,), {ZJOL.id: (licence,)}, {})
    found = archive.build(FeedRequest(FEEDS["all"], ZJOL, None, register, NOON))
    assert found.items
    gone = {item.id for item in ARCHIVE if item.channel == GONE}
    assert set(read) - gone == {item.id for item in found.items}
