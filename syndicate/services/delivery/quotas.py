"""Apply quotas: how many items a grant allows in a day or month of the publisher's calendar.

An item version counts once under a clause, however often it is fetched. The counting itself is done where
the answer's line is written (`Store.record`), so that it is exact whoever asks at the same time; here
is only what makes an answer fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from syndicate.access.rights_cache import Clock
from syndicate.errors import QuotaExceeded
from syndicate.language import Text
from syndicate.model.changes import Charge
from syndicate.model.parties import Partner, PartnerId, Publisher
from syndicate.model.rights import Licence, Quota
from syndicate.stamping import StampedItem
from syndicate.store.protocol import DeliveryReads, Store


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of one grant's quota, and when the next period begins."""

    clause: str
    quota: Quota
    left: int
    begun: datetime
    resets: datetime


@dataclass(frozen=True, slots=True)
class Period:
    """One day (`2026-11-23`) or month (`2026-11`) of the publisher's calendar."""

    name: str
    begins: datetime
    ends: datetime


def period_at(quota: Quota, at: datetime, zone: tzinfo) -> Period:
    """Return the quota's period that contains `at`, by the calendar of `zone`."""
    local = at.astimezone(zone)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if quota.per == "day":
        return Period(f"{day:%Y-%m-%d}", day, day + timedelta(days=1))
    first = day.replace(day=1)
    return Period(f"{first:%Y-%m}", first, (first + timedelta(days=32)).replace(day=1))


def charges(items: Iterable[StampedItem], at: datetime, zone: tzinfo) -> tuple[Charge, ...]:
    """Return the charges for delivering these items at this time; none for the public."""
    return tuple(
        _charge(item, item.recipient, at, zone) for item in items if isinstance(item.recipient, Partner)
    )


def links(items: Iterable[StampedItem], at: datetime, zone: tzinfo) -> tuple[Charge, ...]:
    """Return what the stories among these tell of their media: held by the partner, counted nowhere.

    A media item counts when it is delivered itself, or one of its files is.
    """
    items = list(items)
    delivered = {item.id for item in items}
    media = {one.id: one.media for item in items for one in item.associations}
    return tuple(
        replace(one, period="", limit=None)
        for one in charges(
            [item for item in media.values() if item is not None and item.id not in delivered], at, zone
        )
    )


def _charge(item: StampedItem, partner: Partner, at: datetime, zone: tzinfo) -> Charge:
    quota = item.quota
    return Charge(
        partner=partner.id,
        item=item.id,
        version=item.version,
        clause=item.clause,
        use=item.use.value,
        mandate=item.mandate,
        period="" if quota is None else period_at(quota, at, zone).name,
        limit=None if quota is None else quota.items,
    )


async def fitting(reads: DeliveryReads, charges: Sequence[Charge]) -> list[bool]:
    """Return for each of one partner's charges, in order, whether its quotas still allow it.

    An item version that was delivered before is not counted again.
    """
    limited = [charge for charge in charges if charge.limit is not None]
    if not limited:
        return [True] * len(charges)
    partner = limited[0].partner
    given = await reads.given(partner, {charge.item for charge in limited})
    used = Counter(await reads.used(partner, {charge.period for charge in limited}))
    fits = []
    for charge in charges:
        new = (charge.clause, charge.item, charge.version) not in given
        if charge.limit is None or not new:
            fits.append(True)
            continue
        account = (charge.clause, charge.period)
        fits.append(used[account] < charge.limit)
        used[account] += fits[-1]
    return fits


class Quotas:
    """One per worker."""

    def __init__(self, store: Store, publisher: Publisher, clock: Clock) -> None:
        self._store, self._publisher, self._clock = store, publisher, clock

    def period(self, quota: Quota) -> Period:
        """Return the period that contains the current time."""
        return period_at(quota, self._clock(), self._publisher.zone)

    def charges(self, items: Iterable[StampedItem]) -> tuple[Charge, ...]:
        """Return the charges for delivering these items now; none for the public."""
        return charges(items, self._clock(), self._publisher.zone)

    def links(self, items: Iterable[StampedItem]) -> tuple[Charge, ...]:
        """Return what the stories among these tell of their media now; see `links`."""
        return links(items, self._clock(), self._publisher.zone)

    async def fitting(self, items: Sequence[StampedItem]) -> list[bool]:
        """Return for each item, in order, whether the partner's quotas still allow it."""
        if all(item.quota is None for item in items):
            return [True] * len(items)
        return await fitting(self._store, self.charges(items)) or [True] * len(items)

    async def left(self, partner: PartnerId, licences: Iterable[Licence]) -> list[Left]:
        """Return what is left of every quota in these licences."""
        granted = [(grant.clause, grant.quota) for one in licences for grant in one.grants]
        limited = [(clause, quota, self.period(quota)) for clause, quota in granted if quota is not None]
        if not limited:
            return []
        used = await self._store.used(partner, {period.name for _, _, period in limited})
        return [
            Left(
                clause,
                quota,
                max(0, quota.items - used.get((clause, period.name), 0)),
                period.begins,
                period.ends,
            )
            for clause, quota, period in limited
        ]

    def exceeded(self, item: StampedItem) -> QuotaExceeded:
        """The refusal of an item that does not fit any more."""
        assert item.quota is not None
        resets = self.period(item.quota).ends
        day = item.quota.per == "day"
        text = Text(
            f"条款 {item.clause} 的配额已用完：{'每日' if day else '每月'} {item.quota.items} 篇",
            f"the quota of {item.clause} is used up: "
            f"{item.quota.items} items a {'day' if day else 'month'}",
        )
        return QuotaExceeded(item.clause, resets, text)
