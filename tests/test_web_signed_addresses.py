"""Signed addresses of files, from outside: what they open, what they say, and when they stop."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from syndicate.access.media_addresses import AddressSigner, MediaAddress
from syndicate.ingest.sidecar import read_sidecar
from syndicate.model.events import ReleaseRefused
from syndicate.model.holds import RecallReason
from syndicate.model.item import Medium
from syndicate.model.media import RenditionName
from syndicate.model.parties import PartnerId
from tests.support.factories import STAFF, minutes
from tests.support.fixtures import code_of, trail
from tests.support.media_house import (
    ALL,
    CAPTION,
    CREDIT,
    FILE_NAME,
    House,
    in_house,
    licence,
    media_lines,
    recall,
    signed_addresses,
)
from tests.support.nginx import nginx_before
from tests.support.servers import Answer, Serving, free_port

PARTNER = PartnerId("all")
LAST_SECOND = datetime.fromisoformat("2026-12-31T23:59:59+08:00")
"""Of the licence."""


def test_a_signed_address_opens_its_file_without_a_key_and_says_nothing_that_can_be_read(
    tmp_path: Path,
) -> None:
    async def act(here: Serving, house: House) -> None:
        addresses = await signed_addresses(here, house.keys["all"], "all")
        assert addresses == await signed_addresses(here, house.keys["all"], "all")
        original = addresses[0]
        answer = await here.get(original)
        assert answer.status == 200
        with_key = await here.get(f"/licensed/media/{house.picture.id}/original", key=house.keys["all"])
        assert answer.body == with_key.body
        line = (await media_lines(here))[0]
        assert (line.signed, line.jti, line.partner) == (True, "", "all")
        token = original.removeprefix("/media/").partition(".")[0]
        sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        for word in (b"all", house.picture.id.encode(), b"original"):
            assert word not in sealed
        other = "B" if token[10] != "B" else "C"
        for wrong in (token[:10] + other + token[11:], token[:-2] + "AA", token[4:], token + "A"):
            assert code_of(await here.get(f"/media/{wrong}"))[0] == 404
        part = await here.get(original, headers={"Range": "bytes=0-99"})
        assert part.status == 206

    in_house(tmp_path, act)


def test_a_signed_address_opens_in_the_last_second_of_the_licence_and_not_in_the_next(
    tmp_path: Path,
) -> None:
    async def act(here: Serving, house: House) -> None:
        here.clock.now = LAST_SECOND - minutes(30)
        key = house.keys["all"]
        address = (await signed_addresses(here, key, "all"))[0]
        here.clock.now = LAST_SECOND
        last = await here.get(address)
        assert last.status == 200
        assert (await here.get(address, headers={"Range": "bytes=0-9"})).status == 206
        lines = len(await media_lines(here))
        here.clock.move(timedelta(seconds=1))
        # A player that has it half, or asks whether it changed, gets no byte and no 304 any more.
        for headers in ({}, {"Range": "bytes=10-19"}, {"If-None-Match": last.headers["ETag"]}):
            assert code_of(await here.get(address, headers=headers)) == (403, "address_expired")
        assert (await here.get(address, method="HEAD")).status == 403
        with_key = await here.get(f"/licensed/media/{house.picture.id}/original", key=key)
        assert code_of(with_key) == (403, "not_licensed")
        assert len(await media_lines(here)) == lines
        refused = await _refused(here)
        assert {(one.reason, one.clause) for one in refused} == {("licence_ended", "L-all")}
        assert [one.jti == "" for one in refused] == [True] * 4 + [False]

    in_house(tmp_path, act)


def test_players_use_a_signed_address_through_nginx_and_it_is_in_no_log(tmp_path: Path) -> None:
    async def act(here: Serving, house: House) -> None:
        log = io.StringIO()
        here.worker.access_log._stream = log
        address = (await signed_addresses(here, house.keys["all"], "all"))[0]
        token = address.removeprefix("/media/").partition(".")[0]
        parts: list[tuple[dict[str, str], int]] = [({}, 200), ({}, 200), ({"Range": "bytes=5-9"}, 206)]
        # nginx says what it notices of everything else.
        talkative = {"syndicate-error.log crit;": "syndicate-error.log info;"}
        async with nginx_before(here.address, tmp_path / "nginx", talkative) as proxy:
            through = replace(here, address=proxy)
            whole = await through.get(address)
            etag = whole.headers["ETag"]
            parts += [({"Range": "bytes=5-9", "If-Range": etag}, 206), ({"If-None-Match": etag}, 304)]
            parts += [({"Range": "bytes=5-9", "If-Range": '"other"'}, 200)]
            for headers, status in parts:
                got = await through.get(address, headers=headers)
                assert got.status == status
                assert "X-Cache" not in got.headers
                if status != 304:
                    assert got.body == (whole.body[5:10] if status == 206 else whole.body)
            # Each was judged, none came from a cache.
            assert len(await media_lines(here)) == 1 + len(parts)
            await here.house.rights.end_licence(STAFF, "L-all")
            assert code_of(await through.get(address)) == (403, "address_expired")
            for wrong in (f"/%6dedia/{token}", f"//media/{token}", f"/media/{token}/", f"/feeds/{token}"):
                assert (await through.get(wrong)).status >= 400
        async with nginx_before(f"http://127.0.0.1:{free_port()}", tmp_path / "alone", talkative) as alone:
            for path in (address, "/feeds/all.rss"):
                assert (await replace(here, address=alone).get(path)).status == 502
        errors = (tmp_path / "alone" / "syndicate-error.log").read_text()
        assert "/feeds/all.rss" in errors
        here.worker.access_log.write()
        said = [line for line in log.getvalue().splitlines() if "/media/[address]" in line]
        assert len(said) >= len(parts) + 2
        lines = (tmp_path / "nginx" / "syndicate.log").read_text().splitlines()
        assert sum(json.loads(line)["path"] == "/media/[address]" for line in lines) >= len(parts) + 2
        written = "".join(one.read_text() for one in tmp_path.glob("*/*.log"))
        trail_lines = repr(await trail(here))
        for text in (log.getvalue(), written, trail_lines):
            assert text
            assert token[:20] not in text

    in_house(tmp_path, act)


def test_the_address_of_another_server_or_after_a_new_signing_key_opens_nothing(tmp_path: Path) -> None:
    async def act(here: Serving, house: House) -> None:
        address = MediaAddress(
            PARTNER, 0, house.picture.id, 1, RenditionName.ORIGINAL, None, here.clock() + timedelta(hours=1)
        )
        ours = (await here.house.authenticator.address_signer()).sign(address)
        assert (await here.get(f"/media/{ours}")).status == 200
        lines = len(await media_lines(here))
        # It knows partner, item and all that an address says, but not the key.
        theirs = AddressSigner(Ed25519PrivateKey.generate()).sign(address)
        refused = await here.get(f"/media/{theirs}")
        unknown = await here.get(f"/media/{ours[::-1]}")
        for one in (refused, unknown):
            assert code_of(one) == (404, "not_found")
            _tells_nothing(one)
        await here.house.keys.rotate_signing_key(STAFF)
        assert code_of(await here.get(f"/media/{ours}")) == (404, "not_found")
        assert len(await media_lines(here)) == lines
        assert await _refused(here) == [], "nobody knows whose it is"

    in_house(tmp_path, act)


def test_an_address_with_the_ending_of_another_type_opens_nothing(tmp_path: Path) -> None:
    """Else a cache that goes by endings could be made to keep a file for everybody."""

    async def act(here: Serving, house: House) -> None:
        key = house.keys["all"]
        signed = (await signed_addresses(here, key, "all"))[0].removesuffix(".jpg")
        with_key = f"/licensed/media/{house.picture.id}/original"
        public = f"/items/{house.picture.id}/preview"
        for address, token in ((signed, None), (with_key, key), (public, None)):
            for right in ("", ".jpg"):
                assert (await here.get(f"{address}{right}", key=token)).status == 200
            lines = len(await media_lines(here))
            for wrong in (".css", ".js", ".png", ".mp4", ".html", ".JPG", ".jpg.css", "/x.css", ".jpg/"):
                assert code_of(await here.get(f"{address}{wrong}", key=token))[0] == 404, wrong
            assert len(await media_lines(here)) == lines

    in_house(tmp_path, act, public_preview=True)


VALIDATORS = ("If-None-Match", "If-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range")


def test_a_validator_tells_a_partner_nothing_of_a_file_that_only_another_may_have(tmp_path: Path) -> None:
    async def act(here: Serving, house: House) -> None:
        path = f"/licensed/media/{house.picture.id}/original"
        had = await here.get(path, key=house.keys["all"])
        assert had.status == 200
        lines = len(await media_lines(here))

        async def told(headers: dict[str, str], method: str = "GET") -> tuple[object, ...]:
            answer = await here.get(path, key=house.keys["txt"], headers=headers, method=method)
            assert answer.status == 403
            said = _members(answer) if method == "GET" else {}
            said.pop("request_id", None)
            names = {"date", "x-request-id"}
            return said, {
                name: value for name, value in answer.headers.items() if name.lower() not in names
            }

        for method in ("GET", "HEAD"):
            nothing = await told({}, method)
            for name in VALIDATORS:
                right = had.headers["Last-Modified" if name.endswith("Since") else "ETag"]
                for value in (right, "*"):
                    for part in ({}, {"Range": "bytes=0-1"}, {"Range": "bytes=999999999-"}):
                        assert await told({name: value, **part}, method) == nothing
        assert len(await media_lines(here)) == lines

    in_house(tmp_path, act)


async def _refused(here: Serving) -> list[ReleaseRefused]:
    return [event for event in await trail(here) if isinstance(event, ReleaseRefused)]


async def _ended(here: Serving, _house: House) -> None:
    await here.house.rights.end_licence(STAFF, "L-all")


async def _suspended(here: Serving, _house: House) -> None:
    await here.house.rights.suspend(STAFF, PARTNER)


async def _without_pictures(here: Serving, _house: House) -> None:
    await here.house.rights.end_licence(STAFF, "L-all")
    text_only = licence("all", '"text"').replace("L-all", "L-new")
    await here.house.rights.add_licence(STAFF, text_only, "new.toml")


async def _without_originals(here: Serving, _house: House) -> None:
    await here.house.rights.end_licence(STAFF, "L-all")
    small = licence("all", ALL, 'renditions = ["thumbnail"]').replace("L-all", "L-new")
    await here.house.rights.add_licence(STAFF, small, "new.toml")


async def _mandate_ended(here: Serving, _house: House) -> None:
    await here.house.rights.end_mandate(STAFF, "HEAD-1")


async def _key_revoked(here: Serving, _house: House) -> None:
    issued = await here.house.keys.issue(STAFF, PARTNER)
    await here.house.keys.revoke(STAFF, issued.key.jti)


async def _much_later(here: Serving, _house: House) -> None:
    here.clock.move(timedelta(hours=12))


async def _recalled(here: Serving, house: House) -> None:
    await recall(here, house.picture.id)


async def _recalled_by_law(here: Serving, house: House) -> None:
    await recall(here, house.picture.id, RecallReason.LEGAL)


async def _withheld(here: Serving, house: House) -> None:
    await here.house.holds.withhold(STAFF, house.picture.id)


async def _embargoed(here: Serving, house: House) -> None:
    await here.house.holds.embargo(STAFF, house.picture.id, here.clock() + timedelta(hours=1))


async def _for_another(here: Serving, house: House) -> None:
    until = here.clock() + timedelta(hours=1)
    await here.house.holds.exclusive(STAFF, house.picture.id, PartnerId("txt"), until)


async def _new_version(here: Serving, house: House) -> None:
    """The same picture, handed in alone with a sidecar that says more of it."""
    said = """headline = "湘湖一角"
