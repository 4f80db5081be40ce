"""撤稿: what a feed says of items that were called back, and nothing of what they were."""

from __future__ import annotations

from syndicate.formats.clean import one_line
from syndicate.formats.timestamps import whole
from syndicate.language import Text
from syndicate.policy.reasons import RECALLS
from syndicate.stamping import Edition, Tombstone


def gone(edition: Edition) -> tuple[Tombstone, ...]:
    """The tombstones to show, in the edition's order: one for each (item, second), as RFC 6721 (section 3)
    wants it, and none for an item that the edition has, since it lives again."""
    living = {item.uri for item in edition.items}
    shown: dict[tuple[str, str], Tombstone] = {}
    for one in edition.tombstones:
        if one.uri not in living:
            shown.setdefault((one.uri, whole(one.when).isoformat()), one)
    return tuple(shown.values())


def why(tombstone: Tombstone) -> Text:
    """Why it was called back: the reason in the words for everybody, and the note where the recipient is
    told it."""
    note = one_line(tombstone.note or "")
    return RECALLS[tombstone.reason] + (Text(f"：{note}", f": {note}") if note else Text("", ""))
