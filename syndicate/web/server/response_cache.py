"""Cache rendered responses: an edition rendered once, compressed once, with its validators and headers.

Rendering runs in one thread beside the event loop, so that a large feed does not delay other requests.
It is one thread because feedgen is not thread-safe.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from typing import NamedTuple

import brotli
from aiohttp import web
from cachetools import LRUCache

from syndicate.formats import Rendered
from syndicate.model.parties import recipient_id
from syndicate.model.rights import Use
from syndicate.services.delivery.editions import CachedEdition
from syndicate.stamping import Edition
from syndicate.web.server.negotiation import preferred_coding
from syndicate.web.server.responses import CORS, PAGE_POLICY, Reply, encode_head

_MAX_CACHED_BYTES = 96 * 1024 * 1024
"""Size of all prepared responses that one worker keeps."""
_MIN_COMPRESSED = 512
"""Bytes below which a body is sent uncompressed."""
PUBLIC_MAX_AGE = 300
"""Seconds that caches may keep an open response. A feed's `ttl` says the same in minutes."""

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
    """An edition in one format, in every content coding."""

    content: str
    updated: datetime | None
    encodings: dict[str, EncodedBody]

    @property
    def size(self) -> int:
        """Bytes of memory that caching it costs, roughly."""
        return 4096 + sum(len(encoded.body) for encoded in self.encodings.values())


