"""What a feed says, in any of its formats: which items it has, and which it says are gone."""

from __future__ import annotations

import json
from datetime import datetime
from xml.etree import ElementTree

import feedparser

from syndicate.formats import registry

FORMATS = tuple(registry.FEED_FORMATS)
"""Ids of the feed formats."""
_TOMBSTONES = "{http://purl.org/atompub/tombstones/1.0}"


def entries(format: str, body: bytes) -> dict[str, str]:
    """Identity → everything that the feed says about the item."""
    if format == "json":
        items = json.loads(body)["items"]
        return {one["id"]: json.dumps(one, ensure_ascii=False) for one in items}
    found = feedparser.parse(body).entries
    return {one.id: json.dumps(one, ensure_ascii=False, default=str) for one in found}


def tombstones(format: str, body: bytes) -> dict[str, datetime]:
    """Identity → since when it is gone, of all that the feed says is gone."""
    if format == "json":
        gone = json.loads(body)["_syndicate"].get("recalled", [])
        return {one["id"]: datetime.fromisoformat(one["when"]) for one in gone}
    dead = ElementTree.fromstring(body).iter(f"{_TOMBSTONES}deleted-entry")
    return {one.attrib["ref"]: datetime.fromisoformat(one.attrib["when"]) for one in dead}
