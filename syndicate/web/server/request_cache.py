"""Asked again: a request that was read and answered before is answered by looking its octets up.

Feed readers send the same request head for hours. When aiohttp's parser has read a head, found a plain
GET of an open feed without a body, and the answer came from a kept edition, the head is remembered with
what it asks. The same octets, alone in one read on a connection that stands between two requests, ask
the same again; everything else goes the ordinary way. Nothing here parses HTTP, and nothing is answered
that the desk does not hold to be good at this moment.
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
from syndicate.services.delivery.delivery_service import DeliveryService
from syndicate.web.server.access_log import AccessLog
from syndicate.web.server.answer_cache import Choosing, ReadyAnswers, choose, choosing, public_cache
from syndicate.web.server.responses import whole_head

_KEPT = 4_096
LONGEST = 2_048
"""Octets of a head that is worth remembering."""


@runtime_checkable
class Overheard(Protocol):
    """A connection that can tell the octets of the request under way."""

    def head_of_request(self) -> bytes | None:
        """The octets, if they came whole, alone and on an idle connection."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a remembered head asks: an open feed in a format, and the headers that choose the answer."""

    feed: str
    format: str
    path: str
    choosing: Choosing


class RequestCache:
    """One per worker: heads that were read before. `closed` sends everything the ordinary way; `answers`
    counts what was answered here."""

    def __init__(
        self, front: DeliveryService, ready: ReadyAnswers, clock: Clock, access_log: AccessLog
    ) -> None:
        self._front, self._ready, self._clock, self._log = front, ready, clock, access_log
        self._heads: LRUCache[bytes, Question] = LRUCache(_KEPT)
        self.closed = False
        self.answers = 0

    def learn(self, request: web.Request, feed: str, format: str) -> None:
        """Remember what the head of this request asks, if it may be answered without reading it again.

        Only HTTP/1.1 without a Connection header: how the connection goes on must not be a question.
        """
        if request.method != "GET" or request.version != (1, 1) or "Connection" in request.headers:
            return
        protocol = request.protocol
        head = protocol.head_of_request() if isinstance(protocol, Overheard) else None
        if head is None or len(head) > LONGEST:
            return
        self._heads[head] = Question(feed, format, request.path, choosing(request))

    def serve(self, head: bytes, transport: asyncio.Transport) -> bool:
        """Answer at once; False where the octets are new or the answer is not at hand."""
        question = self._heads.get(head)
        if question is None or self.closed or transport.get_write_buffer_size() > 0:
            return False
        begun = perf_counter()
        served = self._front.cached_public_feed(question.feed)
        ready = self._ready.kept(served, question.format) if served is not None else None
        if served is None or ready is None:
            return False
        cache_control = public_cache(served.shown_until, self._clock())
        chosen = choose(ready, question.choosing, cache_control)
        request_id = secrets.token_hex(8)
        transport.write(whole_head(chosen.status, chosen.head, request_id))
        if chosen.body:
            transport.write(chosen.body)
        self._log.add(
            at=time(),
            request_id=request_id,
            method="GET",
            path=question.path,
            status=chosen.status,
            octets=len(chosen.body),
            seconds=perf_counter() - begun,
            partner="",
        )
        self.answers += 1
        return True
