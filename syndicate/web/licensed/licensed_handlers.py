"""Handle licensed requests; no response is sent before its trail record is committed."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
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
from syndicate.formats import FEED_FORMATS, NINJS, SERVED_FORMATS, Format
from syndicate.language import Text
from syndicate.model.item import ItemId
from syndicate.model.register import Key
from syndicate.model.rights import Licence
from syndicate.services.delivery.delivery_service import MAX_ATTEMPTS
from syndicate.services.delivery.editions import CachedEdition, OutdatedEdition
from syndicate.services.delivery.player_editions import for_players
from syndicate.services.delivery.quotas import Left
from syndicate.stamping import Edition
from syndicate.web.server.cache_control import PRIVATE
from syndicate.web.server.request_parameters import check_parameters, must_accept, use_of
from syndicate.web.server.response_cache import respond, wanted_coding
from syndicate.web.server.responses import Headers, Reply, quoted, reply
from syndicate.web.server.worker import SESSION, WORKER, Handler, request_context


async def _no_headers() -> Headers:
    return ()


@dataclass(frozen=True, slots=True)
class PreparedDelivery:
    """A finished response, to be sent only if `record_delivery()` returns True.

    `record_delivery` writes the trail record; it returns False if rights changed and the request must be
    retried. `headers` returns the headers that are known only once the record is committed.
    """

    reply: Reply
    record_delivery: Callable[[], Awaitable[bool]]
    headers: Callable[[], Awaitable[Headers]] = _no_headers


PartnerHandler = Callable[[web.Request], Awaitable[PreparedDelivery]]


def with_key(handler: PartnerHandler, parameters: Collection[str]) -> Handler:
    """Wrap a handler: authenticate, check the parameters, write the trail record, return the response.

    Sets `request[SESSION]`. The key is checked again at each attempt, so that a key revoked meanwhile gets
    no response. A rejected key and a refusal get a trail record of their own.
    """

    async def attempt(request: web.Request) -> Reply | None:
        """Return the response, or None if rights changed while it was made."""
        services = request.app[WORKER].services
        request[SESSION] = await services.authenticator.authenticate(request.headers)
        check_parameters(request, parameters)
        try:
            prepared = await handler(request)
        except OutdatedEdition:
            services.delivery.expire_rights()
            return None
        if not isinstance(prepared, PreparedDelivery):
            raise TypeError("a handler for partners returns a PreparedDelivery")
        if not await prepared.record_delivery():
            return None
        return prepared.reply.with_headers(await prepared.headers())

    @wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        delivery = request.app[WORKER].services.delivery
        try:
            for _ in range(MAX_ATTEMPTS):
                response = await attempt(request)
                if response is not None:
                    return response
        except TokenRejected as rejected:
            await delivery.reject(rejected, request_context(request))
            raise
        except (NotLicensed, Unknown, Recalled, QuotaExceeded) as refusal:
            await delivery.refuse(
                request[SESSION],
                _subject(request),
                use_of(request),
                refusal,
                request_context(request),
                request.match_info.get("rendition"),
            )
            raise
        raise StoreBusy(
            Text(
                "授权状态正在频繁变动，请重试",
                "rights are changing faster than answers can be made; try again",
            )
        )

    return guarded


async def feed(request: web.Request) -> PreparedDelivery:
    """A feed in full text, with the items that the partner's licences cover."""
    delivery = request.app[WORKER].services.delivery
    format = SERVED_FORMATS[request.match_info["format"]]
    must_accept(request, format)
    use = use_of(request)
    edition = await delivery.licensed_feed(request.match_info["feed"], request[SESSION], use)
    if format.for_players:
        edition = await _for_players(request, edition)
    return await _prepared(request, edition, format)


