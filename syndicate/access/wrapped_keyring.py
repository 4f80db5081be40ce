"""The keyring as the database keeps it: read it, rotate, retire, and encrypt it anew.

Every function takes the rows of one purpose and gives the rows to store in their place; none touches the
database. A key's private half is kept while it signs, and dropped when it is rotated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from syndicate.access.key_encryption import KeyEncryptionKeys, tampered
from syndicate.access.keyring import Keyring, SigningKey, State, check_key, check_ring, ring_of, utc
from syndicate.access.thumbprint import encode, thumbprint
from syndicate.errors import Conflict, KeyringFault, Unknown
from syndicate.language import Text
from syndicate.model.wrapped_keys import KeyPurpose, WrappedKey

Rows = Sequence[WrappedKey]


def read(rows: Rows, keks: KeyEncryptionKeys) -> Keyring:
    """Decrypt the keyring. Every key that counts must be what was stored.

    Raises KeyEncryptionFault, and KeyringFault with the key that was changed.
    """
    keys = listed(rows)
    by_kid = {row.kid: row for row in rows}
    private = _private(by_kid[keys[0].kid], keks)
    for key in keys[1:]:
        if key.state is State.RETIRING and keks.open(by_kid[key.kid]):
            raise tampered(by_kid[key.kid])
    return ring_of(keys, private)


def listed(rows: Rows) -> tuple[SigningKey, ...]:
    """Return the keys without decrypting any, the current one first. Raises KeyringFault."""
    keys = []
    for row in rows:
        try:
            key = SigningKey(row.kid, row.x, State(row.state), row.created, row.rotated, row.retired)
            check_key(key)
        except ValueError:
            raise tampered(row) from None
        keys.append(key)
    keys.sort(key=lambda key: (key.state is not State.CURRENT, -key.created.timestamp()))
    try:
        check_ring(keys)
    except ValueError:
        raise KeyringFault(
            Text(
                "数据库中的签名密钥不完整：当前密钥不是恰好一把。请从备份恢复数据库",
                "the signing keys in the database are incomplete: not exactly one is current. Restore the "
                "database from a backup",
            ),
            code="keyring_tampered",
        ) from None
    return tuple(keys)


def first(purpose: KeyPurpose, keks: KeyEncryptionKeys, now: datetime) -> list[WrappedKey]:
    """Make the first key."""
    return [_new(purpose, keks, now)]


def rotated(rows: Rows, keks: KeyEncryptionKeys, now: datetime) -> list[WrappedKey]:
    """Make a new current key, first in the answer; the one before it is retiring. Raises KeyringFault."""
    ring, purpose = read(rows, keks), rows[0].purpose
    before = replace(ring.current, state=State.RETIRING, rotated=utc(now))
    sealed = keks.read()[0].seal(purpose, before, b"")
    return [_new(purpose, keks, now), sealed, *(row for row in rows if row.kid != before.kid)]


def retired(rows: Rows, kid: str, now: datetime) -> list[WrappedKey]:
    """Retire a key, with its seal. Needs no key-encryption key. Raises Unknown, Conflict, KeyringFault."""
    key = next((one for one in listed(rows) if one.kid == kid), None)
    if key is None:
        raise Unknown(Text("签名密钥", "signing key"), kid)
    if key.state is State.CURRENT:
        raise Conflict(
            Text(
                "不能停用当前的签名密钥；请先执行 syndicate signing-key rotate",
                "the current signing key cannot be retired; first run: syndicate signing-key rotate",
            ),
            code="signing_key_current",
        )
    return [_unsealed(row, now) if row.kid == kid else row for row in rows]


def replaced(rows: Rows, keks: KeyEncryptionKeys, now: datetime) -> list[WrappedKey]:
    """Make a new current key, first in the answer, and retire all others, which nobody can decrypt."""
    return [_new(rows[0].purpose, keks, now), *(_unsealed(row, now) for row in rows)]


def public_halves_kept(rows: Rows, keks: KeyEncryptionKeys, now: datetime) -> list[WrappedKey]:
    """Make a new current key, first in the answer; keep the public halves of others, unverified.

    For the trail: what its lost keys signed is still checked with them.
    """
    kek, kept = keks.read()[0], []
    for row, key in zip(rows, (_key_of(row) for row in rows), strict=True):
        if key is None or key.state is State.RETIRED:
            kept.append(_unsealed(row, now))
        else:
            kept.append(
                kek.seal(
                    row.purpose, replace(key, state=State.RETIRING, rotated=key.rotated or utc(now)), b""
                )
            )
    return [_new(rows[0].purpose, keks, now), *kept]


def wrapped(purpose: KeyPurpose, ring: Keyring, keks: KeyEncryptionKeys) -> list[WrappedKey]:
    """Encrypt a keyring that was in a folder."""
    kek, rows = keks.read()[0], []
    for key in ring.keys:
        private = ring.private.private_bytes_raw() if key.state is State.CURRENT else b""
        row = kek.seal(purpose, key, private)
        rows.append(replace(row, kek="", sealed=b"") if key.state is State.RETIRED else row)
    return rows


def openable(rows: Rows, keks: KeyEncryptionKeys) -> bool:
    """Return whether the keyring can be decrypted. Raises KeyEncryptionFault where no key for it is set."""
    keks.read()
    try:
        read(rows, keks)
    except KeyringFault:
        return False
    return True


def _new(purpose: KeyPurpose, keks: KeyEncryptionKeys, now: datetime) -> WrappedKey:
    private = Ed25519PrivateKey.generate()
    x = encode(private.public_key().public_bytes_raw())
    key = SigningKey(thumbprint(x), x, State.CURRENT, utc(now))
    return keks.read()[0].seal(purpose, key, private.private_bytes_raw())


def _private(row: WrappedKey, keks: KeyEncryptionKeys) -> Ed25519PrivateKey:
    try:
        private = Ed25519PrivateKey.from_private_bytes(keks.open(row))
    except ValueError:
        raise tampered(row) from None
    if encode(private.public_key().public_bytes_raw()) != row.x:
        raise tampered(row)
    return private


def _unsealed(row: WrappedKey, now: datetime) -> WrappedKey:
    """The row of a retired key. Its times are kept where it has them."""
    at = utc(now)
    return replace(
        row,
        state=State.RETIRED.value,
        rotated=row.rotated or at,
        retired=row.retired or at,
        kek="",
        sealed=b"",
    )


def _key_of(row: WrappedKey) -> SigningKey | None:
    try:
        key = SigningKey(row.kid, row.x, State(row.state), row.created, row.rotated, row.retired)
        check_key(key)
    except ValueError:
        return None
    return key
