"""HTTP versions, unknown parameters, pages for errors, and reading from other origins."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from syndicate.web.routes import ROUTES, Access
from tests.support.fixtures import Keys, an_id, code_of, open_paths, trail, visit
from tests.support.servers import Serving

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
ORIGIN = {"Origin": "https://reader.example"}


async def _exchange(here: Serving, *requests: bytes) -> list[tuple[int, bytes]]:
    """Send these on one connection, one after another: each status and body, until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(here.address.rsplit(":", 1)[1]))
    found = []
    try:
        for request in requests:
            writer.write(request)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
            (length,) = [
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            ]
            found.append((int(head.split()[1]), await reader.readexactly(length)))
            if b"connection: close" in head.lower():
                assert await asyncio.wait_for(reader.read(), 20) == b""
                break
    finally:
        writer.close()
        await writer.wait_closed()
    return found


@pytest.mark.parametrize("version", ["0.9", "2.0"])
def test_a_version_other_than_1_0_and_1_1_is_refused_also_where_the_head_was_read_before(
    tmp_path: Path, version: str
) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        key = next(iter(keys.values()))
        for path in ("/feeds/all.rss", "/nope", "/healthz", "/licensed/feeds/all.rss"):
            head = f"GET {path} HTTP/%s\r\nHost: a.example\r\nAuthorization: Bearer {key}\r\n\r\n"
            good, bad = ((head % one).encode() for one in ("1.1", version))
            expected = 404 if path == "/nope" else 200
            assert [status for status, _ in await _exchange(here, good, good)] == [expected] * 2
            answered = await _exchange(here, good, bad, good)
            assert [status for status, _ in answered] == [expected, 505]
            assert json.loads(answered[1][1])["code"] == "http_version"
            assert [status for status, _ in await _exchange(here, bad, good)] == [505]
        before = len(await trail(here))
        posted = f"POST /licensed/changes/ack HTTP/{version}\r\nHost: a\r\nExpect: 100-continue\r\n"
        ((status, _),) = await _exchange(here, f'{posted}Content-Length: 9\r\n\r\n{{"ack":1}}'.encode())
        assert status == 505
        assert len(await trail(here)) == before

    visit(tmp_path, act)


