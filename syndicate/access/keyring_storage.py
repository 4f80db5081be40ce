"""Where the signing keys of one purpose are: in a folder, or encrypted in the database.

The database keeps them once staff have moved them there (`signing-key wrap`), or where a new server is made
with a key-encryption key. Whatever it keeps comes before any folder, on every node.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from syndicate.access import key_files, keyring, wrapped_keyring
from syndicate.access.key_encryption import KeyEncryptionKeys
from syndicate.access.keyring import Keyring, SigningKey
from syndicate.errors import Conflict
from syndicate.language import Text
from syndicate.model.wrapped_keys import KeyPurpose
from syndicate.store.protocol import Reads, Writing


@dataclass(frozen=True, slots=True)
class KeyringStorage:
    """The keyring of one purpose. Every method reads it anew, and may raise KeyringFault and StoreFault."""

    purpose: KeyPurpose
    folder: Path
    keks: KeyEncryptionKeys = field(default_factory=KeyEncryptionKeys)

    def encrypting_key(self) -> str:
        """Return the id of the key-encryption key that encrypts now. Raises KeyEncryptionFault."""
        return self.keks.read()[0].id

    async def in_database(self, reads: Reads) -> bool:
        """Whether the database keeps the keys."""
        return bool(await reads.wrapped_keys(self.purpose))

    async def exists(self, reads: Reads) -> bool:
        """Whether there is a keyring at all."""
        return await self.in_database(reads) or await asyncio.to_thread(
            key_files.exists, self.folder / keyring.INDEX
        )

    async def load(self, reads: Reads) -> Keyring:
        """Read the keyring, with the current key's private half."""
        rows = await reads.wrapped_keys(self.purpose)
        if rows:
            return await asyncio.to_thread(wrapped_keyring.read, rows, self.keks)
        return await asyncio.to_thread(keyring.load, self.folder)

    async def listed(self, reads: Reads) -> tuple[SigningKey, ...]:
        """Return the keys without reading a private half, the current one first; empty for none."""
        rows = await reads.wrapped_keys(self.purpose)
        return (
            wrapped_keyring.listed(rows) if rows else await asyncio.to_thread(keyring.listed, self.folder)
        )

    async def make(self, tx: Writing, now: datetime) -> str:
        """Make the first key where there is none, and return the current key's id.

        With a key-encryption key in the settings and no key file in the folder, the database keeps it.
        """
        if await self.in_database(tx):
            return (await self.load(tx)).current.kid
        if self.keks.given and not await asyncio.to_thread(self._has_files):
            rows = await asyncio.to_thread(wrapped_keyring.first, self.purpose, self.keks, now)
            await tx.put_wrapped_keys(self.purpose, rows)
            return rows[0].kid
        return (await asyncio.to_thread(keyring.make, self.folder, now)).current.kid

    async def rotate(self, tx: Writing, now: datetime) -> str:
        """Make a new current key and return its id. Signatures of the one before stay valid."""
        rows = await tx.wrapped_keys(self.purpose)
        if not rows:
            return await asyncio.to_thread(keyring.rotate, self.folder, now)
        rows = await asyncio.to_thread(wrapped_keyring.rotated, rows, self.keks, now)
        await tx.put_wrapped_keys(self.purpose, rows)
        return rows[0].kid

    async def retire(self, tx: Writing, kid: str, now: datetime) -> None:
        """Retire a key: nothing that it signed is valid. Idempotent. Raises Unknown, Conflict."""
        rows = await tx.wrapped_keys(self.purpose)
        if rows:
            await tx.put_wrapped_keys(self.purpose, wrapped_keyring.retired(rows, kid, now))
        else:
            await asyncio.to_thread(keyring.retire, self.folder, kid, now)

    async def lost(self, reads: Reads) -> bool:
        """Whether the database keeps keys that the settings' key-encryption key cannot decrypt.

        Raises KeyEncryptionFault where the settings give none: it may be missing there alone.
        """
        rows = await reads.wrapped_keys(self.purpose)
        return bool(rows) and not await asyncio.to_thread(wrapped_keyring.openable, rows, self.keks)

    async def replace(self, tx: Writing, now: datetime) -> str:
        """Make a new current key in place of keys that are `lost`, which are retired; return its id."""
        rows = wrapped_keyring.replaced(await tx.wrapped_keys(self.purpose), self.keks, now)
        await tx.put_wrapped_keys(self.purpose, rows)
        return rows[0].kid

    async def replace_private(self, tx: Writing, now: datetime) -> str:
        """Like `replace`, but what the lost keys signed stays valid."""
        rows = wrapped_keyring.public_halves_kept(await tx.wrapped_keys(self.purpose), self.keks, now)
        await tx.put_wrapped_keys(self.purpose, rows)
        return rows[0].kid

    async def wrap(self, tx: Writing) -> bool:
        """Copy the keyring from the folder to the database, encrypted; False where it is there already.

        The files stay: `discard_files` deletes them, once the transaction is committed.
        """
        if await self.in_database(tx):
            await self.load(tx)
            return False
        ring = await asyncio.to_thread(keyring.load, self.folder)
        rows = await asyncio.to_thread(wrapped_keyring.wrapped, self.purpose, ring, self.keks)
        await tx.put_wrapped_keys(self.purpose, rows)
        return True

    async def discard_files(self, reads: Reads) -> int:
        """Delete the folder's private files of keys that the database keeps; return how many there were."""
        kids = [row.kid for row in await reads.wrapped_keys(self.purpose)]
        return await asyncio.to_thread(keyring.discard, self.folder, kids)

    async def unwrap(self, tx: Writing) -> None:
        """Move the keyring from the database to the folder. Raises Conflict where it is not there."""
        if not await self.in_database(tx):
            raise not_in_database()
        await asyncio.to_thread(keyring.store_in, self.folder, await self.load(tx))
        await tx.put_wrapped_keys(self.purpose, [])

    async def rewrap(self, tx: Writing) -> int:
        """Encrypt every key anew under the first key-encryption key of the settings; return how many."""
        if not await self.in_database(tx):
            raise not_in_database()
        ring = await self.load(tx)
        rows = await asyncio.to_thread(wrapped_keyring.wrapped, self.purpose, ring, self.keks)
        await tx.put_wrapped_keys(self.purpose, rows)
        return sum(1 for row in rows if row.sealed)

    def _has_files(self) -> bool:
        return key_files.exists(self.folder / keyring.INDEX) or any(self.folder.glob("*.pem"))


def not_in_database() -> Conflict:
    """Say that the keys are files and cannot be taken out of the database."""
    return Conflict(
        Text(
            "签名密钥不在数据库中，而在密钥文件夹里；存入数据库请执行 syndicate signing-key wrap",
            "the signing keys are not in the database but in their folder; to move them there, run: "
            "syndicate signing-key wrap",
        ),
        code="signing_keys_not_wrapped",
    )
