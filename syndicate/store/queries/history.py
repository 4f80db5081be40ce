"""Rights as they were known after a line of the trail: nothing that was ever known is overwritten."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, desc, func, select

from syndicate.model.item import Item, ItemId
from syndicate.model.parties import Partner, PartnerId
from syndicate.model.register import Register
from syndicate.model.rights import Licence
from syndicate.store.database import Transaction
from syndicate.store.schema.hold_json import moment_from
from syndicate.store.schema.rows import item_from, licence_from, mandate_from
from syndicate.store.schema.tables import holds, licences, mandates, partner_revisions, trail, versions


async def line_at(session: Transaction, moment: datetime) -> int:
    """The newest line at this moment; 0 before the first. The trail's time never decreases."""
    row = await session.row(
        select(trail.c.seq)
        .where(trail.c.at <= moment)
        .order_by(desc(trail.c.at), desc(trail.c.seq))
        .limit(1)
    )
    return 0 if row is None else int(row.seq)


async def register_at(session: Transaction, line: int) -> Register:
    """All rights as they were known after this line. Keys are not kept by their past states."""
    licensed: dict[PartnerId, list[Licence]] = {}
    for row in await session.rows(_newest(licences, licences.c.number, line)):
        licence = licence_from(row.content)
        licensed.setdefault(licence.partner, []).append(licence)
    return Register(
        seq=line,
        partners={
            PartnerId(row.partner): _partner(row)
            for row in await session.rows(_newest(partner_revisions, partner_revisions.c.partner, line))
        },
        mandates=tuple(
            mandate_from(row.content)
            for row in await session.rows(_newest(mandates, mandates.c.number, line))
        ),
        licences={partner: tuple(held) for partner, held in licensed.items()},
        keys={},
    )


async def item_at(session: Transaction, id: ItemId, line: int) -> Item | None:
    """The newest version known after this line, with what held the item back then."""
    version = await session.row(
        select(versions)
        .where(versions.c.item == id, versions.c.line <= line)
        .order_by(desc(versions.c.version))
        .limit(1)
    )
    if version is None:
        return None
    held = await session.row(
        select(holds.c.content)
        .where(holds.c.item == id, holds.c.line <= line)
        .order_by(desc(holds.c.revision))
        .limit(1)
    )
    values: Mapping[str, Any] = {**version._mapping, "holds": "{}" if held is None else held.content}
    return item_from(_Row(values))


class _Row:
    """Columns of two tables as one row."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__dict__.update(values)


def _partner(row: Any) -> Partner:
    values = json.loads(row.content)
    return Partner(
        PartnerId(row.partner),
        values["name"],
        tuple(values["domains"]),
        moment_from(values["added"]),
        moment_from(values["suspended"]),
    )


def _newest(revisions: Table, name: ColumnElement[Any], line: int) -> Select[Any]:
    """The newest revision of each known after this line, by name."""
    newest = (
        select(name.label("name"), func.max(revisions.c.revision).label("revision"))
        .where(revisions.c.line <= line)
        .group_by(name)
        .subquery()
    )
    return (
        select(revisions)
        .join(newest, and_(name == newest.c.name, revisions.c.revision == newest.c.revision))
        .order_by(name)
    )
