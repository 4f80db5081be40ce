"""Move the signing keys into the database, encrypted, and out of it; encrypt them anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from syndicate.access.rights_cache import Clock
from syndicate.model.actors import Actor
from syndicate.model.events import SigningKeysMoved, SigningKeysRewrapped
from syndicate.model.records import Entry
from syndicate.store.protocol import Change, Reads, Store, Writing


class KeyringStorage(Protocol):
    """The keyring of one purpose; every call may raise KeyringFault."""

    def encrypting_key(self) -> str:
        """Return the id of the key-encryption key that encrypts now."""

    async def wrap(self, tx: Writing) -> bool:
        """Copy the keyring from the folder to the database; False where it is there already."""

    async def discard_files(self, reads: Reads) -> int:
        """Delete the folder's private files of keys that the database keeps; return how many there were."""

    async def unwrap(self, tx: Writing) -> None:
        """Move the keyring from the database to the folder. Raises Conflict where it is not there."""

    async def rewrap(self, tx: Writing) -> int:
        """Encrypt every key anew under the key that encrypts now; return how many."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """What was done: whether keys were moved, under which key-encryption key, and how many files went."""

    moved: bool
    kek: str
    files: int


class KeyWrappingService:
    """Keep the signing keys of all purposes, always together, in the database or in folders.

    Every act is recorded, and announced as a change of rights: all servers read the keyring again. Raises
    KeyringFault (KeyEncryptionFault: a setting is missing or wrong), Conflict, StoreFault.
    """

    def __init__(self, store: Store, storages: Sequence[KeyringStorage], clock: Clock) -> None:
        self._store, self._storages, self._clock = store, storages, clock

    async def wrap(self, actor: Actor) -> Wrapped:
        """Move the keys from this machine's folder into the database, then delete the private files.

        Where the database keeps them already, only what is left of their files is deleted: run it on every
        machine that had a copy. Private files of other keys are not touched.
        """
        async with self._store.writing() as tx:
            kek = self._storages[0].encrypting_key()
            moved = [await one.wrap(tx) for one in self._storages]
            if any(moved):
                await self._done(tx, actor, SigningKeysMoved("database", kek))
        # After the commit: a crash in between leaves files that count no more, and a second call ends them.
        files = [await one.discard_files(self._store) for one in self._storages]
        return Wrapped(any(moved), kek, sum(files))

    async def unwrap(self, actor: Actor) -> None:
        """Move the keys from the database to this machine's folder. Raises Conflict for none."""
        async with self._store.writing() as tx:
            for one in self._storages:
                await one.unwrap(tx)
            await self._done(tx, actor, SigningKeysMoved("folder", None))

    async def rewrap(self, actor: Actor) -> tuple[int, str]:
        """Encrypt the keys anew under the first key-encryption key of the settings: (how many, its id)."""
        async with self._store.writing() as tx:
            kek = self._storages[0].encrypting_key()
            count = sum([await one.rewrap(tx) for one in self._storages])
            await self._done(tx, actor, SigningKeysRewrapped(kek))
        return count, kek

    async def _done(
        self, tx: Writing, actor: Actor, event: SigningKeysMoved | SigningKeysRewrapped
    ) -> None:
        await tx.append(Entry(self._clock(), str(actor), event))
        await tx.changed(Change.RIGHTS)
