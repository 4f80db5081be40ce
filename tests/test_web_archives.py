"""The archive of a feed over HTTP: who follows its links is given everything, and nothing recalled."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import feedparser
import pytest

from syndicate.model.archives import ARCHIVE_LENGTH
from syndicate.model.events import EditionDelivered, ReleaseRefused
from syndicate.model.holds import NO_HOLDS, Embargo, Holds, RecallReason
from syndicate.model.item import Item, ItemId, tag_uri
from syndicate.store.protocol import Change
from tests.support.factories import NOON, SECRET, STAFF, an_item, days, minutes
from tests.support.feed_contents import FORMATS, entries, tombstones
from tests.support.fixtures import Keys, code_of, line_of, visit
from tests.support.servers import BASE_URL, Answer, Serving
from tests.test_store.samples import an_act
from tests.test_web_recalled import recall

FULL = 2 * ARCHIVE_LENGTH + 7
"""Items of one instant of 2019: more than two documents hold."""


def _stories() -> list[Item]:
    """Thirty of today, three a day before, some of 2025 and 2009, and one instant with very many."""
    times = [NOON - minutes(7 * number) for number in range(30)]
    times += [NOON - days(1 + number // 3) - minutes(number % 3) for number in range(120)]
    times += [datetime(2025, 8, number, 9, tzinfo=NOON.tzinfo) for number in range(1, 5)]
    times += [datetime(2009, 3, number, 9, tzinfo=NOON.tzinfo) for number in range(1, 5)]
    times += [datetime(2019, 5, 1, tzinfo=NOON.tzinfo)] * FULL
    return [
        an_item(id=f"{at:%Y%m%d}-{number:010d}", headline=f"第{number}篇", published=at)
        for number, at in enumerate(times)
    ]


async def fill(here: Serving, holds: Mapping[ItemId, Holds] | None = None) -> list[Item]:
    """Keep the stories in one transaction, held back by these."""
    stories = [replace(one, holds=(holds or {}).get(one.id, NO_HOLDS)) for one in _stories()]
    async with here.house.store.writing() as writing:
        for item in stories:
            await writing.put_item(item, [])
            if item.holds != NO_HOLDS:
                await writing.put_holds(item.id, item.holds)
        await writing.append(an_act())
        await writing.changed(Change.RIGHTS)
    return stories


def links(format: str, body: bytes) -> dict[str, str]:
    """The path of each related document, by its relation."""
    if format == "json":
        document = json.loads(body)
        found = {**document["_syndicate"].get("archive", {})}
        found = {rel.replace("_", "-"): href for rel, href in found.items()}
        found |= {"prev-archive": document["next_url"]} if "next_url" in document else {}
    else:
        every = ElementTree.fromstring(body).iter("{http://www.w3.org/2005/Atom}link")
        found = {one.attrib["rel"]: one.attrib["href"] for one in every if "title" not in one.attrib}
    assert all(href.startswith((BASE_URL, "http")) for href in found.values())
    return {rel: href.removeprefix(BASE_URL) for rel, href in found.items()}


def feed_links(format: str, body: bytes) -> dict[str, str]:
    """`links` of the feed itself, and not of its entries."""
    if format == "json":
        return links(format, body)
    root = ElementTree.fromstring(body)
    for parent in [root, *root]:
        for one in [*parent]:
            if one.tag.rsplit("}", 1)[-1] in ("entry", "item"):
                parent.remove(one)
    return links(format, ElementTree.tostring(root))


async def walk(
    here: Serving, path: str, format: str, key: str | None = None
) -> tuple[list[str], list[Answer]]:
    """Follow `prev-archive` from this feed to the end: the paths, and the answers."""
    paths, answers = [path], [await here.get(path, key=key)]
    while True:
        assert answers[-1].status == 200, paths[-1]
        following = feed_links(format, answers[-1].body).get("prev-archive")
        if following is None:
            return paths, answers
        assert following not in paths, "a loop"
        paths.append(following)
        answers.append(await here.get(following, key=key))


@pytest.mark.parametrize("format", FORMATS)
def test_the_links_lead_from_the_feed_through_everything(tmp_path: Path, format: str) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        stories = await fill(here)
        paths, answers = await walk(here, f"/feeds/daily.{format}", format)
        given = [list(entries(format, answer.body)) for answer in answers]
        authority = here.house.settings.publisher.authority
        assert {tag_uri(authority, item.id) for item in stories} <= {one for some in given for one in some}
        assert all(len(some) <= ARCHIVE_LENGTH for some in given)
        names = [path.rsplit("/", 1)[1].removesuffix(f".{format}") for path in paths]
        # Months without any item are passed over; the full one goes on in parts.
        assert names[1:4] == ["2026-10", "2026-09", "2025-08"]
        assert [name[:14] for name in names[-5:]] == [
            *("2024-05", "2019-05", "2019-05-01T08-", "2019-05-01T08-", "2009-03")
        ]
        for path, answer in zip(paths[1:], answers[1:], strict=True):
            found = feed_links(format, answer.body)
            assert found["self"] == path
            assert found["current"] == f"/feeds/daily.{format}"

    visit(tmp_path, act)


def test_the_links_lead_back_to_the_newest_complete_document(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        await fill(here)
        down, _ = await walk(here, "/feeds/daily.atom", "atom")
        path, seen, passed = down[-1], 0, []
        while True:
            answer = await here.get(path)
            seen += len(entries("atom", answer.body))
            passed.append(path)
            following = feed_links("atom", answer.body).get("next-archive")
            if following is None:
                break
            path = following
        assert passed[-1] == "/feeds/daily/2026-11-02T11.atom"
        assert seen > FULL + 120

    visit(tmp_path, act)


def test_feedparser_reads_an_archive_as_what_it_is(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        await fill(here)
        for format in ("rss", "atom"):
            answer = await here.get(f"/feeds/daily/2026-10.{format}")
            read = feedparser.parse(answer.body)
            assert not read.bozo
            assert "fh_archive" in read.feed
            assert len(read.entries) == 93
            relations = {link.rel: link.href for link in read.feed.links}
            assert relations["prev-archive"] == f"{BASE_URL}/feeds/daily/2026-09.{format}"
            assert relations["next-archive"] == f"{BASE_URL}/feeds/daily/2026-11-01.{format}"
            current = feedparser.parse((await here.get(f"/feeds/daily.{format}")).body)
            assert read.feed.title == current.feed.title
            assert "fh_archive" not in current.feed

    visit(tmp_path, act)


def test_what_is_recalled_or_held_leaves_its_month_and_the_etag_says_so(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        stories = await fill(here)
        old = [item for item in stories if item.published.year == 2009]
        path = "/feeds/daily/2009-03.json"
        before = await here.get(path)
        assert len(entries("json", before.body)) == 4
        same = await here.get(path, headers={"If-None-Match": before.headers["ETag"]})
        assert (same.status, same.body) == (304, b"")
        # A date cannot say that an item left, so it never says that nothing changed.
        dated = {"If-Modified-Since": before.headers["Last-Modified"]}
        assert (await here.get(path, headers=dated)).status == 200
        await recall(here, old[1].id, RecallReason.RIGHTS)
        after = await here.get(path, headers={"If-None-Match": before.headers["ETag"], **dated})
        assert after.status == 200
        assert len(entries("json", after.body)) == 3
        assert old[1].headline not in after.text
        assert old[1].id not in after.text
        for item in (old[0], old[2], old[3]):
            await recall(here, item.id, RecallReason.RIGHTS)
        gone, never = await here.get(path), await here.get("/feeds/daily/2009-04.json")
        assert (gone.status, never.status) == (404, 404)
        month = re.compile("2009-0[34]")
        assert _unlike_ids(month.sub("", gone.text)) == _unlike_ids(month.sub("", never.text))
        paths, _ = await walk(here, "/feeds/daily.json", "json")
        assert not any("2009" in one for one in paths)

    visit(tmp_path, act)


def test_the_feed_tells_for_a_month_what_was_recalled_of_its_archive(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        stories = await fill(here)
        authority = here.house.settings.publisher.authority
        old = next(item for item in stories if item.published.year == 2009)
        late = next(item for item in stories if item.published.year == 2025)
        feeds = [("/feeds/daily", None), ("/licensed/feeds/daily", "broad"), ("/feeds/tv", None)]
        before = await here.get("/feeds/daily.atom")
        for item in (old, late):
            await recall(here, item.id, RecallReason.RIGHTS)
        both = {tag_uri(authority, late.id): NOON, tag_uri(authority, old.id): NOON}
        for format in ("atom", "json"):
            told = []
            for start, partner in feeds:
                answer = await here.get(f"{start}.{format}", key=None if partner is None else keys[partner])
                assert answer.status == 200
                told.append(tombstones(format, answer.body))
            assert told == [both, {tag_uri(authority, late.id): NOON}, {}]
        assert (await here.get("/feeds/daily.atom")).headers["ETag"] != before.headers["ETag"]
        # Another item comes: the feed that is brought up to date still tells of them.
        async with here.house.store.writing() as writing:
            await writing.put_item(an_item(id="20261102-new0000000", headline="新稿"), [])
            await writing.append(an_act())
            await writing.changed(Change.ITEM)
        answer = await here.get("/feeds/daily.json")
        assert set(tombstones("json", answer.body)) == set(both)
        assert "新稿" in answer.text
        here.clock.move(days(30) - minutes(1))
        assert set(tombstones("json", (await here.get("/feeds/daily.json")).body)) == set(both)
        here.clock.move(minutes(1))
        assert tombstones("json", (await here.get("/feeds/daily.json")).body) == {}

    visit(tmp_path, act)


def test_a_reinstated_item_is_in_its_month_again_and_has_no_tombstone(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        stories = await fill(here)
        old = next(item for item in stories if item.published.year == 2009)
        await here.house.holds.recall(STAFF, old.id, RecallReason.RIGHTS, "说明", timedelta(hours=2))
        assert len(tombstones("atom", (await here.get("/feeds/daily.atom")).body)) == 1
        assert len(entries("atom", (await here.get("/feeds/daily/2009-03.atom")).body)) == 3
        here.clock.move(minutes(5))
        await here.house.holds.reinstate(STAFF, old.id)
        assert tombstones("atom", (await here.get("/feeds/daily.atom")).body) == {}
        assert len(entries("atom", (await here.get("/feeds/daily/2009-03.atom")).body)) == 4

    visit(tmp_path, act)


def _unlike_ids(text: str) -> str:
    return re.sub(r'"request_id": "\w+"', "", text)


def test_a_month_of_embargoed_items_is_like_an_empty_one(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        soon = {
            item.id: Holds(embargo=Embargo(NOON + days(1)))
            for item in _stories()
            if item.published.year == 2025
        }
        await fill(here, soon)
        for key in (None, keys["broad"]):
            start = "/feeds" if key is None else "/licensed/feeds"
            paths, _ = await walk(here, f"{start}/daily.atom", "atom", key)
            assert not any("2025" in path for path in paths)
            assert code_of(await here.get(f"{start}/daily/2025-08.atom", key=key)) == (404, "not_found")
        here.clock.move(days(1))
        paths, _ = await walk(here, "/feeds/daily.atom", "atom")
        assert "/feeds/daily/2025-08.atom" in paths

    visit(tmp_path, act)


def test_a_licence_opens_of_the_archive_what_it_covers(tmp_path: Path) -> None:
    """`narrow` has a week, half an hour late; `linker` may link what came since January."""

    async def act(here: Serving, keys: Keys) -> None:
        stories = await fill(here)
        paths, answers = await walk(here, "/licensed/feeds/all.json", "json", keys["narrow"])
        given = {one for answer in answers for one in entries("json", answer.body)}
        authority = here.house.settings.publisher.authority
        may = {
            tag_uri(authority, item.id)
            for item in stories
            if NOON - days(7) < item.published <= NOON - minutes(30)
        }
        assert may <= given
        assert not {tag_uri(authority, item.id) for item in stories} - may & given
        assert (await here.get("/licensed/feeds/all/2025-08.json", key=keys["narrow"])).status == 404
        paths, answers = await walk(here, "/licensed/feeds/daily.atom", "atom", keys["linker"])
        assert not any("2025" in path or "2019" in path for path in paths)
        assert not any(SECRET in answer.text for answer in answers)
        refused = await here.get("/licensed/feeds/all/2026-10.json", key=keys["idle"])
        assert code_of(refused) == (403, "not_licensed")
        event = await line_of(here, refused)
        assert isinstance(event, ReleaseRefused)
        assert event.subject == "feed:all/2026-10"

    visit(tmp_path, act)


def test_the_links_of_a_use_ask_for_the_same_use(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        await fill(here)
        for format in FORMATS:
            path = f"/licensed/feeds/daily.{format}?use=link"
            paths, answers = await walk(here, path, format, keys["broad"])
            assert len(paths) > 3
            assert all(path.endswith("?use=link") for path in paths)
            assert not any(SECRET in answer.text for answer in answers)

    visit(tmp_path, act)


def test_an_archive_leaves_its_line_with_all_that_was_given(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        await fill(here)
        path = "/licensed/feeds/daily/2026-10.atom"
        answer = await here.get(path, key=keys["broad"])
        assert answer.headers["Cache-Control"] == "private, no-cache"
        event = await line_of(here, answer)
        assert isinstance(event, EditionDelivered)
        assert (event.feed, event.format, event.status) == ("daily/2026-10", "atom", 200)
        listed = await here.house.store.manifest(event.edition)
        assert listed is not None
        document = json.loads(listed)
        assert document["feed"] == "daily/2026-10"
        assert len(document["items"]) == 93
        item = ItemId(document["items"][0][0])
        assert "broad" in {holding.partner for holding in await here.house.store.given_to(item)}
        again = await here.get(path, key=keys["broad"], headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status == 304
        confirmed = await line_of(here, again)
        assert isinstance(confirmed, EditionDelivered)
        assert (confirmed.edition, confirmed.status) == (event.edition, 304)
        head = await here.get(path, key=keys["broad"], method="HEAD")
        assert (head.status, head.body) == (200, b"")
        assert head.headers["ETag"] == answer.headers["ETag"]
        assert code_of(await here.get(path))[0] == 401
        revoked = json.loads((await here.get("/licensed/licence", key=keys["broad"])).body)["keys"][0]
        await here.house.keys.revoke(STAFF, revoked["jti"])
        assert code_of(await here.get(path, key=keys["broad"])) == (401, "key_revoked")

    visit(tmp_path, act)


def test_an_archive_counts_against_a_quota_and_is_cut_to_it(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        await fill(here)
        document = (
            'number = "L-quota"\npartner = "bare"\nvalid_from = 2026-01-01\nvalid_until = 2027-01-01\n'
            '[[grant]]\nuses = ["reprint"]\noutlets = ["daily"]\nmedia = ["text"]\narchive = "P9999D"\n'
            'quota = { items = 5, per = "day" }\n'
        )
        await here.house.rights.add_licence(STAFF, document, "licence.toml")
        first = await here.get("/licensed/feeds/daily/2009-03.json", key=keys["bare"])
        assert len(entries("json", first.body)) == 4
        assert first.headers["RateLimit"].startswith('"L-quota#1";r=1')
        second = await here.get("/licensed/feeds/daily/2025-08.json", key=keys["bare"])
        assert len(entries("json", second.body)) == 1
        # The links know of what the quota has no room for today.
        assert feed_links("json", second.body)["prev-archive"].startswith("/licensed/feeds/daily/2024-05")
        third = await here.get("/licensed/feeds/daily/2026-10.json", key=keys["bare"])
        assert code_of(third) == (429, "quota_exceeded")
        again = await here.get("/licensed/feeds/daily/2009-03.json", key=keys["bare"])
        assert again.body == first.body

    visit(tmp_path, act)


def test_an_archive_is_the_same_bytes_each_time_and_is_compressed(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        await fill(here)
        for format in FORMATS:
            path = f"/feeds/daily/2026-10.{format}"
            answers = await asyncio.gather(*(here.get(path) for _ in range(4)))
            assert len({answer.body for answer in answers}) == 1
            assert len({answer.headers["ETag"] for answer in answers}) == 1
            assert answers[0].headers["Cache-Control"] == "public, max-age=300"
            packed = await here.get(path, headers={"Accept-Encoding": "gzip"})
            assert packed.headers["Content-Encoding"] == "gzip"
            assert packed.body == answers[0].body
            assert packed.headers["ETag"] != answers[0].headers["ETag"]

    visit(tmp_path, act)


@pytest.mark.parametrize(
    "name",
    [
        *("2026-13", "2026-00", "2026-02-30", "2026-11-02T24", "0999-01", "3000-01", "2026-1", "26-11"),
        *("2026-11-02T12-7200000000-20261102-aaaaaaaaaa", "2026-11-02T12-01-20261102-aaaaaaaaaa"),
        *("2026-11-02T12-1-20261102-AAAAAAAAAA", "2026-11-02T12-99999999999-20261102-aaaaaaaaaa"),
        *("2026-11-02T12-1-", "2026-11-02-1-20261102-aaaaaaaaaa", "٢٠٢٦-11", "2026-11%00", "2031-01"),
        *("2026-11/", "2026-11-02T", "2026-11..", "all"),
    ],
)
def test_what_names_no_document_is_not_found(tmp_path: Path, name: str) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        for path, key in ((f"/feeds/all/{name}.rss", None), (f"/licensed/feeds/all/{name}.rss", "broad")):
            answer = await here.get(path, key=None if key is None else keys[key])
            assert code_of(answer) == (404, "not_found"), path
        assert code_of(await here.get("/feeds/nope/2026-11.rss")) == (404, "unknown_feed")

    visit(tmp_path, act)


def test_a_part_may_begin_at_any_item_there_is_or_is_not(tmp_path: Path) -> None:
    """An address with an item's id in it says nothing about that item: it is a place in an order."""

    async def act(here: Serving, keys: Keys) -> None:
        stories = await fill(here)
        held = next(item for item in stories if item.published == NOON)
        start = "/feeds/daily/2026-11-02T12-0"
        before = await here.get(f"{start}-{held.id}.json")
        unknown = await here.get(f"{start}-{held.id[:-1]}z.json")
        assert entries("json", before.body).keys() == entries("json", unknown.body).keys()
        await recall(here, held.id, RecallReason.LEGAL)
        after = await here.get(f"{start}-{held.id}.json")
        other = await here.get(f"{start}-{held.id[:-1]}z.json")
        assert code_of(after) == code_of(other) == (404, "not_found")

    visit(tmp_path, act)


