"""The trail's own signing keys, apart from all others: they sign checkpoints and nothing else.

What a rotated key signed stays good: outsiders keep its public half for as long as its checkpoints.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from syndicate.access import keyring
from syndicate.access.keyring_storage import KeyringStorage
from syndicate.access.thumbprint import decode
from syndicate.store.protocol import Reads, Writing


@dataclass(frozen=True, slots=True)
class TrailSigner:
    """The key that signs now. `public` is its public half, 32 bytes."""

    public: bytes
    _private: Ed25519PrivateKey = field(repr=False)

    def sign(self, data: bytes) -> bytes:
        """Return the Ed25519 signature (RFC 8032) of these bytes, 64 bytes."""
        return self._private.sign(data)


@dataclass(frozen=True, slots=True)
class TrailKeys:
    """The keys, in their folder or in the database.

    Every method reads them anew, and may raise KeyringFault and StoreFault.
    """

    storage: KeyringStorage

    async def exist(self, reads: Reads) -> bool:
        """Return whether there is a key. One that the database keeps must be readable."""
        if await self.storage.in_database(reads):
            await self.storage.load(reads)
            return True
        return await self.storage.exists(reads)

    async def renew(self, tx: Writing, now: datetime, *, lost: bool = False) -> str:
        """Make a key that signs from now on, also the first one, and return its id.

        `lost`: also where the database keeps keys that cannot be decrypted any more.
        """
        if lost and await self.storage.lost(tx):
            return await self.storage.replace_private(tx, now)
        if await self.storage.exists(tx):
            return await self.storage.rotate(tx, now)
        return await self.storage.make(tx, now)

    async def signer(self, reads: Reads) -> TrailSigner:
        """The key that signs now."""
        ring = await self.storage.load(reads)
        return TrailSigner(decode(ring.current.x), ring.private)

    async def publics(self, reads: Reads) -> tuple[bytes, ...]:
        """The public halves of all keys whose signatures count, the one that signs first."""
        keys = (await self.storage.load(reads)).keys
        return tuple(decode(key.x) for key in keys if key.state is not keyring.State.RETIRED)
