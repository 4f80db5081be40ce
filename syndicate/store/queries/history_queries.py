"""The queries for the past: rights and items as they were known after a record of the trail."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import desc, func, select
from typing_extensions import override

from syndicate.model.item import Item, ItemId
from syndicate.model.parties import Partner, PartnerId
from syndicate.model.register import Register
from syndicate.store.protocol import HistoryReads
from syndicate.store.queries.revisions import newest_revisions
from syndicate.store.queries.rights_queries import licences_by_partner
from syndicate.store.queries.sql_reads import SqlReads
from syndicate.store.queries.trail_selection import last_before
from syndicate.store.schema.hold_json import moment_from
from syndicate.store.schema.rows import item_from, licence_from, mandate_from
from syndicate.store.schema.tables import as_number, holds, licences, mandates, partner_revisions, versions


class SqlHistoryReads(SqlReads, HistoryReads):
    """`HistoryReads` in SQL."""

    @override
    async def line_at(self, moment: datetime) -> int:
        async with self._reading() as transaction:
            return await last_before(transaction, as_number(moment) + 1)

    @override
    async def register_at(self, line: int) -> Register:
        async with self._reading() as transaction:
            parties = await transaction.rows(
                newest_revisions(partner_revisions, partner_revisions.c.partner, line)
            )
            mandated = await transaction.rows(newest_revisions(mandates, mandates.c.number, line))
            agreed = await transaction.rows(newest_revisions(licences, licences.c.number, line))
        return Register(
            seq=line,
            partners={PartnerId(row.partner): _partner(row) for row in parties},
            mandates=tuple(mandate_from(row.content) for row in mandated),
            licences=licences_by_partner([licence_from(row.content) for row in agreed]),
            keys={},
        )

    @override
    async def item_at(self, id: ItemId, line: int) -> Item | None:
        holds_then = (
            select(holds.c.content)
            .where(holds.c.item == id, holds.c.line <= line)
            .order_by(desc(holds.c.revision))
            .limit(1)
            .scalar_subquery()
        )
        row = await self._row(
            select(versions, func.coalesce(holds_then, "{}").label("holds"))
            .where(versions.c.item == id, versions.c.line <= line)
            .order_by(desc(versions.c.version))
            .limit(1)
        )
        return None if row is None else item_from(row)


def _partner(row: Any) -> Partner:
    values = json.loads(row.content)
    return Partner(
        PartnerId(row.partner),
        values["name"],
        tuple(values["domains"]),
        moment_from(values["added"]),
        moment_from(values["suspended"]),
    )
