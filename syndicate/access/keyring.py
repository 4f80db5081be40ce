"""The server's signing keys: the current one signs, earlier ones verify until they are retired.

A folder holds a private file for each key (`{kid}.pem`, PKCS#8, mode 0600) and an index (`keyring.json`)
that says which is current. A key goes by its RFC 7638 thumbprint, so a file cannot pass for another key.
Nothing here makes a new key in silence: only `make` (where there is none at all) and `rotate` do.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from syndicate.access import key_files
from syndicate.access.thumbprint import encode, key_of, public_jwk, thumbprint
from syndicate.errors import Conflict, Unknown
from syndicate.language import Text, verbatim

INDEX: Final = "keyring.json"


class State(StrEnum):
    """Where a signing key is in its life. It only ever moves forward."""

    CURRENT = "current"
    """It signs."""
    RETIRING = "retiring"
    """It signs nothing new; what it signed is still valid."""
    RETIRED = "retired"
    """What it signed is no longer valid; its private file is deleted."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The public part of a signing key. `x` is the raw public key as base64url; times are aware, UTC."""

    kid: str
    x: str
    state: State
    created: datetime
    rotated: datetime | None = None
    """When it stopped signing."""
    retired: datetime | None = None


@dataclass(frozen=True, slots=True)
class Keyring:
    """All signing keys as they were read, the current one first, then from newest to oldest."""

    keys: tuple[SigningKey, ...]
    private: Ed25519PrivateKey = field(repr=False, compare=False)
    """The current key's private half: for `tokens`, and for the trail's own keys, alone."""
    _publics: Mapping[str, Ed25519PublicKey] = field(repr=False, compare=False)

    @property
    def current(self) -> SigningKey:
        """The key that signs."""
        return self.keys[0]

    def public(self, kid: str) -> Ed25519PublicKey | None:
        """Return the key to verify with; None for one that is unknown or retired."""
        return self._publics.get(kid)

    def jwks(self) -> dict[str, Any]:
        """Return the JWK set (RFC 7517, RFC 8037) of the keys that verify, the current key first."""
        return {"keys": [public_jwk(key.kid, key.x) for key in self.keys if key.state is not State.RETIRED]}


def make(folder: Path, now: datetime) -> Keyring:
    """Read the keyring of this folder; make its first key where there is none. Idempotent.

    A first start that was cut short after the key was written is finished with that key. Raises
    KeyringFault.
    """
    at = utc(now)
    with key_files.locked(folder):
        if not key_files.exists(folder / INDEX):
            folder.chmod(0o700)  # a checkout brings the folder along, open to others
            kid, x = _only_key(folder) or _new_key(folder)
            _write(folder, [SigningKey(kid, x, State.CURRENT, at)])
        return load(folder)


def load(folder: Path) -> Keyring:
    """Read the keyring of this folder. Raises KeyringFault with the file, the fault and what to do."""
    path = folder / INDEX
    if not key_files.exists(path):
        said = Text("不存在：尚未生成签名密钥", "is not there: no signing key has been made yet")
        mend = Text(
            "密钥若在别的文件夹，请设置 SYNDICATE_KEYS；新建的系统请执行：",
            "If the keys are in another folder, set SYNDICATE_KEYS. For a new server, run: ",
        )
        raise key_files.fault(path, said, mend + verbatim("syndicate init"))
    keys = _read(path)
    private = _private(folder, keys[0])
    for key in keys[1:]:
        # A retiring key's private half is used no more, but one that lies open can still forge.
        if key.state is State.RETIRING and key_files.exists(_pem(folder, key.kid)):
            _private(folder, key)
    return ring_of(keys, private)


def ring_of(keys: Sequence[SigningKey], private: Ed25519PrivateKey) -> Keyring:
    """Return the keyring of these keys, the current one first; `private` is its private half."""
    publics = {key.kid: key_of(key.x) for key in keys if key.state is not State.RETIRED}
    return Keyring(tuple(keys), private, MappingProxyType(publics))


