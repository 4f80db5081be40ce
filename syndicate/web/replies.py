"""Replies: ready-made bytes for what is cached, problem documents (RFC 9457) for what goes wrong.

The table `PROBLEMS` is the only place that gives an error its status; nothing else maps errors.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from time import time
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from syndicate.language import Lang, Text

Headers = Iterable[tuple[str, str]]

_CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

ALWAYS: tuple[tuple[str, str], ...] = (("X-Content-Type-Options", "nosniff"),)
"""Headers of every answer."""
PAGE_POLICY: tuple[tuple[str, str], ...] = (
    ("Content-Security-Policy", _CONTENT_POLICY),
    ("Referrer-Policy", "no-referrer"),
)
"""Headers of every page for people."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What one code of error means: its status, its name, and what to do about it."""

    status: HTTPStatus
    title: Text
    help: Text


def _problem(status: int, zh: str, en: str, help_zh: str, help_en: str) -> Problem:
    return Problem(HTTPStatus(status), Text(zh, en), Text(help_zh, help_en))


_NEW_KEY = ("请向本网索取新的密钥。", "Ask the publisher for a new key.")

PROBLEMS: Mapping[str, Problem] = {
    "bad_parameter": _problem(
        400, "参数有误", "Bad parameter", "请按说明改正该参数。", "Correct the parameter that is named."
    ),
    "bad_request": _problem(
        400,
        "请求有误",
        "Bad request",
        "请检查客户端发出的请求行和请求头：它们不是有效的 HTTP，或其中的 Expect 本服务不支持。",
        "Check the request line and the headers that the client sends: they are not valid HTTP, or ask "
        "in Expect for what is not supported here.",
    ),
    "token_missing": _problem(
        401,
        "需要密钥",
        "A key is needed",
        "请在 Authorization 请求头中出示密钥：Bearer，或 Basic（用户名为授权媒体编号，密码为密钥）。"
        "密钥绝不放在网址里。",
        "Show your key in the Authorization header: as Bearer, or as Basic with your partner id and the "
        "key as password. A key is never taken from the address.",
    ),
    "token_malformed": _problem(
        401,
        "密钥格式有误",
        "The key is malformed",
        "请用 Bearer 或 Basic，并检查密钥是否完整复制。",
        "Use Bearer or Basic, and check that the key was copied whole.",
    ),
    "token_invalid": _problem(
        401,
        "密钥无效",
        "The key is not valid",
        "请向本网索取新的密钥；用 Basic 时请核对用户名。",
        "Ask the publisher for a new key; with Basic, check the user name.",
    ),
    "token_expired": _problem(401, "密钥已过期", "The key has expired", *_NEW_KEY),
    "key_revoked": _problem(401, "密钥已撤销", "The key was revoked", *_NEW_KEY),
    "partner_suspended": _problem(
        401,
        "授权媒体已被暂停",
        "The partner is suspended",
        "请与本网联系。",
        "Get in touch with the publisher.",
    ),
    "not_licensed": _problem(
        403,
        "未获授权",
        "Not licensed",
        "授权协议不包含所请求的内容；原因和条款见 reason 和 clause。",
        "Your licence does not cover this; reason and clause say why.",
    ),
    "not_found": _problem(404, "没有找到", "Not found", "请检查网址。", "Check the address."),
    "unknown_feed": _problem(
        404,
        "没有这个订阅源",
        "Unknown feed",
        "全部订阅源见 /feeds.opml。",
        "All feeds are listed in /feeds.opml.",
    ),
    "method_not_allowed": _problem(
        405,
        "不支持这种方法",
        "Method not allowed",
        "可用的方法见 Allow 响应头。",
        "The Allow header names what can be used.",
    ),
    "not_acceptable": _problem(
        406,
        "无法提供所要求的格式",
        "Not acceptable",
        "请放宽 Accept，或改用其他扩展名（.rss、.atom、.json）。",
        "Widen Accept, or use another extension (.rss, .atom, .json).",
    ),
    "too_large": _problem(413, "请求太大", "Content too large", "请缩小请求。", "Send less."),
    "header_too_large": _problem(
        431,
        "请求头太大",
        "Header fields too large",
        "请求行和每个请求头至多 8 KB。",
        "The request line and each header may have 8 KB at most.",
    ),
    "internal": _problem(
        500,
        "服务器出错",
        "Internal error",
        "请将 request_id 告知本网。",
        "Tell the publisher the request_id.",
    ),
    "unavailable": _problem(503, "暂时无法服务", "Unavailable", "请稍后重试。", "Try again later."),
}
"""Every code an answer can carry."""

