"""Every route agrees with `policy.clear`, for every partner, item, use and moment.

The closest peers check rights in their search and forget them on another endpoint. Here the whole matrix
is asked over HTTP, and each cell is held against the one decision function.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path

import feedparser

from syndicate.access.media_addresses import MediaAddress
from syndicate.language import Lang
from syndicate.model.archives import spans_of
from syndicate.model.feeds import feeds_of
from syndicate.model.item import Item, Medium
from syndicate.model.media import RenditionName
from syndicate.model.parties import PUBLIC, Partner, PartnerId, Recipient
from syndicate.model.register import Register
from syndicate.model.rights import Form, Use
from syndicate.policy import Clearance, Refusal, clear_preferred
from syndicate.policy.reasons import HIDDEN
from tests.support.factories import NOON, SECRET, STAFF, TV, days, minutes
from tests.support.servers import Serving, serving
from tests.support.stories_with_media import Pic, document, take_in

MANDATES = """
number = "HEAD-D"
holder = "萧山日报社"
outlets = ["daily"]
media = ["text", "picture"]
exclusive = true
valid_from = 2015-01-01
---
number = "HEAD-T"
holder = "萧山广电局"
outlets = ["tv"]
media = ["text", "video"]
exclusive = true
valid_from = 2015-01-01
valid_until = 2026-11-10
"""

LICENCES: Mapping[str, str] = {
    "broad": """
uses = ["reprint", "link"]
outlets = ["daily", "tv"]
media = ["text", "video", "picture"]
archive = "P999D"
""",
    "narrow": """
uses = ["copy"]
outlets = ["daily"]
media = ["text"]
channels = ["news", "health"]
delay = "PT30M"
retain = "P7D"

[[except]]
channels = ["health"]
uses = ["copy"]
""",
    "linker": """
uses = ["link"]
outlets = ["daily"]
media = ["text"]
""",
    "soon": """
uses = ["reprint"]
outlets = ["daily"]
media = ["text"]
""",
}
PICTURE_LICENCES: Mapping[str, str] = {
    "looker": """
uses = ["reprint"]
outlets = ["daily", "tv"]
media = ["picture"]
renditions = ["thumbnail"]
""",
    "shower": """
uses = ["copy"]
outlets = ["daily"]
media = ["text", "picture"]
delay = "PT30M"
retain = "P7D"
""",
}
PICTURES = (Pic(1), Pic(2, outlet=None), Pic(3, outlet=TV))
"""One with a mandate, one of another agency, and one whose outlet has no mandate of pictures."""
WINDOWS = {"soon": ("2026-11-04", "2026-11-06")}
PARTNERS = ("broad", "narrow", "linker", "soon", "bare", "idle")
MOMENTS = (
    timedelta(0),
    minutes(29),
    minutes(31),
    days(1),
    days(2.5),
    days(6.9999),
    days(7),
    days(9),
)
MOMENTS_OF_FILES = (minutes(29), minutes(31), days(7))
USES = (None, *Use)
LONG = "这一段写得足够长,因此摘要只取开头,后面的内容只有全文才有。"


def page(headline: str, moment: str, source: str, channel: str = "新闻") -> bytes:
    return f"""您的位置:萧山网 > {channel} > 正文

{headline}

{moment}来源:{source}

  {headline}的导语写在这里。{LONG}

  {LONG}{LONG}

  {SECRET}。

作者:记者 王小明
编辑:桂信怡
""".encode()


DOCUMENTS = (
    page("日报新闻", "2026年11月2日 12:00", "萧山网-萧山日报"),
    page("日报健康", "2026年11月2日 12:00", "萧山日报", "健康"),
    page("日报问政", "2026年11月2日 11:00", "萧山日报", "网络问政"),
    page("日报旧闻", "2024年5月1日 9:00", "萧山日报"),
    page("电视新闻", "2026年11月2日 10:00", "萧山网-萧山电视台"),
    page("电台新闻", "2026年11月2日 10:00", "萧山人民广播电台"),
    page("外来稿件", "2026年11月2日 12:00", "杭州日报"),
    page("未来稿件", "2026年11月3日 12:00", "萧山日报"),
)


async def furnish(here: Serving, documents: tuple[bytes, ...] = DOCUMENTS) -> dict[str, str]:
    """Mandates, partners, licences, keys and items; each partner's key."""
    house = here.house
    for mandate in MANDATES.split("---"):
        await house.rights.add_mandate(STAFF, mandate, "mandate.toml")
    keys = {}
    for partner in PARTNERS:
        await house.rights.add_partner(STAFF, partner, f"授权媒体 {partner}")
        if partner in LICENCES:
            opens, closes = WINDOWS.get(partner, ("2026-01-01", "2027-01-01"))
            document = (
                f'number = "L-{partner}"\npartner = "{partner}"\n'
                f"valid_from = {opens}\nvalid_until = {closes}\n"
                f"[[grant]]{LICENCES[partner]}"
            )
            await house.rights.add_licence(STAFF, document, "licence.toml")
        keys[partner] = (await house.keys.issue(STAFF, PartnerId(partner), days=900)).token
    for number, content in enumerate(documents):
        taken = await house.items.take_in(STAFF, content, f"{number}.txt")
        assert taken.item is not None, taken.faults
    return keys


