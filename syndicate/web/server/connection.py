"""Extend aiohttp's connection: timeouts for slow clients, and error answers that repeat no input.

aiohttp has no timeout for a request's head or body, and its error page repeats part of what it could not
parse (`docs/explanation/server.md`). This subclass of its protocol aborts clients that make no progress
and answers malformed requests with a problem document. It uses internals of aiohttp, which
`aiohttp_internals` checks at start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import time
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from syndicate.services.audit.audit_writer import Result
from syndicate.web.server.file_responses import PIECE, SENT
from syndicate.web.server.licensed_requests import WaitingAnswer
from syndicate.web.server.request_cache import RequestCache
from syndicate.web.server.request_ids import new_request_id
from syndicate.web.server.responses import REQUEST_ID, Reply
from syndicate.web.server.sender import write_answer
from syndicate.web.server.socket_queue import discard_unread, unreceived

IDLE_SECONDS = 10.0
"""Seconds without progress after which a client is aborted; checked every `SWEEP_SECONDS`."""
FILE_IDLE_SECONDS = 60.0
"""The same for a client that reads a file: players pause, and proxies read in large steps."""
SWEEP_SECONDS = 2.0
"""Seconds between two checks of all connections."""
MAX_CONNECTIONS = 8_192
"""Open connections of one worker; further ones are closed at once."""
MAX_HELD_BYTES = 64 * 1024
"""Bytes of further requests that are read while an answer waits for its trail line."""
MAX_READING_SECONDS = 120.0
"""Seconds that a client may take to read one response, or `PIECE` bytes of a file."""

WAITS_UNTIL: web.RequestKey[float] = web.RequestKey("waits_until", float)
"""Event-loop time until which the server holds a `wait=` request; no timeout applies before."""

ErrorResponder = Callable[[str, str, BaseException | None], Reply]
"""(code, request id, error) → the response to a malformed request or an internal error."""

_END_OF_HEAD = b"\r\n\r\n"


class Connection(RequestHandler):
    """One client's connection, aborted when the client stalls or reads too slowly."""

    __slots__ = (
        "_answered_at",
        "_at_boundary",
        "_errors",
        "_head",
        "_held",
        "_held_size",
        "_last_progress",
        "_reading_since",
        "_received",
        "_request_cache",
        "_responded",
        "_sending",
        "_stuck_since",
        "_turning",
        "_waiting",
        "_waiting_data",
        "file",
    )

    def __init__(
        self, manager: ConnectionServer, *, loop: asyncio.AbstractEventLoop, **options: Any
    ) -> None:
        super().__init__(manager, loop=loop, **options)
        self._errors = manager.errors
        self._request_cache = manager.request_cache
        self._at_boundary = True
        self._answered_at = 0.0
        """When the request cache last answered, by `time.time()`."""
        self.file = -1
        """The number of the socket's file; -1, which no write accepts, where there is none."""
        self._head: bytes | None = None
        self._waiting: WaitingAnswer | None = None
        """The licensed answer that waits for its trail line, and below the head that asked for it."""
        self._waiting_data = b""
        self._held: list[bytes] = []
        """What was read after that head. It is looked at once the answer is sent."""
        self._held_size = 0
        self._responded, self._turning = True, False
        """`_responded`: aiohttp has sent its response to all that it parsed. `_turning`: what comes is held
        until aiohttp waits for it."""
        self._last_progress: tuple[int, ...] | None = None
        self._sending: web.BaseRequest | None = None
        """The request whose response is being sent; aiohttp counts it as handled by then."""
        self._received = 0
        """Bytes of the file in progress that the client had when its last `MAX_READING_SECONDS` began."""
        self._stuck_since = self._reading_since = loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the conversation."""
        client = transport.get_extra_info("socket")
        self.file = client.fileno() if client is not None else -1
        super().connection_made(transport)

    def data_received(self, data: bytes, *, one_read: bool = True) -> None:
        """Answer a request that is known without parsing it; pass anything else to aiohttp.

        `_at_boundary` says that the parser is between two requests: at the start, and after each read that
        was exactly one request without a body. Once that is uncertain it stays false.
        """
        if self._waiting is not None or self._turning:
            self._hold(data)
            return
        waiter, transport = self._waiter, self.transport
        idle = (
            self._at_boundary
            and waiter is not None
            and not waiter.done()
            and not (self._messages or self._close or self._force_close)
        )
        if idle and one_read and transport is not None and transport.get_write_buffer_size() == 0:
            answered = self._request_cache.answer(data, self)
            if answered is not None:
                self._request_count += 1
                self._answered_at = answered
                return
            begun = self._request_cache.licensed.begin(data, self, self._finish_waiting)
            if isinstance(begun, WaitingAnswer):
                self._waiting, self._waiting_data = begun, data
                return
            if begun is not None:
                self._request_count += 1
                self._answered_at = begun
                return
        elif (
            self._responded
            and self._at_boundary
            and waiter is None
            and not self._messages
            and data.endswith(_END_OF_HEAD)
        ):
            # A client asks as soon as it is connected or answered; aiohttp's task is at its wait one turn
            # of the loop later. Parsed now, the connection would never be looked up.
            self._turning = True
            self._hold(data)
            self._loop.call_soon(self._end_turn)
            return
        self._parse(data, idle=idle)

    def _end_turn(self) -> None:
        """Look at what came while aiohttp was not yet waiting."""
        self._turning = self._responded = False
        self._release_held()

    def _parse(self, data: bytes, *, idle: bool) -> None:
        """Pass these bytes to aiohttp; `idle` says that no request was in progress before them."""
        self._head = None
        self._responded = False
        count = self._request_count
        super().data_received(data)
        if self._at_boundary:
            alone = self._request_count == count + 1 and bool(self._messages)
            self._at_boundary = (
                alone and data.endswith(_END_OF_HEAD) and self._messages[-1][1] is EMPTY_PAYLOAD
            )
            if idle and self._at_boundary:
                self._head = data

    def _hold(self, data: bytes) -> None:
        """Keep what a client sends before it has its answer, a bounded amount of it."""
        self._held.append(data)
        self._held_size += len(data)
        if self._held_size >= MAX_HELD_BYTES and self.transport is not None:
            self.transport.pause_reading()

    def _finish_waiting(self, result: Result) -> None:
        """Send the licensed answer whose trail line was written, or let aiohttp answer the request.

        Where the client is gone the line stays, and nothing is sent.
        """
        waiting, data = self._waiting, self._waiting_data
        assert waiting is not None
        self._waiting, self._waiting_data = None, b""
        try:
            written = self._request_cache.licensed.finish(waiting, result)
            transport = self.transport
            if transport is None or transport.is_closing():
                return
            if written:
                self._send(waiting)
            else:
                self._parse(data, idle=True)
            if self._held:
                self._release_held()
        except BaseException:
            # Else the next answer would be taken for this one.
            self.abort()
            raise

    def _release_held(self) -> None:
        held, size = self._held, self._held_size
        self._held, self._held_size = [], 0
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if size >= MAX_HELD_BYTES:
            transport.resume_reading()
        self.data_received(b"".join(held), one_read=len(held) == 1)

    def _send(self, answer: WaitingAnswer) -> None:
        self._request_count += 1
        self._answered_at = time()
        write_answer(self, answer.head, answer.body)

    def send_rest(self, head: bytes, body: bytes, sent: int) -> None:
        """Let the transport send what the kernel has not taken of head and body yet."""
        transport = self.transport
        if transport is None:
            return
        if sent < len(head):
            transport.writelines((memoryview(head)[sent:], body))
        else:
            transport.write(memoryview(body)[sent - len(head) :])

    def _process_keepalive(self) -> None:
        """Close an idle connection. An answer of the request cache counts; it sets no timer of its own."""
        idle = 0.0 if self._waiting is not None else time() - self._answered_at
        if 0 <= idle < self.keepalive_timeout:
            close_time = self._loop.time() + self.keepalive_timeout - idle
            self._next_keepalive_close_time = max(self._next_keepalive_close_time, close_time)
        super()._process_keepalive()

    def request_head(self) -> bytes | None:
        """Return the bytes of the current request, if they came whole, alone and on an idle connection."""
        return self._head

    def progress(self) -> tuple[int, int, int]:
        """Return (requests begun, number of the current request or 0, bytes that the client has not read).

        Bytes of a head or body that arrive one by one are no progress.
        """
        transport = self.transport
        unread = transport.get_write_buffer_size() if transport is not None else 0
        current = self._waiting or self._current_request or self._sending
        return (self._request_count, 0 if current is None else id(current), unread)

    @property
    def is_sending(self) -> bool:
        """Whether a response is being sent."""
        return self._sending is not None

    def check_timeout(self, now: float) -> None:
        """Abort a client that makes no progress for `IDLE_SECONDS`, or reads too slowly.

        For a file it is `FILE_IDLE_SECONDS`, every `PIECE` has `MAX_READING_SECONDS`, and what counts is
        what the client has received: the kernel holds megabytes before the connection sees that some went.
        """
        waiting = self._current_request.get(WAITS_UNTIL) if self._current_request is not None else None
        if waiting is not None and now < waiting + IDLE_SECONDS:
            self._stuck_since = self._reading_since = now
            return
        sent = self._sending.get(SENT, 0) if self._sending is not None else 0
        held = unreceived(self.file) if sent else 0
        progress = (*self.progress(), held)
        received = sent - progress[2] - held
        if progress[2] == 0 or self._last_progress is None or progress[0] != self._last_progress[0]:
            self._reading_since = now
        elif sent and not 0 <= received - self._received < PIECE:  # below 0: it is another file
            self._received, self._reading_since = received, now
        elif now - self._reading_since >= MAX_READING_SECONDS:
            self.abort()
            return
        if progress != self._last_progress:
            self._last_progress, self._stuck_since = progress, now
        elif now - self._stuck_since >= (FILE_IDLE_SECONDS if sent else IDLE_SECONDS):
            self.abort()

    def abort(self) -> None:
        """Close the connection and discard what the client has not read, in the kernel too."""
        if self.transport is None:
            return
        client = self.transport.get_extra_info("socket")
        if client is not None:
            discard_unread(client)
        self.transport.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  (aiohttp's signature; the text repeats what came)
    ) -> web.StreamResponse:
        """Answer a malformed request or an internal error with a problem document that repeats no input."""
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the response was already sent")
        if status < 500:
            code = "header_too_large" if isinstance(exc, LineTooLong) else "bad_request"
        else:
            code = "internal"
        return self._problem(request, code, exc)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the response; replace a page of aiohttp's own, such as its page for a failed Expect.

        Every response of the server is a `Reply`.
        """
        if not isinstance(resp, Reply):
            refused = isinstance(resp, web.HTTPException) and resp.status < 500
            resp = self._problem(request, "bad_request" if refused else "internal", None)
        self._sending = request
        try:
            finished = await super().finish_response(request, resp, start_time)
        finally:
            self._sending = None
        self._responded = True
        return finished

    def log_exception(self, *args: Any, **details: Any) -> None:
        """Log nothing for a malformed body: the client caused it, and was answered."""
        if not isinstance(details.get("exc_info"), RequestPayloadError):
            super().log_exception(*args, **details)

    def _problem(self, request: web.BaseRequest, code: str, error: BaseException | None) -> Reply:
        if REQUEST_ID not in request:
            request[REQUEST_ID] = new_request_id()
        return self._errors(code, request[REQUEST_ID], error)


