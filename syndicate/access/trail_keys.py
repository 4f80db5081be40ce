"""The trail's own signing keys, in a folder of their own: they sign checkpoints and nothing else.

What a rotated key signed stays good: outsiders keep its public half for as long as its checkpoints.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from syndicate.access import key_files, keyring
from syndicate.access.thumbprint import decode


@dataclass(frozen=True, slots=True)
class TrailSigner:
    """The key that signs now. `public` is its public half, 32 bytes."""

    public: bytes
    _private: Ed25519PrivateKey = field(repr=False)

    def sign(self, data: bytes) -> bytes:
        """Return the Ed25519 signature (RFC 8032) of these bytes, 64 bytes."""
        return self._private.sign(data)


@dataclass(frozen=True, slots=True)
class TrailFolder:
    """The keys in their folder. Every method reads it anew, and may raise KeyringFault."""

    folder: Path

    def exist(self) -> bool:
        """Return whether there is a key in the folder."""
        return key_files.exists(self.folder / keyring.INDEX)

    def renew(self, now: datetime) -> str:
        """Make a key that signs from now on, also the first one, and return its id."""
        if self.exist():
            return keyring.rotate(self.folder, now)
        return keyring.make(self.folder, now).current.kid

    def signer(self) -> TrailSigner:
        """The key that signs now."""
        ring = keyring.load(self.folder)
        return TrailSigner(decode(ring.current.x), ring.private)

    def publics(self) -> tuple[bytes, ...]:
        """The public halves of all keys whose signatures count, the one that signs first."""
        keys = keyring.load(self.folder).keys
        return tuple(decode(key.x) for key in keys if key.state is not keyring.State.RETIRED)
