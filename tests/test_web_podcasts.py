"""Podcasts from the real server, with real files: who may plays what plays, and nobody else does."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from functools import cache
from itertools import product
from pathlib import Path

import feedparser
import mutagen
import pytest
from lxml import etree, html

from syndicate.formats import SERVED_FORMATS
from syndicate.ingest.sidecar import read_sidecar
from syndicate.model.feeds import feeds_of
from syndicate.model.item import Medium
from syndicate.model.parties import STAMP, PartnerId
from syndicate.services.newsroom.media_intake import MediaIntake
from tests.support.factories import STAFF
from tests.support.servers import BASE_URL, Answer, Serving, serving
from tests.test_matrix import page
from tests.test_wire.kit import faults, kit
from tests.test_wire.rss_rules import broken_rules

DEMONSTRATION = Path(__file__).parent.parent / "syndicate" / "demo" / "media"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
MANDATE = """
number = "HEAD-1"
holder = "萧山广电局"
outlets = ["daily", "tv", "radio"]
media = ["text", "picture", "audio", "video"]
exclusive = true
valid_from = 2015-01-01
"""
LICENCE = """
number = "L-{partner}"
partner = "{partner}"
valid_from = 2018-01-01
valid_until = 2027-01-01

[[grant]]
uses = ["reprint"]
outlets = ["daily", "tv", "radio"]
media = {media}
archive = "P30000D"
"""
GRANTED = {"hears": '["text", "audio", "video"]', "reads": '["text"]', "looks": '["text", "picture"]'}
Keys = dict[str, str]


def visit(folder: Path, act: Callable[[Serving, Keys], Awaitable[None]], *, previews: bool = False) -> None:
    """Do this in a house that has the demonstration's picture, sound and film, and a story."""

    async def inside() -> None:
        async with serving(folder) as here:
            await act(here, await furnish(here, previews=previews))

    asyncio.run(inside())


async def furnish(here: Serving, *, previews: bool) -> Keys:
    house = here.house
    mandate = f"{MANDATE}public_preview = {str(previews).lower()}\n"
    await house.rights.add_mandate(STAFF, mandate, "mandate.toml")
    keys = {}
    for partner, media in GRANTED.items():
        await house.rights.add_partner(STAFF, partner, partner)
        licence = LICENCE.format(partner=partner, media=media)
        await house.rights.add_licence(STAFF, licence, "licence.toml")
        keys[partner] = (await house.keys.issue(STAFF, PartnerId(partner), days=900)).token
    story = page("日报新闻", "2018年1月22日 11:00", "萧山日报")
    assert (await house.items.take_in(STAFF, story, "story.txt")).item is not None
    publisher = house.settings.publisher
    intake = MediaIntake(
        house.files,
        house.stamped_files,
        house.media_workers,
        publisher,
        house.visible_lines,
        previews=previews,
    )
    for name, medium in (
        ("xianghu-morning.jpg", Medium.PICTURE),
        ("xianghu-melody.mp3", Medium.AUDIO),
        ("xianghu-boat.mp4", Medium.VIDEO),
    ):
        file = DEMONSTRATION / name
        beside = file.with_suffix(".toml")
        sidecar = read_sidecar(beside.read_bytes(), name=beside.name, medium=medium, publisher=publisher)
        transcript = None if sidecar.transcript is None else DEMONSTRATION / sidecar.transcript
        document = await intake.standing_alone(file, name, sidecar, house.clock(), transcript)
        (taken,) = await house.items.take_in_group(STAFF, [document])
        assert taken.item is not None, taken.faults
    return keys


async def fetched(here: Serving, address: str, **asked: str) -> Answer:
    """What a player gets that sends no key."""
    assert address.startswith(BASE_URL)
    return await here.get(address.removeprefix(BASE_URL), headers=asked)