def test_today_is_read_by_its_hours_and_stays_where_it_was_when_they_are_over(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        await fill(here)
        here.clock.move(timedelta(hours=3))
        # A flood of today's items pushes the morning out of the feed.
        flood = [
            an_item(
                id=f"20261102-f{number:09d}", headline=f"急{number}", published=NOON + minutes(60 + number)
            )
            for number in range(50)
        ]
        async with here.house.store.writing() as writing:
            for item in flood:
                await writing.put_item(item, [])
            await writing.append(an_act())
            await writing.changed(Change.ITEM)
        paths, _ = await walk(here, "/feeds/daily.rss", "rss")
        assert paths[1:6] == [
            "/feeds/daily/2026-11-02T12.rss",
            "/feeds/daily/2026-11-02T11.rss",
            "/feeds/daily/2026-11-02T10.rss",
            "/feeds/daily/2026-11-02T09.rss",
            "/feeds/daily/2026-11-02T08.rss",
        ]
        here.clock.move(timedelta(hours=12))
        paths, _ = await walk(here, "/feeds/daily.rss", "rss")
        assert paths[1:3] == ["/feeds/daily/2026-11-02.rss", "/feeds/daily/2026-11-01.rss"]
        here.clock.move(days(40))
        paths, _ = await walk(here, "/feeds/daily.rss", "rss")
        assert paths[1:3] == ["/feeds/daily/2026-11.rss", "/feeds/daily/2026-10.rss"]

    visit(tmp_path, act)
