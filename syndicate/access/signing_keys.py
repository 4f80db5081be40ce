"""Sign and verify partners' tokens (JWT) with the signing keys in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from syndicate.access import keyring, tokens
from syndicate.access.rights_cache import Clock
from syndicate.model.parties import PartnerId


@dataclass(frozen=True, slots=True)
class SigningKeyFolder:
    """A folder of signing keys.

    Every method except `verify` uses the folder on disk and may raise KeyringFault.
    """

    folder: Path
    issuer: str
    audience: str
    clock: Clock

    def make_first_key(self) -> str | None:
        """Make the first signing key and return its id, or None if the folder has keys already."""
        exists = (self.folder / keyring.INDEX).exists()
        ring = keyring.make(self.folder, self.clock())
        return None if exists else ring.current.kid

    def ids(self) -> tuple[str, ...]:
        """The ids of the keys whose signatures are still accepted, the current one first."""
        return tuple(
            key.kid for key in keyring.listed(self.folder) if key.state is not keyring.State.RETIRED
        )

    def rotate(self) -> str:
        """Make a new current signing key and return its id. Tokens signed with the old one stay valid."""
        return keyring.rotate(self.folder, self.clock())

    def retire(self, kid: str) -> None:
        """Retire a signing key. Tokens signed with it are no longer accepted."""
        keyring.retire(self.folder, kid, self.clock())

    def load(self) -> keyring.Keyring:
        """Read the keys from the folder."""
        return keyring.load(self.folder)

    def sign(self, partner: PartnerId, jti: str, issued: datetime, expires: datetime) -> tuple[str, str]:
        """Sign a partner's token with the current signing key and return (token, kid).

        Both times must have a time zone.
        """
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

    def verify(self, token: str, ring: keyring.Keyring) -> tokens.TokenClaims:
        """Check a token's signature, form and lifetime. Raises TokenRejected."""
        return tokens.verify(
            token, keyring=ring, issuer=self.issuer, audience=self.audience, now=self.clock()
        )