class ConnectionServer(web.Server):
    """Create a `Connection` for each client and check their timeouts."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        *,
        errors: ErrorResponder,
        request_cache: RequestCache,
        **options: Any,
    ) -> None:
        super().__init__(handler, **options)
        self.errors, self.request_cache = errors, request_cache
        self._options = {name: value for name, value in options.items() if name != "request_factory"}
        self._sweeper: asyncio.Task[None] | None = None

    def __call__(self) -> RequestHandler:
        """Return a new `Connection`; asyncio calls this as its protocol factory."""
        return Connection(self, loop=self._loop, **self._options)

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Accept a connection, or abort it if `MAX_CONNECTIONS` are open."""
        super().connection_made(handler, transport)
        if len(self._connections) > MAX_CONNECTIONS:
            transport.abort()

    def start(self) -> None:
        """Begin the sweep over all connections, every `SWEEP_SECONDS`, in the running event loop."""
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """End the sweep and wait for its task. Connections stay open."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = self._loop.time()
            for connection in self.connections:
                if isinstance(connection, Connection):
                    connection.check_timeout(now)

    def cut_sending(self) -> None:
        """End the connections on which a response is still being sent, after what the kernel has of it."""
        for connection in self.connections:
            if isinstance(connection, Connection) and connection.is_sending and connection.transport:
                connection.transport.abort()

    @property
    def busy_count(self) -> int:
        """The number of connections with a request in progress or a response that is not yet read."""
        return sum(
            1
            for connection in self.connections
            if isinstance(connection, Connection) and connection.progress()[1:] != (0, 0)
        )
