"""The SQL that selects records of the trail by number, time, kind, partner and item."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, desc, or_, select

from syndicate.model.events import ReleaseRefused
from syndicate.model.names import ItemId, PartnerId
from syndicate.store.schema.rows import json_text
from syndicate.store.schema.tables import trail


def select_records(
    *,
    after: int | None,
    before: int | None,
    limit: int,
    partner: PartnerId | None,
    item: ItemId | None,
    kinds: Collection[str] | None,
    since: datetime | None,
    until: datetime | None,
    newest_first: bool,
) -> Select[Any]:
    """The query behind `Store.lines`, which says what each filter means."""
    filters = [
        None if after is None else trail.c.seq > after,
        None if before is None else trail.c.seq < before,
        None if since is None else trail.c.at >= since,
        None if until is None else trail.c.at < until,
        None if partner is None else trail.c.partner == partner,
        None if kinds is None else trail.c.kind.in_(sorted(kinds)),
        None if item is None else _about_item(item, kinds),
    ]
    order = desc(trail.c.seq) if newest_first else trail.c.seq
    return select(trail).where(*(one for one in filters if one is not None)).order_by(order).limit(limit)


def _about_item(item: ItemId, kinds: Collection[str] | None) -> ColumnElement[bool]:
    """Records about this item. A refusal has no field `item`: its subject says what was asked for.

    Subjects have no index, so refusals are looked through only where they are wanted.
    """
    if kinds is not None and ReleaseRefused.kind not in kinds:
        return trail.c.item == item
    subject = json_text({"subject": f"item:{item}"})[1:-1]
    refused = and_(trail.c.kind == ReleaseRefused.kind, trail.c.body.contains(subject, autoescape=True))
    return or_(trail.c.item == item, refused)
