"""A house whose partners are given items, and whose staff recall them, at moments that a test names."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from syndicate.model.changes import Charge
from syndicate.model.events import EditionDelivered, Event, ItemDelivered, ItemIngested, PartnerAdded
from syndicate.model.holds import Holds, Recall, RecallReason
from syndicate.model.item import Item, ItemId, Medium, canonical_json
from syndicate.model.lifecycle_events import ChangesDelivered, ItemRecalled, ItemReinstated
from syndicate.model.parties import Partner
from syndicate.model.records import Entry
from syndicate.model.rights import Clause
from syndicate.model.statement import total
from syndicate.services.reports.report_service import Report, ReportService
from syndicate.store.protocol import Change, Outcome, Pending
from syndicate.store.sql_store import SqlStore
from tests.support.databases import opened
from tests.support.factories import DAILY, OTHER, PUBLISHER, TV, ZJOL, a_mandate, an_item
from tests.support.servers import MovableClock

PAPER, BROADCASTER = "萧山日报社", "萧山广电局"
OPENED = datetime(2026, 1, 1, 4, tzinfo=PUBLISHER.zone)


def moment(words: str) -> datetime:
    """A moment in Xiaoshan: `11-30 23:59:59`, of the year 2026."""
    return datetime.fromisoformat(f"2026-{words}").replace(tzinfo=PUBLISHER.zone)


def named(number: int) -> ItemId:
    return ItemId(f"20260101-{number:010d}")


@dataclass
class Counter:
    """The report desk with what it reports on."""

    store: SqlStore
    desk: ReportService
    clock: MovableClock

    async def take_in(self, *items: Item) -> None:
        for item in items:
            async with self.store.writing() as tx:
                await tx.put_item(item, [])
                event = ItemIngested(item.id, item.version, item.digest, "doc")
                await tx.append(Entry(item.ingested, "staff", event))
                await tx.changed(Change.ITEM)

    def charge(
        self,
        item: ItemId,
        *,
        partner: Partner = ZJOL,
        version: int = 1,
        clause: str = "XSW-1#1",
        mandate: str = "HEAD-1",
    ) -> Charge:
        return Charge(partner.id, item, version, Clause(clause), "reprint", mandate)

    async def give(self, at: datetime, *charges: Charge, method: str = "GET", status: int = 200) -> None:
        """Items one by one, as the front desk answers them; only a GET or an export that says 200 gives."""
        gives = status == 200 and method != "HEAD"
        pending = [
            Pending(
                Entry(at, one.partner, _delivered(one, status, method)), charges=(one,) if gives else ()
            )
            for one in charges
        ]
        assert set(await self.store.record(pending)) == {Outcome.WRITTEN}

    async def give_feed(
        self, at: datetime, charges: Sequence[Charge], *, status: int = 200, members: int = 5
    ) -> None:
        """A feed. `members`: how much lists said of an item when this one was kept."""
        partner = charges[0].partner
        kept = _list(charges, members, feed="all")
        event = EditionDelivered(partner, "jti", "all", "rss", "reprint", kept[0], status, "GET", "r")
        await self._record(at, partner, event, charges if status == 200 else (), kept)

    async def give_changes(self, at: datetime, charges: Sequence[Charge]) -> None:
        """An answer of the change sequence; without charges, an empty one."""
        partner = charges[0].partner if charges else ZJOL.id
        told = [[number, "put", one.item, one.version] for number, one in enumerate(charges, 1)]
        kept = _list(charges, 5, changes=told) if charges else None
        event = ChangesDelivered(partner, "jti", 0, 9, len(told), kept[0] if kept else "", "r")
        await self._record(at, partner, event, charges, kept)

    async def recall(self, at: datetime, item: ItemId) -> None:
        recall = Recall(RecallReason.EDITORIAL, "有误", at, at + timedelta(hours=2), at)
        event = ItemRecalled(item, 1, "editorial", "0" * 64, recall.deadline.isoformat(), 1)
        await self._hold(at, item, Holds(recall=recall), event)

    async def reinstate(self, at: datetime, item: ItemId) -> None:
        await self._hold(at, item, Holds(reinstated=at), ItemReinstated(item, 1))

    async def statement(self, month: int, *, check: bool = True) -> Report:
        """A month of 2026, made when the year is over and held against the trail."""
        self.clock.now = moment("12-31 23:59:59") + timedelta(seconds=1)
        return await self.desk.statement(2026, month, lines=True, check=check)

    async def _hold(self, at: datetime, item: ItemId, holds: Holds, event: Event) -> None:
        async with self.store.writing() as tx:
            await tx.put_holds(item, holds)
            await tx.append(Entry(at, "staff", event))
            await tx.changed(Change.RIGHTS)

    async def _record(
        self,
        at: datetime,
        partner: str,
        event: Event,
        charges: Sequence[Charge],
        kept: tuple[str, bytes] | None,
    ) -> None:
        pending = Pending(Entry(at, partner, event), manifest=kept, charges=tuple(charges))
        assert await self.store.record([pending]) == [Outcome.WRITTEN]


def _delivered(charge: Charge, status: int, method: str) -> ItemDelivered:
    return ItemDelivered(
        charge.partner,
        "jti",
        charge.item,
        charge.version,
        charge.use,
        charge.clause,
        status,
        method,
        "r",
        charge.mandate or None,
    )


def _list(charges: Sequence[Charge], members: int, **about: object) -> tuple[str, bytes]:
    items = [[one.item, one.version, one.use, one.clause, one.mandate][:members] for one in charges]
    content = canonical_json({"recipient": f"partner:{charges[0].partner}", "items": items, **about})
    return hashlib.sha256(content).hexdigest(), content


@asynccontextmanager
async def a_counter(address: str) -> AsyncIterator[Counter]:
    """Two partners, two owners, and five items of two versions: four of the paper (the last a
    picture), one of the broadcaster."""
    async with opened(address) as store:
        for partner in (ZJOL, OTHER):
            async with store.writing() as tx:
                await tx.put_partner(partner)
                await tx.append(Entry(OPENED, "staff", PartnerAdded(partner.id)))
                await tx.changed(Change.RIGHTS)
        async with store.writing() as tx:
            await tx.put_mandate(a_mandate("HEAD-1"), "", OPENED)
            tv = replace(a_mandate("HEAD-2", outlets=[TV]), holder=BROADCASTER)
            await tx.put_mandate(tv, "", OPENED)
            await tx.append(Entry(OPENED, "staff", PartnerAdded(ZJOL.id)))
            await tx.changed(Change.RIGHTS)
        clock = MovableClock()
        counter = Counter(store, ReportService(store, PUBLISHER, clock), clock)
        outlets = [DAILY, DAILY, DAILY, DAILY, TV]
        media = [Medium.TEXT, Medium.TEXT, Medium.TEXT, Medium.PICTURE, Medium.VIDEO]
        await counter.take_in(
            *(
                an_item(id=named(number), version=version, published=OPENED, outlet=outlet, medium=medium)
                for number, (outlet, medium) in enumerate(zip(outlets, media, strict=True), 1)
                for version in (1, 2)
            )
        )
        yield counter


Act = Callable[[Counter], Awaitable[None]]


def run(address: str, act: Act) -> None:
    """Do this at the counter of a house on this database."""

    async def entered() -> None:
        async with a_counter(address) as counter:
            await act(counter)

    asyncio.run(entered())


def counts(report: Report) -> tuple[int, int, int]:
    """Delivered, recalled, reinstated, in all."""
    all_ = total(report.rows)
    return all_.delivered, all_.recalled, all_.reinstated


def codes(report: Report) -> list[str]:
    """What a check found, by code."""
    assert report.differences is not None
    return [fault.code for fault in report.differences]