def test_an_unknown_parameter_of_a_licensed_route_is_named(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        key = next(iter(keys.values()))
        item = await an_id(here, "日报新闻")
        paths = {
            "/licensed/feeds/all.rss": ["use=link"],
            "/licensed/feeds/nope.rss": [],
            f"/licensed/items/{item}": ["use=link"],
            "/licensed/items/20200101-aaaaaaaaaa": [],
            "/licensed/changes": ["after=0&limit=3&wait=0"],
            "/licensed/licence": [],
        }
        for path, good in paths.items():
            for query in good:
                assert (await here.get(f"{path}?{query}", key=key)).status == 200
            for query, named in (
                ("cursor=5", "cursor"),
                ("utm_source=x", "utm_source"),
                ("Use=link", "Use"),
                ("lang=en", "lang"),
                ("新=1", "新"),
                (f"{'x' * 500}=1", "x" * 40),
                ("%00%0a=1", "??"),
                ("=1", ""),
                *((f"{one}&cursor=5", "cursor") for one in good),
            ):
                answer = await here.get(f"{path}?{query}", key=key)
                assert code_of(answer) == (400, "bad_parameter"), (path, query)
                document = json.loads(answer.body)
                assert document["field"] == named
                known = {part.split("=")[0] for one in good for part in one.split("&")}
                assert all(one in document["detail"] for one in known)
                # The key is checked first.
                assert (await here.get(f"{path}?{query}")).status == 401
        answer = await here.get("/licensed/changes/ack?cursor=5", key=key, method="POST")
        assert code_of(answer) == (400, "bad_parameter")
        for path in await open_paths(here):
            joint = "&" if "?" in path else "?"
            assert (await here.get(f"{path}{joint}utm_source=x&cursor=5")).status == 200

    visit(tmp_path, act)


@pytest.mark.parametrize(("asked", "lang"), [("zh-CN,zh;q=0.9", "zh-CN"), ("en", "en")])
def test_a_browser_reads_a_page_for_every_error_of_an_open_route(
    tmp_path: Path, asked: str, lang: str
) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        errors = {
            "/nope": (404, "not_found"),
            "/feeds/nope.rss": (404, "unknown_feed"),
            "/items/20200101-aaaaaaaaaa": (404, "not_found"),
            "/static/nope.css": (404, "not_found"),
        }
        for path, (status, code) in errors.items():
            sent = {"Accept": BROWSER, "Accept-Language": asked}
            answer = await here.get(path, headers=sent)
            assert (answer.status, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
            assert (answer.headers["Content-Language"], answer.headers["Cache-Control"]) == (
                lang,
                "no-store",
            )
            assert answer.headers["Vary"] == "Accept, Accept-Language"
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert f"<code>{code}</code>" in answer.text
            assert answer.headers["X-Request-Id"] in answer.text
            head = await here.get(path, headers=sent, method="HEAD")
            assert (head.status, head.body) == (status, b"")
            assert head.headers["Content-Length"] == str(len(answer.body))
            for accept in ("*/*", "application/json, */*;q=0.1", "application/rss+xml, */*;q=0.1"):
                program = await here.get(path, headers={"Accept": accept})
                assert code_of(program) == (status, code)
                assert program.headers["Content-Type"] == "application/problem+json"
                assert "Accept," in program.headers["Vary"]
        wrong = await here.get("/terms", headers={"Accept": BROWSER}, method="POST")
        assert (wrong.status, wrong.headers["Allow"]) == (405, "GET, HEAD")
        assert wrong.headers["Content-Type"].startswith("text/html")
        refused = await here.get("/terms", headers={"Accept": "text/html;q=0, */*;q=0.1"})
        assert code_of(refused) == (406, "not_acceptable")
        licensed = await here.get("/licensed/feeds/all.rss", headers={"Accept": BROWSER})
        assert code_of(licensed) == (401, "token_missing")
        assert code_of(await here.get("/licensed/nope", headers={"Accept": BROWSER})) == (404, "not_found")

    visit(tmp_path, act)


def test_a_browser_finds_an_icon_and_a_crawler_its_rules(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        icon = await here.get("/favicon.ico")
        assert (icon.status, icon.headers["Content-Type"]) == (200, "image/x-icon")
        assert icon.body[:4] == b"\0\0\1\0"
        rules = await here.get("/robots.txt")
        assert (rules.status, rules.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
        assert rules.text.splitlines()[:2] == ["User-agent: *", "Disallow: /licensed/"]

    visit(tmp_path, act)


def test_what_is_open_is_read_from_any_origin_and_nothing_licensed_is(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        key = next(iter(keys.values()))
        asking = {
            **ORIGIN,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "if-none-match",
        }
        for path in [*await open_paths(here), "/nope", "/feeds/nope.rss"]:
            answer = await here.get(path, headers=ORIGIN)
            assert answer.headers["Access-Control-Allow-Origin"] == "*", path
            assert "Access-Control-Allow-Credentials" not in answer.headers
            if "ETag" in answer.headers:
                again = await here.get(path, headers={"If-None-Match": answer.headers["ETag"]})
                assert (again.status, again.headers["Access-Control-Allow-Origin"]) == (304, "*")
            if answer.status == 200:
                allowed = await here.get(path, headers=asking, method="OPTIONS")
                assert (allowed.status, allowed.body) == (204, b"")
                assert allowed.headers["Access-Control-Allow-Origin"] == "*"
                assert allowed.headers["Access-Control-Allow-Methods"] == "GET, HEAD"
                assert "If-None-Match" in allowed.headers["Access-Control-Allow-Headers"]
                assert "Authorization" not in allowed.headers["Access-Control-Allow-Headers"]
        item = await an_id(here, "日报新闻")
        paths = [
            "feeds/all.rss",
            f"items/{item}",
            "items/20200101-aaaaaaaaaa",
            "changes",
            "licence",
            "nope",
        ]
        for path in paths:
            for sent in (ORIGIN, {**ORIGIN, "Accept": BROWSER}):
                for token in (key, None):
                    answer = await here.get(f"/licensed/{path}", key=token, headers=sent)
                    assert not any(name.lower().startswith("access-control") for name in answer.headers)
            refused = await here.get(f"/licensed/{path}", headers=asking, method="OPTIONS")
            assert refused.status in {404, 405}
            assert not any(name.lower().startswith("access-control") for name in refused.headers)

    visit(tmp_path, act)


def test_every_licensed_route_is_under_licensed_and_no_other_is() -> None:
    for route in ROUTES:
        assert (route.access is Access.PARTNER) == route.path.startswith("/licensed/")
