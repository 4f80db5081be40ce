"""Ready-made answers: an edition rendered once, coded once, with its validators and heads.

What is not cached is rendered in one thread beside the event loop, so that a large feed never holds
up the others; feedgen is not made for several threads at once.
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
from syndicate.web.server.responses import PAGE_POLICY, Reply, head_of

_KEPT = 96 * 1024 * 1024
"""Octets of ready-made answers kept by one worker."""
_WORTH_CODING = 512
PUBLIC_AGE = 300
"""Seconds that an open answer may be kept by caches; a feed's `ttl` says the same in minutes."""

Renderer = Callable[[Edition], Rendered]
Asking = tuple[str, str, Use | None, str]


@dataclass(frozen=True, slots=True)
class Coded:
    """One representation: a content coding's octets with their own strong validator and heads.

    The heads lack Cache-Control, which depends on the moment.
    """

    etag: str
    head: bytes
    head_unmodified: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Ready:
    """An edition in one format, in every content coding."""

    content: str
    updated: datetime | None
    codings: dict[str, Coded]

    @property
    def weight(self) -> int:
        """Octets that keeping it costs."""
        return 4096 + sum(len(coded.body) for coded in self.codings.values())


class ReadyAnswers:
    """One per worker: what was rendered, by feed, recipient, use and format."""

    def __init__(self, terms: str) -> None:
        self._kept: LRUCache[Asking, Ready] = LRUCache(_KEPT, getsizeof=lambda ready: ready.weight)
        self._making: dict[Asking, asyncio.Task[Ready]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="render")
        self._terms = terms

    async def of(
        self, served: CachedEdition, format: str, renderer: Renderer, *, page: bool = False
    ) -> Ready:
        """The edition in this format; rendered only if its content or moment is new."""
        kept = self.kept(served, format)
        if kept is not None:
            return kept
        edition, asking = served.edition, _asking(served, format)
        making = self._making.get(asking)
        if making is None:
            making = asyncio.create_task(self._make(served, renderer, page))
            self._making[asking] = making
            making.add_done_callback(lambda _: self._making.pop(asking, None))
        ready = await asyncio.shield(making)
        if ready.content != served.content or ready.updated != edition.updated:
            # Another request was making an older or newer edition under the same name.
            ready = await self._make(served, renderer, page)
        if ready.weight < _KEPT // 4:
            self._kept[asking] = ready
        return ready

    def kept(self, served: CachedEdition, format: str) -> Ready | None:
        """The edition in this format, if it was rendered before."""
        kept = self._kept.get(_asking(served, format))
        if kept is not None and kept.content == served.content and kept.updated == served.edition.updated:
            return kept
        return None

    async def _make(self, served: CachedEdition, renderer: Renderer, page: bool) -> Ready:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._render, served, renderer, page)

    def _render(self, served: CachedEdition, renderer: Renderer, page: bool) -> Ready:
        edition = served.edition
        rendered = renderer(edition)
        vary = "Accept-Encoding" if edition.public else "Authorization, Accept-Encoding"
        return make_ready(rendered, served.content, edition.updated, self._terms, page=page, vary=vary)

    def close(self) -> None:
        """Let the rendering thread end."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _asking(served: CachedEdition, format: str) -> Asking:
    edition = served.edition
    what = edition.feed.id if edition.feed is not None else f"item:{edition.items[0].id}"
    return what, recipient_id(edition.recipient), served.use, format


def make_ready(
    rendered: Rendered,
    content: str,
    updated: datetime | None,
    terms: str,
    *,
    page: bool = False,
    vary: str = "Accept-Encoding",
) -> Ready:
    """Code the octets and write the heads. The strong validator is made of the octets themselves.

    Without `updated` there is no Last-Modified: what has no moment of its own has the one validator.
    """
    dated = [("Last-Modified", format_datetime(updated, usegmt=True))] if updated is not None else []
    name = hashlib.sha256(rendered.body).hexdigest()[:24]
    codings = {}
    for coding, body in _coded(rendered.body).items():
        etag = f'"{name}"' if coding == "identity" else f'"{name}-{coding}"'
        common = [
            ("ETag", etag),
            *dated,
            ("Vary", vary),
            ("Link", f'<{terms}>; rel="license"'),
        ]
        entity = [("Content-Type", rendered.content_type), ("Content-Length", str(len(body)))]
        if coding != "identity":
            entity.append(("Content-Encoding", coding))
        if page:
            entity += PAGE_POLICY
        codings[coding] = Coded(etag, head_of([*entity, *common]), head_of(common), body)
    return Ready(content, updated, codings)


def _coded(body: bytes) -> dict[str, bytes]:
    codings = {"identity": body}
    if len(body) >= _WORTH_CODING:
        codings["gzip"] = gzip.compress(body, 6, mtime=0)
        codings["br"] = brotli.compress(body, quality=5)
    return codings


class Chosen(NamedTuple):
    """What is sent of a ready answer: the status, the head but for its last lines, and the body."""

    status: int
    head: bytes
    body: bytes


class Choosing(NamedTuple):
    """The fields of a request that choose what is sent of a ready answer."""

    accept_encoding: str | None
    if_none_match: str | None
    if_modified_since: str | None


def choosing(request: web.Request) -> Choosing:
    """What the request says about it."""
    return Choosing(
        field(request, "Accept-Encoding"),
        field(request, "If-None-Match"),
        request.headers.get("If-Modified-Since"),
    )


def field(request: web.Request, name: str) -> str | None:
    """A list field of the request, its lines joined (RFC 9110, section 5.3); None if there is none."""
    lines = request.headers.getall(name, None)
    return None if lines is None else ", ".join(lines)


def choose(ready: Ready, choosing: Choosing, cache_control: bytes) -> Chosen:
    """200 or 304, in the coding that the client prefers (RFC 9110, sections 12.5.3 and 13.2.2)."""
    accept_encoding, if_none_match, if_modified_since = choosing
    coding = preferred_coding(accept_encoding)
    coded = ready.codings.get(coding) or ready.codings["identity"]
    if if_none_match is not None:
        unmodified = _matches(if_none_match, coded.etag)
    else:
        unmodified = if_modified_since is not None and _not_since(ready.updated, if_modified_since)
    if unmodified:
        return Chosen(304, coded.head_unmodified + cache_control, b"")
    return Chosen(200, coded.head + cache_control, coded.body)


def answer(ready: Ready, request: web.Request, cache_control: bytes) -> Reply:
    """The answer to this request."""
    return Reply(*choose(ready, choosing(request), cache_control))


def public_cache(until: datetime | None, now: datetime) -> bytes:
    """Cache-Control of an open answer: never beyond the moment at which it may change."""
    if until is None or (left := int((until - now).total_seconds())) >= PUBLIC_AGE:
        return _PUBLIC
    return f"Cache-Control: public, max-age={max(0, left)}\r\n".encode()


_PUBLIC = f"Cache-Control: public, max-age={PUBLIC_AGE}\r\n".encode()
PRIVATE = b"Cache-Control: private, no-cache\r\n"
"""Cache-Control of a licensed answer: the reader may keep it, and asks before each use."""


def _matches(if_none_match: str, etag: str) -> bool:
    """Weak comparison (RFC 9110, section 8.8.3.2) against each listed validator, or `*`."""
    if if_none_match == etag or if_none_match.strip() == "*":
        return True
    return any(one.strip().removeprefix("W/") == etag for one in if_none_match.split(","))


@lru_cache(maxsize=512)
def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return moment if moment.tzinfo is not None else None


def _not_since(updated: datetime | None, if_modified_since: str) -> bool:
    """Whether nothing changed since; a date that is none is ignored, never an error."""
    moment = _http_date(if_modified_since)
    return moment is not None and updated is not None and updated <= moment
