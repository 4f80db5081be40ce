"""Cache rendered responses: an edition rendered once, compressed once, with its validators and headers.

A body is kept in the content codings that were asked for, and in no other: a partner that always asks for
gzip costs the worker a third of what the text itself would.

Rendering runs in one thread beside the event loop, so that a large feed does not delay other requests.
It is one thread because feedgen is not thread-safe.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import sys
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache, partial
from typing import Final, NamedTuple

import brotli
from aiohttp import web
from cachetools import LRUCache

from syndicate.formats import Rendered
from syndicate.model.parties import recipient_id
from syndicate.model.rights import Use
from syndicate.services.delivery.editions import CachedEdition
from syndicate.stamping import Edition
from syndicate.web.server.negotiation import preferred_coding
from syndicate.web.server.responses import CORS, PAGE_POLICY, Headers, Reply, encode_head

RESPONSES_MB: Final = 96
"""Memory for all prepared responses that one worker keeps, in MiB."""
_MIN_COMPRESSED = 512
"""Bytes below which a body is sent uncompressed."""

Renderer = Callable[[Edition], Rendered]
CacheKey = tuple[str, str, Use | None, str]
"""Feed id or `item:` with the item's id; recipient; use; format."""


@dataclass(frozen=True, slots=True)
class EncodedBody:
    """A body in one content coding, with its strong validator and the heads of its 200 and its 304.

    The heads lack Cache-Control, which depends on the time of the request.
    """

    etag: str
    head: bytes
    head_not_modified: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class PreparedResponse:
    """An edition in one format, in the content codings that were asked for: one at least."""

    content: str
    updated: datetime | None
    headers: ResponseHeaders
    encodings: Mapping[str, EncodedBody]

    def coding(self, preferred: str) -> str:
        """Return the coding to send where the client prefers this one: short bodies are not compressed."""
        return preferred if self.headers.compressible else "identity"

    def encoded(self, preferred: str) -> EncodedBody | None:
        """Return the body as it is sent where the client prefers this coding; None if nobody asked yet."""
        return self.encodings.get(self.coding(preferred))

    def with_coding(self, preferred: str) -> PreparedResponse:
        """Return this response with one more coding. The body itself is read from one that is there."""
        coding = self.coding(preferred)
        if coding in self.encodings:
            return self
        kept, source = next(iter(self.encodings.items()))
        encoded = self.headers.encoded(coding, _encode(_decode(source.body, kept), coding))
        return replace(self, encodings={**self.encodings, coding: encoded})

    @property
    def size(self) -> int:
        """Bytes of memory that keeping it costs."""
        return _SIZE_OF_RESPONSE + sum(
            _SIZE_OF_CODING + sum(map(sys.getsizeof, (one.etag, one.head, one.head_not_modified, one.body)))
            for one in self.encodings.values()
        )


_SIZE_OF_RESPONSE = 1_400
"""Bytes of a response without its bodies: the object, its headers and its place in the cache."""
_SIZE_OF_CODING = 160
"""Bytes of one coding without its body and heads."""


