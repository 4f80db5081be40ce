"""Who opens a public feed in a browser reads a page; every feed reader gets the feed, also by a cache."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import feedparser
import pytest
from lxml import html

from syndicate.formats import FEED_FORMATS
from syndicate.language import Lang
from syndicate.model.holds import RecallReason
from syndicate.model.item import ItemId
from syndicate.web.public.pages import Pages
from tests.support.factories import STAFF
from tests.support.fixtures import Keys, an_id, code_of, trail, visit
from tests.support.nginx import nginx_before
from tests.support.raw_connections import connected
from tests.support.servers import BASE_URL, Answer, Serving
from tests.test_web_archives import fill
from tests.test_wire.cases import HOSTILE, PUBLISHER, feed_of, for_public

BROWSERS = {
    "Chrome": (
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
        "application/signed-exchange;v=b3;q=0.7"
    ),
    "Firefox, Safari": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Lynx": "text/html, text/plain, text/sgml, text/css, application/xhtml+xml, */*;q=0.01",
    "who takes pages alone": "text/html",
}
READER = (
    "application/xml, application/atom+xml, application/rss+xml, application/rdf+xml, "
    "application/feed+json, text/html, */*;q=0.9"
)
"""Miniflux: a reader that takes pages as gladly as feeds."""
READERS = {
    "newsboat, curl, NetNewsWire": "*/*",
    "none": None,
    "feedparser": (
        "application/atom+xml,application/rdf+xml,application/rss+xml,application/x-netcdf,"
        "application/xml;q=0.9,text/xml;q=0.2,*/*;q=0.1"
    ),
    "FreshRSS, WordPress (SimplePie)": (
        "application/atom+xml, application/rss+xml, application/rdf+xml;q=0.9, application/xml;q=0.8, "
        "text/xml;q=0.8, text/html;q=0.7, unknown/unknown;q=0.1, application/unknown;q=0.1, */*;q=0.1"
    ),
    "Miniflux": READER,
    "Thunderbird": (
        "application/atom+xml,application/rss+xml;q=0.9,application/rdf+xml;q=0.8,application/xml;q=0.7,"
        "text/xml;q=0.7,*/*;q=0.1"
    ),
    "Liferea": "application/atom+xml,application/xml;q=0.9,text/xml;q=0.8,*/*;q=0.7",
    "QuiteRSS": "text/xml, text/html, */*",
    "rss-parser": "application/rss+xml",
    "Akregator (KIO)": "text/html, text/*;q=0.9, image/png;q=0.9, image/*;q=0.9, */*;q=0.8",
    "a reader that looks for feeds in pages": (
        "text/html, application/xhtml+xml, application/atom+xml;q=0.9, application/rss+xml;q=0.9, */*;q=0.5"
    ),
}
BROWSER = BROWSERS["Firefox, Safari"]


def chosen(page: html.HtmlElement, path: str) -> list[html.HtmlElement]:
    """The elements that an XPath names."""
    found = page.xpath(path)
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, html.HtmlElement)]


def is_page(answer: Answer) -> bool:
    return answer.headers["Content-Type"] == "text/html; charset=utf-8"


def test_browsers_get_a_page_and_every_reader_gets_the_feed(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        for format in FEED_FORMATS.values():
            path = f"/feeds/all.{format.id}"
            feed = (await here.get(path)).body
            for who, accept in READERS.items():
                answer = await here.get(path, headers={} if accept is None else {"Accept": accept})
                assert (answer.status, answer.headers["Content-Type"]) == (200, format.content_type), who
                assert answer.body == feed, who
            for who, accept in BROWSERS.items():
                answer = await here.get(path, headers={"Accept": accept})
                assert (answer.status, is_page(answer)) == (200, True), who
                again = await here.get(f"{path}?as=feed", headers={"Accept": accept})
                assert again.body == feed, who

    visit(tmp_path, act)


def test_the_page_shows_what_to_subscribe_to_and_the_items(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        read = feedparser.parse((await here.get("/feeds/all.rss")).body)
        for lang, sentence in (("zh", "这是一个订阅源"), ("en", "This is a feed")):
            answer = await here.get(f"/feeds/all.rss?lang={lang}", headers={"Accept": BROWSER})
            page = html.fromstring(answer.body)
            assert sentence in answer.text
            assert "script-src" not in answer.headers["Content-Security-Policy"]
            assert not chosen(page, "//script")
            assert [one.text_content() for one in chosen(page, "//code")] == [f"{BASE_URL}/feeds/all.rss"]
            assert [one.text_content() for one in chosen(page, "//ol//h3")] == [
                entry.title for entry in read.entries
            ]
            rows = [one.text_content() for one in chosen(page, "//ol/li")]
            assert rows
            assert all("稿件来源:萧山网" in row for row in rows)
            for link in chosen(page, "//ol//h3/a"):
                assert (await here.get(link.attrib["href"])).status == 200
            alternates = chosen(page, "//link[@rel='alternate']")
            found = {one.attrib["type"]: one.attrib["href"] for one in alternates}
            assert list(found) == [one.media_type for one in FEED_FORMATS.values()]
            # A reader that sends a browser's Accept finds the feed by these, and not this page again.
            for kind, address in found.items():
                path = address.removeprefix(BASE_URL)
                assert (await here.get(path, headers={"Accept": BROWSER})).headers["Content-Type"].split(
                    ";"
                )[0] == kind
        empty = await here.get("/feeds/pictures.json", headers={"Accept": BROWSER})
        assert "这个订阅源里目前没有稿件" in empty.text
        (shown,) = chosen(html.fromstring(empty.body), "//code")
        assert shown.text_content() == f"{BASE_URL}/feeds/pictures.json"
        unknown = await here.get("/feeds/nope.rss", headers={"Accept": BROWSER})
        assert (unknown.status, is_page(unknown)) == (404, True)

    visit(tmp_path, act)


def test_a_recalled_item_leaves_the_page_without_a_trace(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        item = ItemId(await an_id(here, "日报新闻"))
        before = await here.get("/feeds/all.atom", headers={"Accept": BROWSER})
        assert item in before.text
        await here.house.holds.recall(STAFF, item, RecallReason.EDITORIAL, "事实有误", timedelta(hours=2))
        sent = {"Accept": BROWSER, "If-None-Match": before.headers["ETag"]}
        after = await here.get("/feeds/all.atom", headers=sent)
        assert after.status == 200
        assert item not in after.text
        assert "日报新闻" not in after.text
        assert "事实有误" not in after.text
        assert item in (await here.get("/feeds/all.atom")).text  # its tombstone

    visit(tmp_path, act)


def test_page_and_feed_have_validators_of_their_own_and_no_shared_cache_keeps_the_page(
    tmp_path: Path,
) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        for path in ("/feeds/all.rss", "/feeds/all.json"):
            for coding in ("identity", "gzip", "br"):
                asked = {"Accept-Encoding": coding}
                feed = await here.get(path, headers=asked)
                page = await here.get(path, headers={**asked, "Accept": BROWSER})
                english = await here.get(f"{path}?lang=en", headers={**asked, "Accept": BROWSER})
                assert len({one.headers["ETag"] for one in (feed, page, english)}) == 3
                assert {one.headers["Vary"] for one in (feed, page)} == {"Accept, Accept-Encoding"}
                assert feed.headers["Cache-Control"].startswith("public")
                assert page.headers["Cache-Control"] == "private, max-age=300"
                for own, other, accept in ((feed, page, READER), (page, feed, BROWSER)):
                    wanted = {**asked, "Accept": accept}
                    etag = own.headers["ETag"]
                    again = await here.get(path, headers={**wanted, "If-None-Match": etag})
                    assert (again.status, again.headers["Vary"]) == (304, "Accept, Accept-Encoding")
                    etag = other.headers["ETag"]
                    crossed = await here.get(path, headers={**wanted, "If-None-Match": etag})
                    assert (crossed.status, crossed.body) == (200, own.body)
        head = await here.get("/feeds/all.rss", headers={"Accept": BROWSER}, method="HEAD")
        assert is_page(head)

    visit(tmp_path, act)


def test_requests_that_are_looked_up_never_get_the_other_s_answer(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        def head(accept: str | None, etag: str = "") -> bytes:
            lines = ["GET /feeds/all.rss HTTP/1.1", "Host: a.example"]
            lines += [f"Accept: {accept}"] * bool(accept) + [f"If-None-Match: {etag}"] * bool(etag)
            return "\r\n".join([*lines, "", ""]).encode()

        async with connected(here) as line:
            etags = {one: (await line.ask(head(one)))[1]["etag"] for one in (READER, BROWSER)}
            assert len(set(etags.values())) == 2
            for _ in range(5):
                for accept, kind in ((READER, "application/rss+xml"), (BROWSER, "text/html")):
                    status, headers, body = await line.ask(head(accept))
                    assert (status, headers["content-type"].split(";")[0]) == (200, kind)
                    assert body.startswith(b"<?xml" if accept == READER else b"<!DOCTYPE html>")
                    other = BROWSER if accept == READER else READER
                    assert (await line.ask(head(accept, etags[accept])))[0] == 304
                    status, headers, _ = await line.ask(head(accept, etags[other]))
                    assert (status, headers["content-type"].split(";")[0]) == (200, kind)
            assert here.worker.request_cache.hits > 8  # the reader's, and they were not the browser's

    visit(tmp_path, act)


def test_licensed_feeds_stay_feeds(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        key = next(iter(keys.values()))
        answer = await here.get("/licensed/feeds/all.rss", key=key, headers={"Accept": BROWSER})
        assert answer.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
        assert answer.headers["Vary"] == "Authorization, Accept-Encoding"
        refused = await here.get("/licensed/feeds/all.rss", key=key, headers={"Accept": "text/html"})
        assert code_of(refused) == (406, "not_acceptable")
        before = len(await trail(here))
        wrong = await here.get("/licensed/feeds/all.rss?as=feed", key=key)
        assert code_of(wrong) == (400, "bad_parameter")
        assert len(await trail(here)) >= before

    visit(tmp_path, act)


@pytest.mark.parametrize("lang", Lang)
def test_no_text_of_an_item_becomes_markup_of_the_page(lang: Lang) -> None:
    pages = Pages(PUBLISHER, f"{PUBLISHER.base_url}/terms")
    edition = feed_of(for_public(HOSTILE))
    rendered = pages.feed(edition, FEED_FORMATS["rss"], lang).body.decode()
    page = html.fromstring(rendered)
    assert not chosen(page, "//script | //b")
    assert "<b>粗体</b>" in chosen(page, "//ol//h3")[0].text_content()
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", rendered)


def test_a_shared_cache_gives_neither_to_the_other(tmp_path: Path) -> None:
    """The one that `deploy/nginx.conf` sets up, and one that ignores Vary."""

    async def act(here: Serving, keys: Keys) -> None:
        lock = "proxy_cache_lock on;"
        for folder, more in ((tmp_path / "a", ""), (tmp_path / "b", "proxy_ignore_headers Vary;")):
            async with nginx_before(here.address, folder, {lock: lock + more}) as proxy:

                async def ask(accept: str | None, query: str = "", proxy: str = proxy) -> tuple[str, str]:
                    headers = {"Accept": accept} if accept else {}
                    async with here.client.get(f"{proxy}/feeds/all.rss{query}", headers=headers) as answer:
                        assert answer.status == 200
                        kind = answer.headers["Content-Type"].split(";")[0]
                        return kind, answer.headers["X-Cache"]

                for accept in (BROWSER, BROWSERS["who takes pages alone"]):
                    assert (await ask(accept))[0] == "text/html"
                assert await ask(READER) == ("application/rss+xml", "MISS")
                assert await ask(READER) == ("application/rss+xml", "HIT")
                for reader in READERS.values():
                    assert (await ask(reader))[0] == "application/rss+xml"
                assert await ask(BROWSER) == ("text/html", "BYPASS")
                assert await ask(BROWSER, "?as=feed") == ("application/rss+xml", "BYPASS")
                assert await ask(BROWSER) == ("text/html", "BYPASS")
                assert await ask(READER) == ("application/rss+xml", "HIT")

    visit(tmp_path / "house", act)


def test_a_person_leafs_through_the_archive_in_a_browser(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        await fill(here)
        path, headers = "/feeds/daily.rss?lang=en", {"Accept": BROWSER}
        seen, titles = [], []
        for _ in range(6):
            answer = await here.get(path, headers=headers)
            assert is_page(answer)
            assert "Accept" in answer.headers["Vary"]
            page = html.fromstring(answer.body)
            titles.append(chosen(page, "//h1")[0].text_content())
            assert "/items/" in answer.text
            seen.append(path)
            older = chosen(page, '//a[@rel="prev"]')
            if not older:
                break
            path = older[0].attrib["href"].removeprefix(BASE_URL)
        assert titles[:3] == [
            "Xiaoshan Daily",
            "Xiaoshan Daily · October 2026",
            "Xiaoshan Daily · September 2026",
        ]
        page = html.fromstring((await here.get(seen[2], headers=headers)).body)
        (newer,) = chosen(page, '//a[@rel="next"]')
        assert newer.attrib["href"].removeprefix(BASE_URL) == seen[1]
        assert "2026年10月" in (await here.get(seen[1].replace("lang=en", ""), headers=headers)).text
        feed = await here.get(seen[1].replace("lang=en", "as=feed"), headers=headers)
        assert feed.headers["Content-Type"] == FEED_FORMATS["rss"].content_type
        assert (await here.get("/feeds/daily/1999-01.rss", headers=headers)).status == 404

    visit(tmp_path, act)
