"""Write a page of a partner's change sequence (变更序列) as JSON."""

from __future__ import annotations

from typing import Any

from syndicate.formats.clean import one_line
from syndicate.formats.ninjs import canceled, document
from syndicate.formats.rendered import json_body
from syndicate.formats.timestamps import SECOND, rfc3339, rounded_up
from syndicate.model.changes import ChangeEntry
from syndicate.stamping import ChangesPage, StampedItem, Tombstone


def write(page: ChangesPage) -> bytes:
    """Return one page of a partner's change sequence (`docs/reference/http.md`), in the order of the page.

    Times are RFC 3339 in the publisher's zone. `item` is the ninjs document of the item, or of its
    cancellation. `clause` is null if there is none; other fields are omitted when empty.
    """
    written = {
        "changes": [_entry(entry, subject, page) for entry, subject in page.entries],
        "next": page.next,
        "more": page.more,
        "reset": page.reset,
    }
    return json_body(written)


def _entry(
    entry: ChangeEntry, subject: StampedItem | Tombstone | None, page: ChangesPage
) -> dict[str, Any]:
    zone = page.publisher.zone
    written = {
        "seq": entry.seq,
        "action": entry.action.value,
        "id": entry.item,
        "version": entry.version,
        "at": rfc3339(entry.at, zone),
        "clause": entry.clause,
        "reason": entry.reason,
        "note": one_line(entry.note or "") or None,
        # Round deadlines down and the end of an embargo up.
        "deadline": rfc3339(entry.deadline, zone) if entry.deadline is not None else None,
        "until": rfc3339(rounded_up(entry.until, SECOND), zone) if entry.until is not None else None,
        "item": _item(subject, page),
    }
    return {name: value for name, value in written.items() if value is not None or name == "clause"}


def _item(subject: StampedItem | Tombstone | None, page: ChangesPage) -> dict[str, Any] | None:
    match subject:
        case StampedItem():
            return document(subject, page.publisher)
        case Tombstone():
            return canceled(subject, page.publisher)
        case None:
            return None
