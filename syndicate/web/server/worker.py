"""What a worker serves with, and what happens around every request."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from dataclasses import field as field_
from math import ceil
from time import perf_counter, time

import structlog
from aiohttp import web

from syndicate.access.authentication import Session
from syndicate.errors import (
    ChangeUnknown,
    CursorUnknown,
    NotLicensed,
    QuotaExceeded,
    Recalled,
    StoreFault,
    SyndicateError,
    TokenRejected,
    Unknown,
)
from syndicate.formats.timestamps import on_the_clock
from syndicate.language import Lang, Text
from syndicate.services.delivery.delivery_service import RequestContext
from syndicate.web.public.pages import Pages
from syndicate.web.server.access_log import AccessLog
from syndicate.web.server.answer_cache import ReadyAnswers, field
from syndicate.web.server.negotiation import language_of
from syndicate.web.server.request_cache import RequestCache
from syndicate.web.server.responses import CLOSING, REQUEST_ID, Headers, Reply, problem, quoted
from syndicate.wiring import Services

_log = structlog.get_logger("syndicate.web")

ANSWER_WITHIN = 10.0
"""Seconds that an answer may take to make."""


class BadParameter(Exception):
    """A parameter of the address or a header that cannot be used: which, and what was expected."""

    def __init__(self, field: str, expected: Text, code: str = "bad_parameter") -> None:
        super().__init__(field)
        self.field, self.expected, self.code = field, expected, code


@dataclass(slots=True)
class Worker:
    """What one worker process serves with."""

    services: Services
    ready: ReadyAnswers
    pages: Pages
    access_log: AccessLog
    repeats: RequestCache
    waiting: Counter[str] = field_(default_factory=Counter)
    """How many requests of each partner wait for something to change."""

    @property
    def draining(self) -> bool:
        """Whether the worker was told to stop. One flag: what answers quickly must know it too."""
        return self.repeats.closed

    @draining.setter
    def draining(self, stopping: bool) -> None:
        self.repeats.closed = stopping


WORKER: web.AppKey[Worker] = web.AppKey("worker", Worker)
SESSION: web.RequestKey[Session] = web.RequestKey("session", Session)
PATIENCE: web.RequestKey[asyncio.Timeout] = web.RequestKey("patience", asyncio.Timeout)
"""How long the answer may take; a handler that was asked to wait moves it."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def asked(request: web.Request, format: str = "") -> RequestContext:
    """The circumstances of this request for the trail."""
    return RequestContext(request=request[REQUEST_ID], method=request.method, format=format)


def new_request_id() -> str:
    """Sixteen hexadecimal digits, at random."""
    return secrets.token_hex(8)


