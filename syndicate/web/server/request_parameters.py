"""What a request asks for: its use, its language, and what it takes of what the route has."""

from __future__ import annotations

from functools import lru_cache

from aiohttp import web

from syndicate.language import Lang, Text
from syndicate.model.rights import Use
from syndicate.web.server.answer_cache import field
from syndicate.web.server.negotiation import language_of, weight_of
from syndicate.web.server.worker import BadParameter

_FEEDS = (
    "application/rss+xml",
    "application/atom+xml",
    "application/xml",
    "text/xml",
    "application/rdf+xml",
    "application/feed+json",
    "application/json",
)
"""A reader that asks for one kind of feed and follows an address to another takes that too: rss-parser,
for one, says `application/rss+xml` wherever it goes."""

_WIDER = {
    "rss": _FEEDS,
    "atom": _FEEDS,
    "json": _FEEDS,
    "ninjs": ("application/json",),
    "html": ("text/html", "application/xhtml+xml"),
    "problem": ("application/problem+json", "application/json"),
}
"""The media types under which a format may be asked for."""
_HERE = {
    "rss": "application/rss+xml",
    "atom": "application/atom+xml",
    "json": "application/feed+json",
    "ninjs": "application/json",
    "html": "text/html",
}
"""The media type that each format is."""


def use_of(request: web.Request) -> Use | None:
    """The use that a licensed request names. Raises BadParameter for what is none."""
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
    """The language of a page: Chinese, or English where the address says so."""
    return Lang.EN if request.query.get("lang") == "en" else Lang.ZH


def wants_page(request: web.Request) -> bool:
    """Whether a person asks, who would rather have a page than JSON: a browser names text/html first."""
    accept = field(request, "Accept") or "*/*"
    return (_weight(accept, "html") or 0.0) > (_weight(accept, "problem") or 0.0)


def spoken(request: web.Request) -> Lang:
    """The language of what is said instead of a page: the page's, where the address names it, else by
    Accept-Language."""
    if request.query.get("lang") in tuple(Lang):
        return lang_of(request)
    return language_of(field(request, "Accept-Language"))


def must_accept(request: web.Request, format: str) -> None:
    """Raise BadParameter unless the client takes this format, or says nothing about it."""
    accept = field(request, "Accept")
    if accept is None or accept == "*/*":
        return
    weight = _weight(accept, format)
    if weight is None:
        text = Text("Accept 不是有效的媒体类型列表", "Accept is no list of media ranges (RFC 9110, 12.5.1)")
        raise BadParameter("Accept", text)
    if weight == 0:
        text = Text(f"这里提供的是：{_HERE[format]}", f"what is here: {_HERE[format]}")
        raise BadParameter("Accept", text, code="not_acceptable")


@lru_cache(maxsize=512)
def _weight(accept: str, format: str) -> float | None:
    """How much the format is wanted, 0 to 1, by the most exact range; None for what is no Accept."""
    best: tuple[int, float] | None = None
    for part in accept.split(","):
        if not part.strip():
            continue
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        kind, slash, subtype = name.partition("/")
        if not (slash and kind and subtype):
            if name != "*":  # some old clients write * for */*
                return None
            kind = subtype = "*"
        precision = _precision(kind, subtype, format)
        if precision is None:
            continue
        weight = weight_of(parameters)
        if weight is None:
            return None
        best = max(best or (0, 0.0), (precision, weight))
    if not accept.strip():
        return 1.0
    return best[1] if best is not None else 0.0


def _precision(kind: str, subtype: str, format: str) -> int | None:
    """How exactly a range covers the format: the most exact range decides. None: not at all."""
    if kind == "*":
        return 1 if subtype == "*" else None
    if subtype == "*":
        return 2 if any(one.startswith(f"{kind}/") for one in _WIDER[format]) else None
    return 3 if f"{kind}/{subtype}" in _WIDER[format] else None
