"""A server with partners and items in this process, for tests of its routes."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from syndicate.access.authentication import Session, session_of
from syndicate.model.events import (
    EditionDelivered,
    Event,
    ItemDelivered,
    KeyRejected,
    LicenceShown,
    ReleaseRefused,
)
from syndicate.model.parties import PartnerId
from syndicate.model.records import event_fields
from syndicate.wiring import Services
from tests.support.servers import Answer, Serving, new_pattern, serving
from tests.test_matrix import furnish

LICENSED_FEED = "/licensed/feeds/all.json"
Keys = dict[str, str]
"""Each partner's token."""

_ABOUT_REQUESTS = (EditionDelivered, ItemDelivered, LicenceShown, ReleaseRefused, KeyRejected)
_OWN_TO_EACH = ("date", "x-request-id")


def visit(
    folder: Path,
    act: Callable[[Serving, Keys], Awaitable[None]],
    *,
    empty: bool = False,
    machine_time: bool = False,
) -> None:
    """Do this in a house in this folder, furnished unless `empty`; by the machine's clock if asked to."""
    keys: Keys = {}
    if not empty:
        pattern, keys = _furnished()
        shutil.copytree(pattern, folder, dirs_exist_ok=True)

    async def inside() -> None:
        async with serving(folder, machine_time=machine_time) as here:
            await act(here, dict(keys))

    asyncio.run(inside())


@cache
def _furnished() -> tuple[Path, Keys]:
    """A house as `furnish` leaves it, and its keys: made once for each process."""
    folder = new_pattern("furnished")

    async def make() -> Keys:
        async with serving(folder) as here:
            return await furnish(here)

    return folder, asyncio.run(make())


async def session_for(house: Services, partner: PartnerId, jti: str) -> Session:
    """The session of a key whose signature is good. Raises TokenRejected."""
    register, revision = await house.rights_cache.read()
    return session_of(partner, jti, register, revision)


async def an_id(here: Serving, headline: str) -> str:
    """The id of the item with this headline."""
    return next(item.id for item in await here.house.items.items(limit=100) if item.headline == headline)


def code_of(answer: Answer) -> tuple[int, str]:
    """The status and code of a problem."""
    return answer.status, json.loads(answer.body)["code"]


def told(answer: Answer) -> tuple[int, dict[str, str], str]:
    """An answer without what is new each time: date and request id."""
    name = answer.headers["X-Request-Id"]
    headers = {one.lower(): value for one, value in answer.headers.items()}
    kept = {one: value for one, value in headers.items() if one not in _OWN_TO_EACH}
    return answer.status, kept, answer.body.decode(errors="backslashreplace").replace(name, "")


@cache
def jti_of(token: str) -> str:
    """The key's own id."""
    return str(_claims(token)["jti"])


def forged(token: str, key: Ed25519PrivateKey | None = None, **claims: object) -> str:
    """This token with other claims, under the same name; signed with another key unless `key` is given."""
    header = {"typ": "at+jwt", "kid": jwt.get_unverified_header(token)["kid"]}
    signer = key or Ed25519PrivateKey.generate()
    return jwt.encode(_claims(token) | claims, signer, algorithm="EdDSA", headers=header)


def _claims(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


async def trail(here: Serving) -> list[Event]:
    """What is in the trail about requests."""
    lines = await here.house.store.lines(limit=100_000)
    return [line.entry.event for line in lines if isinstance(line.entry.event, _ABOUT_REQUESTS)]


async def line_of(here: Serving, answer: Answer) -> Event:
    """The one line about this answer."""
    name = answer.headers["X-Request-Id"]
    (found,) = [event for event in await trail(here) if event_fields(event)["request"] == name]
    return found


async def open_paths(here: Serving) -> list[str]:
    """One address of every open route, and of every kind of answer it has."""
    item = await an_id(here, "日报新闻")
    return [
        *("/", "/?lang=en", "/terms", "/feeds.opml", f"/items/{item}", f"/items/{item}?lang=en"),
        *("/feeds/all.rss", "/feeds/news.atom", "/feeds/daily.json", "/feeds/pictures.rss"),
        *("/feeds/all/2026-11.rss", "/feeds/daily/2024-05.atom", "/feeds/news/2026-11-02T12.json"),
        *("/problems/not_found", "/static/syndicate.css", "/static/seal.svg"),
        *("/favicon.ico", "/robots.txt"),
        *("/.well-known/jwks.json", "/healthz", "/readyz"),
    ]
