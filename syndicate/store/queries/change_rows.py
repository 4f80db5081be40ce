"""Convert rows about change sequences to values and back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from syndicate.model.changes import Action, ChangeEntry, Charge, Holding, Progress, Terms, Watermark
from syndicate.model.names import ItemId, PartnerId
from syndicate.model.rights import FORM_OF, Clause, Form, Use
from syndicate.store.requests import SequenceUpdate

NO_ACTION = ""
"""The action of a row that is no entry: it keeps a cursor that an answer without entries gave."""


def progress_from(row: Row[Any]) -> Progress:
    """The progress of this row of `progress`."""
    cursor = None if row.walked_item is None else (row.walked_published, ItemId(row.walked_item))
    removals = None if row.ends_at is None else Watermark(row.ends_change, row.ends_at, row.ends_rights)
    additions = (
        None if row.begins_at is None else Watermark(row.begins_change, row.begins_at, row.begins_rights)
    )
    return Progress(PartnerId(row.partner), row.revision, row.last, removals, additions, cursor)


def progress_values(one: Progress) -> dict[str, Any]:
    """The row of `progress` for this progress."""
    removals, additions, cursor = one.removals_until, one.additions_until, one.backfill_cursor
    return {
        "partner": one.partner,
        "revision": one.revision,
        "last": one.last,
        "ends_change": removals.change if removals else None,
        "ends_at": removals.at if removals else None,
        "ends_rights": removals.rights if removals else None,
        "begins_change": additions.change if additions else None,
        "begins_at": additions.at if additions else None,
        "begins_rights": additions.rights if additions else None,
        "walked_published": cursor[0] if cursor else None,
        "walked_item": cursor[1] if cursor else None,
    }


def cursor_values(new: SequenceUpdate) -> dict[str, Any]:
    """The row that keeps the update's `empty_cursor`."""
    watermark = new.progress.additions_until
    assert watermark is not None
    return {
        "partner": new.progress.partner,
        "seq": new.empty_cursor,
        "at": watermark.at,
        "action": NO_ACTION,
        "item": "",
        "version": 0,
    }


def entry_values(one: ChangeEntry) -> dict[str, Any]:
    """The row of `changes` for this entry."""
    return {
        "partner": one.partner,
        "seq": one.seq,
        "at": one.at,
        "action": one.action.value,
        "item": one.item,
        "version": one.version,
        "clause": one.clause,
        "reason": one.reason,
        "note": one.note,
        "deadline": one.deadline,
        "until": one.until,
    }


def entry_from(row: Row[Any]) -> ChangeEntry:
    """The entry of this row of `changes`."""
    return ChangeEntry(
        partner=PartnerId(row.partner),
        seq=row.seq,
        at=row.at,
        action=Action(row.action),
        item=ItemId(row.item),
        version=row.version,
        clause=None if row.clause is None else Clause(row.clause),
        reason=row.reason,
        note=row.note,
        deadline=row.deadline,
        until=row.until,
    )


def holding_values(one: Holding) -> dict[str, Any]:
    """The row of `holdings` for this holding."""
    return {
        "partner": one.partner,
        "item": one.item,
        "version": one.version,
        "clause": one.clause,
        "told": one.announced,
        "terms": one.terms,
    }


def holding_from(row: Row[Any]) -> Holding:
    """The holding of this row of `holdings`."""
    return Holding(
        PartnerId(row.partner),
        ItemId(row.item),
        row.version,
        Clause(row.clause),
        row.told,
        Terms(row.terms),
    )


def after_charge(holding: Holding, charge: Charge) -> Holding:
    """What the partner holds of the item once it has been given this version.

    Who has the full text of an item has it, whatever else it was given or told of it.
    """
    form = FORM_OF[Use(charge.use)]
    more = form is Form.FULL and not holding.terms.full
    newer = charge.version >= holding.version
    return Holding(
        holding.partner,
        holding.item,
        charge.version if newer else holding.version,
        charge.clause if newer else holding.clause,
        holding.announced,
        Terms(form.value) if more or not holding.terms else holding.terms,
    )
