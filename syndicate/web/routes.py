"""List every route with who may call it and which query parameters it takes, and build the application."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import cast

from aiohttp import web

from syndicate.formats import FEED_FORMATS, SERVED_FORMATS
from syndicate.model.archives import ARCHIVE_NAME
from syndicate.model.media import RenditionName
from syndicate.web.licensed import changes_handlers, licensed_handlers, media_handlers
from syndicate.web.licensed.licensed_handlers import PartnerHandler, with_key
from syndicate.web.public import public_handlers
from syndicate.web.public.pages import Pages
from syndicate.web.server.access_log import AccessLog
from syndicate.web.server.middleware import around_request, expect_continue
from syndicate.web.server.request_cache import RequestCache
from syndicate.web.server.response_cache import ResponseCache
from syndicate.web.server.worker import WORKER, Handler, Worker
from syndicate.wiring import Services


class Access(Enum):
    """Who may call a route."""

    OPEN = "open"
    """Everybody."""
    PARTNER = "partner"
    """Who shows a partner's key."""
    SIGNED = "signed"
    """Who has a signed address: the handler opens it, and the policy decides at each use."""


@dataclass(frozen=True, slots=True)
class Route:
    """One route. `access` has no default: a route that does not say who may call it cannot be written.

    A handler for partners returns a `PreparedDelivery`, which is no response. Named as open by mistake,
    it fails and gives nothing away.
    """

    method: str
    path: str
    access: Access
    handler: Handler | PartnerHandler
    parameters: frozenset[str] = frozenset()
    """Query parameters of a licensed route; any other is a 400. Open routes ignore unknown ones."""
    head: bool = True
    """Whether HEAD goes with GET: not where an answer moves the partner's sequence on."""

    def guarded(self) -> Handler:
        """Return the handler behind the check that its Access demands."""
        match self.access:
            case Access.OPEN | Access.SIGNED:
                return cast("Handler", self.handler)
            case Access.PARTNER:
                return with_key(cast("PartnerHandler", self.handler), self.parameters)


_NAME = "{feed:[a-z][a-z0-9-]{0,63}}"
_FORMAT = f"{{format:{'|'.join(FEED_FORMATS)}}}"
_FEED = f"{_NAME}.{{format:{'|'.join(map(re.escape, SERVED_FORMATS))}}}"
_ARCHIVE = f"{_NAME}/{{archive:{ARCHIVE_NAME}}}.{_FORMAT}"
_ITEM = r"{item:\d{8}-[a-z0-9]{10}}"
_RENDITION = f"{{rendition:{'|'.join(RenditionName)}}}"
_SUFFIX = "{suffix:(?:[.][a-z0-9]{2,4})?}"
_JPEG = "{suffix:(?:[.]jpg)?}"
_SIGNED = f"{{token:[A-Za-z0-9_-]{{64,600}}}}{_SUFFIX}"
_USE = frozenset({"use"})
_CURSOR = frozenset({"after", "limit", "wait"})


ROUTES = (
    Route("GET", "/", Access.OPEN, public_handlers.home),
    Route("GET", "/terms", Access.OPEN, public_handlers.terms),
    Route("GET", f"/feeds/{_FEED}", Access.OPEN, public_handlers.feed),
    Route("GET", f"/feeds/{_ARCHIVE}", Access.OPEN, public_handlers.archive),
    Route("GET", "/feeds.opml", Access.OPEN, public_handlers.opml),
    Route("GET", f"/items/{_ITEM}", Access.OPEN, public_handlers.item),
    Route("GET", f"/items/{_ITEM}/preview{_SUFFIX}", Access.OPEN, media_handlers.preview),
    Route("GET", "/problems/{code:[a-z0-9_]{1,40}}", Access.OPEN, public_handlers.problem_page),
    Route("GET", "/static/{name:[a-z]{1,20}[.](?:css|png|svg)}", Access.OPEN, public_handlers.static),
    Route("GET", "/favicon.ico", Access.OPEN, public_handlers.static),
    Route("GET", "/robots.txt", Access.OPEN, public_handlers.static),
    Route("GET", "/.well-known/jwks.json", Access.OPEN, public_handlers.jwks),
    Route("GET", "/healthz", Access.OPEN, public_handlers.healthz),
    Route("GET", "/readyz", Access.OPEN, public_handlers.readyz),
    Route("GET", f"/licensed/feeds/{_FEED}", Access.PARTNER, licensed_handlers.feed, _USE),
    Route("GET", f"/licensed/feeds/{_ARCHIVE}", Access.PARTNER, licensed_handlers.archive, _USE),
    Route("GET", f"/licensed/items/{_ITEM}", Access.PARTNER, licensed_handlers.item, _USE),
    Route(
        "GET", f"/licensed/media/{_ITEM}/{_RENDITION}{_JPEG}", Access.PARTNER, media_handlers.media, _USE
    ),
    Route("GET", f"/media/{_SIGNED}", Access.SIGNED, media_handlers.signed_media),
    Route("GET", "/licensed/licence", Access.PARTNER, licensed_handlers.licence),
    Route("GET", "/licensed/changes", Access.PARTNER, changes_handlers.changes, _CURSOR, head=False),
    Route("POST", "/licensed/changes/ack", Access.PARTNER, changes_handlers.acknowledge),
)


def add_routes(app: web.Application) -> None:
    """Add every route to the application, and HEAD with GET."""
    for route in ROUTES:
        resource = app.router.add_resource(route.path)
        handler = route.guarded()
        resource.add_route(route.method, handler, expect_handler=expect_continue)
        if route.method == "GET" and route.head:
            resource.add_route("HEAD", handler, expect_handler=expect_continue)


def build(services: Services, access_log: AccessLog | None = None) -> web.Application:
    """Build the application of one worker."""
    app = web.Application(middlewares=[around_request], client_max_size=64 * 1024)
    terms_url = f"{services.settings.base_url}/terms"
    responses, log = ResponseCache(terms_url), access_log or AccessLog()
    app[WORKER] = Worker(
        services=services,
        responses=responses,
        pages=Pages(services.settings.publisher, terms_url),
        access_log=log,
        request_cache=RequestCache(services.delivery.repeats, responses, services.clock, log),
    )
    add_routes(app)

    async def start(app: web.Application) -> None:
        app[WORKER].access_log.start()

    async def stop(app: web.Application) -> None:
        app[WORKER].responses.close()
        await app[WORKER].access_log.stop()

    app.on_startup.append(start)
    app.on_cleanup.append(stop)
    return app
