"""What partners must take down: ordered when a right ends, and followed up when nobody says it is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from syndicate.access.rights_cache import Clock, RightsCache
from syndicate.model.actors import SCHEDULER, Actor
from syndicate.model.changes import ChangeEntry
from syndicate.model.events import PartnerSuspended
from syndicate.model.lifecycle_events import TakedownOrdered, TakedownOverdue
from syndicate.model.parties import Partner, Publisher
from syndicate.model.records import Entry
from syndicate.model.register import Register
from syndicate.services.changes.change_detector import ChangeDetector
from syndicate.services.changes.partner_snapshot import partner_snapshot
from syndicate.store.protocol import Change, Store, Writing

_TRIES = 5
_AT_ONCE = 100

_log = structlog.get_logger("syndicate.services")


class Takedowns:
    """One per worker; several may work at once, each order is given once."""

    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        sequences: ChangeDetector,
        standing: RightsCache,
        clock: Clock,
    ) -> None:
        self._store, self._publisher, self._clock = store, publisher, clock
        self._sequences, self._standing = sequences, standing

    async def order(self, partner: Partner) -> None:
        """Put into the partner's sequence every recall and withdrawal that is due now."""
        for _ in range(_TRIES):
            register, judged = await self._standing.read()
            progress = await self._store.progress(partner.id)
            at = partner_snapshot(partner, register, judged, self._clock(), self._publisher.zone)
            telling = (await self._sequences.ends(at, progress)).telling
            if telling is None:
                return
            async with self._store.writing() as tx:
                reached = await tx.reached()
                if reached.change == judged and await tx.append_entries(telling):
                    await ordered(tx, SCHEDULER, telling.entries, at.now)
                    return
            self._standing.expire()

    async def order_all(self) -> None:
        """`order` for every partner that holds anything."""
        register, _ = await self._standing.read()
        for partner in register.partners.values():
            if await self._store.holdings(partner.id, limit=1):
                await self.order(partner)

    async def follow_up(self) -> list[ChangeEntry]:
        """Mark what is overdue, say so aloud, and suspend whom the licence says is then suspended."""
        now = self._clock()
        if not await self._store.overdue(now, 1):
            return []
        async with self._store.writing() as tx:
            late = await tx.overdue(now, _AT_ONCE)
            register = await tx.register()
            suspended: dict[str, Partner] = {}
            for told in late:
                assert told.deadline is not None
                await tx.mark_overdue(told, now)
                event = TakedownOverdue(told.partner, told.item, told.seq, told.deadline.isoformat())
                await tx.append(Entry(now, str(SCHEDULER), event))
                partner = register.partners.get(told.partner)
                if partner is not None and partner.suspended is None and _suspends(register, told):
                    suspended[partner.id] = replace(partner, suspended=now)
            for partner in suspended.values():
                await tx.put_partner(partner)
                await tx.append(Entry(now, str(SCHEDULER), PartnerSuspended(partner.id)))
            if suspended:
                await tx.changed(Change.RIGHTS)
        for told in late:
            _log.warning(
                "takedown_overdue",
                partner=told.partner,
                item=told.item,
                change=told.seq,
                suspended=told.partner in suspended,
            )
        return late


async def ordered(tx: Writing, actor: Actor, entries: Sequence[ChangeEntry], now: datetime) -> None:
    """The lines for takedowns that were put into a sequence in this transaction, if there are any."""
    for told in entries:
        event = TakedownOrdered(
            partner=told.partner,
            item=told.item,
            version=told.version,
            action=told.action.value,
            reason=told.reason or "",
            clause=told.clause,
            change=told.seq,
            deadline=told.deadline.isoformat() if told.deadline is not None else "",
        )
        await tx.append(Entry(now, str(actor), event))
    if entries:
        await tx.changed(Change.ITEM)


def _suspends(register: Register, told: ChangeEntry) -> bool:
    number = (told.clause or "").partition("#")[0]
    return any(one.number == number and one.suspend_overdue for one in register.licences_of(told.partner))
