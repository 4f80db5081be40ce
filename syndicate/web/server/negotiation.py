"""Negotiate language and content coding by the weights in Accept-Language and Accept-Encoding."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from syndicate.language import Lang

_LANGUAGES = {"zh": Lang.ZH, "en": Lang.EN, "*": Lang.ZH}
"""Our languages by the first subtag of a range. `*` gets Chinese."""


def weight_of(parameters: Iterable[str]) -> float | None:
    """Return the weight (RFC 9110, section 12.4.2) among a range's parameters, 0 to 1; 1 without any.

    None for an invalid weight.
    """
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                weight = float(value)
            except ValueError:
                return None
            return weight if 0 <= weight <= 1 else None
    return 1.0


@lru_cache(maxsize=512)
def language_of(accept_language: str | None) -> Lang:
    """Return the language to answer in, by Accept-Language (RFC 9110, section 12.5.4).

    The greater weight wins, then the first named; Chinese where neither language is wanted. An invalid
    range, or one with the weight 0, is ignored.
    """
    chosen, best = Lang.ZH, 0.0
    for part in (accept_language or "").split(","):
        range_, *parameters = part.split(";")
        lang = _LANGUAGES.get(range_.strip().lower().partition("-")[0])
        weight = weight_of(parameters)
        if lang is not None and weight is not None and weight > best:
            chosen, best = lang, weight
    return chosen


@lru_cache(maxsize=512)
def preferred_coding(accept_encoding: str | None) -> str:
    """Return br, gzip or identity, by Accept-Encoding (RFC 9110, section 12.5.3).

    The greatest weight wins, then our order. A coding with an invalid weight is not used.
    """
    if not accept_encoding:
        return "identity"
    weights = {}
    for part in accept_encoding.split(",")[:32]:
        name, *parameters = part.split(";")
        weights[name.strip().lower()] = weight_of(parameters) or 0.0
    rest = weights.get("*", 0.0)
    offered = {"br": weights.get("br", rest), "gzip": weights.get("gzip", weights.get("x-gzip", rest))}
    best = max(offered, key=lambda coding: offered[coding])
    wanted = offered[best] > 0 and offered[best] >= weights.get("identity", 0.0)
    return best if wanted else "identity"
