"""Conversations with clients that may be slow, broken or hostile: deadlines, and errors that echo nothing.

aiohttp has no deadline for a request's head or body, and its error page repeats part of what it could
not read (`docs/explanation/server.md`). This wraps its protocol once: whoever makes no progress is
dropped, whoever sends nonsense gets a problem document.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from syndicate.web.server.request_cache import RequestCache
from syndicate.web.server.responses import REQUEST_ID, Reply

PATIENCE = 10.0
"""Seconds without progress after which a client is dropped, at the latest one sweep later."""
SWEEP = 2.0
"""Seconds between two looks at all connections."""
MOST_CONNECTIONS = 8_192
"""Open connections of one worker; more are closed as they come."""
MOST_TAKING = 120.0
"""Seconds that a client may take over one answer."""

WAITS_UNTIL: web.RequestKey[float] = web.RequestKey("waits_until", float)
"""Until when a request asked to wait for its answer, by the event loop's clock: no client is dropped for
our own silence."""

Errors = Callable[[str, str, BaseException | None], Reply]
"""(code, request id, accident) → the answer to what was no request."""

_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER: what the client did not take is thrown away with the connection."""


class Connection(RequestHandler):
    """One connection. `step` changes whenever the client gets on."""

    __slots__ = (
        "_between",
        "_errors",
        "_head",
        "_last_step",
        "_repeats",
        "_stuck_since",
        "_taking_since",
    )

    def __init__(
        self, manager: ConnectionServer, *, loop: asyncio.AbstractEventLoop, **options: Any
    ) -> None:
        super().__init__(manager, loop=loop, **options)
        self._errors = manager.errors
        self._repeats = manager.repeats
        self._between = True
        self._head: bytes | None = None
        self._last_step: tuple[int, int, int] | None = None
        self._stuck_since = self._taking_since = loop.time()

    def data_received(self, data: bytes) -> None:
        """Octets from the client: a request asked again is answered at once, the rest is parsed.

        `_between` says that the parser stands between two requests: at the start, and after a read that
        was exactly one request without a body. Once that is in doubt it stays so.
        """
        idle = (
            self._between
            and self._waiter is not None
            and not self._waiter.done()
            and not (self._messages or self._close or self._force_close)
        )
        if idle and self.transport is not None and self._repeats.serve(data, self.transport):
            self._request_count += 1
            self._next_keepalive_close_time = self._loop.time() + self.keepalive_timeout
            return
        self._head = None
        count = self._request_count
        super().data_received(data)
        if self._between:
            alone = self._request_count == count + 1 and bool(self._messages)
            self._between = alone and data.endswith(b"\r\n\r\n") and self._messages[-1][1] is EMPTY_PAYLOAD
            if idle and self._between:
                self._head = data

    def head_of_request(self) -> bytes | None:
        """The octets of the request under way, if they came whole, alone and on an idle connection."""
        return self._head

    def step(self) -> tuple[int, int, int]:
        """Where the conversation is: requests begun, whether one is under way, octets not yet taken.

        Octets of a head or a body that drips in do not count as getting on.
        """
        transport = self.transport
        unread = transport.get_write_buffer_size() if transport is not None else 0
        return (self._request_count, id(self._current_request) if self._current_request else 0, unread)

    def look(self, now: float) -> None:
        """Drop the client if it has not got on for `PATIENCE` seconds, or takes an answer too slowly."""
        step = self.step()
        waiting = self._current_request.get(WAITS_UNTIL) if self._current_request is not None else None
        if waiting is not None and now < waiting + PATIENCE:
            self._stuck_since = self._taking_since = now
            return
        if step[2] == 0 or self._last_step is None or step[0] != self._last_step[0]:
            self._taking_since = now
        elif now - self._taking_since >= MOST_TAKING:
            self._drop()
            return
        if step != self._last_step:
            self._last_step, self._stuck_since = step, now
        elif now - self._stuck_since >= PATIENCE:
            self._drop()

    def _drop(self) -> None:
        """End the connection with all that is waiting in it; the kernel must not keep it either."""
        if self.transport is None:
            return
        line = self.transport.get_extra_info("socket")
        if line is not None:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.transport.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What could not be read as a request: a problem document that repeats none of it."""
        if request.writer.output_size > 0:
            raise ConnectionError("part of an answer was sent already")
        if status < 500:
            code = "header_too_large" if isinstance(exc, LineTooLong) else "bad_request"
        else:
            code = "internal"
        return self._problem(request, code, exc)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the answer. Every answer is a `Reply`: a page of aiohttp's own, such as the one for an
        Expect that cannot be met, is replaced before it leaves."""
        if not isinstance(resp, Reply):
            refused = isinstance(resp, web.HTTPException) and resp.status < 500
            resp = self._problem(request, "bad_request" if refused else "internal", None)
        return await super().finish_response(request, resp, start_time)

    def log_exception(self, *args: Any, **details: Any) -> None:
        """A body that could not be read was the client's doing, and its answer has left already."""
        if not isinstance(details.get("exc_info"), RequestPayloadError):
            super().log_exception(*args, **details)

    def _problem(self, request: web.BaseRequest, code: str, accident: BaseException | None) -> Reply:
        if REQUEST_ID not in request:
            request[REQUEST_ID] = secrets.token_hex(8)
        return self._errors(code, request[REQUEST_ID], accident)


class ConnectionServer(web.Server):
    """Makes a `Connection` for each connection and looks after all of them."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        *,
        errors: Errors,
        repeats: RequestCache,
        **options: Any,
    ) -> None:
        super().__init__(handler, **options)
        self.errors, self.repeats = errors, repeats
        self._options = {name: value for name, value in options.items() if name != "request_factory"}
        self._sweeper: asyncio.Task[None] | None = None

    def __call__(self) -> RequestHandler:
        return Connection(self, loop=self._loop, **self._options)

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Take a connection, unless there are too many."""
        super().connection_made(handler, transport)
        if len(self._connections) > MOST_CONNECTIONS:
            transport.abort()

    def start(self) -> None:
        """Begin to look after connections."""
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Stop looking after connections."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            now = self._loop.time()
            for conversation in self.connections:
                if isinstance(conversation, Connection):
                    conversation.look(now)

    @property
    def busy(self) -> int:
        """Connections on which a request is under way or an answer not yet taken."""
        return sum(
            1
            for conversation in self.connections
            if isinstance(conversation, Connection) and conversation.step()[1:] != (0, 0)
        )
