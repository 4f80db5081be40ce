"""A signing key as the database keeps it: its public part in clear, the rest encrypted."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class KeyPurpose(StrEnum):
    """What a signing key signs."""

    PARTNER_KEYS = "partner_keys"
    """The keys (JWT) of partners."""
    TRAIL = "trail"
    """Checkpoints of the trail."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """One signing key with everything that the keyring knows of it. Times are aware, UTC.

    `x` is the raw public key as base64url and `state` a state of the keyring. `sealed` is the private half,
    encrypted and authenticated together with all other fields under the key-encryption key `kek` (its id,
    never the key); a key that signs no more has an empty private half, and a retired one no seal at all.
    """

    purpose: KeyPurpose
    kid: str
    x: str
    state: str
    created: datetime
    rotated: datetime | None
    retired: datetime | None
    kek: str
    sealed: bytes = field(repr=False)
