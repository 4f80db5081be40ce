"""Handle the change sequence: what a partner must do, in order, and its acknowledgements."""

from __future__ import annotations

import asyncio
import json
import re

from aiohttp import web

from syndicate.formats import CHANGES, Rendered
from syndicate.language import Text
from syndicate.stamping import ChangesPage
from syndicate.strict_json import InvalidJson, read_json
from syndicate.web.licensed.licensed_handlers import PreparedDelivery, rate_limit_headers
from syndicate.web.server.connection import WAITS_UNTIL
from syndicate.web.server.negotiation import preferred_coding
from syndicate.web.server.request_parameters import BadParameter, must_accept
from syndicate.web.server.response_cache import compress_once, header_value
from syndicate.web.server.responses import Headers, reply
from syndicate.web.server.worker import RESPONSE_SECONDS, SESSION, TIMEOUT, WORKER, request_context

MAX_WAITING = 8
"""Requests of one partner that may wait on one worker; more are answered at once."""
MAX_WAIT_SECONDS = 60
"""The largest `wait`, in seconds."""
_DEFAULT_LIMIT = 50
_MAX_LIMIT = 500
_MAX_ACKNOWLEDGED = 1_000
_MAX_INTEGER = 2**53 - 1
"""The largest number that every JSON reader keeps exactly (RFC 8259, section 6)."""
_NUMBER = re.compile(r"[0-9]{1,16}")


async def changes(request: web.Request) -> PreparedDelivery:
    """Return changes after the cursor; with `wait`, hold the request until there is one."""
    must_accept(request, CHANGES)
    worker, session = request.app[WORKER], request[SESSION]
    services = worker.services
    after = _number(request, "after", 0, 0, _MAX_INTEGER)
    limit = _number(request, "limit", _DEFAULT_LIMIT, 1, _MAX_LIMIT)
    wait = _number(request, "wait", 0, 0, MAX_WAIT_SECONDS)
    loop = asyncio.get_running_loop()
    ends = request.get(WAITS_UNTIL)

    transport = request.transport

    def is_over() -> bool:
        """Whether the worker stops or the client has closed the connection."""
        return transport is None or transport.is_closing() or worker.draining

    if worker.waiting[session.partner.id] >= MAX_WAITING:
        wait, ends = 0, loop.time()
    if ends is None:
        ends = request[WAITS_UNTIL] = loop.time() + wait
        request[TIMEOUT].reschedule(ends + RESPONSE_SECONDS)
    worker.waiting[session.partner.id] += 1
    try:
        page = await services.changes.read(session, after, limit)
        while page.empty and not page.page.reset and loop.time() < ends and not is_over():
            true_until = await services.changes.wait(page, session, ends, is_over)
            # The key may have been revoked meanwhile.
            session = request[SESSION] = await services.authenticator.authenticate(request.headers)
            if true_until is not None:
                page = page.still_true(true_until, session)
                break
            page = await services.changes.read(session, after, limit)
    finally:
        worker.waiting[session.partner.id] -= 1
    rendered, coding, body = await asyncio.to_thread(
        _rendered, page.page, preferred_coding(header_value(request, "Accept-Encoding"))
    )
    headers = [*_headers(request, rendered.content_type, "Authorization, Accept-Encoding")]
    if coding != "identity":
        headers.append(("Content-Encoding", coding))
    answer = reply(200, headers, body)
    return PreparedDelivery(
        answer,
        lambda: services.changes.deliver(page, session, request_context(request, "json")),
        lambda: rate_limit_headers(request),
    )


def _rendered(page: ChangesPage, coding: str) -> tuple[Rendered, str, bytes]:
    """Render a page, and compress it where that is worth it; the coding that was used, and the body."""
    rendered = CHANGES.render(page)
    coding, body = compress_once(rendered.body, coding)
    return rendered, coding, body


async def acknowledge(request: web.Request) -> PreparedDelivery:
    """The partner's acknowledgement that it did what these entries ask."""
    services, session = request.app[WORKER].services, request[SESSION]
    seqs = _acknowledged(await request.read())
    done = await services.changes.acknowledge(session, seqs, request_context(request, "json"))
    body = json.dumps({"acknowledged": done}).encode()

    async def written() -> bool:
        """Whether the entries were acknowledged; the trail line was written in the same transaction."""
        return done is not None

    return PreparedDelivery(reply(200, _headers(request, "application/json"), body), written)


def _headers(request: web.Request, content_type: str, vary: str = "Authorization") -> Headers:
    terms = f"{request.app[WORKER].services.settings.base_url}/terms"
    return [
        ("Content-Type", content_type),
        ("Cache-Control", "private, no-store"),
        ("Vary", vary),
        ("Link", f'<{terms}>; rel="license"'),
    ]


def _number(request: web.Request, name: str, default: int, least: int, most: int) -> int:
    """Read a whole number from the query. Raises BadParameter."""
    given = request.query.getall(name, [])
    if not given:
        return default
    if len(given) == 1 and _NUMBER.fullmatch(given[0]) and least <= int(given[0]) <= most:
        return int(given[0])
    expected = Text(
        f"{name} 应为 {least} 到 {most} 的整数，只写一次",
        f"{name} should be one whole number from {least} to {most}",
    )
    raise BadParameter(name, expected)


def _acknowledged(body: bytes) -> list[int]:
    """Read the numbers of `{"ack":[…]}`. Raises BadParameter for anything else."""
    try:
        document = read_json(body)
    except InvalidJson:
        document = None
    numbers = document.get("ack") if isinstance(document, dict) else None
    good = isinstance(numbers, list) and all(
        isinstance(one, int) and not isinstance(one, bool) and 0 < one <= _MAX_INTEGER for one in numbers
    )
    if not good or not isinstance(numbers, list) or not 0 < len(numbers) <= _MAX_ACKNOWLEDGED:
        raise BadParameter(
            "body",
            Text(
                f'正文应为 {{"ack":[SEQ,…]}}，1 到 {_MAX_ACKNOWLEDGED} 个正整数',
                f'the body should be {{"ack":[SEQ,…]}} with 1 to {_MAX_ACKNOWLEDGED} whole numbers',
            ),
        )
    return numbers
