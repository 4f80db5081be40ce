"""Texts of a ninjs document that a page shows. A value of a wrong type counts as absent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_UNSEEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def headline_of(document: Mapping[str, Any]) -> str:
    """The main headline, else the title; empty without either."""
    mains = [
        text_of(one.get("value")) for one in objects(document, "headlines") if one.get("role") == "main"
    ]
    return next(iter(mains), "") or text_of(document.get("title"))


def stamp_of(document: Mapping[str, Any]) -> str:
    """The stamp, the distributor's source line: `稿件来源:萧山网`. Empty without one."""
    return _source(document, "distributor")


def caption_of(document: Mapping[str, Any]) -> str:
    """What a picture, sound or film shows: its first description, without the stamp at its end."""
    stamp = stamp_of(document)
    for one in objects(document, "descriptions"):
        if one.get("role") == "altText":
            continue
        lines = [line.strip() for line in text_of(one.get("value")).splitlines()]
        return " ".join(line for line in lines if line and line != stamp)
    return ""


def alt_of(document: Mapping[str, Any]) -> str:
    """What a picture shows, for who cannot see it; empty without."""
    said = (
        text_of(one.get("value"))
        for one in objects(document, "descriptions")
        if one.get("role") == "altText"
    )
    return " ".join(next(said, "").split())


def credit_of(document: Mapping[str, Any]) -> str:
    """Who made it, and the source line as published."""
    parts = (text_of(document.get("by")), _source(document, "originator"))
    return " · ".join(dict.fromkeys(part for part in parts if part))


def objects(document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects of a list in the document; empty where it is no list."""
    found = document.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def text_of(value: object) -> str:
    """The value without control characters and outer space, if it is a text; else empty."""
    return _UNSEEN.sub("", value).strip() if isinstance(value, str) else ""


def _source(document: Mapping[str, Any], role: str) -> str:
    for source in objects(document, "infoSources"):
        if text_of(source.get("role")).endswith(f"/{role}"):
            return text_of(source.get("literal"))
    return ""
