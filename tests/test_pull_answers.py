"""Whatever a server answers, the partner's side says what is wrong, applies nothing of it, and goes on."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import brotli
import pytest
from aiohttp import web

from syndicate.client.change_api import MAX_ANSWER_BYTES, retry_after
from tests.support.shell import no_settings
from tests.support.stub_publisher import (
    AT,
    KEY,
    Handler,
    Partner,
    a_story,
    an_id,
    holding,
    partner,
    problem,
    publishing,
)

__all__ = ["no_settings", "partner"]

NOW = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)


def an_entry(**changed: Any) -> dict[str, Any]:
    entry = {"seq": 50, "action": "put", "id": an_id(5), "version": 1, "at": AT, "item": a_story(an_id(5))}
    return {**entry, **changed}


def a_page(*entries: Any, **changed: Any) -> bytes:
    page = {"changes": list(entries), "next": 50, "more": False, "reset": False}
    return json.dumps({**page, **changed}).encode()


def giving(body: bytes, **headers: str) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, headers=headers)

    return answer


WRONG = {
    "no JSON": b"<html>hotel wifi</html>",
    "cut off": a_page(an_entry())[:-9],
    "not UTF-8": b'{"changes": "\xff"}',
    "a list": b"[]",
    "a name twice": a_page().replace(b'"more"', b'"next": 9, "more"'),
    "NaN": a_page().replace(b"50", b"NaN"),
    "an endless number": a_page().replace(b"50", b"9" * 9000),
    "nested without end": b"[" * 200_000,
    "no next": b'{"changes": [], "more": false}',
    "more as a text": a_page(more="false"),
    "seq as a text": a_page(an_entry(seq="50")),
    "seq as a truth": a_page(an_entry(seq=True)),
    "seq too large": a_page(an_entry(seq=2**53), next=2**53),
    "an action nobody knows": a_page(an_entry(action="erase")),
    "a moment without offset": a_page(an_entry(at="2026-01-05T08:00:00")),
    "an id that climbs": a_page(an_entry(id="../../etc/cron.d/evil")),
    "an id with a line end": a_page(an_entry(id=an_id(5) + "\n")),
    "an id in wide digits": a_page(an_entry(id="２０２６0105-item000005")),
    "an item that is no object": a_page(an_entry(item="<p>")),
    "numbers that fall": a_page(an_entry(), an_entry(seq=49)),
    "a number seen before": a_page(an_entry(seq=3)),
    "next before its entries": a_page(an_entry(), next=49),
    "more of nothing": a_page(next=3, more=True),
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_a_wrong_answer_is_refused_whole(partner: Partner, body: bytes) -> None:
    partner.server.put(1)
    partner.good()
    before = {path: path.read_bytes() for path in files(partner.root)}
    partner.server.strange = [giving(body)]
    outcome = partner.pull()
    assert (outcome.code, outcome.json["error"]) == (1, "wrong_answer"), outcome
    assert {path: path.read_bytes() for path in files(partner.root)} == before
    partner.server.put(2)
    assert partner.good() == [("put", an_id(2), "new")]


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_every_mistake_of_an_answer_is_named(partner: Partner) -> None:
    partner.server.strange = [giving(a_page(an_entry(seq="1", id="x"), more=3))]
    said = partner.pull("--lang", "en").err
    assert "changes[0].seq expected a whole number" in said
    assert "changes[0].id is not the id of an item" in said
    assert "more expected true or false" in said


def test_members_that_nobody_knows_yet_are_passed_over(partner: Partner) -> None:
    partner.server.strange = [giving(a_page(an_entry(colour="red"), season="winter"))]
    assert partner.pull().lines[0]["result"] == "new"


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_an_answer_without_end_is_left(partner: Partner, coding: str) -> None:
    compress = {"gzip": gzip.compress, "br": brotli.compress}[coding]
    bomb = compress(b" " * (MAX_ANSWER_BYTES + 1))
    partner.server.strange = [giving(bomb, **{"Content-Encoding": coding})]
    outcome = partner.pull()
    assert (outcome.code, outcome.json["error"]) == (1, "too_large")
    assert "--limit" in outcome.err


def test_a_redirect_is_not_followed_and_the_key_stays_here(partner: Partner) -> None:
    with publishing() as elsewhere:

        async def away(request: web.Request) -> web.StreamResponse:
            return web.Response(status=302, headers={"Location": f"{elsewhere.address}/licensed/changes"})

        partner.server.strange = [away]
        outcome = partner.pull()
        assert elsewhere.asked == []
    assert (outcome.code, outcome.json["error"]) == (1, "redirected")
    assert elsewhere.address in outcome.err


@pytest.mark.parametrize("code", ["token_expired", "key_revoked", "partner_suspended"])
def test_a_key_that_does_not_open_ends_it_with_the_servers_reason(partner: Partner, code: str) -> None:
    async def closed(request: web.Request) -> web.StreamResponse:
        return problem(401, code)

    partner.server.strange = [closed]
    outcome = partner.pull()
    assert (outcome.code, outcome.json["error"]) == (1, code)
    assert KEY not in outcome.out + outcome.err
    assert len(partner.server.asked) == 1


def test_any_other_refusal_is_shown_with_what_the_server_says(partner: Partner) -> None:
    async def refused(request: web.Request) -> web.StreamResponse:
        return problem(400, "bad_parameter", detail="limit is at most 10")

    partner.server.strange = [refused]
    outcome = partner.pull()
    assert outcome.json["error"] == "refused"
    assert "400 bad_parameter" in outcome.err
    assert "limit is at most 10" in outcome.err


def test_what_an_answer_says_cannot_steer_the_terminal(partner: Partner) -> None:
    async def refused(request: web.Request) -> web.StreamResponse:
        return problem(400, "bad", detail="\x1b[2Jowned")

    partner.server.strange = [refused]
    assert "\x1b" not in partner.pull().err


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("120", None, 120),
        ("0", None, 0),
        ("Mon, 05 Jan 2026 00:02:00 GMT", None, 120),
        ("Mon, 05 Jan 2026 00:02:00 GMT", "Mon, 05 Jan 2026 00:01:00 GMT", 60),
        ("Sun, 04 Jan 2026 00:00:00 GMT", None, 0),
        (None, None, None),
        ("", None, None),
        ("-5", None, None),
        ("1.5", None, None),
        ("１２０", None, None),
        ("9" * 40, None, None),
        ("soon", None, None),
    ],
)
def test_retry_after_is_seconds_or_a_moment(
    value: str | None, date: str | None, seconds: float | None
) -> None:
    assert retry_after(value, date, NOW) == seconds


WRONG_KEYS: dict[str, Callable[[Path], object]] = {
    "missing": lambda key: key.unlink(),
    "empty": lambda key: key.write_text("\n \n"),
    "two lines": lambda key: key.write_text("one\ntwo\n"),
    "not ASCII": lambda key: key.write_text("密钥"),
    "far too long": lambda key: key.write_text("e" * 20_000),
}


@pytest.mark.parametrize("spoil", WRONG_KEYS.values(), ids=WRONG_KEYS)
def test_a_key_file_without_a_key_is_wrong_usage(partner: Partner, spoil: Callable[[Path], object]) -> None:
    spoil(partner.root / "key")
    outcome = partner.pull()
    assert (outcome.code, outcome.json["error"]) == (2, "usage")
    assert str(partner.root / "key") in outcome.err
    assert partner.server.asked == []


def test_a_folder_is_no_key_file(partner: Partner) -> None:
    (partner.root / "key").unlink()
    (partner.root / "key").mkdir()
    assert partner.pull().code == 2


def test_a_key_file_that_others_can_read_is_warned_about(partner: Partner) -> None:
    assert "chmod 600" not in partner.pull().err
    (partner.root / "key").chmod(0o640)
    assert "chmod 600" in partner.pull().err


@pytest.mark.parametrize(
    "url",
    [
        "feeds.example.cn",
        "ftp://a.cn",
        "http://",
        "https://me:secret@a.cn",
        "https://a.cn/?key=1",
        "http://[",
    ],
)
def test_an_address_that_is_none_or_carries_a_secret_is_wrong_usage(partner: Partner, url: str) -> None:
    outcome = partner.shell("pull", url, *partner.words[2:])
    assert outcome.code == 2
    assert "secret" not in outcome.err
    assert holding_nothing(partner)


def holding_nothing(partner: Partner) -> bool:
    return not partner.folder.exists() or holding(partner.folder) == {}
