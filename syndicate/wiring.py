"""Build store, keys, clock and services of a process. Nothing else reads the machine's clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from syndicate.access.authentication import Authenticator
from syndicate.access.rights_cache import Clock, RightsCache
from syndicate.access.signing_keys import SigningKeyFolder
from syndicate.access.trail_keys import TrailFolder
from syndicate.clock import MOST_BEHIND, SteadyClock, wall_clock
from syndicate.config import Settings
from syndicate.errors import Conflict, Fault, Faulty
from syndicate.language import Text
from syndicate.model.actors import Actor
from syndicate.model.events import ClockAccepted
from syndicate.model.records import Entry
from syndicate.services.audit.explanation import ExplanationService
from syndicate.services.audit.proof_service import ProofService
from syndicate.services.changes.change_detector import ChangeDetector
from syndicate.services.changes.change_service import ChangeService
from syndicate.services.changes.takedowns import Takedowns
from syndicate.services.delivery.delivery_service import DeliveryService
from syndicate.services.newsroom.hold_service import HoldService
from syndicate.services.newsroom.item_service import ItemService
from syndicate.services.reports.report_service import ReportService
from syndicate.services.rights.key_service import KeyService
from syndicate.services.rights.rights_service import RightsService
from syndicate.services.scheduler import Scheduler
from syndicate.store.private_files import private_folder
from syndicate.store.protocol import Store
from syndicate.store.sql_store import open_store


@dataclass(frozen=True, slots=True)
class Services:
    """The services that commands and handlers use, built once per process."""

    settings: Settings
    store: Store
    clock: Clock
    signing_keys: SigningKeyFolder
    rights_cache: RightsCache
    authenticator: Authenticator
    delivery: DeliveryService
    items: ItemService
    rights: RightsService
    explanation: ExplanationService
    holds: HoldService
    changes: ChangeService
    keys: KeyService
    proof: ProofService
    reports: ReportService
    scheduler: Scheduler


def build(settings: Settings, store: Store, clock: Clock = wall_clock) -> Services:
    """Build every service around a store."""
    publisher = settings.publisher
    signing_keys = SigningKeyFolder(settings.keys, settings.issuer, settings.audience, clock)
    rights_cache, detector = RightsCache(store, clock), ChangeDetector(store)
    delivery = DeliveryService(store, publisher, rights_cache, clock)
    takedowns = Takedowns(store, publisher, detector, rights_cache, clock)
    trail_folder = TrailFolder(settings.keys / "trail")
    proof = ProofService(store, trail_folder, f"{publisher.authority}/syndicate-trail", clock)
    return Services(
        settings=settings,
        store=store,
        clock=clock,
        signing_keys=signing_keys,
        rights_cache=rights_cache,
        authenticator=Authenticator(signing_keys, rights_cache, clock),
        delivery=delivery,
        items=ItemService(store, publisher, clock, settings.ingest_refuse_notes),
        rights=RightsService(store, publisher, clock),
        explanation=ExplanationService(store, publisher, clock),
        holds=HoldService(store, publisher, clock),
        changes=ChangeService(store, publisher, rights_cache, delivery, detector, takedowns, clock),
        keys=KeyService(store, signing_keys, clock),
        scheduler=Scheduler(rights_cache, takedowns, proof, clock),
        proof=proof,
        reports=ReportService(store, publisher, clock),
    )


@dataclass(frozen=True, slots=True)
class Initialised:
    """What `initialise` made: the database (or its migration), and the ids of new keys; None: no key."""

    database: bool
    signing_key: str | None
    trail_key: str | None


async def initialise(settings: Settings, actor: Actor, clock: Clock = wall_clock) -> Initialised:
    """Make folders, database, signing key and trail key where they are missing. Idempotent."""
    private_folder(settings.data)
    store = open_store(settings.database)
    try:
        made = await store.create()
        await store.open()
        services = build(settings, store, clock)
        # Before anything is made: where the database knows other keys, both refuse.
        await services.keys.check_signing_keys(actor)
        trail = await services.proof.make_key(actor)
        kid = await services.keys.make_signing_key(actor)
    finally:
        await store.close()
    return Initialised(made, kid, trail)


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The machine's time and that of the trail's newest record, both UTC.

    `behind` says that the difference stops every other command.
    """

    machine: datetime
    newest_record: datetime
    behind: bool


async def read_clock(settings: Settings, wall: Clock = wall_clock) -> ClockReading:
    """Compare the machine's clock with the trail, without a check of either. Raises StoreFault."""
    store = open_store(settings.database)
    try:
        await store.open()
        return await _reading(store, wall())
    finally:
        await store.close()


async def accept_clock(
    settings: Settings, actor: Actor, reason: str, wall: Clock = wall_clock
) -> ClockReading:
    """Declare the machine's clock right, with a record in the trail; the reading after it.

    Raises Conflict (`clock_not_behind`) where the newest record is not later, Faulty for an empty reason.
    """
    if not reason.strip():
        text = Text("不能为空：写明时钟出了什么问题", "is empty: say what was wrong with the clock")
        raise Faulty("reason", [Fault("reason_empty", "reason", text)])
    store = open_store(settings.database)
    try:
        await store.open()
        now = wall()
        async with store.writing() as transaction:
            newest = await transaction.latest()
            if newest <= now:
                raise Conflict(
                    Text(
                        "本机时钟并不落后于审计记录，无需确认",
                        "this machine's clock is not behind the trail: there is nothing to accept",
                    ),
                    code="clock_not_behind",
                )
            event = ClockAccepted(now.isoformat(), newest.isoformat(), reason.strip())
            await transaction.append(Entry(now, str(actor), event))
        return await _reading(store, now)
    finally:
        await store.close()


async def _reading(store: Store, machine: datetime) -> ClockReading:
    floor = await _clock_floor(store, machine)
    return ClockReading(machine, await store.latest(), floor - machine > MOST_BEHIND)


async def _clock_floor(store: Store, machine: datetime) -> datetime:
    """The time that the clock must not go behind: the newest record's, or the one accepted since."""
    newest = await store.latest()
    if newest <= machine:
        return newest
    found = await store.lines(kinds=[ClockAccepted.kind], limit=1, newest_first=True)
    for line in found:
        event = line.entry.event
        # A record with a later time was written by a clock that ran ahead again, or by real time.
        if isinstance(event, ClockAccepted) and newest <= line.entry.at:
            return datetime.fromisoformat(event.machine)
    return newest


@asynccontextmanager
async def opened(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Services]:
    """Open the store and yield every service; close them at the end of the block.

    The services' clock is never behind the newest record of the trail. Raises ClockBehind where the
    machine's clock is more than a day behind it.
    """
    store = open_store(settings.database)
    try:
        await store.open()
        services = build(settings, store, clock or SteadyClock(await _clock_floor(store, wall_clock())))
        yield services
        await services.delivery.close()
    finally:
        await store.close()