def listed(folder: Path) -> tuple[SigningKey, ...]:
    """Return the keys of the index, the current one first, without reading their private files.

    Empty where the folder has no index. Raises KeyringFault.
    """
    path = folder / INDEX
    return tuple(_read(path)) if key_files.exists(path) else ()


def rotate(folder: Path, now: datetime) -> str:
    """Make a new current key and return its kid; the one before it is retiring. Raises KeyringFault.

    Works without the current key's private file too: that is how to go on when it is lost.
    """
    at = utc(now)
    with key_files.locked(folder):
        keys = _read(folder / INDEX)
        kid, x = _new_key(folder)
        keys[0] = replace(keys[0], state=State.RETIRING, rotated=at)
        _write(folder, [SigningKey(kid, x, State.CURRENT, at), *keys])
    return kid


def retire(folder: Path, kid: str, now: datetime) -> None:
    """Retire a key: nothing that it signed is valid, and its private file is deleted. Idempotent.

    Raises Unknown for a kid that is not ours, Conflict for the current key, KeyringFault.
    """
    at = utc(now)
    with key_files.locked(folder):
        keys = _read(folder / INDEX)
        place = next((n for n, key in enumerate(keys) if key.kid == kid), None)
        if place is None:
            raise Unknown(Text("签名密钥", "signing key"), kid)
        if keys[place].state is State.CURRENT:
            raise Conflict(
                Text(
                    "不能停用当前的签名密钥；请先执行 syndicate signing-key rotate",
                    "the current signing key cannot be retired; first run: syndicate signing-key rotate",
                ),
                code="signing_key_current",
            )
        if keys[place].state is State.RETIRING:
            keys[place] = replace(keys[place], state=State.RETIRED, retired=at)
            _write(folder, keys)
        # After the index: a crash in between leaves a key that counts no more, and a second call ends it.
        key_files.remove(_pem(folder, kid))


def store_in(folder: Path, ring: Keyring) -> None:
    """Write this keyring to the folder: its index, and the current key's private file. Idempotent.

    Raises KeyringFault where the folder has other keys.
    """
    with key_files.locked(folder):
        if any(key.kid not in {one.kid for one in ring.keys} for key in listed(folder)):
            said = Text("登记着别的密钥", "lists other keys")
            raise key_files.fault(
                folder / INDEX,
                said,
                Text("请将 SYNDICATE_KEYS 设为空文件夹", "Set SYNDICATE_KEYS to an empty folder"),
            )
        folder.chmod(0o700)
        key_files.write(_pem(folder, ring.current.kid), _pem_of(ring.private))
        _write(folder, ring.keys)


def discard(folder: Path, kids: Collection[str]) -> int:
    """Delete the private files of these keys, and the index once it lists no others; return how many.

    For keys that are kept elsewhere now. Raises KeyringFault.
    """
    if not folder.is_dir():
        return 0
    with key_files.locked(folder):
        found = [_pem(folder, kid) for kid in kids if key_files.exists(_pem(folder, kid))]
        for path in found:
            key_files.remove(path)
        if {key.kid for key in listed(folder)} <= set(kids):
            key_files.remove(folder / INDEX)
    return len(found)


def check_ring(keys: Sequence[SigningKey]) -> None:
    """Raise ValueError unless these are one keyring: one current key, the first, and no key twice."""
    if [key.state for key in keys].count(State.CURRENT) != 1 or keys[0].state is not State.CURRENT:
        raise ValueError("not exactly one current key, in the first place")
    if len({key.kid for key in keys}) != len(keys):
        raise ValueError("a key twice")


def check_key(key: SigningKey) -> None:
    """Raise ValueError unless the id is that of the public key and the times fit the state."""
    key_of(key.x)
    if thumbprint(key.x) != key.kid:
        raise ValueError("a key under another's name")
    if (key.rotated is None) != (key.state is State.CURRENT):
        raise ValueError("a state without its moment")
    if (key.retired is None) == (key.state is State.RETIRED):
        raise ValueError("a state without its moment")


