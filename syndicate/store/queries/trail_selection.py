"""Select records of the trail by number, time, kind, partner and item, with three indexes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, desc, literal_column, select, text, union_all

from syndicate.model.names import ItemId, PartnerId
from syndicate.store.database import Transaction
from syndicate.store.schema.rows import json_text
from syndicate.store.schema.tables import trail

_MAX_KEYS: Final = 100
"""How many keys' records one statement looks for: SQLite limits the parts of a UNION."""

_LAST_BEFORE: Final = text(
    """WITH RECURSIVE search(low, high) AS (
        SELECT CAST(0 AS BIGINT), (SELECT COALESCE(MAX(seq), 0) + 1 FROM trail)
        UNION ALL
        SELECT
            CASE WHEN (SELECT "at" FROM trail WHERE seq >= (low + high) / 2 ORDER BY seq LIMIT 1) < :at
                THEN (low + high) / 2 ELSE low END,
            CASE WHEN (SELECT "at" FROM trail WHERE seq >= (low + high) / 2 ORDER BY seq LIMIT 1) < :at
                THEN high ELSE (low + high) / 2 END
        FROM search WHERE high - low > 1
    ) SELECT low FROM search WHERE high - low = 1"""
)
"""A binary search over the numbers, since the trail's time never decreases with them."""

_KEYS_OF: Final = text(
    """WITH RECURSIVE found(jti) AS (
        SELECT MIN(jti) FROM trail WHERE partner = :partner
        UNION ALL
        SELECT (SELECT MIN(jti) FROM trail WHERE partner = :partner AND jti > found.jti)
        FROM found WHERE found.jti IS NOT NULL
    ) SELECT jti FROM found WHERE jti IS NOT NULL"""
)
"""Each key in this partner's records, by one look into the index `trail_by_key` a key."""


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which records of the trail are wanted: see `Store.lines`. Times are given as numbers already."""

    after: int | None
    before: int | None
    limit: int
    partner: PartnerId | None
    item: ItemId | None
    kinds: Collection[str] | None
    newest_first: bool

    async def read(self, transaction: Transaction) -> list[Row[Any]]:
        """The rows, in their order."""
        if self.item is not None:
            conditions = _about_item(self.item, self.kinds)
            wanted = [self._select(*self._of_partner(), condition) for condition in conditions]
            return self._first(
                await transaction.rows(union_all(*(select(one.subquery()) for one in wanted)))
            )
        if self.partner is None:
            return list(await transaction.rows(self._select()))
        # The index has the records of each key in their order, and those without one. The first of all are
        # among the first of each.
        keys = [row.jti for row in await transaction.rows(_KEYS_OF.bindparams(partner=self.partner))]
        places = [trail.c.jti.is_(None), *(trail.c.jti == jti for jti in keys)]
        found: list[Row[Any]] = []
        for start in range(0, len(places), _MAX_KEYS):
            parts = [
                select(self._select(*self._of_partner(), place).subquery())
                for place in places[start : start + _MAX_KEYS]
            ]
            found += await transaction.rows(union_all(*parts))
        return self._first(found)

    def _first(self, found: Iterable[Row[Any]]) -> list[Row[Any]]:
        """The first rows of these in order, as many as are wanted."""
        return sorted(found, key=lambda row: int(row.seq), reverse=self.newest_first)[: self.limit]

    def _of_partner(self) -> list[ColumnElement[bool]]:
        return [] if self.partner is None else [trail.c.partner == self.partner]

    def _select(self, *also: ColumnElement[bool]) -> Select[Any]:
        filters = [
            None if self.after is None else trail.c.seq > self.after,
            None if self.before is None else trail.c.seq < self.before,
            None if self.kinds is None else trail.c.kind.in_(sorted(self.kinds)),
        ]
        wanted = (*(one for one in filters if one is not None), *also)
        order = desc(trail.c.seq) if self.newest_first else trail.c.seq
        return select(trail).where(*wanted).order_by(order).limit(self.limit)


async def last_before(transaction: Transaction, at: int) -> int:
    """The number of the newest record before this time (see `as_number`); 0 if there is none."""
    row = await transaction.row(_LAST_BEFORE.bindparams(at=at))
    return 0 if row is None else int(row.low)


def _about_item(item: ItemId, kinds: Collection[str] | None) -> list[ColumnElement[bool]]:
    """Conditions with an index each; a record about this item meets exactly one of them.

    A refusal has no field `item`: its subject says what was asked for. Subjects have no index, so all
    refusals are looked through, and only where they are wanted.
    """
    # Here, not above: see `model.records`.
    from syndicate.model.events import ReleaseRefused

    found: list[ColumnElement[bool]] = [trail.c.item == item]
    if kinds is None or ReleaseRefused.kind in kinds:
        # Not as a bound value: a partial index serves only what says its condition in full.
        refused = trail.c.kind == literal_column(f"'{ReleaseRefused.kind}'")
        subject = json_text({"subject": f"item:{item}"})[1:-1]
        found.append(and_(refused, trail.c.body.contains(subject, autoescape=True)))
    return found
