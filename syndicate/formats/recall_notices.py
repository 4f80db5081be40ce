"""What a feed says about recalled items (撤稿): which, when and why, and nothing of their content."""

from __future__ import annotations

from syndicate.formats.clean import one_line
from syndicate.formats.timestamps import whole
from syndicate.language import Text
from syndicate.policy.reasons import RECALLS
from syndicate.stamping import Edition, Tombstone


def gone(edition: Edition) -> tuple[Tombstone, ...]:
    """The tombstones to show, in the edition's order.

    One for each item and second (RFC 6721, section 3), and none for an item that the edition has: it was
    reinstated.
    """
    living = {item.uri for item in edition.items}
    shown: dict[tuple[str, str], Tombstone] = {}
    for one in edition.tombstones:
        if one.uri not in living:
            shown.setdefault((one.uri, whole(one.when).isoformat()), one)
    return tuple(shown.values())


def why(tombstone: Tombstone) -> Text:
    """Why the item was recalled: the public reason, and the note where the recipient may read it."""
    note = one_line(tombstone.note or "")
    return RECALLS[tombstone.reason] + (Text(f"：{note}", f": {note}") if note else Text("", ""))
