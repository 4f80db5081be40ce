"""The state of a partner's key: valid, expired, revoked, or signed by a retired key."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from syndicate.cli.ui.output import Output
from syndicate.errors import KeyringFault
from syndicate.model.register import Key
from syndicate.wiring import Services

if TYPE_CHECKING:
    from syndicate.access.keyring import Keyring


async def signers(services: Services, voice: Output) -> Keyring | None:
    """Return the signing keys; None where they cannot be read.

    That is said and stops nobody: with a damaged key file, too, staff must see the keys to revoke.
    """
    try:
        return await services.signing_keys.load(services.store)
    except KeyringFault as fault:
        voice.aside(fault.text)
        return None


def state(key: Key, now: datetime, ring: Keyring | None) -> str:
    """Return `in_force`, or why the server accepts the key no longer.

    That is one of `signing_key_retired`, `revoked`, `expired`, `signing_key_missing`. Without a ring, the
    state follows from the key alone.

    What a retired signing key signed is revoked with it; the retirement is the cause, so it is named.
    """
    if ring is not None and ring.public(key.kid) is None and any(one.kid == key.kid for one in ring.keys):
        return "signing_key_retired"
    if key.revoked is not None:
        return "revoked"
    if now >= key.expires:
        return "expired"
    return "in_force" if ring is None or ring.public(key.kid) is not None else "signing_key_missing"