async def archive(request: web.Request) -> PreparedDelivery:
    """A document of a feed's archive (RFC 5005), with the items that the partner's licences cover."""
    worker, session = request.app[WORKER], request[SESSION]
    delivery = worker.services.delivery
    format = FEED_FORMATS[request.match_info["format"]]
    must_accept(request, format)
    use = use_of(request)
    async with worker.archives:
        edition = await delivery.licensed_archive(
            request.match_info["feed"], request.match_info["archive"], session, use
        )
        prepared = await worker.responses.prepare_archive(edition, format.render, wanted_coding(request))
    response = respond(prepared, request, PRIVATE)
    context = request_context(request, format.id)
    return PreparedDelivery(
        response,
        lambda: delivery.deliver(edition, session, response.status, context),
        lambda: rate_limit_headers(request),
    )


async def item(request: web.Request) -> PreparedDelivery:
    """One item as ninjs."""
    delivery = request.app[WORKER].services.delivery
    must_accept(request, NINJS)
    use = use_of(request)
    edition = await delivery.licensed_item(ItemId(request.match_info["item"]), request[SESSION], use)
    return await _prepared(request, edition, NINJS)


async def licence(request: web.Request) -> PreparedDelivery:
    """The partner's licences and key metadata, without tokens, as JSON."""
    services, session = request.app[WORKER].services, request[SESSION]
    zone, now = services.settings.publisher.zone, services.clock()
    licences = session.register.licences_of(session.partner.id)
    keys = await services.delivery.keys_of(session)
    left = {one.clause: one for one in await services.delivery.quotas.left(session.partner.id, licences)}
    document = {
        "partner": {"id": session.partner.id, "name": session.partner.name},
        "licences": [_licence(one, zone, now, left) for one in licences],
        "keys": [_key(one, session.key.jti) for one in keys],
    }
    headers = [
        ("Content-Type", "application/json"),
        ("Cache-Control", "private, no-store"),
        ("Vary", "Authorization"),
        ("Link", f'<{services.settings.base_url}/terms>; rel="license"'),
    ]
    return PreparedDelivery(
        reply(200, headers, json.dumps(document, ensure_ascii=False).encode()),
        lambda: services.delivery.show_licence(session, request_context(request, "json")),
    )


async def _for_players(request: web.Request, edition: CachedEdition) -> CachedEdition:
    services = request.app[WORKER].services
    signer = await services.authenticator.address_signer()
    base_url, register = services.settings.base_url, request[SESSION].register
    return for_players(edition, signer, register, base_url, services.clock())


async def _prepared(
    request: web.Request, edition: CachedEdition, format: Format[Edition]
) -> PreparedDelivery:
    worker, session = request.app[WORKER], request[SESSION]
    prepared = await worker.responses.prepare(edition, format.id, format.render, wanted_coding(request))
    response = respond(prepared, request, PRIVATE)
    context = request_context(request, format.id)

    async def deliver() -> bool:
        delivered = await worker.services.delivery.deliver(edition, session, response.status, context)
        if delivered and not format.for_players:
            worker.request_cache.licensed.remember(request, session, edition, format.id)
        return delivered

    return PreparedDelivery(response, deliver, lambda: rate_limit_headers(request))


async def rate_limit_headers(request: web.Request) -> Headers:
    """Return the partner's quotas by clause, as draft-ietf-httpapi-ratelimit-headers writes them.

    Return none if no licence in force has a quota.
    """
    services, session = request.app[WORKER].services, request[SESSION]
    now = services.clock()
    licences = [one for one in session.register.licences_of(session.partner.id) if now in one.window]
    quotas = await services.delivery.quotas.left(session.partner.id, licences)
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
    if "archive" in match_info:
        return f"feed:{match_info['feed']}/{match_info['archive']}"
    return f"feed:{match_info['feed']}" if "feed" in match_info else "changes"


def _licence(licence: Licence, zone: tzinfo, now: datetime, left: Mapping[str, Left]) -> dict[str, Any]:
    """The licence with the field names of its TOML file, its state and the quota left.

    `state` is `not_begun`, `in_force` or `ended`.
    """
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
