"""Handle the open routes: public feeds and item pages, home, terms, signing keys, health."""

from __future__ import annotations

import json

from aiohttp import web

from syndicate.errors import Unknown
from syndicate.formats import FEED_FORMATS, HTML, SERVED_FORMATS, Format, Rendered
from syndicate.formats import html as item_page
from syndicate.language import Text
from syndicate.model.item import ItemId
from syndicate.stamping import Edition
from syndicate.web.server.cache_control import own_cache_control, public_cache_control
from syndicate.web.server.problems import PROBLEMS
from syndicate.web.server.request_parameters import lang_of, must_accept, prefers_page
from syndicate.web.server.response_cache import PreparedResponse, respond, wanted_coding
from syndicate.web.server.responses import CORS, Reply, reply
from syndicate.web.server.worker import WORKER


async def feed(request: web.Request) -> web.StreamResponse:
    """A public feed; for a browser, a page about it."""
    worker = request.app[WORKER]
    name, format = request.match_info["feed"], SERVED_FORMATS[request.match_info["format"]]
    if prefers_page(request):
        return await _feed_page(request, name, format)
    must_accept(request, format)
    edition = await worker.services.delivery.public_feed(name)
    prepared = await worker.responses.prepare(
        edition, format.id, format.render, wanted_coding(request), by_accept=True
    )
    worker.request_cache.remember(request, name, format.id)
    return respond(prepared, request, public_cache_control(edition.shown_until, worker.services.clock()))


async def _feed_page(request: web.Request, name: str, format: Format[Edition]) -> web.StreamResponse:
    """The page that a person gets who opens a feed.

    No shared cache keeps it, so that none that ignores Vary gives it to a feed reader. Its head is not
    remembered: people open feeds rarely.
    """
    worker, lang = request.app[WORKER], lang_of(request)
    edition = await worker.services.delivery.public_feed(name)
    prepared = await worker.responses.prepare(
        edition,
        f"page-{format.id}-{lang}",
        lambda edition: worker.pages.feed(edition, format, lang),
        wanted_coding(request),
        page=True,
        by_accept=True,
    )
    return respond(prepared, request, own_cache_control(edition.shown_until, worker.services.clock()))


async def archive(request: web.Request) -> web.StreamResponse:
    """A document of a public feed's archive (RFC 5005); for a browser, a page about it."""
    worker, page, lang = request.app[WORKER], prefers_page(request), lang_of(request)
    format = FEED_FORMATS[request.match_info["format"]]
    if not page:
        must_accept(request, format)

    def render(edition: Edition) -> Rendered:
        return worker.pages.feed(edition, format, lang) if page else format.render(edition)

    async with worker.archives:
        edition = await worker.services.delivery.public_archive(
            request.match_info["feed"], request.match_info["archive"]
        )
        prepared = await worker.responses.prepare_archive(
            edition, render, wanted_coding(request), page=page
        )
    cache_control = own_cache_control if page else public_cache_control
    return respond(prepared, request, cache_control(edition.shown_until, worker.services.clock()))


async def item(request: web.Request) -> web.StreamResponse:
    """The page of one item."""
    worker = request.app[WORKER]
    must_accept(request, HTML)
    lang = lang_of(request)
    cached = await worker.services.delivery.public_item(ItemId(request.match_info["item"]))

    def render(edition: Edition) -> Rendered:
        return Rendered(HTML.content_type, item_page.write(edition, lang=lang))

    prepared = await worker.responses.prepare(
        cached, f"{HTML.id}-{lang}", render, wanted_coding(request), page=True
    )
    return respond(prepared, request, public_cache_control(cached.shown_until, worker.services.clock()))


async def home(request: web.Request) -> web.StreamResponse:
    """The home page: feeds, the newest headlines, terms, and how to become a partner."""
    worker = request.app[WORKER]
    must_accept(request, HTML)
    lang = lang_of(request)
    edition = await worker.services.delivery.public_feed("all")
    prepared = await worker.responses.prepare(
        edition,
        f"home-{lang}",
        lambda edition: worker.pages.home(edition, lang),
        wanted_coding(request),
        page=True,
    )
    return respond(prepared, request, public_cache_control(edition.shown_until, worker.services.clock()))


async def terms(request: web.Request) -> web.StreamResponse:
    """The rights notice, as a page."""
    must_accept(request, HTML)
    return _unchanging(request, request.app[WORKER].pages.terms(lang_of(request)))


async def problem_page(request: web.Request) -> web.StreamResponse:
    """What one error code means, and what to do."""
    code = request.match_info["code"]
    if code not in PROBLEMS:
        raise Unknown(Text("错误代码", "error code"), code)
    return _unchanging(request, request.app[WORKER].pages.problem(code, lang_of(request)))


async def opml(request: web.Request) -> web.StreamResponse:
    """Every public feed, as OPML."""
    return _unchanging(request, request.app[WORKER].pages.opml())


async def static(request: web.Request) -> web.StreamResponse:
    """A style sheet or an image, by the last part of the path."""
    found = request.app[WORKER].pages.static(request.path.rsplit("/", 1)[1])
    if found is None:
        raise web.HTTPNotFound
    return _unchanging(request, found)


async def jwks(request: web.Request) -> web.StreamResponse:
    """The public signing keys (RFC 7517): the current one, and those whose signatures still count."""
    keys = await request.app[WORKER].services.authenticator.jwks()
    headers = [
        ("Content-Type", "application/jwk-set+json"),
        ("Cache-Control", "public, max-age=300"),
        *CORS,
    ]
    return reply(200, headers, json.dumps(keys, separators=(",", ":")).encode())


async def healthz(_request: web.Request) -> web.StreamResponse:
    """Alive: the event loop runs."""
    return _plain(200, "ok")


async def readyz(request: web.Request) -> web.StreamResponse:
    """Ready to serve: the store answers, the signing keys are readable, and the worker is not stopping."""
    worker = request.app[WORKER]
    if worker.draining:
        return _plain(503, "draining")
    await worker.services.delivery.ready()
    await worker.services.signing_keys.load(worker.services.store)
    return _plain(200, "ready")


def _unchanging(request: web.Request, prepared: PreparedResponse) -> Reply:
    """The answer from a page or file that lasts as long as the worker."""
    return respond(prepared, request, public_cache_control(None, request.app[WORKER].services.clock()))


def _plain(status: int, word: str) -> Reply:
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store"), *CORS]
    return reply(status, headers, f"{word}\n".encode())
