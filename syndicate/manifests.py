"""List what an answer gave: the manifests that the trail keeps and names by their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from syndicate.model.feeds import Feed
from syndicate.model.item import canonical_json
from syndicate.model.parties import Recipient, recipient_id
from syndicate.stamping import StampedItem, Tombstone


def manifest(
    recipient: Recipient,
    feed: Feed | None,
    items: Iterable[StampedItem],
    tombstones: Iterable[Tombstone] = (),
) -> bytes:
    """What an edition gave, as canonical JSON.

    For each item its version, use, clause and mandate; and the recalls that it announced, if any.
    """
    given_items = list(items)
    given: dict[str, Any] = {
        "recipient": recipient_id(recipient),
        "feed": feed.id if feed is not None else None,
        "items": [given_as(item) for item in given_items],
    }
    given |= associated_as(given_items)
    recalled = [[one.id, one.version, one.when.isoformat()] for one in tombstones]
    return canonical_json({**given, "recalled": recalled} if recalled else given)


def associated_as(items: Iterable[StampedItem]) -> dict[str, Any]:
    """What a manifest says of the media that its stories told of: the story, then as `given_as`.

    Empty where there is none.
    """
    told = [[item.id, *given_as(media)] for item in items for media in media_told(item)]
    return {"associated": told} if told else {}


def media_told(item: StampedItem) -> list[StampedItem]:
    """The media items whose caption and addresses a story gives."""
    return [one.media for one in item.associations if one.media is not None]


def given_as(item: StampedItem) -> list[object]:
    """An item as a manifest lists it: item, version, use, clause, mandate."""
    return [item.id, item.version, item.use.value, item.clause, item.mandate]


def manifest_digest(content: bytes) -> str:
    """The name of a manifest: SHA-256, hex."""
    return hashlib.sha256(content).hexdigest()
