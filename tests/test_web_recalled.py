"""A recalled item over HTTP: 410 or 451 for programs as a problem, for people as a page, and what else is
said of recalls, quotas and the change sequence when the answer is no."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from selectolax.lexbor import LexborHTMLParser

from syndicate.errors import ChangeUnknown, CursorUnknown, QuotaExceeded, SyndicateError
from syndicate.language import Text
from syndicate.model.holds import NO_HOLDS, Recall, RecallReason
from syndicate.model.item import ItemId
from syndicate.model.lifecycle_events import ItemRecalled
from syndicate.model.parties import STAMP
from syndicate.model.records import Entry
from syndicate.policy.reasons import RECALLS
from syndicate.store.protocol import Change
from syndicate.web.server.error_answers import problem_of
from syndicate.web.server.responses import REQUEST_ID
from syndicate.web.server.worker import WORKER
from tests.support.factories import NOON, STAFF, minutes
from tests.support.fixtures import Keys, an_id, code_of, visit
from tests.support.servers import BASE_URL, Answer, Serving

HEADLINE = "日报新闻"
NOTE = "只给授权媒体看的说明"
BROWSERS = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "text/html,application/xhtml+xml,image/avif,image/webp,*/*;q=0.8,application/signed-exchange;q=0.7",
    "text/html",
    "text/*",
    "application/xhtml+xml;q=0.2, application/json;q=0.1",
)
PROGRAMS = (
    None,
    "",
    "*/*",
    "*",
    "text/html, application/problem+json",
    "application/json, text/html;q=0.9",
    "text/html;q=0.5, */*;q=0.5",
)
CODES = {
    RecallReason.EDITORIAL: (410, "recalled"),
    RecallReason.RIGHTS: (410, "recalled"),
    RecallReason.LEGAL: (451, "recalled_legal"),
}


QUOTA = """
number = "L-quota"
partner = "{partner}"
valid_from = 2026-01-01
valid_until = 2027-01-01
[[grant]]
uses = ["reprint"]
outlets = ["daily"]
media = ["text"]
quota = {{ items = 1, per = "day" }}
"""


def hours(number: float) -> timedelta:
    return minutes(60 * number)


async def recall(here: Serving, item: str, reason: RecallReason) -> None:
    """As the desk does it: holds, line and change in one transaction."""
    now = here.clock()
    known = await here.house.store.item(ItemId(item))
    assert known is not None
    held = replace(NO_HOLDS, recall=Recall(reason, NOTE, now, now + hours(2), known.published))
    async with here.house.store.writing() as tx:
        await tx.put_holds(ItemId(item), held)
        event = ItemRecalled(item, 1, reason.value, "0" * 64, (now + hours(2)).isoformat(), 0)
        await tx.append(Entry(now, "staff", event))
        await tx.changed(Change.RIGHTS)


async def looked_at(here: Serving, item: str, accept: str | None, **headers: str) -> Answer:
    # Left to itself, aiohttp's client says */*, which means the same.
    sent = {} if accept is None else {"Accept": accept}
    return await here.get(f"/items/{item}", headers={**sent, **headers})


Act = Callable[[Serving, Keys, str], Awaitable[None]]


def after_a_recall(folder: Path, reason: RecallReason, act: Act) -> None:
    """Do this in a house whose newest item was published at noon and recalled half an hour later."""

    async def inside(here: Serving, keys: Keys) -> None:
        item = await an_id(here, HEADLINE)
        assert (await here.get(f"/items/{item}")).status == 200
        here.clock.move(minutes(30))
        await recall(here, item, reason)
        await act(here, keys, item)

    visit(folder, inside)


@pytest.mark.parametrize("reason", RecallReason)
def test_a_program_is_told_by_a_problem_that_says_why_and_since_when(
    tmp_path: Path, reason: RecallReason
) -> None:
    async def act(here: Serving, keys: Keys, item: str) -> None:
        for accept in PROGRAMS:
            answer = await looked_at(here, item, accept, **{"Accept-Language": "en"})
            assert code_of(answer) == CODES[reason], accept
            said = json.loads(answer.body)
            assert said["reason"] == reason.value
            assert said["recalled"] == "2026-11-02T12:30:00+08:00"
            assert said["detail"] == f"{RECALLS[reason].en}."
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.headers["Cache-Control"] == "no-store"
            told_nothing_of_it(answer)

    after_a_recall(tmp_path, reason, act)


@pytest.mark.parametrize("reason", RecallReason)
def test_a_person_reads_a_page_in_the_language_of_the_browser(tmp_path: Path, reason: RecallReason) -> None:
    async def act(here: Serving, keys: Keys, item: str) -> None:
        for accept in BROWSERS:
            for asked, lang, when in (
                ("zh-CN,zh;q=0.9,en;q=0.8", "zh", "2026年11月2日 12:30"),
                ("en-GB,en;q=0.9", "en", "2 November 2026, 12:30 (UTC+08:00)"),
            ):
                answer = await looked_at(here, item, accept, **{"Accept-Language": asked})
                assert answer.status == CODES[reason][0]
                assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
                assert answer.headers["Cache-Control"] == "no-store"
                assert answer.headers["Vary"] == "Accept, Accept-Language"
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
                told_nothing_of_it(answer)
                read = LexborHTMLParser(answer.text)
                root, main, moment = (read.css_first(one) for one in ("html", "main", "time"))
                assert root is not None
                assert main is not None
                assert moment is not None
                assert root.attributes["lang"] == ("zh-CN" if lang == "zh" else "en")
                assert (RECALLS[reason].zh if lang == "zh" else RECALLS[reason].en) in main.text()
                assert moment.text() == when
                assert moment.attributes["datetime"] == "2026-11-02T12:30:00+08:00"
                assert read.css("script") == []
                assert read.css(".masthead .nameplate")

    after_a_recall(tmp_path, reason, act)


def test_the_address_s_language_goes_before_the_browser_s(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys, item: str) -> None:
        for query, asked, expected in (
            ("?lang=zh", "en", "zh-CN"),
            ("?lang=en", "zh", "en"),
            ("?lang=fr", "en", "en"),
            ("", "fr", "zh-CN"),
        ):
            sent = {"Accept": "text/html", "Accept-Language": asked}
            answer = await here.get(f"/items/{item}{query}", headers=sent)
            assert answer.headers["Content-Language"] == expected
            assert f'<html lang="{expected}">' in answer.text

    after_a_recall(tmp_path, RecallReason.EDITORIAL, act)


@pytest.mark.parametrize("reason", RecallReason)
def test_what_the_law_took_down_names_who_keeps_it_back(tmp_path: Path, reason: RecallReason) -> None:
    async def act(here: Serving, keys: Keys, item: str) -> None:
        for accept in ("*/*", "text/html"):
            links = (await looked_at(here, item, accept)).headers.get("Link")
            legal = reason is RecallReason.LEGAL
            assert links == (f'<{BASE_URL}/terms>; rel="blocked-by"' if legal else None)

    after_a_recall(tmp_path, reason, act)


def test_head_has_the_headers_of_get_and_no_body(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys, item: str) -> None:
        for accept in ("*/*", "text/html"):
            sent = {"Accept": accept, "If-None-Match": "*"}
            full = await here.get(f"/items/{item}", headers=sent)
            head = await here.get(f"/items/{item}", headers=sent, method="HEAD")
            assert (head.status, head.body) == (full.status, b"")
            for name in ("Content-Type", "Content-Length", "Cache-Control", "Vary"):
                assert head.headers[name] == full.headers[name]

    after_a_recall(tmp_path, RecallReason.RIGHTS, act)


def test_a_recalled_item_that_the_public_never_saw_is_not_there(tmp_path: Path) -> None:
    async def inside(here: Serving, keys: Keys) -> None:
        items = [await an_id(here, headline) for headline in ("外来稿件", "未来稿件")]
        for item in items:
            await recall(here, item, RecallReason.EDITORIAL)
        here.clock.move(timedelta(days=3))
        for item in items:
            assert code_of(await looked_at(here, item, "*/*")) == (404, "not_found")
            page, unknown = [
                await looked_at(here, one, "text/html") for one in (item, "20200101-aaaaaaaaaa")
            ]
            assert (page.status, "<code>not_found</code>" in page.text) == (404, True)
            assert page.text.replace(page.headers["X-Request-Id"], "") == unknown.text.replace(
                unknown.headers["X-Request-Id"], ""
            )

    visit(tmp_path, inside)


def test_the_public_feeds_drop_it_and_leave_its_tombstone(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys, item: str) -> None:
        uri = f"tag:xsnet.cn,{NOON:%Y-%m-%d}:item:{item}"
        for format in ("rss", "atom", "json"):
            answer = await here.get(f"/feeds/all.{format}")
            assert answer.status == 200
            assert (uri in answer.text) is (format != "rss")
            told_nothing_of_it(answer)
        atom = (await here.get("/feeds/all.atom")).text
        assert f'<at:deleted-entry ref="{uri}" when="2026-11-02T12:30:00+08:00">' in atom
        (recalled,) = json.loads((await here.get("/feeds/all.json")).body)["_syndicate"]["recalled"]
        assert recalled == {"id": uri, "when": "2026-11-02T12:30:00+08:00", "reason": "editorial"}
        assert HEADLINE not in (await here.get("/")).text

    after_a_recall(tmp_path, RecallReason.EDITORIAL, act)


def told_nothing_of_it(answer: Answer) -> None:
    for word in (HEADLINE, NOTE, "L-broad", "HEAD-D"):
        assert word not in answer.text
    if "problem" in answer.headers["Content-Type"] or "html" in answer.headers["Content-Type"]:
        assert STAMP not in answer.text.partition("<footer>")[0]


def refused(here: Serving, error: SyndicateError) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers and problem document for an error, whoever raised it."""
    app = web.Application()
    app[WORKER] = here.worker
    request = make_mocked_request("GET", "/licensed/changes", {"Accept-Language": "en"}, app=app)
    request[REQUEST_ID] = "0" * 16
    made = problem_of(request, error)
    headers = dict(line.split(": ", 1) for line in made.head.decode().splitlines())
    return made.status, headers, json.loads(made.content)


