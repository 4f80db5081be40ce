"""Compute the keys that identify an item, so that a corrected story is recognised as the same story.

The keys are from strongest to weakest: its address, its URI (and the one we give it), its headline with
outlet and time, its text with outlet and time, and its opening with outlet and time. A document that
changes only some of them is still recognised. A match by the opening alone counts only where most
of the two bodies agrees (`agree`): two stories may begin with one editor's note.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from syndicate.characters import line
from syndicate.ingest.addresses import normal, spellings_before
from syndicate.ingest.line_cache import cached
from syndicate.ingest.outlets import outlet_of
from syndicate.ingest.text import folded
from syndicate.model.item import Block, ItemId, tag_uri
from syndicate.model.parties import Publisher

_ENOUGH: Final = 16
"""Characters of a text or an opening below which it may well be another story's too (`本报讯`)."""
_GRAM: Final = 5
_SAME, _ALIKE, _REST = 0.85, 0.5, 0.3
"""Shares of a text that another has too: of the whole where that alone tells; of the whole and the rest."""
_NOTE: Final = re.compile(r"[【\[(（]?\s*(?:编者按|编者的话|编者语|编前语|编前|开栏的话|开栏语|按语|编后)")
_WEAK: Final = "opening:"
_OURS: Final = re.compile(r"tag:([^,]+),(\d{4})-(\d\d)-(\d\d):item:(\d{8}-[a-z0-9]{10})", re.ASCII)


def own_id(uri: str, publisher: Publisher) -> ItemId | None:
    """Return the item that one of our tag URIs names; None for any other URI."""
    match = _OURS.fullmatch(uri)
    if match is None or match[1] != publisher.authority:
        return None
    try:
        day = date(int(match[2]), int(match[3]), int(match[4]))
    except ValueError:
        return None
    return ItemId(match[5]) if match[5].startswith(f"{day:%Y%m%d}-") else None


@dataclass(frozen=True, slots=True)
class Identity:
    """An item's id and the keys that identify it.

    Attributes:
        id: the item's id, where it is no item that is known already.
        keys: the keys to keep with the item, strongest first.
        lookup: the keys to find it by, strongest first: also those that releases before 0.3 kept.
    """

    id: ItemId
    keys: tuple[str, ...]
    lookup: tuple[str, ...]


def identity(
    *,
    headline: str,
    source: str,
    published: datetime,
    body: Sequence[Block],
    address: str | None,
    uri: str | None,
    publisher: Publisher,
) -> Identity:
    """Compute the item's id and keys. The same document always gives the same ones.

    Of a source that is an outlet's only the outlet counts: it may be spelled otherwise the next time.
    """
    instant = published.astimezone(UTC).isoformat()
    owner, spellings = _owner(source, publisher)
    headlines_before = [f"headline:{_hash(one, instant, folded(headline))}" for one in spellings]
    addresses = [f"address:{normal(address)}"] if address else []
    addresses_before = [f"address:{one}" for one in spellings_before(address)] if address else []
    uris = [f"uri:{uri}"] if uri is not None else []
    id = own_id(uri, publisher) if uri is not None else None
    if id is None:
        # By the source as it was spelled, so that a document gets the id that it got in every release.
        id = item_id(published.astimezone(publisher.zone), uris[0] if uris else headlines_before[0])
        # What we export carries this URI: with it here, an export that comes back is recognised.
        uris.append(f"uri:{tag_uri(publisher.authority, id)}")
    by_headline = f"headline:{_hash(owner, instant, folded(headline))}"
    text = "".join(map(_compared, body))
    texts = [f"text:{_hash(owner, instant, text)}"] if len(text) >= _ENOUGH else []
    openings = _opening_key(owner, instant, [block for block in body if _compared(block)])
    openings_before = [key for one in spellings for key in _opening_key(one, instant, body)]
    keys = (*addresses, *uris, by_headline, *texts, *openings)
    lookup = (
        *(*addresses, *addresses_before, *uris, by_headline, *headlines_before),
        *(*texts, *openings, *openings_before),
    )
    return Identity(id, keys, tuple(dict.fromkeys(lookup)))


def is_weak(key: str) -> bool:
    """Whether a match by this key counts only where most of the bodies agrees."""
    return key.startswith(_WEAK)


def agree(one: Sequence[Block], other: Sequence[Block]) -> bool:
    """Whether two bodies are of one story: most of the shorter one is in the other.

    What both begin with may be an editor's note or the head of a series: unless they agree nearly
    everywhere, the rest must agree too.
    """
    ours, theirs = ([text for text in map(_compared, body) if text] for body in (one, other))
    whole = _shared("".join(ours), "".join(theirs))
    if whole >= _SAME:
        return True
    common = 0
    while common < min(len(ours), len(theirs)) and ours[common] == theirs[common]:
        common += 1
    rest = _shared("".join(ours[common:]), "".join(theirs[common:]))
    return whole >= _ALIKE and rest >= _REST


def _compared(block: Block) -> str:
    """Return the words of a block; none of an editor's note."""
    return _words_of(block.text)


@cached
def _words_of(text: str) -> str:
    return "" if _NOTE.match(text) else folded(text)


def _shared(one: str, other: str) -> float:
    """Return how much of the shorter text is in the longer one, from 0 to 1, by runs of five characters."""
    if not one or not other:
        return 0.0
    ours, theirs = (
        {text[at : at + _GRAM] for at in range(max(len(text) - _GRAM + 1, 1))} for text in (one, other)
    )
    return len(ours & theirs) / min(len(ours), len(theirs))


def _owner(source: str, publisher: Publisher) -> tuple[str, list[str]]:
    """Return the outlet for the keys, and each of its source lines, this one first."""
    outlet = publisher.outlet(outlet_of(source, publisher))
    if outlet is None:
        return f"source:{line(source)}", [source]
    return f"outlet:{outlet.id}", list(dict.fromkeys([source, *outlet.sources]))


def _opening_key(owner: str, instant: str, body: Sequence[Block]) -> list[str]:
    """Return the key of how a body begins; none where it is too short to tell."""
    opening = ""
    for block in body:
        opening += folded(block.text)
        if len(opening) >= _ENOUGH:
            return [f"opening:{_hash(owner, instant, opening)}"]
    return []


def item_id(day: datetime, key: str) -> ItemId:
    """Return the id of an item with this key, published on that day in the publisher's zone."""
    letters = b32encode(hashlib.sha256(key.encode()).digest()).decode().lower()
    return ItemId(f"{day:%Y%m%d}-{letters[:10]}")


def _hash(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
