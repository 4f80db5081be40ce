"""Authentication over HTTP: which keys are accepted, what others get, what the trail records."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta
from pathlib import Path

from syndicate.model.events import EditionDelivered, KeyRejected
from syndicate.model.parties import PartnerId
from tests.support.factories import SECRET, STAFF, minutes
from tests.support.fixtures import (
    LICENSED_FEED,
    Keys,
    an_id,
    code_of,
    forged,
    jti_of,
    line_of,
    told,
    trail,
    visit,
)
from tests.support.servers import Serving


def test_a_key_opens_as_bearer_and_as_basic(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        item = await an_id(here, "日报新闻")
        for path in (LICENSED_FEED, f"/licensed/items/{item}", "/licensed/licence"):
            bearer = await here.get(path, key=keys["broad"])
            said = base64.b64encode(f"broad:{keys['broad']}".encode()).decode()
            basic = await here.get(path, headers={"Authorization": f"Basic {said}"})
            small = await here.get(path, headers={"Authorization": f"bearer  {keys['broad']}"})
            for answer in (bearer, basic, small):
                assert answer.status == 200, path
                assert answer.body == bearer.body
        assert SECRET in (await here.get(LICENSED_FEED, key=keys["broad"])).text
        own = await here.get("/licensed/licence", key=keys["broad"])
        assert keys["broad"] not in own.text
        assert json.loads(own.body)["keys"][0]["jti"] == jti_of(keys["broad"])

    visit(tmp_path, act)


def test_every_way_in_which_a_key_does_not_open_has_its_code(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        good = keys["broad"]
        private = (await here.house.signing_keys.load(here.house.store)).private
        basic = base64.b64encode(b"broad").decode()
        other = base64.b64encode(f"narrow:{good}".encode()).decode()
        nobody = base64.b64encode(f":{good}".encode()).decode()
        cases = [
            (None, "token_missing"),
            ("", "token_malformed"),
            ("Bearer", "token_malformed"),
            ("Bearer ", "token_malformed"),
            (good, "token_malformed"),
            (f"Token {good}", "token_malformed"),
            ("Bearer nonsense", "token_malformed"),
            ("Bearer a.b.c", "token_malformed"),
            (f"Bearer {good} {good}", "token_malformed"),
            (f"Bearer {'a' * 5000}", "token_malformed"),
            ("Basic ???", "token_malformed"),
            (f"Basic {basic}", "token_malformed"),
            ("Basic /////w==", "token_malformed"),
            (f"Basic {other}", "token_invalid"),
            (f"Basic {nobody}", "token_invalid"),
            (f"Bearer {forged(good)}", "token_invalid"),
            (f"Bearer {good[:-8]}AAAAAAAA", "token_invalid"),
            (f"Bearer {forged(good, private, aud='other')}", "token_invalid"),
            (f"Bearer {forged(good, private, iss='other')}", "token_invalid"),
            (f"Bearer {forged(good, private, sub='narrow', client_id='narrow')}", "token_invalid"),
            (f"Bearer {forged(good, private, jti='0' * 12 + '4000' + '8' + '0' * 15)}", "token_invalid"),
        ]
        for sent, code in cases:
            headers = {} if sent is None else {"Authorization": sent}
            for path in (LICENSED_FEED, "/licensed/items/20200101-aaaaaaaaaa", "/licensed/licence"):
                answer = await here.get(path, headers=headers)
                assert code_of(answer) == (401, code), (sent, answer.text)
                challenges = dict(
                    value.split(" ", 1)
                    for name, value in answer.headers.items()
                    if name == "WWW-Authenticate"
                )
                assert set(challenges) == {"Bearer", "Basic"}
                assert ("invalid_token" in challenges["Bearer"]) is (code != "token_missing")
                assert answer.headers["Cache-Control"] == "private, no-store"
                assert "Authorization" in answer.headers["Vary"]
                rejected = await line_of(here, answer)
                assert isinstance(rejected, KeyRejected)
                assert rejected.code == code
            here.clock.move(minutes(1))  # beyond a rate rejections are counted, see below
        two = [("Authorization", f"Bearer {good}"), ("Authorization", f"Bearer {good}")]
        async with here.client.get(here.address + LICENSED_FEED, headers=two) as twice:
            assert (await twice.json(content_type=None))["code"] == "token_malformed"

    visit(tmp_path, act)


def test_a_key_that_was_good_says_why_it_is_not_now(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        for name in ("broad", "narrow", "linker"):
            assert (await here.get(LICENSED_FEED, key=keys[name])).status == 200
        await here.house.keys.revoke(STAFF, jti_of(keys["broad"]))
        assert code_of(await here.get(LICENSED_FEED, key=keys["broad"])) == (401, "key_revoked")
        await here.house.rights.suspend(STAFF, PartnerId("narrow"))
        suspended = await here.get(LICENSED_FEED, key=keys["narrow"])
        assert code_of(suspended) == (401, "partner_suspended")
        rejected = await line_of(here, suspended)
        assert isinstance(rejected, KeyRejected)
        assert (rejected.partner, rejected.jti) == ("narrow", jti_of(keys["narrow"]))
        await here.house.rights.resume(STAFF, PartnerId("narrow"))
        assert (await here.get(LICENSED_FEED, key=keys["narrow"])).status == 200
        expires = (await here.house.keys.keys(PartnerId("linker")))[0].expires
        here.clock.now = expires - timedelta(microseconds=1)
        assert code_of(await here.get(LICENSED_FEED, key=keys["linker"])) == (403, "not_licensed")
        here.clock.now = expires
        assert code_of(await here.get(LICENSED_FEED, key=keys["linker"])) == (401, "token_expired")

    visit(tmp_path, act)


def test_nothing_is_told_about_a_key_whose_signature_does_not_hold(tmp_path: Path) -> None:
    """Revoked, suspended, expired, unknown: forged tokens get one body, to the byte, and one set of
    headers."""

    async def act(here: Serving, keys: Keys) -> None:
        await here.house.keys.revoke(STAFF, jti_of(keys["broad"]))
        await here.house.rights.suspend(STAFF, PartnerId("narrow"))
        heard = set()
        for token in (
            forged(keys["broad"]),
            forged(keys["narrow"]),
            forged(keys["linker"], exp=1),
            forged(keys["linker"], sub="nobody", client_id="nobody"),
            forged(keys["linker"], jti="0" * 22),
            forged(keys["linker"], aud="other", typ="x"),
        ):
            answer = await here.get(LICENSED_FEED, key=token)
            heard.add(json.dumps(told(answer)))
            rejected = await line_of(here, answer)
            assert isinstance(rejected, KeyRejected)
            assert (rejected.partner, rejected.jti) == (None, None), "no name that nobody proved"
        assert len(heard) == 1
        assert "token_invalid" in heard.pop()

    visit(tmp_path, act)


def test_a_key_in_the_address_opens_nothing(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        token = keys["broad"]
        for name in ("key", "token", "access_token", "api_key", "Authorization", "jwt"):
            answer = await here.get(f"{LICENSED_FEED}?{name}={token}")
            assert code_of(answer) == (401, "token_missing")
            assert token not in answer.text
            headers = {"Cookie": f"{name}={token}", f"X-{name}": token}
            assert code_of(await here.get(LICENSED_FEED, headers=headers)) == (401, "token_missing")
        assert (await here.get(f"/licensed/feeds/all.json/{token}")).status == 404

    visit(tmp_path, act)


def test_the_key_is_looked_at_before_the_validator_and_before_what_exists(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        item = await an_id(here, "日报新闻")
        hidden = await an_id(here, "外来稿件")
        for path in (LICENSED_FEED, f"/licensed/items/{item}"):
            etag = (await here.get(path, key=keys["broad"])).headers["ETag"]
            for sent in ({"If-None-Match": etag}, {"If-None-Match": "*"}, {"Accept": "image/png"}):
                for method in ("GET", "HEAD"):
                    assert (await here.get(path, headers=sent, method=method)).status == 401
        bodies = set()
        for path in (
            LICENSED_FEED,
            "/licensed/feeds/nope.json",
            f"/licensed/items/{item}",
            f"/licensed/items/{hidden}",
            "/licensed/items/20200101-aaaaaaaaaa",
            f"{LICENSED_FEED}?use=nonsense",
        ):
            answer = await here.get(path)
            assert code_of(answer) == (401, "token_missing")
            bodies.add(json.dumps(told(answer)))
        assert len(bodies) == 1
        await here.house.keys.revoke(STAFF, jti_of(keys["broad"]))
        again = await here.get(LICENSED_FEED, key=keys["broad"], headers={"If-None-Match": "*"})
        assert code_of(again) == (401, "key_revoked")

    visit(tmp_path, act)


def test_a_flood_of_forged_keys_is_counted_and_not_written_one_by_one(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        for _ in range(300):
            assert (await here.get(LICENSED_FEED, key=forged(keys["broad"]))).status == 401
        lines = [event for event in await trail(here) if isinstance(event, KeyRejected)]
        assert 1 <= len(lines) <= 60
        here.clock.move(minutes(1))
        await here.get(LICENSED_FEED, key=forged(keys["broad"]))
        lines = [event for event in await trail(here) if isinstance(event, KeyRejected)]
        assert sum(line.times for line in lines) == 301, "every one is accounted for"
        # A real key that was revoked has a count of its own, so that it cannot fill the trail either.
        await here.house.keys.revoke(STAFF, jti_of(keys["linker"]))
        for _ in range(100):
            await here.get(LICENSED_FEED, key=keys["linker"])
        lines = [event for event in await trail(here) if isinstance(event, KeyRejected)]
        assert sum(line.jti is not None for line in lines) == 60
        here.clock.move(minutes(1))
        await here.get(LICENSED_FEED, key=keys["linker"])
        own = [event for event in await trail(here) if isinstance(event, KeyRejected) and event.jti]
        assert sum(line.times for line in own) == 101

    visit(tmp_path, act)


def test_a_revocation_in_the_middle_of_an_answer_stops_that_answer(tmp_path: Path) -> None:
    """Requests are under way while the key is revoked: none that ends after the revocation is a yes."""

    async def act(here: Serving, keys: Keys) -> None:
        done = asyncio.Event()

        async def ask() -> list[tuple[bool, int]]:
            seen: list[tuple[bool, int]] = []
            while len(seen) < 3 or not seen[-3][0]:
                begun_after = done.is_set()
                answer = await here.get(LICENSED_FEED, key=keys["broad"])
                seen.append((begun_after, answer.status))
            return seen

        async def revoke() -> None:
            while not await trail(here):
                await asyncio.sleep(0.02)
            await here.house.keys.revoke(STAFF, jti_of(keys["broad"]))
            done.set()

        *asked, _ = await asyncio.gather(*(ask() for _ in range(10)), revoke())
        answers = [pair for seen in asked if seen is not None for pair in seen]
        assert {status for after, status in answers if after} == {401}
        lines = await here.house.store.lines(limit=100_000)
        revoked = next(line.seq for line in lines if line.entry.event.kind == "key_revoked")
        delivered = [line.seq for line in lines if isinstance(line.entry.event, EditionDelivered)]
        assert delivered
        assert max(delivered) < revoked, "no line of a yes stands after the revocation"
        assert len(delivered) == sum(status == 200 for _, status in answers)

    visit(tmp_path, act)


def test_a_key_revoked_while_its_request_waits_is_rejected_and_recorded(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        key = keys["broad"]
        after = json.loads((await here.get("/licensed/changes", key=key)).body)["next"]
        path = f"/licensed/changes?after={after}&wait=60"
        waiting = asyncio.create_task(here.get(path, key=key))
        while not here.worker.waiting["broad"]:
            await asyncio.sleep(0.01)
        before = await trail(here)
        await here.house.keys.revoke(STAFF, jti_of(key))
        answer = await asyncio.wait_for(waiting, 30)
        assert code_of(answer) == (401, "key_revoked")
        (rejected,) = (await trail(here))[len(before) :]
        assert isinstance(rejected, KeyRejected)
        assert (rejected.code, rejected.partner, rejected.jti) == ("key_revoked", "broad", jti_of(key))
        assert rejected.request == answer.headers["X-Request-Id"]
        assert here.worker.waiting["broad"] == 0

    visit(tmp_path, act)


def test_a_retired_signing_key_opens_nothing_and_a_new_one_does(tmp_path: Path) -> None:
    async def act(here: Serving, keys: Keys) -> None:
        old = (await here.house.signing_keys.load(here.house.store)).current.kid
        assert (await here.get(LICENSED_FEED, key=keys["broad"])).status == 200
        await here.house.keys.rotate_signing_key(STAFF)
        assert (await here.get(LICENSED_FEED, key=keys["broad"])).status == 200, "the overlap"
        new = (await here.house.keys.issue(STAFF, PartnerId("broad"))).token
        assert (await here.get(LICENSED_FEED, key=new)).status == 200
        await here.house.keys.retire_signing_key(STAFF, old)
        assert code_of(await here.get(LICENSED_FEED, key=keys["broad"])) == (401, "token_invalid")
        assert (await here.get(LICENSED_FEED, key=new)).status == 200

    visit(tmp_path, act)
