"""The change sequence over HTTP: what a partner must do, in order, and its word that it was done."""

from __future__ import annotations

import asyncio
import json
import re

from aiohttp import web

from syndicate.formats import CHANGES
from syndicate.language import Text
from syndicate.web.licensed.licensed_handlers import Prepared, limits
from syndicate.web.server.connection import WAITS_UNTIL
from syndicate.web.server.request_parameters import must_accept
from syndicate.web.server.responses import Headers, reply
from syndicate.web.server.worker import ANSWER_WITHIN, PATIENCE, SESSION, WORKER, BadParameter, asked

MOST_WAITING = 8
"""Requests of one partner that one worker lets wait; beyond that they are answered at once."""
LONGEST_WAIT = 60
"""Seconds for which an answer may be waited for."""
_USUAL = 50
_MOST = 200
_MOST_ACKNOWLEDGED = 1_000
_LARGEST = 2**53 - 1
"""The largest number that every JSON reader keeps exactly (RFC 8259, section 6)."""
_NUMBER = re.compile(r"[0-9]{1,16}")


async def changes(request: web.Request) -> Prepared:
    """Everything that changed for the partner after a cursor; with `wait`, as soon as there is anything."""
    must_accept(request, CHANGES)
    worker, session = request.app[WORKER], request[SESSION]
    services = worker.services
    after = _number(request, "after", 0, 0, _LARGEST)
    limit = _number(request, "limit", _USUAL, 1, _MOST)
    wait = _number(request, "wait", 0, 0, LONGEST_WAIT)
    loop = asyncio.get_running_loop()
    ends = request.get(WAITS_UNTIL)
    if worker.waiting[session.partner.id] >= MOST_WAITING:
        wait, ends = 0, loop.time()
    if ends is None:
        ends = request[WAITS_UNTIL] = loop.time() + wait
        request[PATIENCE].reschedule(ends + ANSWER_WITHIN)
    worker.waiting[session.partner.id] += 1
    try:
        while True:
            page = await services.changes.read(session, after, limit)
            left = ends - loop.time()
            if not page.empty or page.page.reset or left <= 0 or worker.draining or _gone(request):
                break
            # A second at a time: who waits must also hear that its key was revoked, or that we stop.
            await services.changes.wait_for_change(session, min(left, 1.0))
            session = request[SESSION] = await worker.services.authenticator.authenticate(request.headers)
    finally:
        worker.waiting[session.partner.id] -= 1
    rendered = await asyncio.to_thread(CHANGES.render, page.page)
    answer = reply(200, _headers(request, rendered.content_type), rendered.body)
    return Prepared(
        answer,
        lambda: services.changes.deliver(page, session, asked(request, "json")),
        lambda: limits(request),
    )


def _gone(request: web.Request) -> bool:
    """Whether nobody waits for the answer any more."""
    return request.transport is None or request.transport.is_closing()


async def acknowledge(request: web.Request) -> Prepared:
    """The partner did what these entries told it."""
    services, session = request.app[WORKER].services, request[SESSION]
    seqs = _acknowledged(await request.read())
    done = await services.changes.acknowledge(session, seqs, asked(request, "json"))
    body = json.dumps({"acknowledged": done}).encode()

    async def written() -> bool:
        """Whether the act was done; its line was written with it."""
        return done is not None

    return Prepared(reply(200, _headers(request, "application/json"), body), written)


def _headers(request: web.Request, content_type: str) -> Headers:
    terms = f"{request.app[WORKER].services.settings.base_url}/terms"
    return [
        ("Content-Type", content_type),
        ("Cache-Control", "private, no-store"),
        ("Vary", "Authorization"),
        ("Link", f'<{terms}>; rel="license"'),
    ]


def _number(request: web.Request, name: str, usual: int, least: int, most: int) -> int:
    """A whole number among the parameters of the address. Raises BadParameter."""
    given = request.query.getall(name, [])
    if not given:
        return usual
    if len(given) == 1 and _NUMBER.fullmatch(given[0]) and least <= int(given[0]) <= most:
        return int(given[0])
    expected = Text(
        f"{name} 应为 {least} 到 {most} 的整数，只写一次",
        f"{name} should be one whole number from {least} to {most}",
    )
    raise BadParameter(name, expected)


def _acknowledged(body: bytes) -> list[int]:
    """The numbers in `{"ack":[…]}`. Raises BadParameter for anything else."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    numbers = document.get("ack") if isinstance(document, dict) else None
    good = isinstance(numbers, list) and all(
        isinstance(one, int) and not isinstance(one, bool) and 0 < one <= _LARGEST for one in numbers
    )
    if not good or not isinstance(numbers, list) or not 0 < len(numbers) <= _MOST_ACKNOWLEDGED:
        raise BadParameter(
            "body",
            Text(
                f'正文应为 {{"ack":[SEQ,…]}}，1 到 {_MOST_ACKNOWLEDGED} 个正整数',
                f'the body should be {{"ack":[SEQ,…]}} with 1 to {_MOST_ACKNOWLEDGED} whole numbers',
            ),
        )
    return numbers
