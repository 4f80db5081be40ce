"""Write responses as ready-made bytes, and problem documents (RFC 9457) for errors.

The table `PROBLEMS` says what each error code means; `error_answers` maps exceptions to codes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus
from time import time
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from syndicate.language import Lang, Text
from syndicate.web.server.problems import PROBLEMS

Headers = Iterable[tuple[str, str]]

_CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; media-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)

ALWAYS: tuple[tuple[str, str], ...] = (("X-Content-Type-Options", "nosniff"),)
"""Headers of every response."""
PAGE_POLICY: tuple[tuple[str, str], ...] = (
    ("Content-Security-Policy", _CONTENT_POLICY),
    ("Referrer-Policy", "no-referrer"),
)
"""Headers of every HTML page."""
CORS: tuple[tuple[str, str], ...] = (("Access-Control-Allow-Origin", "*"),)
"""Headers of everything that is open: scripts of any origin may read it. Never of licensed responses."""

CHALLENGES = (
    ("WWW-Authenticate", 'Bearer realm="syndicate"'),
    ("WWW-Authenticate", 'Basic realm="syndicate", charset="UTF-8"'),
)

REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
CLOSING: web.RequestKey[bool] = web.RequestKey("closing", bool)
"""Whether the connection ends with the response."""


def blocked_by(code: str, base_url: str) -> Headers:
    """Return the Link that names who blocks what the law demands to be blocked (RFC 7725, section 4).

    That is the publisher, by its terms. Empty for every code but 451's.
    """
    legal = PROBLEMS[code].status is HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS
    return [("Link", f'<{base_url}/terms>; rel="blocked-by"')] if legal else []


class Reply(web.StreamResponse):
    """A response whose head and body are ready-made bytes, written at once.

    `head` is the header block without status line, Date, X-Request-Id and Connection. aiohttp's own
    response builds its head from a dictionary at every request, which costs more than the rest of an
    answer from the cache.
    """

    def __init__(self, status: int, head: bytes, body: bytes) -> None:
        super().__init__(status=status)
        self.head, self.content = head, body

    @property
    def body_length(self) -> int:
        """Bytes of the body."""
        return len(self.content)

    def with_headers(self, headers: Headers) -> Reply:
        """Return the same response with more headers; itself where there are none."""
        more = list(headers)
        return Reply(self.status, _lines(more) + self.head, self.content) if more else self

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write the whole response."""
        writer = request.writer
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has closed the connection")
        keep = request.keep_alive and not request.get(CLOSING, False)
        self._keep_alive = keep
        if not keep:
            connection = b"\r\nConnection: close\r\n\r\n"
        elif request.version < (1, 1):
            connection = b"\r\nConnection: keep-alive\r\n\r\n"
        else:
            connection = b"\r\n\r\n"
        transport.write(full_head(self.status, self.head, request.get(REQUEST_ID, ""), connection))
        if self.content and request.method != "HEAD":
            transport.write(self.content)
        writer.output_size += len(self.content) + len(self.head)
        await writer.drain()
        self._eof_sent = True
        return writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: `prepare` has written everything."""


def full_head(status: int, head: bytes, request_id: str, connection: bytes = b"\r\n\r\n") -> bytes:
    """Return a prepared head with its status line and the headers that differ from answer to answer."""
    return head_before_id(status, head, _date.now()) + request_id.encode() + connection


def head_before_id(status: int, head: bytes, date: bytes) -> bytes:
    """Return everything of a head before the value of its last header, X-Request-Id."""
    return b"".join((_STATUS_LINES[status], head, b"Date: ", date, b"\r\nX-Request-Id: "))


def http_date(second: int) -> bytes:
    """Return this second since the epoch as a header's value (RFC 9110, section 5.6.7)."""
    return formatdate(second, usegmt=True).encode()


_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


class _Date:
    """The Date header, formatted once a second. It reads the machine's clock, not the services' clock."""

    def __init__(self) -> None:
        self._second, self._text = -1, b""

    def now(self) -> bytes:
        second = int(time())
        if second != self._second:
            self._second, self._text = second, http_date(second)
        return self._text


_date = _Date()


def quoted(clause: str) -> str:
    """Return a clause as a structured-field string (RFC 9651). Non-ASCII characters become `%uXXXX`."""
    plain = "".join(one if " " <= one <= "~" else f"%u{ord(one):04x}" for one in clause)
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def encode_head(headers: Headers) -> bytes:
    """Return a header block for `Reply`. Raises ValueError for a line break in a value."""
    return _lines((*headers, *ALWAYS))


def _lines(headers: Headers) -> bytes:
    lines = []
    for name, value in headers:
        if "\r" in value or "\n" in value:
            raise ValueError(f"a line break in the header {name}")
        lines.append(f"{name}: {value}\r\n")
    return "".join(lines).encode("latin-1")


def reply(status: int, headers: Headers, body: bytes) -> Reply:
    """Return a response with these headers and its Content-Length."""
    length = [] if status in (204, 304) else [("Content-Length", str(len(body)))]
    return Reply(status, encode_head([*headers, *length]), body)


def problem(
    code: str,
    *,
    base_url: str,
    request_id: str,
    lang: Lang,
    detail: Text | None = None,
    headers: Headers = (),
    public: bool = False,
    **members: object,
) -> Reply:
    """Return a problem document (RFC 9457), which no cache may store.

    `public` marks an error of an open route: it varies by Accept, since a browser gets a page instead.
    """
    known = PROBLEMS[code]
    document: dict[str, Any] = {
        "type": f"{base_url}/problems/{code}",
        "title": known.title.in_(lang),
        "status": known.status.value,
        "detail": (detail or known.help).in_(lang),
        "code": code,
        "request_id": request_id,
        **members,
    }
    challenges = CHALLENGES if known.status is HTTPStatus.UNAUTHORIZED else ()
    if challenges and code != "token_missing":
        challenges = (
            ("WWW-Authenticate", 'Bearer realm="syndicate", error="invalid_token"'),
            CHALLENGES[1],
        )
    return reply(
        known.status.value,
        [
            ("Content-Type", "application/problem+json"),
            ("Content-Language", content_language(lang)),
            ("Cache-Control", "no-store" if not challenges else "private, no-store"),
            ("Vary", "Accept, Accept-Language" if public else "Accept-Language, Authorization"),
            *(CORS if public else ()),
            *challenges,
            *blocked_by(code, base_url),
            *headers,
        ],
        json.dumps(document, ensure_ascii=False).encode(),
    )


def content_language(lang: Lang) -> str:
    """Return the Content-Language of a text in this language."""
    return "zh-CN" if lang is Lang.ZH else "en"
