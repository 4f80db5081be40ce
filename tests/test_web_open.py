"""What is open to all: each route, what it says, and what it never does."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import feedparser
import pytest
from lxml import etree
from selectolax.lexbor import LexborHTMLParser

from syndicate.language import Lang
from syndicate.model.feeds import feeds_of
from syndicate.web.routes import ROUTES, Access
from syndicate.web.server.negotiation import language_of
from syndicate.web.server.problems import PROBLEMS
from tests.support.factories import STAFF
from tests.support.fixtures import Keys, an_id, code_of, open_paths, visit
from tests.support.servers import BASE_URL, Serving
from tests.test_wire.kit import faults, kit
from tests.test_wire.rss_rules import broken_rules

FORMATS = ("rss", "atom", "json")


def test_every_open_route_is_looked_at_here(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        seen = {path.split("?")[0] for path in await open_paths(here)}
        for route in ROUTES:
            if route.access is Access.OPEN:
                start = route.path.split("{")[0]
                assert any(path == start or ("{" in route.path and path.startswith(start)) for path in seen)
        for path in seen:
            assert (await here.get(path)).status == 200, path

    visit(tmp_path, act)


def test_every_address_in_an_answer_is_built_from_the_base_address(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        port = here.address.rsplit(":", 1)[1]
        for path in await open_paths(here):
            answer = await here.get(path, headers={"Host": "evil.example"})
            assert b"evil.example" not in answer.body + str(answer.headers).encode(), path
            assert f":{port}".encode() not in answer.body, path
        assert BASE_URL in (await here.get("/feeds/all.rss")).text
        problem = await here.get("/nope", headers={"Host": "evil.example"})
        assert json.loads(problem.body)["type"] == f"{BASE_URL}/problems/not_found"

    visit(tmp_path, act)


def test_what_the_client_cannot_take_is_not_sent(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        takes = [
            ("/feeds/all.rss", "application/rss+xml", 200),
            ("/feeds/all.rss", "application/atom+xml", 200),  # some readers send one list for all kinds
            ("/feeds/all.rss", "text/html", 200),  # a page about it
            ("/feeds/all.rss", "text/xml;q=0.1", 200),
            ("/feeds/all.rss", "application/*", 200),
            ("/feeds/all.rss", "*/*;q=0, application/rss+xml", 200),
            ("/feeds/all.rss", "application/rss+xml;q=0, */*", 406),
            ("/feeds/all.rss", "*", 200),
            ("/feeds/all.json", "application/json", 200),
            ("/feeds/all.json", "text/html", 200),
            ("/feeds.opml", "text/html", 200),
            ("/", "text/html,application/xhtml+xml;q=0.9", 200),
            ("/", "application/json", 406),
            ("/terms", "image/*", 406),
            ("/feeds/all.rss", "nonsense", 400),
            ("/feeds/all.rss", "application/rss+xml;q=9", 400),
            ("/feeds/all.rss", "application/rss+xml;q=x", 400),
            ("/feeds/all.rss", "/", 400),
        ]
        for path, accept, status in takes:
            answer = await here.get(path, headers={"Accept": accept})
            assert answer.status == status, (path, accept)
            if status == 406 and accept == "text/html":  # a browser reads the same as a page
                (here_is,) = re.findall(r"(?:这里提供的是：)([a-z]+/[a-z+]+)", answer.text)
                assert here_is == (await here.get(path)).headers["Content-Type"].split(";")[0]
            elif status == 406:
                assert code_of(answer) == (406, "not_acceptable")
                (here_is,) = re.findall(r"[a-z]+/[a-z+]+", json.loads(answer.body)["detail"])
                assert here_is == (await here.get(path)).headers["Content-Type"].split(";")[0]
            if status == 400:
                assert code_of(answer) == (400, "bad_parameter")
                assert json.loads(answer.body)["field"] == "Accept"

    visit(tmp_path, act, empty=True)


def test_what_is_not_there_is_not_found_and_says_which_kind(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        item = await an_id(here, "日报新闻")
        unknown = [
            *("/nope", "/items/20200101-aaaaaaaaaa", "/items/1", f"/items/{item}x", f"/items/{item}/"),
            *("/static/nope.css", "/static/syndicate.css/x", "/problems/nope", "/Feeds/all.rss"),
            *("/feeds", "/feeds/", "/feeds/all", "/feeds/all.xml", "/feeds/all.rss/", "/feeds/all.RSS"),
        ]
        for path in unknown:
            assert code_of(await here.get(path)) == (404, "not_found"), path
        for path in ("/feeds/nope.rss", "/feeds/public.json", "/feeds/a.atom"):
            assert code_of(await here.get(path)) == (404, "unknown_feed"), path
        for path in ("/feeds/all.rss", "/licensed/feeds/all.rss", f"/licensed/items/{item}"):
            for behind in ("/x.css", ";x", "%2f", "%2fx.css", "/..", "/.", "%00", "%20", ".css", "%3fx"):
                assert (await raw(here, path + behind)) == 404, path + behind
        for path in (
            "/licensed%2ffeeds/all.rss",
            "/licensed/../licensed/feeds/all.rss",
            "//licensed/feeds/all.rss",
        ):
            assert (await raw(here, path)) == 404, path

    visit(tmp_path, act)


async def raw(here: Serving, path: str) -> int:
    """The status of a path that is sent as it stands."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(here.address.rsplit(":", 1)[1]))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    status = int((await reader.readline()).split()[1])
    writer.close()
    await writer.wait_closed()
    return status


