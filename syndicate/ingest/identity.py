"""What an item goes by, so that a corrected story is known as the story it was.

The keys are from strongest to weakest: its address, its URI (and the one we give it), its headline with
source and time, its opening with source and time. Whoever changes only some of them is still recognised.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b32encode
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final

from syndicate.ingest.addresses import normal
from syndicate.ingest.text import folded
from syndicate.model.item import Block, ItemId, tag_uri
from syndicate.model.parties import Publisher

_ENOUGH: Final = 16
"""Characters of an opening below which it may well be another story's too (`本报讯`)."""
_OURS: Final = re.compile(r"tag:([^,]+),(\d{4})-(\d\d)-(\d\d):item:(\d{8}-[a-z0-9]{10})", re.ASCII)


def own_id(uri: str, publisher: Publisher) -> ItemId | None:
    """The item that a tag URI of ours names; None where the URI is somebody else's."""
    match = _OURS.fullmatch(uri)
    if match is None or match[1] != publisher.authority:
        return None
    try:
        day = date(int(match[2]), int(match[3]), int(match[4]))
    except ValueError:
        return None
    return ItemId(match[5]) if match[5].startswith(f"{day:%Y%m%d}-") else None


def identity(
    *,
    headline: str,
    source: str,
    published: datetime,
    body: Sequence[Block],
    address: str | None,
    uri: str | None,
    publisher: Publisher,
) -> tuple[ItemId, tuple[str, ...]]:
    """The item's id, and its keys from strongest to weakest. The same document always gives the same."""
    moment = published.astimezone(UTC).isoformat()
    by_headline = f"headline:{_hash(source, moment, folded(headline))}"
    keys = [f"address:{normal(address)}"] if address else []
    if uri is not None:
        keys.append(f"uri:{uri}")
    id = own_id(uri, publisher) if uri is not None else None
    if id is None:
        id = item_id(published.astimezone(publisher.zone), keys[-1] if uri is not None else by_headline)
        # What we export carries this URI: with it here, an export that comes back is recognised.
        keys.append(f"uri:{tag_uri(publisher.authority, id)}")
    keys.append(by_headline)
    opening = _opening(body)
    if len(opening) >= _ENOUGH:
        keys.append(f"opening:{_hash(source, moment, opening)}")
    return id, tuple(keys)


def _opening(body: Sequence[Block]) -> str:
    opening = ""
    for block in body:
        opening += folded(block.text)
        if len(opening) >= _ENOUGH:
            break
    return opening


def item_id(day: datetime, key: str) -> ItemId:
    """The id of what was published on that day of the publisher's and goes by this key."""
    letters = b32encode(hashlib.sha256(key.encode()).digest()).decode().lower()
    return ItemId(f"{day:%Y%m%d}-{letters[:10]}")


def _hash(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