async def furnish_pictures(here: Serving) -> dict[str, str]:
    """A story with pictures of several owners, and partners that may have some; the keys of these."""
    house, keys = here.house, {}
    for partner, grant in PICTURE_LICENCES.items():
        await house.rights.add_partner(STAFF, partner, f"授权媒体 {partner}")
        await house.rights.add_licence(
            STAFF,
            f'number = "L-{partner}"\npartner = "{partner}"\nvalid_from = 2026-01-01\n'
            f"valid_until = 2027-01-01\n[[grant]]{grant}",
            "licence.toml",
        )
        keys[partner] = (await house.keys.issue(STAFF, PartnerId(partner), days=900)).token
    taken = await take_in(here, await document(here, "有图的稿件", PICTURES, body=f"{LONG}{SECRET}。"))
    assert len(taken.media) == len(PICTURES)
    return keys


def own_secret(item: Item) -> str:
    """What only the full form of an item has."""
    return SECRET if item.medium is Medium.TEXT else item.body[0].text


def pictures_of(
    item: Item, verdict: Clearance, items: list[Item], to: Recipient, register: Register, now: datetime
) -> dict[str, bool]:
    """Of each picture in a story, its caption and address, and whether they may be told with the story."""
    told: dict[str, bool] = {}
    for link in item.associations:
        picture = next(one for one in items if one.id == link.item)
        about = verdict_on(picture, to, register, verdict.use, now)
        may = verdict.form is Form.FULL and isinstance(about, Clearance) and bool(about.renditions)
        told |= {own_secret(picture): may, f"/licensed/media/{picture.id}/": may}
    return told


def verdict_on(
    item: Item, to: Recipient, register: Register, use: Use | None, now: datetime
) -> Clearance | Refusal:
    own = register.licences_of(to.id) if isinstance(to, Partner) else ()
    return clear_preferred(item, to, register.mandates, own, use, now)


async def check_items(
    here: Serving, items: list[Item], register: Register, partner: Partner, key: str, use: Use | None
) -> int:
    """Ask for every item at once, and compare each answer with the verdict."""
    query = f"?use={use}" if use is not None else ""
    answers = await asyncio.gather(
        *(here.get(f"/licensed/items/{item.id}{query}", key=key) for item in items)
    )
    for item, answer in zip(items, answers, strict=True):
        verdict = verdict_on(item, partner, register, use, here.clock())
        cell = (partner.id, item.headline, use, here.clock())
        if isinstance(verdict, Clearance):
            assert answer.status == 200, cell
            assert here.house.settings.publisher.stamp in answer.text, cell
            assert (own_secret(item) in answer.text) is (verdict.form is Form.FULL), cell
            for word, may in pictures_of(item, verdict, items, partner, register, here.clock()).items():
                assert (word in answer.text) is may, (cell, word)
        else:
            assert answer.status == (404 if verdict.reason in HIDDEN else 403), cell
            assert own_secret(item) not in answer.text
            assert item.headline not in answer.text
            if answer.status == 403:
                said = json.loads(answer.body)
                assert (said["reason"], said["clause"]) == (verdict.reason.value, verdict.clause), cell
    return len(items)


def read(format: str, body: bytes) -> dict[str, str]:
    """Headline → everything said about the item."""
    if format == "json":
        return {
            entry["title"]: json.dumps(entry, ensure_ascii=False) for entry in json.loads(body)["items"]
        }
    return {
        entry.title: json.dumps(entry, ensure_ascii=False, default=str)
        for entry in feedparser.parse(body).entries
    }


def check_entry(
    text: str,
    item: Item,
    verdict: Clearance,
    items: list[Item],
    to: Recipient,
    register: Register,
    now: datetime,
    format: str,
) -> None:
    """Hold what a feed says of an item against the verdicts on it and on its pictures."""
    cell = (to, item.headline, verdict.use, format, now)
    assert (own_secret(item) in text) is (verdict.form is Form.FULL), cell
    for word, may in pictures_of(item, verdict, items, to, register, now).items():
        # Feeds have no place for the captions of a story's pictures, and RSS and Atom one address.
        exact = format == "json" and word.startswith("/")
        assert (word in text) is may if exact else may or word not in text, (cell, word)