def test_a_wrong_method_is_told_the_right_ones(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        for path in await open_paths(here):
            for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
                answer = await here.get(path, method=method)
                assert code_of(answer) == (405, "method_not_allowed"), (path, method)
                assert answer.headers["Allow"] == "GET, HEAD"

    visit(tmp_path, act)


def test_pages_run_no_script_and_speak_both_languages(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        item = await an_id(here, "日报新闻")
        for path in ("/", "/terms", f"/items/{item}", "/problems/token_expired"):
            for lang, said in (("zh", "zh-CN"), ("en", "en")):
                answer = await here.get(f"{path}?lang={lang}")
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "frame-ancestors 'none'" in policy
                assert "unsafe" not in policy
                assert answer.headers["Referrer-Policy"] == "no-referrer"
                assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
                tree = LexborHTMLParser(answer.text)
                root = tree.css_first("html")
                assert root is not None
                assert root.attributes["lang"] == said
                other = tree.css_first("nav a[hreflang]")
                assert other is not None
                assert other.attributes["hreflang"] != said
                for script in tree.css("script"):
                    assert script.attributes == {"type": "application/ld+json"}
                    assert json.loads(script.text())
                for node in tree.css("*"):
                    assert not any(name.startswith("on") for name in node.attributes), path
                    assert "style" not in node.attributes, path
            assert (await here.get(path)).body == (await here.get(f"{path}?lang=zh")).body
        stamp = here.house.settings.publisher.stamp
        assert stamp in (await here.get(f"/items/{item}")).text
        assert stamp in (await here.get("/terms")).text
        assert 'type="application/atom+xml"' in (await here.get("/")).text

    visit(tmp_path, act)


def test_whoever_reads_english_stays_with_it(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        item = await an_id(here, "日报新闻")
        pages = ("/", "/terms", f"/items/{item}", "/problems/token_expired")
        shown = {"/", "/terms", *(f"/items/{one.id}" for one in await here.house.items.items(limit=100))}
        for path in pages:
            for query in ("", "?lang=en"):
                tree = LexborHTMLParser((await here.get(f"{path}{query}")).text)
                links = [node.attributes["href"] or "" for node in tree.css("body a")]
                own = [link for link in links if link.split("?")[0] in shown]
                assert {"/" + query, "/terms" + query} <= set(own), path
                assert all(link == link.split("?")[0] + query for link in own), path
        headlines = LexborHTMLParser((await here.get("/?lang=en")).text).css(".headlines .meta")
        assert headlines
        assert not any("萧山日报" in node.text() for node in headlines)
        assert any("Xiaoshan Daily" in node.text() for node in headlines)

    visit(tmp_path, act)


def test_the_notice_stands_once_on_every_page(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        first = here.house.settings.publisher.notice.strip().splitlines()[0].strip()
        for path in ("/", "/terms", "/problems/internal"):
            tree = LexborHTMLParser((await here.get(path)).text)
            assert [node.text() for node in tree.css("p")].count(first) == 1, path
            assert len(tree.css('footer a[href="/terms"]')) == (path != "/terms"), path
        assert "<title>稿件订阅与授权 · 萧山网</title>" in (await here.get("/")).text

    visit(tmp_path, act, empty=True)


@pytest.mark.parametrize(
    ("wanted", "lang"),
    [
        (None, Lang.ZH),
        ("", Lang.ZH),
        ("en-GB,en;q=0.9,zh;q=0.8", Lang.EN),
        ("zh;q=0.5, en", Lang.EN),
        ("zh-CN, en", Lang.ZH),
        ("en, zh", Lang.EN),
        ("fr, en;q=0.5", Lang.EN),
        ("*, en;q=0.5", Lang.ZH),
        ("en;q=0", Lang.ZH),
        ("en;q=0, *", Lang.ZH),
        ("zh;q=0, en;q=0.001", Lang.EN),
        ("en;q=2, zh;q=0.1", Lang.ZH),
        ("en;q=nan", Lang.ZH),
        ("english", Lang.ZH),
        (",;q=1,;;", Lang.ZH),
    ],
)
def test_the_language_of_an_error_is_what_the_client_would_rather_have(
    wanted: str | None, lang: Lang
) -> None:
    assert language_of(wanted) is lang


def test_every_code_of_error_has_its_page_and_both_languages(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        for code, problem in PROBLEMS.items():
            for lang, text in (("zh", problem.title.zh), ("en", problem.title.en)):
                answer = await here.get(f"/problems/{code}?lang={lang}")
                assert answer.status == 200
                assert text in answer.text
        for speaks, lang in (
            ("en-GB,en;q=0.9", "en"),
            ("zh", "zh-CN"),
            ("", "zh-CN"),
            ("zh;q=0.5, en", "en"),
        ):
            answer = await here.get("/nope", headers={"Accept-Language": speaks})
            title = PROBLEMS["not_found"].title
            assert json.loads(answer.body)["title"] == (title.en if lang == "en" else title.zh)
            assert answer.headers["Content-Language"] == lang
            assert "Accept-Language" in answer.headers["Vary"]
            assert answer.headers["Cache-Control"] == "no-store"

    visit(tmp_path, act, empty=True)


def test_the_public_keys_have_nothing_private_in_them(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        answer = await here.get("/.well-known/jwks.json")
        assert answer.headers["Content-Type"] == "application/jwk-set+json"
        (key,) = json.loads(answer.body)["keys"]
        assert {"kty", "crv", "x", "kid"} <= set(key)
        assert not {"d", "p", "q", "k"} & set(key)
        kid = await here.house.keys.rotate_signing_key(STAFF)
        kids = [one["kid"] for one in json.loads((await here.get("/.well-known/jwks.json")).body)["keys"]]
        assert kids == [kid, key["kid"]]
        await here.house.keys.retire_signing_key(STAFF, key["kid"])
        kids = [one["kid"] for one in json.loads((await here.get("/.well-known/jwks.json")).body)["keys"]]
        assert kids == [kid]

    visit(tmp_path, act, empty=True)


def test_the_opml_names_every_feed(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        answer = await here.get("/feeds.opml")
        named = {one.get("xmlUrl") for one in ET.fromstring(answer.body).iter("outline")} - {None}
        ids = {str(address).rsplit("/", 1)[1].split(".")[0] for address in named}
        assert ids == set(feeds_of(here.house.settings.publisher))
        for address in named:
            assert str(address).startswith(BASE_URL)
            assert (await here.get(str(address).removeprefix(BASE_URL))).status == 200

    visit(tmp_path, act, empty=True)


def test_an_empty_house_serves_valid_empty_feeds_and_says_so(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        grammar = etree.RelaxNG(etree.parse(str(kit("atom/atom-rfc4287.rng"))))
        for name in feeds_of(here.house.settings.publisher):
            rss, atom, listed = [await here.get(f"/feeds/{name}.{format}") for format in FORMATS]
            assert broken_rules(rss.body) == []
            assert grammar.validate(etree.fromstring(atom.body)), grammar.error_log
            assert faults("jsonfeed/jsonfeed-schema-v1.1.json", json.loads(listed.body)) == []
            for answer in (rss, atom):
                assert feedparser.parse(answer.body).entries == []
            assert json.loads(listed.body)["items"] == []
            for answer in (rss, atom, listed):
                assert "1970" not in answer.headers["Last-Modified"]
        assert "目前没有可以公开的稿件" in (await here.get("/")).text
        assert "There is nothing to show yet" in (await here.get("/?lang=en")).text
        assert (await here.get("/readyz")).status == 200

    visit(tmp_path, act, empty=True)