caption = "换了说明"
source = "萧山日报"
published = 2026-11-02T11:30:00+08:00
"""
    publisher, intake = here.house.settings.publisher, here.house.media_intake
    sidecar = read_sidecar(said.encode(), name="a.toml", medium=Medium.PICTURE, publisher=publisher)
    file = here.house.settings.data.parent / FILE_NAME
    document = await intake.standing_alone(file, FILE_NAME, sidecar, here.clock())
    (taken,) = await here.house.items.take_in_group(STAFF, [document])
    assert taken.item is not None
    assert (taken.item.id, taken.item.version) == (house.picture.id, 2)


ENDS: dict[str, tuple[Callable[[Serving, House], Awaitable[None]], int, str, str, str | None]] = {
    "the licence was ended": (_ended, 403, "address_expired", "licence_ended", "L-all"),
    "the partner is suspended": (_suspended, 403, "address_expired", "partner_suspended", None),
    "no grant gives pictures": (_without_pictures, 403, "address_expired", "medium_not_granted", "L-new#1"),
    "no grant gives this size": (
        *(_without_originals, 403, "address_expired"),
        *("rendition_not_granted", "L-new#1"),
    ),
    "the mandate was ended": (_mandate_ended, 403, "address_expired", "mandate_ended", "HEAD-1"),
    "a key was revoked": (_key_revoked, 403, "address_expired", "address_expired", None),
    "half a day passed": (_much_later, 403, "address_expired", "address_expired", None),
    "there is a newer version": (_new_version, 403, "address_expired", "address_expired", None),
    "the picture was recalled": (_recalled, 410, "recalled", "recalled", "L-all#1"),
    "the law took it down": (_recalled_by_law, 451, "recalled_legal", "recalled", "L-all#1"),
    "the picture is withheld": (_withheld, 404, "not_found", "withheld", None),
    "the picture is embargoed": (_embargoed, 404, "not_found", "embargoed", None),
    "the picture is for another": (_for_another, 404, "not_found", "exclusive", None),
}
"""Why an address stops: what happens, the answer's status and code, and reason and clause in the trail."""


