"""Notes of items: those about holds that ingest placed, and what a note that travels may say."""

from __future__ import annotations

from datetime import datetime, tzinfo

from syndicate.errors import Fault
from syndicate.language import Text
from syndicate.model.item import Item
from syndicate.model.notes import Note

LONGEST_NOTE = 500
"""Characters of a note that travels."""


def local_time(at: datetime, zone: tzinfo) -> str:
    """Return a time as staff read it, in this zone, to the second: `2026-12-01 08:00:00 +08:00`."""
    local = at.astimezone(zone).isoformat(sep=" ", timespec="seconds")
    return f"{local[:19]} {local[19:]}"


def newly_held(before: Item, after: Item, zone: tzinfo) -> tuple[Note, ...]:
    """Return a note for each hold that ingest of the document placed on the item; times in `zone`."""
    said = []
    if after.holds.embargo is not None and after.holds.embargo != before.holds.embargo:
        until = local_time(after.holds.embargo.until, zone)
        said.append(Note("embargoed", "embargo", Text(f"禁发至 {until}", f"under embargo until {until}")))
    if after.holds.withheld and not before.holds.withheld:
        withheld = Text("已扣发；确认可发后用 item release 放行", "withheld; release it with item release")
        said.append(Note("withheld", "holds", withheld))
    return tuple(said)


def note_faults(note: str) -> list[Fault]:
    """Return the faults of a note that is to be sent with an item."""
    if note.strip() and len(note) <= LONGEST_NOTE and note.isprintable():
        return []
    text = Text(
        f"应为 1 到 {LONGEST_NOTE} 个可见字符的一行说明",
        f"expected one line of 1 to {LONGEST_NOTE} visible characters",
    )
    return [Fault("note_invalid", "note", text)]
