"""Signed addresses of media files, for players that send no header.

An address is an opaque token: partner, item, version, rendition, use and end, encrypted and authenticated
in one (AES-SIV, RFC 5297). Nobody can read who it was made for, alter it or make one. It opens nothing by
itself: the policy decides at each use. The same values always give the same token, so that a feed keeps its
bytes.

The key is derived from the server's signing key (HKDF, RFC 5869) and used for nothing else. With a new
signing key, older addresses stop.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from syndicate.model.item import ItemId
from syndicate.model.media import RenditionName
from syndicate.model.parties import PartnerId
from syndicate.model.rights import Use

PERIOD: Final = timedelta(hours=6)
"""Addresses change this often; each is good for one to two periods."""
_LABEL: Final = b"syndicate signed media addresses, version 1"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST: Final = 600


@dataclass(frozen=True, slots=True)
class MediaAddress:
    """What a signed address stands for.

    `keys_revoked` is how many keys of the partner were revoked when it was made. With the next one it
    stops: who lost a key may have lost a feed full of addresses. `expires` is aware, UTC, of whole seconds.
    """

    partner: PartnerId
    keys_revoked: int
    item: ItemId
    version: int
    rendition: RenditionName
    use: Use | None
    expires: datetime


class AddressSigner:
    """Makes and opens the tokens of one signing key."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        secret = private.private_bytes_raw()
        self._cipher = AESSIV(HKDF(SHA512(), 64, salt=None, info=_LABEL).derive(secret))

    def sign(self, address: MediaAddress) -> str:
        """Return the token: letters, digits, `-` and `_`."""
        values = [
            address.partner,
            address.keys_revoked,
            address.item,
            address.version,
            address.rendition.value,
            None if address.use is None else address.use.value,
            (address.expires - _EPOCH) // timedelta(seconds=1),
        ]
        text = json.dumps(values, separators=(",", ":")).encode()
        # All of one length for partners of like names: what is inside cannot be guessed from it.
        padded = text + b" " * (-len(text) % 48)
        return base64.urlsafe_b64encode(self._cipher.encrypt(padded, [_LABEL])).rstrip(b"=").decode()

    def open(self, token: str) -> MediaAddress | None:
        """Return what the token stands for, expired or not; None where this key did not make it."""
        if len(token) > _LONGEST or not token.isascii():
            return None
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            partner, revoked, item, version, rendition, use, expires = json.loads(
                self._cipher.decrypt(sealed, [_LABEL])
            )
        except (InvalidTag, ValueError):
            return None
        found = MediaAddress(
            PartnerId(partner),
            revoked,
            ItemId(item),
            version,
            RenditionName(rendition),
            None if use is None else Use(use),
            _EPOCH + timedelta(seconds=expires),
        )
        # One spelling: base64 has several for the same bytes.
        return found if self.sign(found) == token else None


def period_of(now: datetime) -> tuple[datetime, datetime]:
    """Return when the period of addresses that contains `now` began and ends."""
    begun = now - (now - _EPOCH) % PERIOD
    return begun, begun + PERIOD
