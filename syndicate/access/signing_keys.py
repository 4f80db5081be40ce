"""Sign and verify partners' tokens (JWT) with the server's signing keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from syndicate.access import keyring, tokens
from syndicate.access.keyring import SigningKey
from syndicate.access.keyring_storage import KeyringStorage
from syndicate.access.rights_cache import Clock
from syndicate.language import Text
from syndicate.model.parties import PartnerId
from syndicate.store.protocol import Reads, Writing


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The signing keys, in their folder or in the database.

    Every method except `verify` reads them anew and may raise KeyringFault and StoreFault.
    """

    storage: KeyringStorage
    issuer: str
    audience: str
    clock: Clock

    async def place(self, reads: Reads) -> Text:
        """Where the keys are, for messages: the folder, or the database."""
        if await self.storage.in_database(reads):
            return Text("数据库", "the database")
        return Text(str(self.storage.folder), str(self.storage.folder))

    async def load(self, reads: Reads) -> keyring.Keyring:
        """Read the keys."""
        return await self.storage.load(reads)

    async def listed(self, reads: Reads) -> tuple[SigningKey, ...]:
        """Return the keys without reading a private half, the current one first; empty for none."""
        return await self.storage.listed(reads)

    async def ids(self, reads: Reads) -> tuple[str, ...]:
        """The ids of the keys whose signatures are still accepted, the current one first."""
        return tuple(
            key.kid for key in await self.storage.listed(reads) if key.state is not keyring.State.RETIRED
        )

    async def check(self, reads: Reads) -> None:
        """Raise KeyringFault where the database keeps keys that cannot be decrypted."""
        if await self.storage.in_database(reads):
            await self.storage.load(reads)

    async def make_first_key(self, tx: Writing) -> str | None:
        """Make the first signing key and return its id, or None if there are keys already."""
        exists = await self.storage.exists(tx)
        kid = await self.storage.make(tx, self.clock())
        return None if exists else kid

    async def rotate(self, tx: Writing) -> str:
        """Make a new current signing key and return its id. Tokens signed with the old one stay valid."""
        return await self.storage.rotate(tx, self.clock())

    async def retire(self, tx: Writing, kid: str) -> None:
        """Retire a signing key. Tokens signed with it are no longer accepted."""
        await self.storage.retire(tx, kid, self.clock())

    async def lost(self, reads: Reads) -> bool:
        """Whether the database keeps keys that cannot be decrypted any more."""
        return await self.storage.lost(reads)

    async def replace(self, tx: Writing) -> str:
        """Make a new current key in place of keys that are `lost`, which are retired; return its id."""
        return await self.storage.replace(tx, self.clock())

    async def sign(
        self, reads: Reads, partner: PartnerId, jti: str, issued: datetime, expires: datetime
    ) -> tuple[str, str]:
        """Sign a partner's token with the current signing key and return (token, kid).

        Both times must have a time zone.
        """
        ring = await self.load(reads)
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

    def verify(self, token: str, ring: keyring.Keyring) -> tokens.TokenClaims:
        """Check a token's signature, form and lifetime. Raises TokenRejected."""
        return tokens.verify(
            token, keyring=ring, issuer=self.issuer, audience=self.audience, now=self.clock()
        )