@web.middleware
async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Number the request, keep it to its time, turn what goes wrong into a problem, and log it."""
    worker = request.app[WORKER]
    request[REQUEST_ID] = new_request_id()
    if worker.draining:
        request[CLOSING] = True
    begun = perf_counter()
    try:
        async with asyncio.timeout(ANSWER_WITHIN) as patience:
            request[PATIENCE] = patience
            answer = await handler(request)
    except Exception as accident:  # noqa: BLE001  (nothing may leave as aiohttp's own error page)
        answer = problem_of(request, accident)
    session = request.get(SESSION)
    worker.access_log.add(
        at=time(),
        request_id=request[REQUEST_ID],
        method=request.method,
        path=request.path,
        status=answer.status,
        octets=answer.body_length if isinstance(answer, Reply) else 0,
        seconds=perf_counter() - begun,
        partner=session.partner.id if session is not None else "",
    )
    return answer


def problem_of(request: web.Request, accident: Exception) -> Reply:
    """The one table from errors to problem documents."""
    services = request.app[WORKER].services
    zone = services.settings.publisher.zone
    match accident:
        case TokenRejected(code=code):
            return _say(request, code)
        case NotLicensed(reason=reason, clause=clause):
            contact = services.settings.publisher.contact
            detail = accident.text + Text(f"。如有疑问，请联系 {contact}", f". Ask {contact}")
            return _say(request, "not_licensed", detail, reason=reason, clause=clause, contact=contact)
        case Recalled(code=code, reason=reason, at=at):
            return _say(
                request,
                code,
                accident.text + Text("。", "."),
                reason=reason,
                recalled=on_the_clock(at, zone),
            )
        case QuotaExceeded(code=code, clause=clause, resets=resets):
            wait = max(1, ceil((resets - services.clock()).total_seconds()))
            return _say(
                request,
                code,
                accident.text + Text("。", "."),
                [("Retry-After", str(wait)), ("RateLimit", f"{quoted(clause)};r=0;t={wait}")],
                clause=clause,
                resets=on_the_clock(resets, zone),
                # The type stays ours; the member is that of the IANA type quota-exceeded.
                **{"violated-policies": [clause]},
            )
        case CursorUnknown(code=code):
            return _say(request, code, accident.text + Text("。", "."), field="after")
        case ChangeUnknown(code=code, seqs=seqs):
            return _say(request, code, accident.text + Text("。", "."), unknown=list(seqs))
        case Unknown(code=code):
            return _say(request, "unknown_feed" if code == "unknown_feed" else "not_found")
        case BadParameter(code=code, field=name, expected=expected):
            return _say(request, code, expected, field=name)
        case StoreFault(code=code):
            _log.error("store_fault", code=code, request_id=request[REQUEST_ID], why=accident.text.en)
            return _say(request, "unavailable", headers=[("Retry-After", "5")])
        case TimeoutError():
            _log.error("too_slow", request_id=request[REQUEST_ID], path=request.path)
            return _say(request, "unavailable", headers=[("Retry-After", "5")])
        case web.HTTPMethodNotAllowed():
            allow = ", ".join(sorted(accident.allowed_methods))
            return _say(request, "method_not_allowed", headers=[("Allow", allow)])
        case web.HTTPRequestEntityTooLarge():
            return _say(request, "too_large")
        case web.HTTPException(status=status) if status < 500:
            return _say(request, "not_found" if status == 404 else "bad_request")
        case SyndicateError(code=code):
            _log.error("refused", code=code, request_id=request[REQUEST_ID], why=accident.text.en)
            return _say(request, "unavailable", headers=[("Retry-After", "5")])
        case _:
            _log.error("accident", request_id=request[REQUEST_ID], exc_info=accident)
            return _say(request, "internal")


def _say(
    request: web.Request, code: str, detail: Text | None = None, headers: Headers = (), **members: object
) -> Reply:
    return problem(
        code,
        base_url=request.app[WORKER].services.settings.base_url,
        request_id=request[REQUEST_ID],
        lang=language_of(field(request, "Accept-Language")),
        detail=detail,
        headers=headers,
        **members,
    )


def unreadable(worker: Worker) -> Callable[[str, str, BaseException | None], Reply]:
    """What is said, and logged, about a client whose bytes were no request."""

    def say(code: str, request_id: str, accident: BaseException | None) -> Reply:
        if code == "internal":
            _log.error("accident", request_id=request_id, exc_info=accident)
        base_url = worker.services.settings.base_url
        answer = problem(code, base_url=base_url, request_id=request_id, lang=Lang.ZH)
        worker.access_log.add(
            at=time(),
            request_id=request_id,
            method="",
            path="",
            status=answer.status,
            octets=answer.body_length,
            seconds=0.0,
            partner="",
        )
        return answer

    return say


async def expect(request: web.Request) -> None:
    """The Expect header (RFC 9110, section 10.1.1): who asks before sending a body is told to go on where
    a body is read. Raises HTTPExpectationFailed for anything else; what is then said repeats none of it."""
    if request.headers.get("Expect", "").lower() != "100-continue":
        raise web.HTTPExpectationFailed
    if request.method == "POST" and request.version >= (1, 1) and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