@pytest.mark.parametrize("end", ENDS)
def test_a_signed_address_whose_right_is_gone_says_nothing_of_the_licence_but_in_the_trail(
    tmp_path: Path, end: str
) -> None:
    happens, status, code, reason, clause = ENDS[end]

    async def act(here: Serving, house: House) -> None:
        address = (await signed_addresses(here, house.keys["all"], "all"))[0]
        before = await here.get(address)
        assert before.status == 200
        lines = len(await media_lines(here))
        await happens(here, house)
        answer = await here.get(address, headers={"Accept": "*/*"})
        assert code_of(answer) == (status, code)
        _tells_nothing(answer)
        known = await here.get(address, headers={"If-None-Match": before.headers["ETag"]})
        assert code_of(known) == (status, code)
        assert len(await media_lines(here)) == lines
        for one in await _refused(here):
            assert (one.partner, one.jti, one.subject) == ("all", "", f"item:{house.picture.id}")
            assert (one.reason, one.clause) == (reason, clause)
        assert len(await _refused(here)) == 2

    in_house(tmp_path, act)


def _members(answer: Answer) -> dict[str, Any]:
    return dict(json.loads(answer.body))


def _tells_nothing(answer: Answer) -> None:
    """Whoever was given the address learns of no partner, no agreement, and nothing of the picture."""
    said = answer.text + repr(sorted(answer.headers.items()))
    for word in ("L-all", "L-new", "HEAD-1", "clause", "RateLimit", CAPTION[:6], CREDIT, "lake-at-dawn"):
        assert word not in said


def test_a_signed_address_beyond_the_quota_is_told_when_to_come_back_and_no_terms(tmp_path: Path) -> None:
    licences = {"all": licence("all", ALL, 'quota = { items = 1, per = "day" }')}

    async def act(here: Serving, house: House) -> None:
        key = house.keys["all"]
        addresses = await signed_addresses(here, key, "all", "pictures")
        # The feed has what fits, which is the picture; the sound is used up the quota with.
        assert (await here.get(f"/licensed/media/{house.sound.id}/original", key=key)).status == 200
        over = await here.get(addresses[0])
        assert code_of(over) == (429, "quota_exceeded")
        assert int(over.headers["Retry-After"]) == 12 * 3600
        assert set(_members(over)) == {"type", "title", "status", "detail", "code", "request_id"}
        _tells_nothing(over)
        assert "1" not in _members(over)["detail"]
        (line,) = await _refused(here)
        assert (line.reason, line.clause, line.jti) == ("quota_exceeded", "L-all#1", "")
        here.clock.move(timedelta(hours=6))
        later = await here.get(addresses[0])
        assert code_of(later) == (429, "quota_exceeded")

    in_house(tmp_path, act, licences)
