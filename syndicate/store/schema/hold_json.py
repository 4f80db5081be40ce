"""Write what holds an item back as the JSON text of a row, and read it. Empty fields are left out."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from syndicate.model.holds import Embargo, Exclusive, Holds, Recall, RecallReason
from syndicate.model.item import canonical_json
from syndicate.model.names import PartnerId
from syndicate.model.parties import Partner
from syndicate.store.schema.tables import as_moment, as_number

_MOMENTS = ("opened", "reinstated", "asked", "waiting")


def holds_text(holds: Holds) -> str:
    """The holds as JSON text, moments in microseconds since 1970; `{}` for none."""
    values: dict[str, Any] = {}
    if holds.embargo is not None:
        values["embargo"] = [as_number(holds.embargo.until), sorted(holds.embargo.acknowledged)]
    if holds.exclusive is not None:
        values["exclusive"] = [holds.exclusive.partner, as_number(holds.exclusive.until)]
    if holds.withheld:
        values["withheld"] = True
    if holds.recall is not None:
        recall = holds.recall
        moments = [as_number(one) for one in (recall.at, recall.deadline, recall.published)]
        values["recall"] = [recall.reason.value, recall.note, *moments]
    for name in _MOMENTS:
        moment = getattr(holds, name)
        if moment is not None:
            values[name] = as_number(moment)
    if holds.doubted is not None:
        values["doubted"] = holds.doubted
    if holds.withheld_later:
        values["withheld_later"] = True
    if holds.withheld_with_story:
        values["withheld_with_story"] = True
    return canonical_json(values).decode()


def holds_from(text: str) -> Holds:
    """The inverse of `holds_text`. Raises KeyError, TypeError or ValueError for what is not ours."""
    if text == "{}":
        return Holds()
    values = json.loads(text)
    embargo, exclusive, recall = values.get("embargo"), values.get("exclusive"), values.get("recall")
    return Holds(
        embargo=None if embargo is None else Embargo(as_moment(embargo[0]), frozenset(embargo[1])),
        exclusive=None
        if exclusive is None
        else Exclusive(PartnerId(exclusive[0]), as_moment(exclusive[1])),
        withheld=bool(values.get("withheld")),
        recall=None
        if recall is None
        else Recall(RecallReason(recall[0]), recall[1], *(as_moment(one) for one in recall[2:])),
        doubted=values.get("doubted"),
        withheld_later=bool(values.get("withheld_later")),
        withheld_with_story=bool(values.get("withheld_with_story")),
        **{name: moment_from(values.get(name)) for name in _MOMENTS},
    )


def partner_text(partner: Partner) -> str:
    """A state of a partner as JSON text, for its history."""
    return canonical_json(
        {
            "name": partner.name,
            "domains": list(partner.domains),
            "added": None if partner.added is None else as_number(partner.added),
            "suspended": None if partner.suspended is None else as_number(partner.suspended),
        }
    ).decode()


def moment_from(number: int | None) -> datetime | None:
    """A moment from what is kept of it."""
    return None if number is None else as_moment(number)