CHALLENGES = (
    ("WWW-Authenticate", 'Bearer realm="syndicate"'),
    ("WWW-Authenticate", 'Basic realm="syndicate", charset="UTF-8"'),
)


class Reply(web.StreamResponse):
    """An answer whose head and body are ready-made bytes, written in one go.

    `head` is the header block without the status line, date, request id and connection. aiohttp's
    own response builds the same from a dictionary at every request; this is what feeds are read with.
    """

    def __init__(self, status: int, head: bytes, body: bytes) -> None:
        super().__init__(status=status)
        self.head, self.content = head, body

    @property
    def body_length(self) -> int:
        """Octets of the body."""
        return len(self.content)

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write the whole answer."""
        writer = request.writer
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has gone")
        keep = request.keep_alive and not request.get(CLOSING, False)
        self._keep_alive = keep
        if not keep:
            connection = b"\r\nConnection: close\r\n\r\n"
        elif request.version < (1, 1):
            connection = b"\r\nConnection: keep-alive\r\n\r\n"
        else:
            connection = b"\r\n\r\n"
        transport.write(whole_head(self.status, self.head, request.get(REQUEST_ID, ""), connection))
        if self.content and request.method != "HEAD":
            transport.write(self.content)
        writer.output_size += len(self.content) + len(self.head)
        await writer.drain()
        self._eof_sent = True
        return writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to write."""


def whole_head(status: int, head: bytes, request_id: str, connection: bytes = b"\r\n\r\n") -> bytes:
    """A ready head with its status line, and the lines that differ from answer to answer."""
    return b"".join(
        (
            _STATUS_LINES[status],
            head,
            b"Date: ",
            _date.now(),
            b"\r\nX-Request-Id: ",
            request_id.encode(),
            connection,
        )
    )


REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
CLOSING: web.RequestKey[bool] = web.RequestKey("closing", bool)

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


class _Date:
    """The Date header, written once a second. It is the transport's own, not the product's, clock."""

    def __init__(self) -> None:
        self._second, self._text = -1, b""

    def now(self) -> bytes:
        second = int(time())
        if second != self._second:
            self._second, self._text = second, formatdate(second, usegmt=True).encode()
        return self._text


_date = _Date()


def head_of(headers: Headers) -> bytes:
    """A header block for `Reply`. Values are ours: a line break in one is a bug, and raises."""
    lines = []
    for name, value in (*headers, *ALWAYS):
        if "\r" in value or "\n" in value:
            raise ValueError(f"a line break in the header {name}")
        lines.append(f"{name}: {value}\r\n")
    return "".join(lines).encode("latin-1")


def reply(status: int, headers: Headers, body: bytes) -> Reply:
    """An answer with these headers and its length."""
    length = [] if status in (204, 304) else [("Content-Length", str(len(body)))]
    return Reply(status, head_of([*headers, *length]), body)


def problem(
    code: str,
    *,
    base_url: str,
    request_id: str,
    lang: Lang,
    detail: Text | None = None,
    headers: Headers = (),
    **members: object,
) -> Reply:
    """A problem document (RFC 9457). It is never stored by any cache."""
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
            ("Content-Language", "zh-CN" if lang is Lang.ZH else "en"),
            ("Cache-Control", "no-store" if not challenges else "private, no-store"),
            ("Vary", "Accept-Language, Authorization"),
            *challenges,
            *headers,
        ],
        json.dumps(document, ensure_ascii=False).encode(),
    )