async def check_feeds(
    here: Serving, items: list[Item], register: Register, to: Recipient, key: str | None, use: Use | None
) -> int:
    """Ask for every feed at once, and compare each answer with the verdicts."""
    now, publisher = here.clock(), here.house.settings.publisher
    feeds = feeds_of(publisher)
    formats = dict(zip(feeds, cycle(("rss", "atom", "json")), strict=False))
    query = f"?use={use}" if use is not None else ""
    paths = [
        f"/feeds/{name}.{format}" if key is None else f"/licensed/feeds/{name}.{format}{query}"
        for name, format in formats.items()
    ]
    answers = await asyncio.gather(*(here.get(path, key=key) for path in paths))
    for (name, feed), answer in zip(feeds.items(), answers, strict=True):
        format = formats[name]
        expected = {}
        for item in items:
            verdict = verdict_on(item, to, register, use, now)
            if item in feed and isinstance(verdict, Clearance):
                expected[item.headline] = (item, verdict)
        cell = (to, name, format, use, now)
        if answer.status == 403:
            # A feed is refused as a whole only where every one of its items would be.
            assert expected == {}, cell
            assert json.loads(answer.body)["code"] == "not_licensed"
        else:
            assert answer.status == 200, cell
            found = read(format, answer.body)
            assert set(found) == set(expected), cell
            for headline, text in found.items():
                assert publisher.stamp in text, cell
                check_entry(text, *expected[headline], items, to, register, now, format)
    return len(feeds)


async def check_archives(
    here: Serving, items: list[Item], register: Register, to: Recipient, key: str | None, use: Use | None
) -> int:
    """Ask for every archive document that has any item, and compare each answer with the verdicts."""
    now, publisher = here.clock(), here.house.settings.publisher
    feeds = feeds_of(publisher)
    query = f"?use={use}" if use is not None else ""
    spans = {span.name: span for item in items for span in spans_of(item.published, publisher.zone)}
    asked = [
        (feed, span, format)
        for (name, feed), format in zip(feeds.items(), cycle(("json", "rss", "atom")), strict=False)
        for span in spans.values()
        if name in ("all", "health", "daily", "tv", "video")
    ]
    start = "" if key is None else "/licensed"
    answers = await asyncio.gather(
        *(
            here.get(f"{start}/feeds/{feed.id}/{span.name}.{format}{query}", key=key)
            for feed, span, format in asked
        )
    )
    for (feed, span, format), answer in zip(asked, answers, strict=True):
        expected = {}
        for item in items:
            verdict = verdict_on(item, to, register, use, now)
            if item in feed and item.published in span and isinstance(verdict, Clearance):
                expected[item.headline] = (item, verdict)
        cell = (to, feed.id, span.name, format, use, now)
        assert answer.status == 200 if expected else answer.status in (403, 404), cell
        found = read(format, answer.body) if expected else {}
        assert set(found) == set(expected), cell
        for headline, text in found.items():
            assert publisher.stamp in text, cell
            check_entry(text, *expected[headline], items, to, register, now, format)
        if not expected:
            assert not any(item.headline in answer.text for item in items), cell
    return len(asked)


async def check_files(
    here: Serving, items: list[Item], register: Register, partner: Partner, key: str, use: Use | None
) -> int:
    """Ask for every file with the key and by a signed address, and compare each answer with the verdict."""
    query = f"?use={use}" if use is not None else ""
    now, signer = here.clock(), await here.house.authenticator.address_signer()
    own = register.licences_of(partner.id)
    files = [
        (item, name)
        for item in items
        for name in (RenditionName.ORIGINAL, RenditionName.THUMBNAIL)
        if item.medium is Medium.PICTURE
    ]

    def signed(item: Item, name: RenditionName) -> str:
        address = MediaAddress(partner.id, 0, item.id, item.version, name, use, now + minutes(1))
        return f"/media/{signer.sign(address)}"

    keyed = [here.get(f"/licensed/media/{item.id}/{name}{query}", key=key) for item, name in files]
    answers = await asyncio.gather(*keyed, *(here.get(signed(*file)) for file in files))
    for (item, name), answer, by_address in zip(
        files, answers[: len(files)], answers[len(files) :], strict=True
    ):
        verdict = clear_preferred(item, partner, register.mandates, own, use, now, name)
        cell = (partner.id, item.headline, name, use, now)
        if isinstance(verdict, Clearance):
            assert (answer.status, by_address.status) == (200, 200), cell
            assert answer.body == by_address.body, cell
            assert here.house.settings.publisher.stamp.encode() in answer.body, cell
        elif verdict.reason in HIDDEN:
            assert (answer.status, by_address.status) == (404, 404), cell
        else:
            said = json.loads(answer.body)
            assert (said["reason"], said["clause"]) == (verdict.reason.value, verdict.clause), cell
            assert (answer.status, by_address.status) == (403, 403), cell
            assert json.loads(by_address.body)["code"] == "address_expired", cell
    return len(answers)


