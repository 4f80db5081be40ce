"""Count how much of a grant's quota a partner has used at a given time, and whether an item still fits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from syndicate.model.changes import Delivery
from syndicate.model.item import ItemId
from syndicate.model.parties import Partner
from syndicate.model.rights import Quota
from syndicate.policy import Clearance
from syndicate.services.delivery.quotas import Period, period_at
from syndicate.store.protocol import Store

_PAGE: Final = 1_000
_TICK: Final = timedelta(microseconds=1)
"""The resolution of the trail's times: `store.deliveries` excludes the end of its range."""


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """The quota that an answer would be counted against.

    `used` counts the item versions charged to `clause` within `period`. `charged`: the version in question
    is one that the partner was given under this clause before, so that giving it again costs nothing.
    """

    clause: str
    quota: Quota
    period: Period
    used: int
    charged: bool

    @property
    def left(self) -> int:
        """Item versions that the quota still allows in this period."""
        return max(0, self.quota.items - self.used)

    @property
    def exceeded(self) -> bool:
        """Whether a request is answered 429 because of this quota."""
        return not self.charged and self.left == 0


async def quota_use(
    store: Store, clearance: Clearance, at: datetime, known: datetime | None, zone: tzinfo
) -> QuotaUse | None:
    """The quota of a clearance in the period that `at` lies in; None where the grant has none.

    `known` None counts everything on record; otherwise only what was on record at that time. Periods are
    days and months of `zone`.
    """
    quota, partner = clearance.quota, clearance.recipient
    if quota is None or not isinstance(partner, Partner):
        return None
    item, clause = clearance.item, clearance.clause
    period = period_at(quota, at, zone)
    if known is None:
        used = (await store.used(partner.id, {period.name})).get((clause, period.name), 0)
        charged = (clause, item.id, item.version) in await store.given(partner.id, {item.id})
        return QuotaUse(clause, quota, period, used, charged)

    def counts(one: Delivery) -> bool:
        return one.partner == partner.id and one.clause == clause

    until = known + _TICK
    within = await _deliveries(store, period.begins, min(until, period.ends))
    before = await _deliveries(store, None, until, item.id)
    charged = any(counts(one) and one.version == item.version for one in before)
    return QuotaUse(clause, quota, period, sum(map(counts, within)), charged)


async def _deliveries(
    store: Store, since: datetime | None, until: datetime, item: ItemId | None = None
) -> list[Delivery]:
    found: list[Delivery] = []
    place = (0, 0)
    while page := await store.deliveries(since=since, until=until, item=item, after=place, limit=_PAGE):
        found.extend(one for _, one in page)
        place = page[-1][0]
    return found
