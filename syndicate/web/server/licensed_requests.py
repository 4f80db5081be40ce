"""Answer a partner's request head that was answered before by a lookup, once its trail line is durable.

The Authorization header is part of the head, so the same bytes show the same key. aiohttp's parser has read
them, the key's signature was verified, and the answer came from a cached edition that this key was given at
this revision. What is checked at each request all the same: the key is in force and not expired, its
partner is not suspended, the edition is current, and no quota applies. Then the trail line is written, and
the store refuses it if anything was taken away meanwhile. Whatever does not fit takes the parser's way.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import time
from typing import NamedTuple

from aiohttp import web

from syndicate.access.authentication import Session
from syndicate.access.rights_cache import Clock
from syndicate.clock import SteadyClock
from syndicate.errors import ClockAhead
from syndicate.model.parties import PartnerId
from syndicate.model.rights import Use
from syndicate.services.audit.audit_writer import Result, Told
from syndicate.services.delivery.editions import CachedEdition
from syndicate.services.delivery.repeated_deliveries import RepeatedDeliveries, RepeatedDelivery
from syndicate.web.server.access_log import AccessLog, LineParts, line_parts
from syndicate.web.server.cache_control import PRIVATE
from syndicate.web.server.request_heads import ReadyAnswers, RememberedHeads
from syndicate.web.server.request_ids import new_request_id
from syndicate.web.server.response_cache import ResponseCache, SelectionHeaders, select, selection_headers
from syndicate.web.server.responses import head_before_id, http_date
from syndicate.web.server.sender import Sender, write_answer


class ReadyDelivery(NamedTuple):
    """An answer that is delivered again without being selected again; see `ReadyAnswer` for its times."""

    begins: float
    ends: float
    generation: int
    notice: int
    delivery: RepeatedDelivery
    head: bytes
    """Everything before the value of X-Request-Id."""
    body: bytes
    log: LineParts


class LicensedHead:
    """What a remembered head requests, by whose key, and the headers that select the answer."""

    __slots__ = ("format", "headers", "jti", "name", "partner", "path", "ready", "seq", "use")

    def __init__(self, request: web.Request, session: Session, edition: CachedEdition, format: str) -> None:
        self.partner: PartnerId = session.partner.id
        self.jti = session.key.jti
        self.seq = session.register.seq
        """Change of rights after which the key's signature was verified. After the next it is again."""
        self.name = edition.name
        self.use: Use | None = edition.use
        self.format, self.path = format, request.path
        self.headers: SelectionHeaders = selection_headers(request)
        self.ready: ReadyDelivery | None = None

    def forget_ready(self) -> None:
        """Let the ready answer go."""
        self.ready = None


@dataclass(slots=True)
class WaitingAnswer:
    """An answer that may be sent once its trail line is written."""

    head: bytes
    body: bytes
    begun: float
    request_id: str
    log: LineParts


class LicensedRequests:
    """The heads of partners that one worker remembers. `closed` stops all answers; `hits` counts them."""

    def __init__(
        self, repeats: RepeatedDeliveries, responses: ResponseCache, clock: Clock, access_log: AccessLog
    ) -> None:
        self._repeats, self._responses, self._log = repeats, responses, access_log.append
        self._rights, self._notice = repeats.rights, repeats.rights.notice
        self._keeps_ready = isinstance(clock, SteadyClock) and clock.follows_machine
        self._heads: RememberedHeads[LicensedHead] = RememberedHeads()
        self._ready = ReadyAnswers()
        self.closed = False
        self.hits = 0

    def remember(self, request: web.Request, session: Session, edition: CachedEdition, format: str) -> None:
        """Remember the head of this request, which was delivered, if it may be answered without parsing."""
        self._heads.remember(request, lambda: LicensedHead(request, session, edition, format))

    def begin(self, data: bytes, sender: Sender, told: Told) -> WaitingAnswer | float | None:
        """Submit the answer to these bytes, or send it where it was counted; None: the parser's way.

        `told` is called with what became of the trail line, which `finish` understands. For an answer that
        was sent it returns when, by `time.time()`.
        """
        known = self._heads.get(data)
        if known is None or self.closed:
            return None
        now = time()
        ready = known.ready or self._make_ready(known, now)
        if ready is None:
            return None
        begins, ends, generation, notice, delivery, head, body, log = ready
        if not (
            begins <= now < ends and generation == self._rights.generation and notice == self._notice()
        ):
            ready = self._make_ready(known, now)
            if ready is None:
                return None
            delivery, head, body, log = ready.delivery, ready.head, ready.body, ready.log
        request_id = new_request_id()
        try:
            counted = delivery.poll is not None and self._repeats.count_poll(delivery, request_id)
            if not counted and not self._repeats.submit_repeated(delivery, request_id, told):
                return None
        except ClockAhead:
            return None  # once it is parsed, the request is answered with 503
        head = head + request_id.encode() + b"\r\n\r\n"
        if counted:
            write_answer(sender, head, body)
            self._log((now, request_id, time() - now, log))
            self.hits += 1
            return now
        return WaitingAnswer(head, body, now, request_id, log)

    def finish(self, answer: WaitingAnswer, result: Result) -> bool:
        """Whether the answer may be sent: its line is durable. If not, the request is judged again."""
        if not self._repeats.was_written(result):
            return False
        self.hits += 1
        self._log((answer.begun, answer.request_id, time() - answer.begun, answer.log))
        return True

    def _make_ready(self, known: LicensedHead, now: float) -> ReadyDelivery | None:
        """Select the answer as the parser's way would; None where it takes that way to make it."""
        known.ready = None
        notice = self._notice()
        try:
            current = self._repeats.licensed(known.name, known.partner, known.jti, known.use, known.seq)
        except ClockAhead:
            return None
        prepared = self._responses.cached(current.edition, known.format) if current is not None else None
        if current is None or prepared is None:
            return None
        selected = select(prepared, known.headers, PRIVATE)
        if selected is None:
            return None
        delivery = self._repeats.repeated(current, selected.status, known.format)
        if delivery is None:
            return None
        second = int(now)
        ends = min(now + current.seconds, second + 1) if self._keeps_ready else now
        known.ready = ReadyDelivery(
            now,
            ends,
            current.generation,
            notice,
            delivery,
            head_before_id(selected.status, selected.head, http_date(second)),
            selected.body,
            line_parts("GET", known.path, selected.status, len(selected.body), known.partner),
        )
        self._ready.keep(known, ends, now)
        return known.ready