@pytest.mark.parametrize(
    ("left", "wait"),
    [(hours(12), "43200"), (timedelta(seconds=0.2), "1"), (timedelta(seconds=1.2), "2"), (-hours(1), "1")],
)
def test_a_used_up_quota_says_when_to_come_again_and_never_too_early(
    tmp_path: Path, left: timedelta, wait: str
) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        error = QuotaExceeded("XSW-1#2", NOON + left, Text("配额已用完", "the quota is used up"))
        status, headers, said = refused(here, error)
        assert (status, said["code"]) == (429, "quota_exceeded")
        assert headers["Retry-After"] == wait
        assert said["type"] == f"{BASE_URL}/problems/quota_exceeded"
        assert (said["clause"], said["violated-policies"]) == ("XSW-1#2", ["XSW-1#2"])
        assert said["detail"] == "the quota is used up."
        resets = datetime.fromisoformat(said["resets"])
        assert resets.utcoffset() == timedelta(hours=8)
        assert timedelta(0) <= NOON + left - resets < timedelta(seconds=1)

    visit(tmp_path, act, empty=True)


def test_a_quota_is_over_for_the_next_item_until_midnight_in_xiaoshan(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        document = QUOTA.format(partner="bare")
        await here.house.rights.add_licence(STAFF, document, "licence.toml")
        first, second = await an_id(here, HEADLINE), await an_id(here, "日报健康")
        for _ in range(2):
            assert (await here.get(f"/licensed/items/{first}", key=keys["bare"])).status == 200
        answer = await here.get(f"/licensed/items/{second}", key=keys["bare"])
        assert code_of(answer) == (429, "quota_exceeded")
        assert answer.headers["Retry-After"] == "43200"
        assert json.loads(answer.body)["resets"] == "2026-11-03T00:00:00+08:00"
        assert json.loads(answer.body)["clause"] == "L-quota#1"

    visit(tmp_path, act)


def test_a_cursor_or_a_number_that_is_not_known_is_named(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        cursor = CursorUnknown(Text("游标来自将来", "the cursor is from the future"))
        status, _, said = refused(here, cursor)
        assert (status, said["code"], said["field"]) == (400, "cursor_unknown", "after")
        assert said["detail"] == "the cursor is from the future."
        status, _, said = refused(here, ChangeUnknown([7, 9]))
        assert (status, said["code"], said["unknown"]) == (400, "unknown_change", [7, 9])
        for code in ("recalled", "recalled_legal", "quota_exceeded", "cursor_unknown", "unknown_change"):
            for lang in ("zh", "en"):
                assert (await here.get(f"/problems/{code}?lang={lang}")).status == 200

    visit(tmp_path, act, empty=True)
