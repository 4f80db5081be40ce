"""The one place that builds store, keyring, clock and services, and the only one that reads the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from syndicate.access import keyring, tokens
from syndicate.access.rights_cache import Clock, RightsCache
from syndicate.access.trail_keys import TrailFolder
from syndicate.clock import SteadyClock, wall_clock
from syndicate.config import Settings
from syndicate.model.parties import PartnerId
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
class KeyFolder:
    """The signing keys in their folder, for the key desk and for those who verify."""

    folder: Path
    issuer: str
    audience: str
    clock: Clock

    def make(self) -> str | None:
        """Make the first signing key; None if there is one already."""
        there = (self.folder / keyring.INDEX).exists()
        ring = keyring.make(self.folder, self.clock())
        return None if there else ring.current.kid

    def rotate(self) -> str:
        """Make a new current signing key."""
        return keyring.rotate(self.folder, self.clock())

    def retire(self, kid: str) -> None:
        """End a signing key."""
        keyring.retire(self.folder, kid, self.clock())

    def load(self) -> keyring.Keyring:
        """The keys as they stand in the folder now."""
        return keyring.load(self.folder)

    def sign(self, partner: PartnerId, jti: str, issued: datetime, expires: datetime) -> tuple[str, str]:
        """(token, kid): a partner's key, signed with the current signing key."""
        ring = self.load()
        token = tokens.issue(
            ring,
            partner=partner,
            jti=jti,
            issued=issued,
            expires=expires,
            issuer=self.issuer,
            audience=self.audience,
        )
        return token, ring.current.kid

    def verify(self, token: str, ring: keyring.Keyring) -> tokens.Bearer:
        """Who holds this key. Raises TokenRejected."""
        return tokens.verify(
            token, keyring=ring, issuer=self.issuer, audience=self.audience, now=self.clock()
        )


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that commands and handlers need, built once per process."""

    settings: Settings
    store: Store
    clock: Clock
    signing_keys: KeyFolder
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
    signing_keys = KeyFolder(settings.keys, settings.issuer, settings.audience, clock)
    standing, sequences = RightsCache(store, clock), ChangeDetector(store)
    delivery = DeliveryService(store, publisher, standing, clock)
    takedowns = Takedowns(store, publisher, sequences, standing, clock)
    trail_folder = TrailFolder(settings.keys / "trail")
    proof = ProofService(store, trail_folder, f"{publisher.authority}/syndicate-trail", clock)
    return Services(
        settings=settings,
        store=store,
        clock=clock,
        signing_keys=signing_keys,
        delivery=delivery,
        items=ItemService(store, publisher, clock),
        rights=RightsService(store, publisher, clock),
        explanation=ExplanationService(store, publisher, clock),
        holds=HoldService(store, publisher, sequences, clock),
        changes=ChangeService(store, publisher, standing, delivery, sequences, takedowns, clock),
        keys=KeyService(store, signing_keys, clock),
        scheduler=Scheduler(standing, takedowns, proof, clock),
        proof=proof,
        reports=ReportService(store, publisher, clock),
    )


@dataclass(frozen=True, slots=True)
class Initialised:
    """What had been missing and was made: the database (or a migration), the signing keys by their ids."""

    database: bool
    signing_key: str | None
    trail_key: str | None


async def initialise(settings: Settings, clock: Clock = wall_clock) -> Initialised:
    """Make folders, database and signing keys where they are missing. Idempotent."""
    private_folder(settings.data)
    store = open_store(settings.database)
    try:
        made = await store.create()
        await store.open()
        services = build(settings, store, clock)
        kid = await services.keys.make_signing_key()
        trail = await services.proof.make_key()
    finally:
        await store.close()
    return Initialised(made, kid, trail)


@asynccontextmanager
async def opened(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Services]:
    """Every service with its store open; closed at the end of the block. Its clock is never behind what the
    trail has seen. Raises ClockBehind where the machine's is by far."""
    store = open_store(settings.database)
    try:
        await store.open()
        services = build(settings, store, clock or SteadyClock(await store.latest()))
        yield services
        await services.delivery.close()
    finally:
        await store.close()