class ResponseCache:
    """The prepared responses of one worker, by feed or item, recipient, use and format."""

    def __init__(self, terms_url: str) -> None:
        self._cache: LRUCache[CacheKey, PreparedResponse] = LRUCache(
            _MAX_CACHED_BYTES, getsizeof=lambda prepared: prepared.size
        )
        self._rendering: dict[CacheKey, asyncio.Task[PreparedResponse]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="render")
        self._terms_url = terms_url

    async def prepare(
        self, cached: CachedEdition, format: str, renderer: Renderer, *, page: bool = False
    ) -> PreparedResponse:
        """Return the edition in this format; rendered only if its content or its time is new."""
        found = self.cached(cached, format)
        if found is not None:
            return found
        edition, key = cached.edition, _cache_key(cached, format)
        rendering = self._rendering.get(key)
        if rendering is None:
            rendering = asyncio.create_task(self._render_in_thread(cached, renderer, page))
            self._rendering[key] = rendering
            rendering.add_done_callback(lambda _: self._rendering.pop(key, None))
        prepared = await asyncio.shield(rendering)
        if prepared.content != cached.content or prepared.updated != edition.updated:
            # Another request was rendering an older or newer edition under the same key.
            prepared = await self._render_in_thread(cached, renderer, page)
        if prepared.size < _MAX_CACHED_BYTES // 4:
            self._cache[key] = prepared
        return prepared

    def cached(self, cached: CachedEdition, format: str) -> PreparedResponse | None:
        """Return the edition in this format if it was rendered before. Never waits."""
        found = self._cache.get(_cache_key(cached, format))
        if (
            found is not None
            and found.content == cached.content
            and found.updated == cached.edition.updated
        ):
            return found
        return None

    def close(self) -> None:
        """End the rendering thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _render_in_thread(
        self, cached: CachedEdition, renderer: Renderer, page: bool
    ) -> PreparedResponse:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._render, cached, renderer, page)

    def _render(self, cached: CachedEdition, renderer: Renderer, page: bool) -> PreparedResponse:
        edition = cached.edition
        return prepare_response(
            renderer(edition),
            cached.content,
            edition.updated,
            self._terms_url,
            page=page,
            public=edition.public,
        )


def _cache_key(cached: CachedEdition, format: str) -> CacheKey:
    return cached.name, recipient_id(cached.edition.recipient), cached.use, format


def prepare_response(
    rendered: Rendered,
    content: str,
    updated: datetime | None,
    terms_url: str,
    *,
    page: bool = False,
    public: bool = True,
) -> PreparedResponse:
    """Compress the body and write the heads. The strong validator is the hash of the bytes.

    Without `updated` there is no Last-Modified. A public response may be read from any origin (CORS); a
    licensed one varies by Authorization.
    """
    dated = [("Last-Modified", format_datetime(updated, usegmt=True))] if updated is not None else []
    digest = hashlib.sha256(rendered.body).hexdigest()[:24]
    encodings = {}
    for coding, body in _encodings(rendered.body).items():
        etag = f'"{digest}"' if coding == "identity" else f'"{digest}-{coding}"'
        common = [
            ("ETag", etag),
            *dated,
            ("Vary", "Accept-Encoding" if public else "Authorization, Accept-Encoding"),
            ("Link", f'<{terms_url}>; rel="license"'),
            *(CORS if public else ()),
        ]
        entity = [("Content-Type", rendered.content_type), ("Content-Length", str(len(body)))]
        if coding != "identity":
            entity.append(("Content-Encoding", coding))
        if page:
            entity += PAGE_POLICY
        encodings[coding] = EncodedBody(etag, encode_head([*entity, *common]), encode_head(common), body)
    return PreparedResponse(content, updated, encodings)


def _encodings(body: bytes) -> dict[str, bytes]:
    encodings = {"identity": body}
    if len(body) >= _MIN_COMPRESSED:
        encodings["gzip"] = gzip.compress(body, 6, mtime=0)
        encodings["br"] = brotli.compress(body, quality=5)
    return encodings


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


def select(prepared: PreparedResponse, headers: SelectionHeaders, cache_control: bytes) -> Selected:
    """Select 200 or 304, in the coding that the client prefers (RFC 9110, sections 12.5.3 and 13.2.2)."""
    accept_encoding, if_none_match, if_modified_since = headers
    coding = preferred_coding(accept_encoding)
    encoded = prepared.encodings.get(coding) or prepared.encodings["identity"]
    if if_none_match is not None:
        not_modified = _matches(if_none_match, encoded.etag)
    else:
        not_modified = if_modified_since is not None and _not_modified_since(
            prepared.updated, if_modified_since
        )
    if not_modified:
        return Selected(304, encoded.head_not_modified + cache_control, b"")
    return Selected(200, encoded.head + cache_control, encoded.body)


def respond(prepared: PreparedResponse, request: web.Request, cache_control: bytes) -> Reply:
    """Answer this request from a prepared response."""
    return Reply(*select(prepared, selection_headers(request), cache_control))


def public_cache_control(until: datetime | None, now: datetime) -> bytes:
    """Return Cache-Control of an open response: never past `until`, when the response may change."""
    return public_freshness(until, now)[0]


def public_freshness(until: datetime | None, now: datetime) -> tuple[bytes, float]:
    """Return Cache-Control of an open response, and for how many seconds this one may be sent."""
    if until is None:
        return _PUBLIC, PUBLIC_MAX_AGE
    left = max(0.0, (until - now).total_seconds())
    if left >= PUBLIC_MAX_AGE:
        return _PUBLIC, left - PUBLIC_MAX_AGE
    return f"Cache-Control: public, max-age={int(left)}\r\n".encode(), left % 1


_PUBLIC = f"Cache-Control: public, max-age={PUBLIC_MAX_AGE}\r\n".encode()
PRIVATE = b"Cache-Control: private, no-cache\r\n"
"""Cache-Control of a licensed response: the reader may keep it, and revalidates it before each use."""


def _matches(if_none_match: str, etag: str) -> bool:
    """Weak comparison (RFC 9110, section 8.8.3.2) with each listed validator, or `*`."""
    if if_none_match == etag or if_none_match.strip() == "*":
        return True
    return any(one.strip().removeprefix("W/") == etag for one in if_none_match.split(","))


@lru_cache(maxsize=512)
def _http_date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return parsed if parsed.tzinfo is not None else None


def _not_modified_since(updated: datetime | None, if_modified_since: str) -> bool:
    """Whether nothing changed since this HTTP date. An invalid date is ignored, as RFC 9110 asks."""
    since = _http_date(if_modified_since)
    return since is not None and updated is not None and updated <= since
