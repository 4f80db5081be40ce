"""Read the parameters of a request: its use, its language, and what it accepts."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from aiohttp import web

from syndicate.formats import FEED_FORMATS, HTML, Format, accepted_types
from syndicate.language import Lang, Text
from syndicate.model.rights import Use
from syndicate.web.server.negotiation import language_of, weight_of
from syndicate.web.server.response_cache import header_value

_JPEG, _WEBP = frozenset({"image/jpeg"}), frozenset({"image/webp"})
_PROBLEM = frozenset({"application/problem+json", "application/json"})
"""The media types by which a client may ask for a problem document (RFC 9457)."""
_PAGES = accepted_types(HTML)
_FEEDS = accepted_types(FEED_FORMATS["rss"])
"""The media types by which a client may ask for any feed."""
_FEEDS_ALONE = frozenset({"application/rdf+xml"}) | {one.media_type for one in FEED_FORMATS.values()}
"""Those that only a client names that knows feeds."""
_SHOWN_NAME = 40
"""Characters of an unknown parameter's name that an error repeats."""


class BadParameter(Exception):
    """A query parameter, header or body that cannot be used: which, and what is expected."""

    def __init__(self, field: str, expected: Text, code: str = "bad_parameter") -> None:
        super().__init__(field)
        self.field, self.expected, self.code = field, expected, code


def check_parameters(request: web.Request, known: Collection[str]) -> None:
    """Raise BadParameter for the first query parameter that the route does not know.

    The error names it, cut to 40 characters and without control characters.
    """
    for name in request.query:
        if name not in known:
            listed = ", ".join(sorted(known))
            raise BadParameter(
                "".join(one if one.isprintable() else "?" for one in name[:_SHOWN_NAME]),
                Text(
                    f"没有这个参数；这里可用的参数：{listed}" if known else "这里不接受任何参数",
                    f"there is no such parameter; the parameters here are: {listed}"
                    if known
                    else "no parameters are accepted here",
                ),
            )


def use_of(request: web.Request) -> Use | None:
    """Return the use that a licensed request names. Raises BadParameter for an unknown one."""
    named = request.query.getall("use", [])
    if not named:
        return None
    if len(named) > 1:
        raise BadParameter("use", Text("use 只能写一次", "use may be given once"))
    try:
        return Use(named[0])
    except ValueError:
        allowed = ", ".join(Use)
        raise BadParameter(
            "use", Text(f"use 应为其中之一：{allowed}", f"use must be one of: {allowed}")
        ) from None


def lang_of(request: web.Request) -> Lang:
    """Return the language of a page: Chinese, or English where the address says `lang=en`."""
    return Lang.EN if request.query.get("lang") == "en" else Lang.ZH


def accepts_page(request: web.Request) -> bool:
    """Whether the client prefers an HTML page to JSON, as browsers do."""
    accept = header_value(request, "Accept") or "*/*"
    return (_weight(accept, _PAGES) or 0.0) > (_weight(accept, _PROBLEM) or 0.0)


def prefers_page(request: web.Request) -> bool:
    """Whether who asks for an open feed reads pages and no feeds, as browsers do.

    `as=feed` in the address always means the feed (`docs/decisions/0031-a-page-for-who-opens-a-feed.md`).
    """
    if request.query.get("as") == "feed":
        return False
    accept = header_value(request, "Accept")
    return accept is not None and _prefers_page(accept)


@lru_cache(maxsize=512)
def _prefers_page(accept: str) -> bool:
    """Whether this Accept is a browser's. In doubt it is a feed reader's.

    A reader may name text/html, also with the greatest weight. Two things tell it from a browser: it names
    a media type of feeds, or it does not name XHTML, which every browser does. A client that names HTML and
    takes no feed at all gets the page.
    """
    page, feed = _weight(accept, _PAGES), _weight(accept, _FEEDS)
    if page is None or feed is None or page <= feed:
        return False
    named = {name for name, weight in _named(accept) if weight}
    if feed == 0:
        return bool(named & _PAGES)
    return "application/xhtml+xml" in named and not named & _FEEDS_ALONE


def prefers_webp(request: web.Request) -> bool:
    """Whether the client names image/webp, and wants it no less than JPEG. `*/*` and `image/*` get JPEG."""
    accept = header_value(request, "Accept")
    return accept is not None and _prefers_webp(accept)


@lru_cache(maxsize=512)
def _prefers_webp(accept: str) -> bool:
    jpeg = _weight(accept, _JPEG)
    webp = max((weight or 0.0 for name, weight in _named(accept) if name in _WEBP), default=0.0)
    return jpeg is not None and webp > 0 and webp >= jpeg


def error_language(request: web.Request) -> Lang:
    """Return the language of an error page: by `lang=` in the address, else by Accept-Language."""
    if request.query.get("lang") in tuple(Lang):
        return lang_of(request)
    return language_of(header_value(request, "Accept-Language"))


def must_accept(request: web.Request, format: Format[Any]) -> None:
    """Raise BadParameter unless the client accepts this format, sends no Accept, or says `as=feed`."""
    if format.feeds and request.query.get("as") == "feed":
        return
    accept = header_value(request, "Accept")
    if accept is None or accept == "*/*":
        return
    weight = _weight(accept, accepted_types(format))
    if weight is None:
        text = Text("Accept 不是有效的媒体类型列表", "Accept is no list of media ranges (RFC 9110, 12.5.1)")
        raise BadParameter("Accept", text)
    if weight == 0:
        text = Text(f"这里提供的是：{format.media_type}", f"what is here: {format.media_type}")
        raise BadParameter("Accept", text, code="not_acceptable")


@lru_cache(maxsize=512)
def _weight(accept: str, types: frozenset[str]) -> float | None:
    """Weight of these media types, 0 to 1, by the most specific range (RFC 9110, section 12.5.1).

    None for a value that is not a list of media ranges.
    """
    best: tuple[int, float] | None = None
    for name, weight in _named(accept):
        kind, slash, subtype = name.partition("/")
        if not (slash and kind and subtype):
            if name != "*":  # some old clients write * for */*
                return None
            kind = subtype = "*"
        specificity = _specificity(kind, subtype, types)
        if specificity is None:
            continue
        if weight is None:
            return None
        best = max(best or (0, 0.0), (specificity, weight))
    if not accept.strip():
        return 1.0
    return best[1] if best is not None else 0.0


def _named(accept: str) -> list[tuple[str, float | None]]:
    """Every media range with its weight; None for an invalid weight."""
    found = []
    for part in accept.split(","):
        if part.strip():
            name, *parameters = (piece.strip().lower() for piece in part.split(";"))
            found.append((name, weight_of(parameters)))
    return found


def _specificity(kind: str, subtype: str, types: frozenset[str]) -> int | None:
    """How specific the range is for these media types, 1 to 3; None where it covers none of them."""
    if kind == "*":
        return 1 if subtype == "*" else None
    if subtype == "*":
        return 2 if any(one.startswith(f"{kind}/") for one in types) else None
    return 3 if f"{kind}/{subtype}" in types else None
