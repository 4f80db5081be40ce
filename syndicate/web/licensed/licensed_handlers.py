"""What a partner gets with its key. Nothing leaves here before its line in the trail is durable."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import wraps
from math import ceil
from typing import Any

from aiohttp import web

from syndicate.agreements.writer import written
from syndicate.errors import (
    NotLicensed,
    QuotaExceeded,
    Recalled,
    StoreBusy,
    TokenRejected,
    Unknown,
)
from syndicate.formats import FEED_FORMATS, NINJS, Format
from syndicate.language import Text
from syndicate.model.item import ItemId
from syndicate.model.register import Key
from syndicate.model.rights import Licence
from syndicate.services.delivery.delivery_service import MAX_ATTEMPTS
from syndicate.services.delivery.editions import CachedEdition, OutdatedEdition
from syndicate.services.delivery.quotas import Left
from syndicate.stamping import Edition
from syndicate.web.server.answer_cache import PRIVATE, answer
from syndicate.web.server.request_parameters import must_accept, use_of
from syndicate.web.server.responses import Headers, Reply, quoted, reply
from syndicate.web.server.worker import SESSION, WORKER, Handler, asked


async def _no_fields() -> Headers:
    return ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """An answer that is ready to leave, and the writing of its line: False means judge it again.

    `fields` are header fields that can only be known once the line is written.
    """

    reply: Reply
    deliver: Callable[[], Awaitable[bool]]
    fields: Callable[[], Awaitable[Headers]] = _no_fields


PartnerHandler = Callable[[web.Request], Awaitable[Prepared]]


def with_key(handler: PartnerHandler) -> Handler:
    """Let a partner in by its key, and an answer out by its line.

    The key is looked at again at each try, so a revocation that comes while an answer is being made
    stops that answer.
    """

    @wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        worker = request.app[WORKER]
        for _ in range(MAX_ATTEMPTS):
            try:
                request[SESSION] = await worker.services.authenticator.authenticate(request.headers)
            except TokenRejected as rejected:
                await worker.services.delivery.reject(rejected, asked(request))
                raise
            try:
                prepared = await handler(request)
                if not isinstance(prepared, Prepared):
                    raise TypeError("a handler for partners answers with what its line is written for")
                if await prepared.deliver():
                    return prepared.reply.with_fields(await prepared.fields())
            except OutdatedEdition:
                worker.services.delivery.expire_rights()
            except (NotLicensed, Unknown, Recalled, QuotaExceeded) as refusal:
                delivery = worker.services.delivery
                await delivery.refuse(
                    request[SESSION], _subject(request), use_of(request), refusal, asked(request)
                )
                raise
        raise StoreBusy(
            Text(
                "授权状态正在频繁变动，请重试",
                "rights are changing faster than answers can be made; try again",
            )
        )

    return guarded


async def feed(request: web.Request) -> Prepared:
    """A feed in full text: only what the partner's licences cover."""
    worker = request.app[WORKER]
    format = FEED_FORMATS[request.match_info["format"]]
    must_accept(request, format)
    use = use_of(request)
    served = await worker.services.delivery.licensed_feed(request.match_info["feed"], request[SESSION], use)
    return await _prepared(request, served, format)


async def item(request: web.Request) -> Prepared:
    """One item as ninjs."""
    worker = request.app[WORKER]
    must_accept(request, NINJS)
    use = use_of(request)
    served = await worker.services.delivery.licensed_item(
        ItemId(request.match_info["item"]), request[SESSION], use
    )
    return await _prepared(request, served, NINJS)


async def licence(request: web.Request) -> Prepared:
    """The partner's own licences and keys, never a token."""
    worker = request.app[WORKER]
    session = request[SESSION]
    zone, now = worker.services.settings.publisher.zone, worker.services.clock()
    licences = session.register.licences_of(session.partner.id)
    keys = await worker.services.delivery.keys_of(session)
    quotas = await worker.services.delivery.quotas.left(session.partner.id, licences)
    left = {one.clause: one for one in quotas}
    document = {
        "partner": {"id": session.partner.id, "name": session.partner.name},
        "licences": [_licence(one, zone, now, left) for one in licences],
        "keys": [_key(one, session.key.jti) for one in keys],
    }
    headers = [
        ("Content-Type", "application/json"),
        ("Cache-Control", "private, no-store"),
        ("Vary", "Authorization"),
        ("Link", f'<{worker.services.settings.base_url}/terms>; rel="license"'),
    ]
    said = reply(200, headers, json.dumps(document, ensure_ascii=False).encode())
    return Prepared(said, lambda: worker.services.delivery.show_licence(session, asked(request, "json")))


async def _prepared(request: web.Request, served: CachedEdition, format: Format[Edition]) -> Prepared:
    worker = request.app[WORKER]
    ready = await worker.ready.of(served, format.id, format.render)
    said = answer(ready, request, PRIVATE)
    session = request[SESSION]
    return Prepared(
        said,
        lambda: worker.services.delivery.deliver(served, session, said.status, asked(request, format.id)),
        lambda: limits(request),
    )


async def limits(request: web.Request) -> Headers:
    """The partner's quotas in the fields of draft-ietf-httpapi-ratelimit-headers: each by its clause.

    None where no licence in force has a quota.
    """
    worker, session = request.app[WORKER], request[SESSION]
    now = worker.services.clock()
    licences = [one for one in session.register.licences_of(session.partner.id) if now in one.window]
    quotas = await worker.services.delivery.quotas.left(session.partner.id, licences)
    if not quotas:
        return ()
    policies, left = [], []
    for one in quotas:
        name = quoted(one.clause)
        span = ceil((one.resets - one.begun).total_seconds())
        policies.append(f"{name};q={one.quota.items};w={span}")
        left.append(f"{name};r={one.left};t={max(0, ceil((one.resets - now).total_seconds()))}")
    return [("RateLimit-Policy", ", ".join(policies)), ("RateLimit", ", ".join(left))]


def _subject(request: web.Request) -> str:
    match_info = request.match_info
    if "item" in match_info:
        return f"item:{match_info['item']}"
    return f"feed:{match_info['feed']}" if "feed" in match_info else "changes"


def _licence(licence: Licence, zone: tzinfo, now: datetime, left: Mapping[str, Left]) -> dict[str, Any]:
    """The licence in the words of its file, with its state by the clock: not_begun, in_force or ended;
    and for each quota what is left of it, and until when."""
    document = written(licence, zone)
    for grant in document["grants"]:
        quota = left.get(grant["clause"])
        if quota is not None:
            grant["quota"]["left"] = quota.left
            grant["quota"]["resets"] = quota.resets.isoformat()
    return {**document, "state": licence.window.state(now)}


def _key(key: Key, own: str) -> dict[str, object]:
    return {
        "jti": key.jti,
        "label": key.label,
        "issued": key.issued.isoformat(),
        "expires": key.expires.isoformat(),
        "revoked": key.revoked.isoformat() if key.revoked is not None else None,
        "last_used": key.last_used.isoformat() if key.last_used is not None else None,
        "this": key.jti == own,
    }
