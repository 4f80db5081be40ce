"""What `make bench` compares with: bare aiohttp with ready bytes, and with feedgen at every request."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import feedparser
import uvloop
from aiohttp import web
from feedgen.feed import FeedGenerator

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(folder: Path, *, with_feedgen: bool) -> web.Application:
    """Handlers that do nothing but answer."""
    app = web.Application()
    for name in ("public.rss", "full.rss"):
        app.router.add_get(
            f"/{name}", _ready((folder / name).read_bytes(), (folder / f"{name}.gz").read_bytes())
        )
    if with_feedgen:
        app.router.add_get("/feedgen", _feedgen((folder / "public.rss").read_bytes()))
    return app


def _ready(plain: bytes, zipped: bytes) -> Handler:
    etag = '"bare"'

    async def handler(request: web.Request) -> web.Response:
        headers = {"Content-Type": "application/rss+xml; charset=utf-8", "ETag": etag}
        if "If-None-Match" in request.headers:
            return web.Response(status=304, headers=headers)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=zipped, headers={**headers, "Content-Encoding": "gzip"})
        return web.Response(body=plain, headers=headers)

    return handler


def _feedgen(feed: bytes) -> Handler:
    entries = [
        (entry.id, entry.title, entry.link, entry.summary) for entry in feedparser.parse(feed).entries
    ]

    async def handler(_: web.Request) -> web.Response:
        made = FeedGenerator()
        made.id("tag:bench")
        made.title("bench")
        made.link(href="http://127.0.0.1/")
        made.description("bench")
        for identity, title, link, summary in entries:
            entry = made.add_entry(order="append")
            entry.guid(identity)
            entry.title(title)
            entry.link(href=link)
            entry.description(summary)
            entry.pubDate(datetime.now(UTC))
        return web.Response(body=made.rss_str(), content_type="application/rss+xml")

    return handler


def main() -> None:
    """Serve: folder, port, and `--feedgen`."""
    folder, port, *rest = sys.argv[1:]
    uvloop.install()
    web.run_app(
        application(Path(folder), with_feedgen="--feedgen" in rest),
        host="127.0.0.1",
        port=int(port),
        access_log=None,
        print=None,
    )


if __name__ == "__main__":
    main()
