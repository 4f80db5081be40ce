"""Turn exceptions into error responses: a problem document, or an HTML page for a browser."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from time import time

import structlog
from aiohttp import web

from syndicate.errors import (
    AddressExpired,
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
from syndicate.formats import Rendered
from syndicate.formats.timestamps import rfc3339
from syndicate.language import Lang, Text
from syndicate.web.server.negotiation import language_of
from syndicate.web.server.problems import PROBLEMS
from syndicate.web.server.request_parameters import BadParameter, accepts_page, error_language
from syndicate.web.server.response_cache import header_value
from syndicate.web.server.responses import (
    CLOSING,
    CORS,
    PAGE_POLICY,
    REQUEST_ID,
    Headers,
    Reply,
    blocked_by,
    content_language,
    problem,
    quoted,
    reply,
)
from syndicate.web.server.worker import WORKER, is_open

_log = structlog.get_logger("syndicate.web")

_RETRY_SOON: Headers = (("Retry-After", "5"),)


def problem_of(request: web.Request, error: Exception) -> Reply:
    """Return the error response. This is the only table from exceptions to problem codes."""
    match error:
        case TokenRejected(code=code) | CursorUnknown(code=code) | ChangeUnknown(code=code):
            return _refused_key_or_cursor(request, error, code)
        case NotLicensed() | Recalled() | QuotaExceeded():
            return _refused_by_rights(request, error)
        case AddressExpired(code=code) | Unknown(code=code):
            known = code in ("unknown_feed", AddressExpired.code)
            return _answer(request, code if known else "not_found")
        case BadParameter(code=code, field=name, expected=expected):
            return _answer(request, code, expected, field=name)
        case web.HTTPException():
            return _http_error(request, error)
        case TimeoutError() | SyndicateError():
            return _unavailable(request, error)
        case ConnectionResetError():
            # The client went away while its body was read: nobody hears this, but the log says whose fault.
            return _answer(request, "bad_request")
        case _:
            _log.error("unexpected_error", request_id=request[REQUEST_ID], exc_info=error)
            return _answer(request, "internal")


def _refused_key_or_cursor(
    request: web.Request, error: TokenRejected | CursorUnknown | ChangeUnknown, code: str
) -> Reply:
    """401 without detail; 400 that names the field or the numbers."""
    match error:
        case CursorUnknown():
            return _answer(request, code, error.text + Text("。", "."), field="after")
        case ChangeUnknown(seqs=seqs):
            return _answer(request, code, error.text + Text("。", "."), unknown=list(seqs))
        case _:
            return _answer(request, code)


def _refused_by_rights(request: web.Request, error: NotLicensed | Recalled | QuotaExceeded) -> Reply:
    """403, 410, 451 or 429 with reason and clause, or when to try again."""
    worker = request.app[WORKER]
    publisher = worker.services.settings.publisher
    match error:
        case NotLicensed(reason=reason, clause=clause):
            contact = publisher.contact
            detail = error.text + Text(f"。如有疑问，请联系 {contact}", f". Ask {contact}")
            return _answer(request, "not_licensed", detail, reason=reason, clause=clause, contact=contact)
        case Recalled(code=code, reason=reason, at=at):
            if _wants_page(request):
                lang = error_language(request)
                return _page(request, code, worker.pages.recalled(error, lang), lang)
            recalled = rfc3339(at, publisher.zone)
            return _answer(request, code, error.text + Text("。", "."), reason=reason, recalled=recalled)
        case QuotaExceeded(code=code, clause=clause, resets=resets):
            wait = max(1, ceil((resets - worker.services.clock()).total_seconds()))
            retry, detail = ("Retry-After", str(wait)), error.text + Text("。", ".")
            if clause is None:
                return _answer(request, code, detail, [retry])
            return _answer(
                request,
                code,
                detail,
                [retry, ("RateLimit", f"{quoted(clause)};r=0;t={wait}")],
                clause=clause,
                resets=rfc3339(resets, publisher.zone),
                # A member of the registered type quota-exceeded; `type` itself stays ours.
                **{"violated-policies": [clause]},
            )


def _http_error(request: web.Request, error: web.HTTPException) -> Reply:
    """Answer the errors of aiohttp itself, and those that handlers raise in its terms."""
    match error:
        case web.HTTPMethodNotAllowed(allowed_methods=allowed):
            if _is_preflight(request):
                return _allow_preflight()
            return _answer(request, "method_not_allowed", headers=[("Allow", ", ".join(sorted(allowed)))])
        case web.HTTPRequestEntityTooLarge():
            return _answer(request, "too_large")
        case web.HTTPRequestRangeNotSatisfiable(headers=headers):
            size = [("Content-Range", headers["Content-Range"]), ("Accept-Ranges", "bytes")]
            return _answer(request, "range_not_satisfiable", headers=size)
        case web.HTTPPreconditionFailed():
            return _answer(request, "precondition_failed")
        case web.HTTPVersionNotSupported():
            request[CLOSING] = True
            return _answer(request, "http_version")
        case web.HTTPException(status=status) if status < 500:
            return _answer(request, "not_found" if status == 404 else "bad_request")
        case _:
            _log.error("unexpected_error", request_id=request[REQUEST_ID], exc_info=error)
            return _answer(request, "internal")


def _unavailable(request: web.Request, error: TimeoutError | SyndicateError) -> Reply:
    """503, with a log line that says why: the store, a limit of time, or another part that failed."""
    match error:
        case TimeoutError():
            _log.error("response_timeout", request_id=request[REQUEST_ID], path=request.path)
        case SyndicateError(code=code):
            event = "store_fault" if isinstance(error, StoreFault) else "request_failed"
            _log.error(event, code=code, request_id=request[REQUEST_ID], why=error.text.en)
    return _answer(request, "unavailable", headers=_RETRY_SOON)


def _is_preflight(request: web.Request) -> bool:
    """Whether a browser asks if a script of another origin may read an open route (CORS preflight)."""
    return (
        request.method == "OPTIONS"
        and is_open(request)
        and "Origin" in request.headers
        and "Access-Control-Request-Method" in request.headers
    )


def _allow_preflight() -> Reply:
    """Reading is allowed from everywhere, with any header that is worth sending here."""
    headers = (
        *CORS,
        ("Access-Control-Allow-Methods", "GET, HEAD"),
        ("Access-Control-Allow-Headers", "Accept, Accept-Language, If-Modified-Since, If-None-Match"),
        ("Access-Control-Max-Age", "86400"),
        ("Cache-Control", "no-store"),
    )
    return reply(204, headers, b"")


def _wants_page(request: web.Request) -> bool:
    return is_open(request) and accepts_page(request)


def _answer(
    request: web.Request, code: str, detail: Text | None = None, headers: Headers = (), **members: object
) -> Reply:
    """The error as a page for a browser on an open route, else as a problem document."""
    worker = request.app[WORKER]
    if _wants_page(request):
        lang = error_language(request)
        rendered = worker.pages.error(code, detail, request[REQUEST_ID], lang)
        return _page(request, code, rendered, lang, headers)
    return problem(
        code,
        base_url=worker.services.settings.base_url,
        request_id=request[REQUEST_ID],
        lang=language_of(header_value(request, "Accept-Language")),
        detail=detail,
        headers=headers,
        public=is_open(request),
        **members,
    )


def _page(request: web.Request, code: str, rendered: Rendered, lang: Lang, headers: Headers = ()) -> Reply:
    """An error page. No cache may store it: what is missing may be there at the next request."""
    fields = [
        ("Content-Type", rendered.content_type),
        ("Content-Language", content_language(lang)),
        ("Cache-Control", "no-store"),
        ("Vary", "Accept, Accept-Language"),
        *CORS,
        *PAGE_POLICY,
        *blocked_by(code, request.app[WORKER].services.settings.base_url),
        *headers,
    ]
    return reply(PROBLEMS[code].status.value, fields, rendered.body)


def unparsable(app: web.Application) -> Callable[[str, str, BaseException | None], Reply]:
    """Return a function that answers, and logs, bytes that are no HTTP request."""

    def answer(code: str, request_id: str, error: BaseException | None) -> Reply:
        worker = app[WORKER]
        if code == "internal":
            _log.error("unexpected_error", request_id=request_id, exc_info=error)
        base_url = worker.services.settings.base_url
        made = problem(code, base_url=base_url, request_id=request_id, lang=Lang.ZH)
        worker.access_log.add(
            at=time(),
            request_id=request_id,
            method="",
            path="",
            status=made.status,
            size=made.body_length,
            seconds=0.0,
            partner="",
        )
        return made

    return answer
