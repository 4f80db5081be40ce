"""What a request asks for: its use, its language, and what it takes of what the route has."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from aiohttp import web

from syndicate.formats import HTML, Format, accepted_types
from syndicate.language import Lang, Text
from syndicate.model.rights import Use
from syndicate.web.server.answer_cache import field
from syndicate.web.server.negotiation import language_of, weight_of
from syndicate.web.server.worker import BadParameter

_PROBLEM = frozenset({"application/problem+json", "application/json"})
"""The media types by which a problem document (RFC 9457) may be asked for."""


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
    return (_weight(accept, accepted_types(HTML)) or 0.0) > (_weight(accept, _PROBLEM) or 0.0)


def spoken(request: web.Request) -> Lang:
    """The language of what is said instead of a page: the page's, where the address names it, else by
    Accept-Language."""
    if request.query.get("lang") in tuple(Lang):
        return lang_of(request)
    return language_of(field(request, "Accept-Language"))


def must_accept(request: web.Request, format: Format[Any]) -> None:
    """Raise BadParameter unless the client takes this format, or says nothing about it."""
    accept = field(request, "Accept")
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
    """How much one of these media types is wanted, 0 to 1, by the most exact range (RFC 9110, 12.5.1).

    None for a value that is not a list of media ranges.
    """
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
        precision = _precision(kind, subtype, types)
        if precision is None:
            continue
        weight = weight_of(parameters)
        if weight is None:
            return None
        best = max(best or (0, 0.0), (precision, weight))
    if not accept.strip():
        return 1.0
    return best[1] if best is not None else 0.0


def _precision(kind: str, subtype: str, types: frozenset[str]) -> int | None:
    """How exactly a range covers one of the types: the most exact range decides. None: not at all."""
    if kind == "*":
        return 1 if subtype == "*" else None
    if subtype == "*":
        return 2 if any(one.startswith(f"{kind}/") for one in types) else None
    return 3 if f"{kind}/{subtype}" in types else None
