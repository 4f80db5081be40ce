"""What a client would rather have: the weights of its headers, the language and the coding to answer in."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from syndicate.language import Lang

_SPOKEN = {"zh": Lang.ZH, "en": Lang.EN, "*": Lang.ZH}
"""Our languages by the first subtag of a range. Who takes any language gets ours."""


def weight_of(parameters: Iterable[str]) -> float | None:
    """The weight (RFC 9110, section 12.4.2) among a range's parameters, 0 to 1; 1 where there is none.

    None for a weight that is none.
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
    """The language to speak, by Accept-Language (RFC 9110, section 12.5.4): the one of ours with the
    greater weight, of two with the same the first named, Chinese where neither is wanted.

    A range that cannot be read, or whose weight is nought, counts for nothing.
    """
    spoken, best = Lang.ZH, 0.0
    for part in (accept_language or "").split(","):
        range_, *parameters = part.split(";")
        lang = _SPOKEN.get(range_.strip().lower().partition("-")[0])
        weight = weight_of(parameters)
        if lang is not None and weight is not None and weight > best:
            spoken, best = lang, weight
    return spoken


@lru_cache(maxsize=512)
def preferred_coding(accept_encoding: str | None) -> str:
    """br, gzip or identity, by Accept-Encoding (RFC 9110, section 12.5.3): the greatest weight, ours in
    that order where they are equal. A coding whose weight cannot be read is not wanted."""
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
