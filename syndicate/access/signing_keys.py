"""Sign and verify partners' keys with the signing keys in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from syndicate.access import keyring, tokens
from syndicate.access.rights_cache import Clock
from syndicate.model.parties import PartnerId


@dataclass(frozen=True, slots=True)
class SigningKeyFolder:
    """The signing keys in their folder. Every method reads the folder anew and may raise KeyringFault."""

    folder: Path
    issuer: str
    audience: str
    clock: Clock

    def make(self) -> str | None:
        """Make the first signing key and return its id; None if there is one already."""
        exists = (self.folder / keyring.INDEX).exists()
        ring = keyring.make(self.folder, self.clock())
        return None if exists else ring.current.kid

    def ids(self) -> tuple[str, ...]:
        """The ids of the keys whose signatures count, the current one first; empty where there is none."""
        return tuple(
            key.kid for key in keyring.listed(self.folder) if key.state is not keyring.State.RETIRED
        )

    def rotate(self) -> str:
        """Make a new current signing key and return its id. The old one goes on verifying."""
        return keyring.rotate(self.folder, self.clock())

    def retire(self, kid: str) -> None:
        """End a signing key: nothing it signed is accepted any more."""
        keyring.retire(self.folder, kid, self.clock())

    def load(self) -> keyring.Keyring:
        """Read the keys from the folder."""
        return keyring.load(self.folder)

    def sign(self, partner: PartnerId, jti: str, issued: datetime, expires: datetime) -> tuple[str, str]:
        """Sign a partner's key with the current signing key: (token, kid). Times are aware."""
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
        """Check a token's signature, form and lifetime. Raises TokenRejected."""
        return tokens.verify(
            token, keyring=ring, issuer=self.issuer, audience=self.audience, now=self.clock()
        )
