"""Validators, codings and caches of what is open: nothing is sent twice, nothing is kept too long."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

import aiohttp
import brotli
import pytest

from syndicate.model.feeds import feeds_of
from tests.support.factories import SECRET, STAFF
from tests.support.fixtures import Keys, an_id, open_paths, told, visit
from tests.support.servers import BASE_URL, Answer, Serving, serving
from tests.test_matrix import furnish, page

FORMATS = ("rss", "atom", "json")
FEEDS = ("/feeds/all.rss", "/feeds/news.atom", "/feeds/daily.json", "/feeds/pictures.rss")


async def identity(here: Serving, path: str, headers: Mapping[str, str] | None = None) -> Answer:
    return await here.get(path, headers={"Accept-Encoding": "identity", **(headers or {})})


def test_head_is_get_without_its_body_on_every_route(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        wrong = ["/nope", "/feeds/nope.rss", "/items/20200101-aaaaaaaaaa", "/licensed/feeds/all.rss"]
        for path in [*await open_paths(here), *wrong]:
            for headers in ({}, {"Accept-Encoding": "gzip"}, {"Accept": "image/png"}):
                got = told(await here.get(path, headers=headers))
                head = told(await here.get(path, headers=headers, method="HEAD"))
                length = {"content-length": got[1]["content-length"]}
                assert got[1] | length == head[1] | length
                assert (got[0], "") == (head[0], head[2]), path
                # An error carries the request's id, of a fixed length: so even there lengths agree.
                assert head[1]["content-length"] == got[1]["content-length"], path

    visit(tmp_path, act)


def test_etag_and_last_modified_change_with_the_content_and_only_with_it(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        async def validators(path: str) -> tuple[str, str]:
            headers = (await identity(here, path)).headers
            return headers["ETag"], headers["Last-Modified"]

        watched = ["/feeds/all.rss", "/feeds/news.json", "/feeds/health.atom", "/"]
        before = {path: await validators(path) for path in watched}
        here.clock.move(timedelta(seconds=90))
        await here.house.rights.add_partner(STAFF, "new", "新来的")
        assert {path: await validators(path) for path in watched} == before, "a partner is no content"
        await here.house.items.take_in(
            STAFF, page("新的一篇", "2026年11月2日 12:01", "萧山日报"), "new.txt"
        )
        after = {path: await validators(path) for path in watched}
        assert after["/feeds/health.atom"] == before["/feeds/health.atom"], "another channel's story"
        for path in ("/feeds/all.rss", "/feeds/news.json", "/"):
            assert after[path][0] != before[path][0]
            assert parsedate_to_datetime(after[path][1]) > parsedate_to_datetime(before[path][1])

    visit(tmp_path, act)


def test_two_changes_within_one_second_have_two_moments(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        moments = [(await here.get("/feeds/all.rss")).headers["Last-Modified"]]
        for name in ("甲", "乙"):
            document = page(f"同一秒的{name}", "2026年11月2日 12:00", "萧山日报")
            await here.house.items.take_in(STAFF, document, f"{name}.txt")
            moments.append((await here.get("/feeds/all.rss")).headers["Last-Modified"])
        assert sorted(map(parsedate_to_datetime, moments)) == list(map(parsedate_to_datetime, moments))
        assert len(set(moments)) == 3

    visit(tmp_path, act)


def test_validators_outlive_a_restart(tmp_path: Path) -> None:
    async def validators(first: bool) -> list[tuple[str, str]]:
        async with serving(tmp_path) as here:
            if first:
                await furnish(here)
            else:
                here.clock.move(timedelta(minutes=5))
            answers = [await here.get(path) for path in FEEDS]
            return [(answer.headers["ETag"], answer.headers["Last-Modified"]) for answer in answers]

    assert asyncio.run(validators(True)) == asyncio.run(validators(False))


def test_304_by_validator_and_by_date(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        for path in ("/terms", "/feeds.opml", "/static/syndicate.css"):
            # What changes with a release or the settings alone has no moment, and one validator.
            full = await identity(here, path)
            assert "Last-Modified" not in full.headers
            again = await here.get(
                path, headers={"Accept-Encoding": "identity", "If-None-Match": full.headers["ETag"]}
            )
            assert again.status == 304
        for path in ("/feeds/all.rss", "/feeds/all.atom", "/feeds/all.json", "/"):
            full = await identity(here, path)
            etag, moment = full.headers["ETag"], full.headers["Last-Modified"]
            later = format_datetime(parsedate_to_datetime(moment) + timedelta(days=1), usegmt=True)
            earlier = format_datetime(parsedate_to_datetime(moment) - timedelta(days=1), usegmt=True)
            assert not etag.startswith("W/")
            cases: list[tuple[dict[str, str], int]] = [
                ({"If-None-Match": etag}, 304),
                ({"If-None-Match": f"W/{etag}"}, 304),
                ({"If-None-Match": f'"a", W/"b" ,{etag}'}, 304),
                ({"If-None-Match": "*"}, 304),
                ({"If-None-Match": '"other"'}, 200),
                ({"If-None-Match": etag.strip('"')}, 200),
                ({"If-None-Match": ""}, 200),
                ({"If-Modified-Since": moment}, 304),
                ({"If-Modified-Since": later}, 304),
                ({"If-Modified-Since": earlier}, 200),
                ({"If-None-Match": '"other"', "If-Modified-Since": later}, 200),
                ({"If-None-Match": etag, "If-Modified-Since": earlier}, 304),
                *(
                    ({"If-Modified-Since": no_date}, 200)
                    for no_date in ("yesterday", "0", "Mon, 99 Foo 2026 99:99:99 GMT", "1" * 500)
                ),
            ]
            for sent, status in cases:
                for method in ("GET", "HEAD"):
                    answer = await here.get(
                        path, headers={"Accept-Encoding": "identity", **sent}, method=method
                    )
                    assert answer.status == status, (path, sent)
                    if status == 304:
                        assert answer.body == b""
                        for name in ("ETag", "Last-Modified", "Cache-Control", "Vary", "Link"):
                            assert answer.headers[name] == full.headers[name], (path, name)
                        assert "Content-Length" not in answer.headers

    visit(tmp_path, act)


def test_validators_in_several_lines_count_together(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        etag = (await identity(here, "/feeds/all.rss")).headers["ETag"]
        lines = [("Accept-Encoding", "identity"), ("If-None-Match", '"a"'), ("If-None-Match", etag)]
        async with here.client.get(here.address + "/feeds/all.rss", headers=lines) as answer:
            assert answer.status == 304
        both = [("Accept", "image/png"), ("Accept", "application/rss+xml")]
        async with here.client.get(here.address + "/feeds/all.rss", headers=both) as answer:
            assert answer.status == 200

    visit(tmp_path, act)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (None, "identity"),
        ("", "identity"),
        ("gzip", "gzip"),
        ("br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("br;q=0.5,gzip;q=0.9", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip;q=0, br;q=0", "identity"),
        ("*", "br"),
        ("*;q=0.1, gzip;q=0.2", "gzip"),
        ("identity, gzip;q=0.5", "identity"),
        ("deflate, zstd", "identity"),
        ("gzip;q=much", "identity"),
        ("br;q=nan, gzip", "gzip"),
        (",;,=", "identity"),
    ],
)
def test_the_coding_is_the_clients_choice(tmp_path: Path, accepted: str | None, coding: str) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        quiet = [] if accepted is not None else ["Accept-Encoding"]
        sent = {} if accepted is None else {"Accept-Encoding": accepted}
        async with (
            aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=quiet) as client,
            client.get(here.address + "/feeds/all.rss", headers=sent) as answer,
        ):
            assert answer.headers.get("Content-Encoding", "identity") == coding
            octets = await answer.read()
            assert int(answer.headers["Content-Length"]) == len(octets)
            decode = {"identity": bytes, "gzip": gzip.decompress, "br": brotli.decompress}[coding]
            assert decode(octets).startswith(b"<?xml")

    visit(tmp_path, act, empty=True)


def test_each_coding_has_a_strong_validator_of_its_own(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        for path in ("/feeds/all.rss", "/feeds/all.json", "/", "/terms"):
            answers = {
                coding: await here.get(path, headers={"Accept-Encoding": coding})
                for coding in ("identity", "gzip", "br")
            }
            assert len({answer.headers["ETag"] for answer in answers.values()}) == 3
            assert len({answer.body for answer in answers.values()}) == 1
            for coding, answer in answers.items():
                by = "Accept, Accept-Encoding" if path.startswith("/feeds") else "Accept-Encoding"
                assert answer.headers["Vary"] == by
                sent = {"Accept-Encoding": coding, "If-None-Match": answer.headers["ETag"]}
                again = await here.get(path, headers=sent)
                assert (again.status, again.headers["ETag"]) == (304, answer.headers["ETag"])

    visit(tmp_path, act)


def test_every_feed_and_page_points_to_its_licence_and_may_be_cached_by_all(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        for name in feeds_of(here.house.settings.publisher):
            for format in FORMATS:
                answer = await here.get(f"/feeds/{name}.{format}")
                assert answer.headers["Link"] == f'<{BASE_URL}/terms>; rel="license"'
                assert answer.headers["Cache-Control"].startswith("public, max-age=")
                assert SECRET not in answer.text
        for path in await open_paths(here):
            cached = (await here.get(path)).headers["Cache-Control"]
            assert cached.startswith("public, max-age=") or path in ("/healthz", "/readyz")

    visit(tmp_path, act)


def age(answer: Answer) -> int:
    return int(answer.headers["Cache-Control"].removeprefix("public, max-age="))


def test_nothing_shown_is_kept_beyond_its_end_and_nothing_tells_of_what_is_to_come(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        here.clock.move(timedelta(seconds=20))
        await here.house.items.take_in(
            STAFF, page("百秒之后", "2026年11月2日 12:02", "萧山日报"), "soon.txt"
        )
        opens = datetime.fromisoformat("2026-11-02T12:02:00+08:00")
        for left in (100, 99, 1):
            here.clock.now = opens - timedelta(seconds=left)
            for path in ("/feeds/all.rss", "/feeds/news.json", "/"):
                answer = await here.get(path)
                assert age(answer) == 300, "when a hidden item will appear is nobody's business"
                assert "百秒之后" not in answer.text
        here.clock.now = opens
        for path in ("/feeds/all.rss", "/feeds/news.json", "/"):
            answer = await here.get(path)
            assert "百秒之后" in answer.text, "it is there at its very second"
            assert age(answer) == 300
        # The mandate of television ends at midnight: nothing of it is cached past that.
        here.clock.now = datetime.fromisoformat("2026-11-09T23:59:59.500000+08:00")
        television = await an_id(here, "电视新闻")
        for path in (f"/items/{television}", "/feeds/tv.rss", "/"):
            assert age(await here.get(path)) == 0, path
        here.clock.move(timedelta(milliseconds=500))
        assert (await here.get(f"/items/{television}")).status == 404
        assert "电视新闻" not in (await here.get("/feeds/tv.rss")).text

    visit(tmp_path, act)


def test_no_header_of_the_client_changes_an_open_answer(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        forged = {
            "Host": "evil.example",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Proto": "gopher",
            "X-Forwarded-Prefix": "/evil",
            "X-Forwarded-For": "evil.example",
            "Forwarded": "host=evil.example;proto=gopher",
            "X-Original-URL": "/licensed/feeds/all.rss",
            "X-Rewrite-URL": "/licensed/feeds/all.rss",
            "X-HTTP-Method-Override": "DELETE",
            "X-Request-Id": "evil",
            "User-Agent": "evil",
            "Referer": "https://evil.example/",
            "Origin": "https://evil.example",
            "Cookie": "lang=en; session=evil",
            "Accept-Language": "en",
            "Authorization": f"Bearer {keys['broad']}",
            "Cache-Control": "no-cache",
            "Range": "bytes=0-1",
        }
        for path in await open_paths(here):
            plain = await here.get(path)
            for name, value in forged.items():
                answer = await here.get(path, headers={name: value})
                assert told(answer) == told(plain), (path, name)
                assert answer.headers["X-Request-Id"] != "evil"

    visit(tmp_path, act)
