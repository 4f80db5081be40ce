"""Answer a request head that was answered before by a lookup, without parsing it again.

Feed readers send the same request head for hours. When aiohttp's parser has read a head and found a plain
GET of an open feed without a body, and the answer came from a cached edition, the head is remembered with
what it requests. The same bytes, alone in one read on an idle connection, request the same again;
everything else takes the ordinary way. Nothing here parses HTTP, and nothing is answered that the delivery
service does not hold current at this instant.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from time import perf_counter, time
from typing import Protocol, runtime_checkable

from aiohttp import web
from cachetools import LRUCache

from syndicate.access.rights_cache import Clock
from syndicate.errors import ClockAhead
from syndicate.services.delivery.delivery_service import DeliveryService
from syndicate.web.server.access_log import AccessLog
from syndicate.web.server.response_cache import (
    ResponseCache,
    SelectionHeaders,
    public_cache_control,
    select,
    selection_headers,
)
from syndicate.web.server.responses import full_head

_MAX_HEADS = 4_096
MAX_HEAD_BYTES = 2_048
"""Size of a head that is worth remembering."""


@runtime_checkable
class HasRequestHead(Protocol):
    """A connection that can return the bytes of the current request's head."""

    def request_head(self) -> bytes | None:
        """Return the bytes, if they came whole, alone and on an idle connection."""


@dataclass(frozen=True, slots=True)
class RequestHead:
    """What a remembered head requests: an open feed in a format, and the headers that select the answer."""

    feed: str
    format: str
    path: str
    headers: SelectionHeaders


class RequestCache:
    """The heads that one worker remembers. `closed` stops all answers; `hits` counts them."""

    def __init__(
        self, delivery: DeliveryService, responses: ResponseCache, clock: Clock, access_log: AccessLog
    ) -> None:
        self._delivery, self._responses = delivery, responses
        self._clock, self._access_log = clock, access_log
        self._heads: LRUCache[bytes, RequestHead] = LRUCache(_MAX_HEADS)
        self.closed = False
        self.hits = 0

    def remember(self, request: web.Request, feed: str, format: str) -> None:
        """Remember the head of this request, if the same bytes may be answered without parsing them.

        Only HTTP/1.1 without a Connection header: a remembered request never closes its connection.
        """
        if request.method != "GET" or request.version != (1, 1) or "Connection" in request.headers:
            return
        protocol = request.protocol
        head = protocol.request_head() if isinstance(protocol, HasRequestHead) else None
        if head is None or len(head) > MAX_HEAD_BYTES:
            return
        self._heads[head] = RequestHead(feed, format, request.path, selection_headers(request))

    def answer(self, data: bytes, transport: asyncio.Transport) -> bool:
        """Answer these bytes at once; False where they are new or no current answer is cached."""
        head = self._heads.get(data)
        if head is None or self.closed or transport.get_write_buffer_size() > 0:
            return False
        started = perf_counter()
        try:
            now = self._clock()
            edition = self._delivery.cached_public_feed(head.feed)
        except ClockAhead:
            return False  # once it is parsed, the request is answered with 503
        prepared = self._responses.cached(edition, head.format) if edition is not None else None
        if edition is None or prepared is None:
            return False
        cache_control = public_cache_control(edition.shown_until, now)
        selected = select(prepared, head.headers, cache_control)
        request_id = secrets.token_hex(8)
        transport.write(full_head(selected.status, selected.head, request_id))
        if selected.body:
            transport.write(selected.body)
        self._access_log.add(
            at=time(),
            request_id=request_id,
            method="GET",
            path=head.path,
            status=selected.status,
            size=len(selected.body),
            seconds=perf_counter() - started,
            partner="",
        )
        self.hits += 1
        return True
