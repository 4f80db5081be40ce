"""Every route, and who may call it. There is no default: a route without its Access cannot be written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import cast

from aiohttp import web

from syndicate.formats import FEED_FORMATS
from syndicate.web.licensed import changes_handlers, licensed_handlers
from syndicate.web.licensed.licensed_handlers import PartnerHandler, with_key
from syndicate.web.public import public_handlers
from syndicate.web.public.pages import Pages
from syndicate.web.server.access_log import AccessLog
from syndicate.web.server.answer_cache import ReadyAnswers
from syndicate.web.server.request_cache import RequestCache
from syndicate.web.server.worker import WORKER, Handler, Worker, around, expect
from syndicate.wiring import Services


class Access(Enum):
    """Who may call a route."""

    OPEN = "open"
    """Everybody."""
    PARTNER = "partner"
    """Who shows a partner's key."""


@dataclass(frozen=True, slots=True)
class Route:
    """One route: its handler is wrapped by what its Access demands.

    A handler for partners answers with a `Prepared`, which is no response: named as open by mistake, it
    is an error of its own and gives nothing away.
    """

    method: str
    path: str
    access: Access
    handler: Handler | PartnerHandler
    head: bool = True
    """Whether HEAD goes with GET: not where an answer moves the partner's sequence on."""

    def guarded(self) -> Handler:
        """The handler behind its door."""
        match self.access:
            case Access.OPEN:
                return cast("Handler", self.handler)
            case Access.PARTNER:
                return with_key(cast("PartnerHandler", self.handler))


_FEED = f"{{feed:[a-z][a-z0-9-]{{0,63}}}}.{{format:{'|'.join(FEED_FORMATS)}}}"
_ITEM = r"{item:\d{8}-[a-z0-9]{10}}"


ROUTES = (
    Route("GET", "/", Access.OPEN, public_handlers.home),
    Route("GET", "/terms", Access.OPEN, public_handlers.terms),
    Route("GET", f"/feeds/{_FEED}", Access.OPEN, public_handlers.feed),
    Route("GET", "/feeds.opml", Access.OPEN, public_handlers.opml),
    Route("GET", f"/items/{_ITEM}", Access.OPEN, public_handlers.item),
    Route("GET", "/problems/{code:[a-z_]{1,40}}", Access.OPEN, public_handlers.problem_page),
    Route("GET", "/static/{name:[a-z]{1,20}[.](?:css|svg)}", Access.OPEN, public_handlers.static),
    Route("GET", "/.well-known/jwks.json", Access.OPEN, public_handlers.jwks),
    Route("GET", "/healthz", Access.OPEN, public_handlers.healthz),
    Route("GET", "/readyz", Access.OPEN, public_handlers.readyz),
    Route("GET", f"/licensed/feeds/{_FEED}", Access.PARTNER, licensed_handlers.feed),
    Route("GET", f"/licensed/items/{_ITEM}", Access.PARTNER, licensed_handlers.item),
    Route("GET", "/licensed/licence", Access.PARTNER, licensed_handlers.licence),
    Route("GET", "/licensed/changes", Access.PARTNER, changes_handlers.changes, head=False),
    Route("POST", "/licensed/changes/ack", Access.PARTNER, changes_handlers.acknowledge),
)


def add_routes(app: web.Application) -> None:
    """Give the application every route; HEAD goes with GET."""
    for route in ROUTES:
        resource = app.router.add_resource(route.path)
        handler = route.guarded()
        resource.add_route(route.method, handler, expect_handler=expect)
        if route.method == "GET" and route.head:
            resource.add_route("HEAD", handler, expect_handler=expect)


def build(services: Services, access_log: AccessLog | None = None) -> web.Application:
    """The application of one worker. Routes without an Access cannot be built."""
    app = web.Application(middlewares=[around], client_max_size=64 * 1024)
    terms = f"{services.settings.base_url}/terms"
    ready, log = ReadyAnswers(terms), access_log or AccessLog()
    app[WORKER] = Worker(
        services=services,
        ready=ready,
        pages=Pages(services.settings.publisher, terms),
        access_log=log,
        repeats=RequestCache(services.delivery, ready, services.clock, log),
    )
    add_routes(app)

    async def begin(app: web.Application) -> None:
        app[WORKER].access_log.start()

    async def end(app: web.Application) -> None:
        app[WORKER].ready.close()
        await app[WORKER].access_log.stop()

    app.on_startup.append(begin)
    app.on_cleanup.append(end)
    return app
