"""The one place that builds store, keyring, clock and desks, and the only one that reads the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from syndicate import keyring, tokens
from syndicate.config import Settings
from syndicate.desk.front import FrontDesk
from syndicate.desk.keys import KeyDesk
from syndicate.desk.news import NewsDesk
from syndicate.desk.rights import RightsDesk
from syndicate.desk.standing import Clock, Standing
from syndicate.model.parties import PartnerId
from syndicate.store.private import private_folder
from syndicate.store.protocol import Store
from syndicate.store.sql import open_store


def wall_clock() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


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
class House:
    """Everything that commands and handlers need, built once per process."""

    settings: Settings
    store: Store
    clock: Clock
    signing_keys: KeyFolder
    front: FrontDesk
    news: NewsDesk
    rights: RightsDesk
    keys: KeyDesk


def build(settings: Settings, store: Store, clock: Clock = wall_clock) -> House:
    """Put the house together around a store."""
    publisher = settings.publisher
    signing_keys = KeyFolder(settings.keys, settings.issuer, settings.audience, clock)
    return House(
        settings=settings,
        store=store,
        clock=clock,
        signing_keys=signing_keys,
        front=FrontDesk(store, publisher, Standing(store, clock), clock),
        news=NewsDesk(store, publisher, clock),
        rights=RightsDesk(store, publisher, clock),
        keys=KeyDesk(store, signing_keys, clock),
    )


async def initialise(settings: Settings, clock: Clock = wall_clock) -> tuple[bool, str | None]:
    """Make folders, database and signing key where they are missing.

    Answers (whether the database was made or migrated, the new signing key's id or None). Idempotent.
    """
    private_folder(settings.data)
    store = open_store(settings.database)
    try:
        made = await store.create()
        await store.open()
        kid = await build(settings, store, clock).keys.make_signing_key()
    finally:
        await store.close()
    return made, kid


@asynccontextmanager
async def opened(settings: Settings, clock: Clock = wall_clock) -> AsyncIterator[House]:
    """The house with its store open; closed at the end of the block."""
    store = open_store(settings.database)
    try:
        await store.open()
        house = build(settings, store, clock)
        yield house
        await house.front.close()
    finally:
        await store.close()
