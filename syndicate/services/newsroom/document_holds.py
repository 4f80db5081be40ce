"""Decide what holds an item back once a document was ingested, and the records that say so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from syndicate.model.holds import Embargo, Holds
from syndicate.model.item import Item
from syndicate.model.lifecycle_events import ItemHeld
from syndicate.model.records import Entry
from syndicate.store.protocol import Change, ItemAct

if TYPE_CHECKING:
    from syndicate.ingest.draft import Parsed


@dataclass(frozen=True, slots=True)
class Keep:
    """The holds to place on documents at ingest."""

    embargo: datetime | None = None
    withheld: bool = False


def hold_act(
    actor: str, before: Item, current: Item, parsed: Parsed, keep: Keep | None, now: datetime, *, new: bool
) -> ItemAct | None:
    """Hold the item back as the document or whoever ingests it says; None where nothing changes.

    `before` is the item as it was, `current` as it is with this document, `new` says whether that made a
    version. What a document asks for counts when it is another than it asked for before: ingested again it
    undoes nothing that staff did since, and it never shortens what staff hold. What holds a recalled item
    stays as it was when it was recalled, since by that it is judged who may know of it.
    """
    holds = _holds(
        before.holds, parsed, keep or Keep(), now, another=new and before.version == current.version
    )
    if holds.withheld and not before.holds.withheld and not current.standalone:
        holds = replace(holds, withheld_with_story=True)
    asked_alone = replace(before.holds, asked=parsed.embargo)
    if holds == before.holds or (not new and holds == asked_alone):
        return None
    entries = []
    if holds.embargo != before.holds.embargo or holds.waiting != before.holds.waiting:
        until = holds.waiting if holds.embargo is None or holds.recall is not None else holds.embargo.until
        said = None if until is None else until.isoformat()
        entries.append(Entry(now, actor, ItemHeld(current.id, "embargo", said, None)))
    if (holds.withheld and not before.holds.withheld) or holds.doubted != before.holds.doubted:
        entries.append(Entry(now, actor, ItemHeld(current.id, "withheld", None, None)))
    return ItemAct(
        item=replace(current, holds=holds), holds=True, entries=tuple(entries), change=Change.RIGHTS
    )


def _holds(holds: Holds, parsed: Parsed, wanted: Keep, now: datetime, *, another: bool) -> Holds:
    """What holds the item now; `another` says that the document made a new item."""
    asked, embargo = parsed.embargo, holds.embargo
    if asked is not None and asked != holds.asked:
        by_staff = embargo is not None and embargo.until != holds.asked and now < embargo.until
        longer = embargo is None or not by_staff or asked > embargo.until
        if holds.recall is not None:
            holds = replace(holds, waiting=asked)
        elif longer and (another or asked > now):
            holds = replace(holds, embargo=Embargo(asked))
        holds = replace(holds, asked=asked)
    holds = _doubted(holds, parsed.withhold)
    if holds.recall is None and wanted.embargo is not None:
        current = holds.embargo
        longer = current is None or wanted.embargo > current.until
        holds = replace(holds, embargo=Embargo(wanted.embargo) if longer else current)
    if holds.recall is None and wanted.withheld:
        holds = replace(holds, withheld=True)
    return holds


def _doubted(holds: Holds, words: str | None) -> Holds:
    """Withheld where the document has embargo words without a certain end: other ones than before."""
    digest = hashlib.sha256(words.encode()).hexdigest() if words is not None else holds.doubted
    if digest == holds.doubted:
        return holds
    if holds.recall is not None:
        return replace(holds, doubted=digest, withheld_later=True)
    return replace(holds, doubted=digest, withheld=True)
