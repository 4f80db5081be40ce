"""What one worker process serves with, and what it remembers about a request under way."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from syndicate.access.authentication import Session
from syndicate.services.delivery.delivery_events import RequestContext
from syndicate.web.public.pages import Pages
from syndicate.web.server.access_log import AccessLog
from syndicate.web.server.request_cache import RequestCache
from syndicate.web.server.response_cache import ResponseCache
from syndicate.web.server.responses import REQUEST_ID
from syndicate.wiring import Services

RESPONSE_SECONDS = 10.0
"""How long a response may take to make."""
ARCHIVES_AT_ONCE = 2
"""How many archive documents one worker makes at a time; further ones wait."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Worker:
    """Everything that the handlers of one worker process share."""

    services: Services
    responses: ResponseCache
    pages: Pages
    access_log: AccessLog
    request_cache: RequestCache
    waiting: Counter[str] = field(default_factory=Counter)
    """Requests of each partner that wait for a change."""
    archives: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(ARCHIVES_AT_ONCE))
    """Held while an archive document is made: no cache keeps any, and feeds do not wait behind many."""

    @property
    def draining(self) -> bool:
        """Whether the worker is stopping. The request cache keeps the flag, since it must obey it too."""
        return self.request_cache.closed

    @draining.setter
    def draining(self, stopping: bool) -> None:
        self.request_cache.closed = stopping


WORKER: web.AppKey[Worker] = web.AppKey("worker", Worker)
SESSION: web.RequestKey[Session] = web.RequestKey("session", Session)
TIMEOUT: web.RequestKey[asyncio.Timeout] = web.RequestKey("timeout", asyncio.Timeout)
"""The timeout of this response. A handler that is asked to wait reschedules it."""


def request_context(request: web.Request, format: str = "") -> RequestContext:
    """Return what a trail line says about this request."""
    return RequestContext(request=request[REQUEST_ID], method=request.method, format=format)


def is_open(request: web.BaseRequest) -> bool:
    """Whether the path is open to all. Every licensed route is under `/licensed/` (see `routes`)."""
    return not request.path.startswith("/licensed")