def test_a_player_without_a_key_plays_what_the_podcast_of_a_partner_has(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        answer = await here.get("/licensed/feeds/all.podcast.rss", key=keys["hears"])
        assert answer.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
        assert answer.headers["Cache-Control"] == "private, no-cache"
        read = feedparser.parse(answer.body)
        assert {entry.enclosures[0].type for entry in read.entries} == {"audio/mpeg", "video/mp4"}
        for entry in read.entries:
            assert entry.summary.endswith(STAMP)
            (enclosure,) = entry.enclosures
            assert enclosure.href.endswith((".mp3", ".mp4"))
            assert keys["hears"] not in enclosure.href
            head = await here.get(enclosure.href.removeprefix(BASE_URL), method="HEAD")
            assert (head.status, head.headers["Content-Length"]) == (200, enclosure.length)
            whole = await fetched(here, enclosure.href)
            assert (whole.status, len(whole.body)) == (200, int(enclosure.length))
            assert whole.headers["Content-Type"] == enclosure.type
            part = await fetched(here, enclosure.href, Range="bytes=100-199")
            assert (part.status, part.body) == (206, whole.body[100:200])
            file = tmp_path / "played"
            file.write_bytes(whole.body)
            assert STAMP in str(mutagen.File(file).tags)
        heard = next(one for one in read.entries if one.enclosures[0].type == "audio/mpeg")
        assert heard.itunes_duration == "12"
        transcript = await fetched(here, heard.podcast_transcript["url"])
        assert transcript.body.startswith(b"WEBVTT")

    visit(tmp_path, act)


def test_a_podcast_repeats_itself_and_ends_with_the_licence(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        path = "/licensed/feeds/audio.podcast.rss"
        first = await here.get(path, key=keys["hears"])
        again = await here.get(path, key=keys["hears"], headers={"If-None-Match": first.headers["ETag"]})
        assert again.status == 304
        assert (await here.get(path, key=keys["hears"])).body == first.body
        (entry,) = feedparser.parse(first.body).entries
        await here.house.rights.end_licence(STAFF, "L-hears")
        assert (await fetched(here, entry.enclosures[0].href)).status in (403, 404, 410)
        assert (await here.get(path, key=keys["hears"])).status == 403

    visit(tmp_path, act)


@pytest.mark.parametrize("partner", ["reads", "looks"])
def test_who_may_not_have_sound_gets_no_episode(tmp_path: Path, partner: str) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        answer = await here.get("/licensed/feeds/all.podcast.rss", key=keys[partner])
        assert answer.status == 200
        assert feedparser.parse(answer.body).entries == []
        for secret in ("enclosure", "/media/", "晨曲"):
            assert secret not in answer.text
        alone = await here.get("/licensed/feeds/audio.podcast.rss", key=keys[partner])
        assert feedparser.parse(alone.body).entries == []
        assert (await here.get("/licensed/feeds/audio.podcast.rss")).status == 401

    visit(tmp_path, act)


def test_the_public_gets_episodes_only_where_a_mandate_allows_previews(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        answer = await here.get("/feeds/all.podcast.rss")
        assert (answer.status, answer.headers["Vary"]) == (200, "Accept, Accept-Encoding")
        assert feedparser.parse(answer.body).entries == []
        assert "preview" not in answer.text

    visit(tmp_path, act)


def test_the_public_podcast_plays_previews_and_browsers_read_a_page(tmp_path: Path) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg not found: apt-get install ffmpeg")

    async def act(here: Serving, keys: Keys) -> None:
        answer = await here.get("/feeds/all.podcast.rss")
        read = feedparser.parse(answer.body)
        assert len(read.entries) == 2
        for entry in read.entries:
            (enclosure,) = entry.enclosures
            assert "/preview." in enclosure.href
            whole = await fetched(here, enclosure.href)
            assert (whole.status, len(whole.body)) == (200, int(enclosure.length))
            assert whole.headers["Content-Type"] == enclosure.type
        page = await here.get("/feeds/audio.podcast.rss", headers={"Accept": BROWSER})
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        (shown,) = html.fromstring(page.body).findall(".//code")
        assert "".join(map(str, shown.itertext())) == f"{BASE_URL}/feeds/audio.podcast.rss"
        assert "这是一个播客" in page.text
        assert "日报新闻" not in page.text
        assert "/feeds/audio.podcast.rss" in (await here.get("/")).text
        assert "/feeds/news.podcast.rss" not in (await here.get("/")).text
        cover = await here.get("/static/cover.png")
        assert (cover.status, cover.headers["Content-Type"]) == (200, "image/png")
        assert (await here.get("/feeds/audio/2018-01.podcast.rss")).status == 404

    visit(tmp_path, act, previews=True)


def test_the_feed_of_pictures_has_a_picture_as_enclosure_for_who_may_have_it(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        for format in ("rss", "atom"):
            answer = await here.get(f"/licensed/feeds/pictures.{format}", key=keys["looks"])
            (entry,) = feedparser.parse(answer.body).entries
            (enclosure,) = entry.enclosures
            path = enclosure.href.removeprefix(BASE_URL)
            file = await here.get(path, key=keys["looks"])
            assert (file.status, len(file.body)) == (200, int(enclosure.length))
            assert file.headers["Content-Type"] == enclosure.type
            assert (await here.get(path)).status == 401
            assert (await here.get(path, key=keys["reads"])).status == 403

    visit(tmp_path, act)


def test_the_pages_show_a_small_picture_that_the_public_may_see(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        for path in ("/feeds/pictures.rss", "/"):
            page = html.fromstring((await here.get(path, headers={"Accept": BROWSER})).body)
            (picture,) = [one for one in page.iter("img") if isinstance(one, html.HtmlElement)]
            shown = await here.get(picture.attrib["src"])
            assert (shown.status, shown.headers["Content-Type"]) == (200, "image/jpeg")

    visit(tmp_path, act, previews=True)


def test_the_pages_show_no_picture_where_no_mandate_allows_previews(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        for path in ("/feeds/all.rss", "/"):
            page = await here.get(path, headers={"Accept": BROWSER})
            assert "湘湖" in page.text
            assert "<img" not in page.text

    visit(tmp_path, act)


def test_every_feed_that_is_served_breaks_no_rule_of_its_standard(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        feeds = feeds_of(here.house.settings.publisher)
        checked = 0
        for format, name in product(SERVED_FORMATS.values(), feeds):
            for root, key in (("", None), ("/licensed", keys["hears"])):
                path = f"{root}/feeds/{name}.{format.extension}"
                answer = await here.get(path, key=key)
                assert answer.status == 200, path
                assert answer.headers["Content-Type"] == format.content_type
                assert broken_by(format.id, answer.body, BASE_URL + path) == set(), path
                checked += 1
        assert checked == 2 * len(SERVED_FORMATS) * len(feeds)

    visit(tmp_path, act, previews=True)


@cache
def atom_grammar() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(str(kit("atom/atom-rfc4287.rng"))))


def broken_by(format: str, body: bytes, address: str) -> set[str]:
    """What a feed breaks of its format's rules, and whether it names the address it is served at."""
    if format == "json":
        document = json.loads(body)
        misnamed = {"feed_url"} if document["feed_url"] != address else set()
        schema = "jsonfeed/jsonfeed-schema-v1.1.json"
        return misnamed | set(faults(schema, document, "jsonfeed/feed-1.json"))
    feed = etree.fromstring(body)
    links = [*feed.iterfind("{*}link"), *feed.iterfind("channel/{http://www.w3.org/2005/Atom}link")]
    own = [one.get("href") for one in links if one.get("rel") == "self"]
    misnamed = {"self"} if own != [address] else set()
    if format == "atom":
        grammar = atom_grammar()
        return misnamed | (set() if grammar.validate(feed) else {str(grammar.error_log)})
    # Directories of podcasts ask for an e-mail address; the settings of this house have none.
    return misnamed | set(broken_rules(body)) - {"itunes:owner is missing"}