def _new_key(folder: Path) -> tuple[str, str]:
    private = Ed25519PrivateKey.generate()
    x = encode(private.public_key().public_bytes_raw())
    kid = thumbprint(x)
    key_files.write(_pem(folder, kid), _pem_of(private))
    return kid, x


def _pem_of(private: Ed25519PrivateKey) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _only_key(folder: Path) -> tuple[str, str] | None:
    """The one key in a folder without an index, None if there is none. With more, nobody can tell."""
    found = sorted(folder.glob("*.pem"))
    if not found:
        return None
    if len(found) > 1:
        said = Text("不存在，而文件夹中已有多个密钥", "is not there, and there are several keys beside it")
        raise key_files.fault(folder / INDEX, said, key_files.restore())
    x = encode(_private_in(found[0]).public_key().public_bytes_raw())
    return thumbprint(x), x


def _private(folder: Path, key: SigningKey) -> Ed25519PrivateKey:
    private = _private_in(_pem(folder, key.kid))
    if encode(private.public_key().public_bytes_raw()) != key.x:
        said = Text("与索引中的公钥不符", "does not belong to the public key in the index")
        raise key_files.fault(_pem(folder, key.kid), said, key_files.replace_key(_pem(folder, key.kid)))
    return private


def _private_in(path: Path) -> Ed25519PrivateKey:
    """The private key in a file that is named for it."""
    private = _parsed(key_files.read(path, key_files.replace_key(path)))
    if private is None:
        said = Text("不完整或已损坏", "is cut or damaged")
    elif not isinstance(private, Ed25519PrivateKey):
        said = Text("不是 Ed25519 密钥", "is not an Ed25519 key")
    elif path.name != f"{thumbprint(encode(private.public_key().public_bytes_raw()))}.pem":
        said = Text("文件名与其中的密钥不符", "is not named for the key in it")
    else:
        return private
    raise key_files.fault(path, said, key_files.replace_key(path))


def _parsed(pem: bytes) -> object | None:
    """Some private key, None for what is none. What the parser complains about is not passed on."""
    try:
        return load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _pem(folder: Path, kid: str) -> Path:
    return folder / f"{kid}.pem"


def _write(folder: Path, keys: Iterable[SigningKey]) -> None:
    records = [
        {
            "kid": key.kid,
            "x": key.x,
            "state": key.state.value,
            "created": key.created.isoformat(),
            "rotated": None if key.rotated is None else key.rotated.isoformat(),
            "retired": None if key.retired is None else key.retired.isoformat(),
        }
        for key in keys
    ]
    key_files.write(folder / INDEX, (json.dumps({"keys": records}, indent=1) + "\n").encode())


def _read(path: Path) -> list[SigningKey]:
    key_files.check_folder(path.parent)
    content = key_files.read(path, key_files.restore())
    try:
        keys = [_record(one) for one in json.loads(content)["keys"]]
        check_ring(keys)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError):
        said = Text("不完整或已损坏", "is cut or damaged")
        raise key_files.fault(path, said, key_files.restore()) from None
    return keys


def _record(values: dict[str, Any]) -> SigningKey:
    key = SigningKey(
        kid=values["kid"],
        x=values["x"],
        state=State(values["state"]),
        created=_moment(values["created"]),
        rotated=None if values["rotated"] is None else _moment(values["rotated"]),
        retired=None if values["retired"] is None else _moment(values["retired"]),
    )
    check_key(key)
    if len(values) != 6:
        raise ValueError("more than a key's six fields")
    return key


def _moment(text: str) -> datetime:
    return utc(datetime.fromisoformat(text))


def utc(moment: datetime) -> datetime:
    """The same moment in UTC. Raises ValueError without a time zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment without its time zone")
    return moment.astimezone(UTC)