async def check_pages(here: Serving, items: list[Item], register: Register) -> int:
    home = (await here.get("/")).text
    for item in items:
        verdict = verdict_on(item, PUBLIC, register, None, here.clock())
        for lang in Lang:
            answer = await here.get(f"/items/{item.id}?lang={lang}")
            assert answer.status == (200 if isinstance(verdict, Clearance) else 404), item.headline
            assert own_secret(item) not in answer.text
            assert (item.headline in answer.text) is isinstance(verdict, Clearance)
            assert not any(own_secret(one) in answer.text for one in items)
            assert "/preview" not in answer.text
        if item.standalone:
            assert (item.headline in home) is isinstance(verdict, Clearance)
    return len(items) * 2


def test_every_route_agrees_with_the_policy(tmp_path: Path) -> None:
    async def matrix() -> int:
        cells = 0
        async with serving(tmp_path) as here:
            keys = await furnish(here) | await furnish_pictures(here)
            items = await here.house.items.items(limit=100)
            assert len(items) == len(DOCUMENTS) + 1 + len(PICTURES)
            register = await here.house.rights.register()
            for moment in MOMENTS:
                here.clock.now = NOON + moment
                cells += await check_pages(here, items, register)
                cells += await check_feeds(here, items, register, PUBLIC, None, None)
                cells += await check_archives(here, items, register, PUBLIC, None, None)
                for name, key in keys.items():
                    if name not in PARTNERS and moment not in MOMENTS_OF_FILES:
                        continue
                    partner = register.partners[PartnerId(name)]
                    asked = [
                        check_items(here, items, register, partner, key, use)
                        for use in USES
                        if name in PARTNERS or use is None
                    ]
                    if moment in MOMENTS_OF_FILES:
                        uses = USES if name in ("broad", "shower") else (None,)
                        asked += [check_files(here, items, register, partner, key, use) for use in uses]
                    cells += sum(await asyncio.gather(*asked))
                    cells += await check_feeds(here, items, register, partner, key, None)
                    cells += await check_archives(here, items, register, partner, key, None)
                    if moment in (MOMENTS[0], MOMENTS[3]):
                        for use in Use:
                            cells += await check_feeds(here, items, register, partner, key, use)
                            cells += await check_archives(here, items, register, partner, key, use)
        return cells

    assert asyncio.run(matrix()) > 3000


def test_what_is_not_ours_is_nowhere(tmp_path: Path) -> None:
    """No route, header or count tells of a page from 杭州日报: answers are the same without it."""

    async def answers(folder: Path, documents: tuple[bytes, ...]) -> list[tuple[str, int, str, str]]:
        async with serving(folder) as here:
            keys = await furnish(here, documents)
            feeds = feeds_of(here.house.settings.publisher)
            extensions = ("rss", "atom", "json")
            routes = [f"/feeds/{name}.{extension}" for name in feeds for extension in extensions]
            routes += [
                "/feeds/all/2026-11.rss",
                "/feeds/all/2026-11-02T12.atom",
                "/feeds/news/2024-05.json",
            ]
            licensed = (
                *("/licensed/feeds/all.rss", "/licensed/feeds/all.json", "/licensed/licence"),
                "/licensed/feeds/all/2026-11-02.json",
            )
            seen = [await told(here, path, None) for path in ("/", "/feeds.opml", "/terms", *routes)]
            return seen + [await told(here, path, keys["broad"]) for path in licensed]

    async def told(here: Serving, path: str, key: str | None) -> tuple[str, int, str, str]:
        answer = await here.get(path, key=key)
        # Keys and their ids are random by design; everything else must be equal to the letter.
        text = re.sub(r'"jti": "[0-9a-f]+"', '"jti"', answer.text)
        kept = {
            name: value
            for name, value in answer.headers.items()
            if name.lower() not in ("date", "x-request-id")
        }
        return path, answer.status, json.dumps(sorted(kept.items())), text

    ours = tuple(document for document in DOCUMENTS if "杭州日报".encode() not in document)
    with_it = asyncio.run(answers(tmp_path / "with", DOCUMENTS))
    without = asyncio.run(answers(tmp_path / "without", ours))
    assert with_it == without
    assert not any("外来稿件" in text for _, _, _, text in with_it)
