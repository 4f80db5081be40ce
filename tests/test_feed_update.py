"""A kept feed that is brought up to date is the feed that is built from the store.

Random acts on a random archive, under random agreements, on both databases. Only `until` may be another: it
must not come later.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from syndicate.model.feeds import Feed
from syndicate.model.holds import NO_HOLDS, Holds
from syndicate.model.item import ChannelId, Item, ItemId, Medium
from syndicate.model.parties import PUBLIC, Partner, Publisher, Recipient, recipient_id
from syndicate.model.register import Register
from syndicate.model.rights import Licence, Mandate, Use
from syndicate.services.delivery import feed_update
from syndicate.services.delivery.associated_media import judged_media
from syndicate.services.delivery.feed_builder import FeedContent, FeedRequest, build_feed
from syndicate.services.delivery.feed_update import updated_content
from syndicate.services.delivery.recent_changes import RecentChanges
from syndicate.services.delivery.version_cache import VersionCache
from syndicate.stamping import StampedItem
from syndicate.store.protocol import Change, Outcome, Pending, Reads
from tests.support.databases import opened
from tests.support.factories import (
    ASK,
    HEALTH,
    NEWS,
    NOON,
    PUBLISHER,
    STAFF,
    ZJOL,
    a_grant,
    a_licence,
    an_item,
    minutes,
)
from tests.support.fixtures import session_for
from tests.test_feeds_found import (  # noqa: F401  (fixtures)
    ARCHIVE,
    ASKED,
    FEEDS,
    GONE,
    LENGTH,
    Archive,
    _short_feeds,
    _some_holds,
    archive,
    licences,
)
from tests.test_promise import OUTLETS, WIDE, mandates, mostly, several
from tests.test_services import ASKED as REQUESTED
from tests.test_services import BODY, Here, licensed, on, page, taken_id
from tests.test_store.samples import an_act

EVERYTHING = Mandate("M", "萧山日报社", frozenset(OUTLETS), frozenset(Medium), True, WIDE)
UNLIMITED = a_licence(
    a_grant("L#1", uses=list(Use), outlets=OUTLETS, media=list(Medium), channels=None, archive=None),
    number="L",
    partner=ZJOL,
    window=WIDE,
)


@pytest.fixture(autouse=True)
def _short_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_update, "FEED_LENGTH", LENGTH)


class Newsroom:
    """Acts at random on the items of an archive, one change each."""

    def __init__(self, of: Archive, seed: int) -> None:
        self._archive, self._dice = of, random.Random(seed)
        self._seed = seed

    def act(self, now: datetime, shown: Sequence[StampedItem]) -> None:
        """Take in, correct, or hold an item, often one that is shown."""
        self._archive.runner.run(self._act(now, shown))

    async def _act(self, now: datetime, shown: Sequence[StampedItem]) -> None:
        store, dice = self._archive.store, self._dice
        ids = [one.id for one in ARCHIVE[:20]] + [one.id for one in shown]
        known = await store.item(dice.choice(ids))
        assert known is not None
        kind = dice.random()
        async with store.writing() as writing:
            if kind < 0.6:
                item = self._new(now)
                if await writing.item(item.id) is None:
                    await writing.put_item(item, [])
                    if item.holds != NO_HOLDS:
                        await writing.put_holds(item.id, item.holds)
            elif kind < 0.8:
                version = replace(known, version=known.version + 1, ingested=now, headline="更正后的标题")
                if dice.random() < 0.3:
                    version = replace(version, channel=dice.choice([NEWS, HEALTH, GONE]))
                if dice.random() < 0.2:
                    version = replace(version, published=known.published + timedelta(hours=1))
                await writing.put_item(version, [])
            else:
                await writing.put_holds(known.id, self._holds(known.published, now))
            await writing.append(an_act())
            await writing.changed(Change.ITEM if kind < 0.8 else Change.RIGHTS)

    def _new(self, now: datetime) -> Item:
        dice = self._dice
        published = now - timedelta(minutes=dice.randint(-60, 400))
        item = an_item(
            id=f"20261103-{self._seed % 10**6:06d}{dice.randint(0, 9999):04d}",
            published=published,
            outlet=dice.choice([*OUTLETS, *OUTLETS, None]),
            channel=dice.choice([NEWS, NEWS, NEWS, HEALTH, HEALTH, ASK, GONE, ChannelId("video")]),
            medium=dice.choice([*Medium, Medium.TEXT, Medium.TEXT]),
        )
        return replace(item, holds=self._holds(published, now)) if dice.random() < 0.3 else item

    def _holds(self, published: datetime, now: datetime) -> Holds:
        """Some holds; what is recalled is recalled now or before."""
        holds = _some_holds(self._dice, published)
        recall = holds.recall
        return holds if recall is None else replace(holds, recall=replace(recall, at=min(recall.at, now)))


@settings(
    max_examples=100,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    mostly(FEEDS["all"])(st.sampled_from(ASKED)),
    mostly(ZJOL)(st.just(PUBLIC)),
    mostly([EVERYTHING])(several(mandates)),
    mostly([UNLIMITED])(several(licences())),
    st.integers(10, 48).map(lambda number: NOON + timedelta(hours=number)),
    mostly(None)(st.sampled_from(list(Use))),
    st.integers(10**6, 2**40),
    st.lists(st.integers(0, 40), min_size=1, max_size=4),
)
def test_a_feed_brought_up_to_date_is_the_feed_that_is_built_from_the_store(
    archive: Archive,  # noqa: F811
    feed: Feed,
    to: Recipient,
    heads: list[Mandate],
    agreed: list[Licence],
    now: datetime,
    use: Use | None,
    seed: int,
    steps: list[int],
) -> None:
    own = {to.id: tuple(agreed)} if isinstance(to, Partner) else {}
    request = FeedRequest(feed, to, use, Register(1, {}, tuple(heads), own, {}), now)
    kept, revision = archive.build(request), _revision(archive)
    changes, newsroom = RecentChanges(archive.store), Newsroom(archive, seed)
    for step in steps:
        for _ in range(1 + step % 3):
            newsroom.act(request.now, kept.items)
        request = replace(request, now=request.now + minutes(step))
        upto = _revision(archive)
        updated = _updated(archive, request, kept, changes, revision, upto)
        built = archive.build(request)
        event("brought up to date" if updated else "built")
        if updated is not None:
            event("with other content" if updated.items != kept.items else "with the same content")
            assert updated.items == built.items
            assert updated.tombstones == built.tombstones
            assert (updated.below, updated.archive) == (built.below, built.archive)
            assert updated.shown == built.shown
            assert updated.until is None or updated.until > request.now
            _check_until(archive, request, updated, built)
        kept, revision = updated or built, upto


def _check_until(
    archive: Archive,  # noqa: F811
    request: FeedRequest,
    updated: FeedContent,
    built: FeedContent,
) -> None:
    """Nothing changes by itself before `until`, whatever the time that building names for it."""
    then = built
    for _ in range(6):
        if then.until is None or (updated.until is not None and updated.until <= then.until):
            return
        then = archive.build(replace(request, now=then.until))
        event("until later than that of the built feed")
        assert [(one.id, one.version) for one in then.items] == [
            (one.id, one.version) for one in built.items
        ]
        assert then.tombstones == built.tombstones
        assert (then.below, then.archive) == (built.below, built.archive)


def _revision(archive: Archive) -> int:  # noqa: F811
    return archive.runner.run(archive.store.sequence()).change


def _updated(
    archive: Archive,  # noqa: F811
    request: FeedRequest,
    kept: FeedContent,
    changes: RecentChanges,
    before: int,
    now: int,
) -> FeedContent | None:
    async def update() -> FeedContent | None:
        changed = await changes.since(before, now)
        assert changed is not None
        texts = partial(VersionCache().newest, reads=archive.store)
        media = partial(judged_media, reads=archive.store, versions=texts)
        return await updated_content(request, PUBLISHER, kept, changed, texts, media)

    return archive.runner.run(update())


def test_a_kept_feed_takes_new_items_and_corrections_without_being_built_from_the_store(
    store_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []

    async def noted(
        request: FeedRequest, publisher: Publisher, reads: Reads, versions: VersionCache
    ) -> FeedContent:
        built.append(f"{request.feed.id} {recipient_id(request.recipient)}")
        return await build_feed(request, publisher, reads, versions)

    monkeypatch.setattr("syndicate.services.delivery.editions.build_feed", noted)

    async def story(here: Here) -> None:
        jti = await licensed(here)
        (first,) = await here.house.items.items()
        delivery = here.house.delivery

        async def shown() -> list[tuple[ItemId, int]]:
            session = await session_for(here.house, ZJOL.id, jti)
            public = await delivery.public_feed("all")
            theirs = await delivery.licensed_feed("daily", session, None)
            found = [[(one.id, one.version) for one in each.edition.items] for each in (public, theirs)]
            assert found[0] == found[1]
            return found[0]

        assert await shown() == [(first.id, 1)]
        assert built == ["all public", "daily partner:zjol"]
        here.clock.move(minutes(3))
        taken = await here.house.items.take_in(STAFF, page("又一条新闻", BODY * 2, minute=4), "c.html")
        assert await shown() == [(taken_id(taken), 1), (first.id, 1)]
        await here.house.items.take_in(STAFF, page("又一条新闻", BODY * 3, minute=4), "c.html")
        assert await shown() == [(taken_id(taken), 2), (first.id, 1)]
        assert len(built) == 2
        await here.house.holds.withhold(STAFF, first.id)
        assert await shown() == [(taken_id(taken), 2)]
        assert len(built) == 4
        await here.house.rights.add_partner(STAFF, "other", "另一家", ["other.cn"])
        assert await shown() == [(taken_id(taken), 2)]
        assert len(built) == 4
        here.clock.move(minutes(11))
        await here.house.holds.release(STAFF, first.id)
        assert await shown() == [(taken_id(taken), 2), (first.id, 1)]
        assert len(built) == 6

    on(store_address, tmp_path, story)


def test_a_feed_with_new_items_is_charged_for_them_alone_until_rights_change(
    store_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(here: Here) -> None:
        jti = await licensed(here)
        (first,) = await here.house.items.items()
        charged: list[list[tuple[ItemId, int]]] = []
        real = here.store.record

        async def record(pending: Sequence[Pending]) -> list[Outcome]:
            charged.extend([(one.item, one.version) for one in each.charges] for each in pending)
            return await real(pending)

        monkeypatch.setattr(here.store, "record", record)

        async def given(status: int = 200) -> list[tuple[ItemId, int]]:
            session = await session_for(here.house, ZJOL.id, jti)
            edition = await here.house.delivery.licensed_feed("all", session, None)
            assert await here.house.delivery.deliver(edition, session, status, REQUESTED)
            return charged.pop()

        async def held() -> set[ItemId]:
            everything = [item.id for item in await here.house.items.items()]
            return set(await here.store.held(ZJOL.id, everything))

        async def take_in(minute: int, source: str = "萧山日报", more: int = 2) -> ItemId:
            document = page(f"第{minute}条新闻", BODY * more, minute=minute)
            document = document.replace("萧山日报".encode(), source.encode())
            taken = await here.house.items.take_in(STAFF, document, f"{minute}.html")
            assert taken.item is not None
            return taken.item.id

        assert await given() == [(first.id, 1)]
        assert await given() == []
        second = await take_in(4)
        assert await given() == [(second, 1)]
        assert await held() == {first.id, second}
        await take_in(5, source="新华社")
        assert await given() == [], "a change that the feed does not show gives nothing"
        await take_in(4, more=3)
        assert await given() == [(second, 2)]
        third = await take_in(6)
        assert await given(304) == []
        fourth = await take_in(7)
        assert await given() == [(fourth, 1), (third, 1), (second, 2), (first.id, 1)], "304 gave nothing"
        # What the partner had to remove meanwhile is recorded as held again.
        await here.house.holds.withhold(STAFF, first.id)
        await here.house.holds.release(STAFF, first.id)
        assert len(await given()) == 4
        await here.house.holds.withhold(STAFF, first.id)
        session = await session_for(here.house, ZJOL.id, jti)
        told = await here.house.changes.read(session, 0, 100)
        assert await here.house.changes.deliver(told, session, REQUESTED)
        charged.clear()
        assert first.id not in await held()
        await here.house.holds.release(STAFF, first.id)
        assert len(await given()) == 4
        assert first.id in await held()

    on(store_address, tmp_path, story)


def test_a_feed_is_built_again_where_more_changed_than_is_remembered(store_address: str) -> None:
    async def story() -> None:
        async with opened(store_address) as store:
            changes = RecentChanges(store)

            async def put(*numbers: int) -> int:
                async with store.writing() as writing:
                    for number in numbers:
                        await writing.put_item(an_item(id=f"20261102-{number:010d}"), [])
                    await writing.append(an_act())
                    return await writing.changed(Change.ITEM)

            begun = await put(1)
            first = await put(2)
            assert [one.id[-1] for one in await changes.since(begun, first) or ()] == ["2"]
            second = await put(3)
            assert [one.id[-1] for one in await changes.since(begun, second) or ()] == ["2", "3"]
            assert [one.id[-1] for one in await changes.since(first, second) or ()] == ["3"]
            assert await changes.since(begun, first) is None, "another session knows more"
            assert await changes.since(begun - 1, second) is None, "what changed then was not read"
            many = await put(*range(100, 300))
            assert await changes.since(second, many) is None
            last = await put(4)
            assert [one.id[-1] for one in await changes.since(many, last) or ()] == ["4"]
            more = await put(*range(1000, 1040))
            assert len(await changes.since(many, more) or ()) == 41
            rest = await put(*range(2000, 2030))
            assert await changes.since(last, rest) is None
            assert len(await changes.since(more, rest) or ()) == 30

    asyncio.run(story())


def test_many_feeds_that_want_a_new_item_at_once_read_it_once(
    store_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(here: Here) -> None:
        await licensed(here)
        delivery = here.house.delivery
        feeds = ["all", "daily", "news"]
        for feed in feeds:
            await delivery.public_feed(feed)
        taken = await here.house.items.take_in(STAFF, page("又一条新闻", BODY * 2, minute=4), "c.html")
        read: list[str] = []
        changed, newest = here.store.changed_since, here.store.newest

        async def changed_since(after: int, limit: int) -> list[tuple[int, Item]]:
            read.append("changes")
            return await changed(after, limit)

        async def texts(ids: Sequence[ItemId]) -> dict[ItemId, Item]:
            read.extend(ids)
            return await newest(ids)

        monkeypatch.setattr(here.store, "changed_since", changed_since)
        monkeypatch.setattr(here.store, "newest", texts)
        found = await asyncio.gather(*(delivery.public_feed(feed) for feed in feeds))
        assert [one.edition.items[0].id for one in found] == [taken_id(taken)] * 3
        assert read == ["changes", taken_id(taken)]

    on(store_address, tmp_path, story)