class ResponseCache:
    """The prepared responses of one worker, by feed or item, recipient, use and format."""

    def __init__(self, terms_url: str, megabytes: int = RESPONSES_MB) -> None:
        self._cache: LRUCache[CacheKey, PreparedResponse] = LRUCache(
            megabytes * 2**20, getsizeof=lambda prepared: prepared.size
        )
        self._preparing: dict[CacheKey, asyncio.Task[PreparedResponse]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="render")
        self._terms_url = terms_url

    @property
    def size(self) -> int:
        """Bytes of memory that all kept responses cost."""
        return int(self._cache.currsize)

    async def prepare(
        self,
        cached: CachedEdition,
        format: str,
        renderer: Renderer,
        coding: str,
        *,
        page: bool = False,
        by_accept: bool = False,
    ) -> PreparedResponse:
        """Return the edition in this format, with the body in this content coding.

        It is rendered only if its content or its time is new, and encoded only if nobody asked for the
        coding before. `by_accept` says that the address answers other Accept headers in another format.
        """
        found = self.cached(cached, format)
        if found is not None and found.encoded(coding) is not None:
            return found
        key = _cache_key(cached, format)
        preparing = self._preparing.get(key)
        if preparing is None:
            preparing = asyncio.create_task(self._prepare(found, cached, renderer, coding, page, by_accept))
            self._preparing[key] = preparing
            preparing.add_done_callback(lambda _: self._preparing.pop(key, None))
        prepared = await asyncio.shield(preparing)
        same = prepared if _is_of(prepared, cached) else None
        if same is None or same.encoded(coding) is None:
            # Another request was preparing an older or newer edition, or another coding.
            prepared = await self._prepare(same, cached, renderer, coding, page, by_accept)
        if prepared.size < self._cache.maxsize // 4:
            self._cache[key] = prepared
        return prepared

    async def prepare_archive(
        self, cached: CachedEdition, renderer: Renderer, coding: str, *, page: bool = False
    ) -> PreparedResponse:
        """Return an archive document, or a page about it, in this content coding. It is not kept.

        No date says that it is unchanged: an item that leaves moves no item's time. Its ETag does.
        """
        loop = asyncio.get_running_loop()
        public = cached.edition.public
        render = partial(self._render, cached, renderer, coding, page=page, by_accept=public)
        prepared = await loop.run_in_executor(self._thread, render)
        return replace(prepared, updated=None)

    def cached(self, cached: CachedEdition, format: str) -> PreparedResponse | None:
        """Return the edition in this format if it was rendered before. Never waits."""
        found = self._cache.get(_cache_key(cached, format))
        return found if found is not None and _is_of(found, cached) else None

    def close(self) -> None:
        """End the rendering thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _prepare(
        self,
        found: PreparedResponse | None,
        cached: CachedEdition,
        renderer: Renderer,
        coding: str,
        page: bool,
        by_accept: bool,
    ) -> PreparedResponse:
        """Render the edition, or encode what was found once more, in the thread."""
        loop = asyncio.get_running_loop()
        if found is not None:
            return await loop.run_in_executor(self._thread, found.with_coding, coding)
        render = partial(self._render, cached, renderer, coding, page=page, by_accept=by_accept)
        return await loop.run_in_executor(self._thread, render)

    def _render(
        self, cached: CachedEdition, renderer: Renderer, coding: str, *, page: bool, by_accept: bool
    ) -> PreparedResponse:
        edition = cached.edition
        return prepare_response(
            renderer(edition),
            cached.content,
            edition.updated,
            self._terms_url,
            codings=(coding,),
            page=page,
            public=edition.public,
            by_accept=by_accept,
        )


def _cache_key(cached: CachedEdition, format: str) -> CacheKey:
    return cached.name, recipient_id(cached.edition.recipient), cached.use, format


def _is_of(prepared: PreparedResponse, cached: CachedEdition) -> bool:
    """Whether this was rendered from this content, with this time."""
    return prepared.content == cached.content and prepared.updated == cached.edition.updated


@dataclass(frozen=True, slots=True)
class ResponseHeaders:
    """What the heads of a response are made from, in whatever coding."""

    digest: str
    """Of the body without any coding: the strong validators are made from it."""
    content_type: str
    common: Headers
    """Of a 200 and of a 304."""
    page: bool
    compressible: bool

    def encoded(self, coding: str, body: bytes) -> EncodedBody:
        """Return this body, which is in this coding, with its validator and heads."""
        etag = f'"{self.digest}"' if coding == "identity" else f'"{self.digest}-{coding}"'
        common = [("ETag", etag), *self.common]
        entity = [("Content-Type", self.content_type), ("Content-Length", str(len(body)))]
        if coding != "identity":
            entity.append(("Content-Encoding", coding))
        if self.page:
            entity += PAGE_POLICY
        return EncodedBody(etag, encode_head([*entity, *common]), encode_head(common), body)


def prepare_response(
    rendered: Rendered,
    content: str,
    updated: datetime | None,
    terms_url: str,
    *,
    codings: Collection[str] = ("identity", "gzip", "br"),
    page: bool = False,
    public: bool = True,
    by_accept: bool = False,
) -> PreparedResponse:
    """Encode the body and write the heads. The strong validator is the hash of the bytes.

    Without `updated` there is no Last-Modified. A public response may be read from any origin (CORS); a
    licensed one varies by Authorization, and one whose address has several formats by Accept.
    """
    vary = ("Accept",) * by_accept + ("Authorization",) * (not public) + ("Accept-Encoding",)
    dated = [("Last-Modified", format_datetime(updated, usegmt=True))] if updated is not None else []
    headers = ResponseHeaders(
        hashlib.sha256(rendered.body).hexdigest()[:24],
        rendered.content_type,
        (
            *dated,
            ("Vary", ", ".join(vary)),
            ("Link", f'<{terms_url}>; rel="license"'),
            *(CORS if public else ()),
        ),
        page,
        compressible=len(rendered.body) >= _MIN_COMPRESSED,
    )
    wanted = codings if headers.compressible else ("identity",)
    encodings = {coding: headers.encoded(coding, _encode(rendered.body, coding)) for coding in wanted}
    return PreparedResponse(content, updated, headers, encodings)


def _encode(body: bytes, coding: str) -> bytes:
    match coding:
        case "gzip":
            return gzip.compress(body, 6, mtime=0)
        case "br":
            compressed: bytes = brotli.compress(body, quality=5)
            return compressed
        case _:
            return body


def _decode(body: bytes, coding: str) -> bytes:
    """The inverse of `_encode`."""
    match coding:
        case "gzip":
            return gzip.decompress(body)
        case "br":
            decompressed: bytes = brotli.decompress(body)
            return decompressed
        case _:
            return body


def compress_once(body: bytes, coding: str) -> tuple[str, bytes]:
    """Compress a body that is sent once, quickly. Return the coding, `identity` for a short body, and it.

    Brotli at quality 1 and gzip at level 1 cost a fraction of what `prepare_response` spends on a body that
    is sent many times, and make JSON of Chinese text a quarter and a third as long.
    """
    if len(body) < _MIN_COMPRESSED or coding == "identity":
        return "identity", body
    return coding, brotli.compress(body, quality=1) if coding == "br" else gzip.compress(body, 1, mtime=0)


class Selected(NamedTuple):
    """The part of a prepared response that is sent: status, head up to Cache-Control, and body."""

    status: int
    head: bytes
    body: bytes


class SelectionHeaders(NamedTuple):
    """The request headers that select what is sent of a prepared response."""

    accept_encoding: str | None
    if_none_match: str | None
    if_modified_since: str | None


def selection_headers(request: web.Request) -> SelectionHeaders:
    """Read the headers of this request that select what is sent."""
    return SelectionHeaders(
        header_value(request, "Accept-Encoding"),
        header_value(request, "If-None-Match"),
        request.headers.get("If-Modified-Since"),
    )


def header_value(request: web.Request, name: str) -> str | None:
    """Return a list header of the request, its lines joined (RFC 9110, section 5.3); None without any."""
    lines = request.headers.getall(name, None)
    return None if lines is None else ", ".join(lines)


def wanted_coding(request: web.Request) -> str:
    """Return the content coding that the client prefers."""
    return preferred_coding(header_value(request, "Accept-Encoding"))


def select(prepared: PreparedResponse, headers: SelectionHeaders, cache_control: bytes) -> Selected | None:
    """Select 200 or 304, in the coding that the client prefers (RFC 9110, sections 12.5.3 and 13.2.2).

    None where the response was not prepared in that coding.
    """
    accept_encoding, if_none_match, if_modified_since = headers
    encoded = prepared.encoded(preferred_coding(accept_encoding))
    if encoded is None:
        return None
    if if_none_match is not None:
        not_modified = matches_weakly(if_none_match, encoded.etag)
    else:
        not_modified = if_modified_since is not None and not_modified_since(
            prepared.updated, if_modified_since
        )
    if not_modified:
        return Selected(304, encoded.head_not_modified + cache_control, b"")
    return Selected(200, encoded.head + cache_control, encoded.body)


def respond(prepared: PreparedResponse, request: web.Request, cache_control: bytes) -> Reply:
    """Answer this request from a response that was prepared in its `wanted_coding`."""
    selected = select(prepared, selection_headers(request), cache_control)
    if selected is None:
        raise LookupError("the response was not prepared in the coding that the request asks for")
    return Reply(*selected)


def matches_weakly(if_none_match: str, etag: str) -> bool:
    """Weak comparison (RFC 9110, section 8.8.3.2) with each listed validator, or `*`."""
    if if_none_match == etag or if_none_match.strip() == "*":
        return True
    return any(one.strip().removeprefix("W/") == etag for one in if_none_match.split(","))


@lru_cache(maxsize=512)
def parse_http_date(text: str) -> datetime | None:
    """Return the time that an HTTP date says; None for what is none."""
    try:
        parsed = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return parsed if parsed.tzinfo is not None else None


def not_modified_since(updated: datetime | None, if_modified_since: str) -> bool:
    """Whether nothing changed since this HTTP date. An invalid date is ignored, as RFC 9110 asks."""
    since = parse_http_date(if_modified_since)
    return since is not None and updated is not None and updated <= since
