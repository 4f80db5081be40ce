"""Answer a request head that was answered before by a lookup, without parsing it again.

Feed readers send the same request head for hours. When aiohttp's parser has read a head and found a plain
GET of an open feed without a body, and the answer came from a cached edition, the head is remembered with
what it requests. The same bytes, alone in one read on an idle connection, request the same again;
everything else takes the ordinary way. Nothing here parses HTTP, and nothing is answered that the delivery
service does not hold current at this instant.
"""

from __future__ import annotations

from time import time
from typing import NamedTuple

from aiohttp import web

from syndicate.access.rights_cache import Clock
from syndicate.clock import SteadyClock
from syndicate.errors import ClockAhead
from syndicate.services.delivery.repeated_deliveries import RepeatedDeliveries
from syndicate.web.server.access_log import AccessLog, LineParts, line_parts
from syndicate.web.server.cache_control import public_freshness
from syndicate.web.server.licensed_requests import LicensedRequests
from syndicate.web.server.request_heads import ReadyAnswers, RememberedHeads
from syndicate.web.server.request_ids import new_request_id
from syndicate.web.server.response_cache import ResponseCache, SelectionHeaders, select, selection_headers
from syndicate.web.server.responses import head_before_id, http_date
from syndicate.web.server.sender import Sender, write_answer

_END = b"\r\n\r\n"


class ReadyAnswer(NamedTuple):
    """An answer that is sent again without being selected again.

    It is good in [`begins`, `ends`), by `time.time()`, while nothing changes. That is at most the second
    that its Date names.
    """

    begins: float
    ends: float
    generation: int
    notice: int
    head: bytes
    """Everything before the value of X-Request-Id."""
    body: bytes
    log: LineParts


class RequestHead:
    """What a remembered head requests: an open feed in a format, and the headers that select the answer."""

    __slots__ = ("feed", "format", "headers", "path", "ready")

    def __init__(self, feed: str, format: str, path: str, headers: SelectionHeaders) -> None:
        self.feed, self.format, self.path, self.headers = feed, format, path, headers
        self.ready: ReadyAnswer | None = None

    def forget_ready(self) -> None:
        """Let the ready answer go."""
        self.ready = None


class RequestCache:
    """The heads of open feeds that one worker remembers. `hits` counts the answers.

    `licensed` keeps those of partners.
    """

    def __init__(
        self, repeats: RepeatedDeliveries, responses: ResponseCache, clock: Clock, access_log: AccessLog
    ) -> None:
        self._repeats, self._responses, self._log = repeats, responses, access_log.append
        self._rights, self._notice = repeats.rights, repeats.rights.notice
        # Where the services' clock is not the machine's, nothing says how long an answer is good.
        self._keeps_ready = isinstance(clock, SteadyClock) and clock.follows_machine
        self._heads: RememberedHeads[RequestHead] = RememberedHeads()
        self._ready = ReadyAnswers()
        self.licensed = LicensedRequests(repeats, responses, clock, access_log)
        self._closed = False
        self.hits = 0

    @property
    def closed(self) -> bool:
        """Whether nothing is answered by lookup any more, since the worker stops."""
        return self._closed

    @closed.setter
    def closed(self, closed: bool) -> None:
        self._closed = self.licensed.closed = closed

    def remember(self, request: web.Request, feed: str, format: str) -> None:
        """Remember the head of this request, if the same bytes may be answered without parsing them."""
        self._heads.remember(
            request, lambda: RequestHead(feed, format, request.path, selection_headers(request))
        )

    def answer(self, data: bytes, sender: Sender) -> float | None:
        """Answer these bytes at once, and return when (`time.time()`).

        None where they are new or no current answer is cached.
        """
        known = self._heads.get(data)
        if known is None or self._closed:
            return None
        now = time()
        ready = known.ready
        if ready is None:
            ready = self._make_ready(known, now)
            if ready is None:
                return None
        begins, ends, generation, notice, head, body, log = ready
        if not (
            begins <= now < ends and generation == self._rights.generation and notice == self._notice()
        ):
            ready = self._make_ready(known, now)
            if ready is None:
                return None
            head, body, log = ready.head, ready.body, ready.log
        request_id = new_request_id()
        head = head + request_id.encode() + _END
        write_answer(sender, head, body)
        self._log((now, request_id, time() - now, log))
        self.hits += 1
        return now

    def _make_ready(self, known: RequestHead, now: float) -> ReadyAnswer | None:
        """Select the answer as the parser's way would; None where it takes that way to make it."""
        known.ready = None
        notice = self._notice()
        try:
            current = self._repeats.public_feed(known.feed)
        except ClockAhead:
            return None  # once it is parsed, the request is answered with 503
        prepared = self._responses.cached(current.edition, known.format) if current is not None else None
        if current is None or prepared is None:
            return None
        cache_control, fresh = public_freshness(current.edition.shown_until, current.now)
        selected = select(prepared, known.headers, cache_control)
        if selected is None:
            return None
        second = int(now)
        ends = min(now + min(current.seconds, fresh), second + 1) if self._keeps_ready else now
        known.ready = ReadyAnswer(
            now,
            ends,
            current.generation,
            notice,
            head_before_id(selected.status, selected.head, http_date(second)),
            selected.body,
            line_parts("GET", known.path, selected.status, len(selected.body), ""),
        )
        self._ready.keep(known, ends, now)
        return known.ready
