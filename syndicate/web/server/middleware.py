"""Wrap every request: number it, limit its time, turn exceptions into error responses, and log it."""

from __future__ import annotations

import asyncio
from time import perf_counter, time

from aiohttp import HttpVersion10, HttpVersion11, web

from syndicate.web.server.error_answers import problem_of
from syndicate.web.server.request_ids import new_request_id
from syndicate.web.server.responses import CLOSING, REQUEST_ID, Reply
from syndicate.web.server.worker import RESPONSE_SECONDS, SESSION, TIMEOUT, WORKER, Handler

_VERSIONS = (HttpVersion10, HttpVersion11)


@web.middleware
async def around_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer one request; no exception leaves here as aiohttp's own error page."""
    worker = request.app[WORKER]
    request[REQUEST_ID] = new_request_id()
    if worker.draining:
        request[CLOSING] = True
    started = perf_counter()
    try:
        if request.version not in _VERSIONS:
            raise web.HTTPVersionNotSupported
        async with asyncio.timeout(RESPONSE_SECONDS) as timeout:
            request[TIMEOUT] = timeout
            response = await handler(request)
    except Exception as error:  # noqa: BLE001  (every error has its response)
        response = problem_of(request, error)
    session = request.get(SESSION)
    worker.access_log.add(
        at=time(),
        request_id=request[REQUEST_ID],
        method=request.method,
        path=request.path,
        status=response.status,
        size=response.body_length if isinstance(response, Reply) else 0,
        seconds=perf_counter() - started,
        partner=session.partner.id if session is not None else "",
    )
    return response


async def expect_continue(request: web.Request) -> None:
    """Answer `Expect: 100-continue` (RFC 9110, section 10.1.1) where a body is read.

    Raises HTTPExpectationFailed for any other expectation; the response repeats none of it.
    """
    if request.headers.get("Expect", "").lower() != "100-continue":
        raise web.HTTPExpectationFailed
    if request.method == "POST" and request.version == HttpVersion11 and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
