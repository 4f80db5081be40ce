"""What is open to all: headline, abstract and stamp, the terms, the public signing keys."""

from __future__ import annotations

import asyncio
import json
from functools import wraps

from aiohttp import web

from syndicate.errors import Recalled, Unknown
from syndicate.formats import FEED_FORMATS, HTML, Rendered
from syndicate.formats import html as item_page
from syndicate.language import Lang, Text
from syndicate.model.item import ItemId
from syndicate.stamping import Edition
from syndicate.web.server.answer_cache import answer, public_cache
from syndicate.web.server.problems import PROBLEMS
from syndicate.web.server.request_parameters import lang_of, must_accept, spoken, wants_page
from syndicate.web.server.responses import PAGE_POLICY, Reply, blocked_by, reply
from syndicate.web.server.worker import WORKER, Handler


async def feed(request: web.Request) -> web.StreamResponse:
    """A public feed."""
    worker = request.app[WORKER]
    format = FEED_FORMATS[request.match_info["format"]]
    must_accept(request, format)
    served = await worker.services.delivery.public_feed(request.match_info["feed"])
    ready = await worker.ready.of(served, format.id, format.render)
    worker.repeats.learn(request, request.match_info["feed"], format.id)
    return answer(ready, request, public_cache(served.shown_until, worker.services.clock()))


def telling_people(handler: Handler) -> Handler:
    """Tell a person that an item was recalled by a page; programs get the problem document."""

    @wraps(handler)
    async def told(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Recalled as recalled:
            if not wants_page(request):
                raise
            return _recalled(request, recalled)

    return told


@telling_people
async def item(request: web.Request) -> web.StreamResponse:
    """The page of one item."""
    worker = request.app[WORKER]
    must_accept(request, HTML)
    lang = lang_of(request)
    served = await worker.services.delivery.public_item(ItemId(request.match_info["item"]))

    def render(edition: Edition) -> Rendered:
        return Rendered(HTML.content_type, item_page.write(edition, lang=lang))

    ready = await worker.ready.of(served, f"{HTML.id}-{lang}", render, page=True)
    return answer(ready, request, public_cache(served.shown_until, worker.services.clock()))


async def home(request: web.Request) -> web.StreamResponse:
    """The home page: feeds, the newest headlines, terms, and how to become a partner."""
    worker = request.app[WORKER]
    must_accept(request, HTML)
    lang = lang_of(request)
    served = await worker.services.delivery.public_feed("all")
    ready = await worker.ready.of(
        served, f"home-{lang}", lambda edition: worker.pages.home(edition, lang), page=True
    )
    return answer(ready, request, public_cache(served.shown_until, worker.services.clock()))


async def terms(request: web.Request) -> web.StreamResponse:
    """The rights notice, for people."""
    worker = request.app[WORKER]
    must_accept(request, HTML)
    return answer(
        worker.pages.terms(lang_of(request)), request, public_cache(None, worker.services.clock())
    )


async def problem_page(request: web.Request) -> web.StreamResponse:
    """What one code of error means, and what to do."""
    worker = request.app[WORKER]
    code = request.match_info["code"]
    if code not in PROBLEMS:
        raise Unknown(Text("错误代码", "error code"), code)
    page = worker.pages.problem(code, lang_of(request))
    return answer(page, request, public_cache(None, worker.services.clock()))


async def opml(request: web.Request) -> web.StreamResponse:
    """Every public feed, as OPML."""
    worker = request.app[WORKER]
    return answer(worker.pages.opml(), request, public_cache(None, worker.services.clock()))


async def static(request: web.Request) -> web.StreamResponse:
    """A style sheet or an emblem."""
    worker = request.app[WORKER]
    found = worker.pages.static(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    return answer(found, request, public_cache(None, worker.services.clock()))


async def jwks(request: web.Request) -> web.StreamResponse:
    """The public signing keys (RFC 7517): those that sign, and those whose signatures still hold."""
    keys = await request.app[WORKER].services.authenticator.jwks()
    headers = [("Content-Type", "application/jwk-set+json"), ("Cache-Control", "public, max-age=300")]
    return reply(200, headers, json.dumps(keys, separators=(",", ":")).encode())


async def healthz(request: web.Request) -> web.StreamResponse:
    """Alive: the event loop turns."""
    return _plain(200, "ok")


async def readyz(request: web.Request) -> web.StreamResponse:
    """Ready to serve: the store answers, the signing keys are whole, and nobody said to stop."""
    worker = request.app[WORKER]
    if worker.draining:
        return _plain(503, "draining")
    await worker.services.delivery.ready()
    await asyncio.to_thread(worker.services.signing_keys.load)
    return _plain(200, "ready")


def _recalled(request: web.Request, recalled: Recalled) -> Reply:
    """The page in place of the item's. Never stored: the item may be reinstated."""
    worker, lang = request.app[WORKER], spoken(request)
    page = worker.pages.recalled(recalled, lang)
    headers = [
        ("Content-Type", page.content_type),
        ("Content-Language", "zh-CN" if lang is Lang.ZH else "en"),
        ("Cache-Control", "no-store"),
        ("Vary", "Accept, Accept-Language"),
        *PAGE_POLICY,
        *blocked_by(recalled.code, worker.services.settings.base_url),
    ]
    return reply(PROBLEMS[recalled.code].status.value, headers, page.body)


def _plain(status: int, word: str) -> Reply:
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
    return reply(status, headers, f"{word}\n".encode())
