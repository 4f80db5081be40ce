"""Encrypt signing keys for the database (AES-256-GCM) under a key-encryption key from the settings.

A key-encryption key is 32 random bytes, written as base64. Several may be given, one a line: the first
encrypts, each of them decrypts, so that one can be replaced without stopping any server.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from syndicate.access import key_files
from syndicate.access.keyring import SigningKey
from syndicate.errors import KeyEncryptionFault, KeyringFault
from syndicate.language import Text
from syndicate.model.wrapped_keys import KeyPurpose, WrappedKey

FILE_SETTING: Final = "SYNDICATE_KEY_ENCRYPTION_KEY_FILE"
SETTING: Final = "SYNDICATE_KEY_ENCRYPTION_KEY"

_BYTES: Final = 32
_NONCE: Final = 12
_FEWEST_DIFFERENT: Final = 8
"""Different bytes in a key. Of 32 random bytes nearly all differ; all zeros, or a pattern, are no key."""
_FORM: Final = "syndicate wrapped key 1"
_ID: Final = b"syndicate key-encryption key id\n"


@dataclass(frozen=True, slots=True)
class KeyEncryptionKey:
    """One key-encryption key. `id` is a hash that tells which one it is and gives nothing of it away."""

    id: str
    _key: bytes = field(repr=False)

    def seal(self, purpose: KeyPurpose, key: SigningKey, private: bytes) -> WrappedKey:
        """Encrypt a private half (32 bytes, or none) with a new random nonce; authenticate all fields."""
        unsealed = WrappedKey(
            purpose, key.kid, key.x, key.state.value, key.created, key.rotated, key.retired, self.id, b""
        )
        nonce = os.urandom(_NONCE)
        sealed = nonce + AESGCM(self._key).encrypt(nonce, private, _associated_data(unsealed))
        return replace(unsealed, sealed=sealed)

    def open(self, wrapped: WrappedKey) -> bytes | None:
        """Decrypt the private half; None where any field is not the one that was sealed."""
        nonce, ciphertext = wrapped.sealed[:_NONCE], wrapped.sealed[_NONCE:]
        try:
            return AESGCM(self._key).decrypt(nonce, ciphertext, _associated_data(wrapped))
        except (InvalidTag, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class KeyEncryptionKeys:
    """Where the settings say that the key-encryption keys are; they are read at each use.

    So a file that was replaced counts at once, on a running server too. Neither `file` nor `value`: the
    settings give none, and signing keys are files.
    """

    file: Path | None = None
    value: str | None = field(default=None, repr=False)

    @property
    def given(self) -> bool:
        """Whether the settings name a key-encryption key; it is not read for that."""
        return self.file is not None or self.value is not None

    def read(self) -> tuple[KeyEncryptionKey, ...]:
        """Read the keys, the encrypting one first. Raises KeyEncryptionFault, which names the setting."""
        if self.file is not None:
            try:
                content = key_files.read(self.file, _make_one(self.file), kind=_KIND)
            except KeyringFault as fault:
                raise KeyEncryptionFault(fault.text + _named(FILE_SETTING)) from None
            return _parsed(content, FILE_SETTING)
        if self.value is not None:
            return _parsed(self.value.encode(errors="replace"), SETTING)
        raise KeyEncryptionFault(
            Text(
                "数据库中的签名密钥是加密保存的，而没有给出解密所用的密钥：",
                "the signing keys in the database are encrypted, and no key-encryption key is set: ",
            )
            + Text(f"请设置 {FILE_SETTING} 或 {SETTING}", f"set {FILE_SETTING} or {SETTING}")
        )

    def open(self, wrapped: WrappedKey) -> bytes:
        """Decrypt a key's private half; empty for one that signs no more.

        Raises KeyEncryptionFault where it was encrypted with another key-encryption key, and KeyringFault
        where it was changed or damaged since.
        """
        keys = self.read()
        if not wrapped.kek:
            raise tampered(wrapped)
        for one in keys:
            if one.id == wrapped.kek:
                private = one.open(wrapped)
                if private is None:
                    raise tampered(wrapped)
                return private
        setting, given = (
            FILE_SETTING if self.file is not None else SETTING,
            ", ".join(one.id for one in keys),
        )
        raise KeyEncryptionFault(
            Text(
                f"数据库中的签名密钥 {wrapped.kid} 是用另一把密钥（{wrapped.kek}）加密的，"
                f"{setting} 给出的是 {given}。请改为正确的一把；"
                "确已丢失时，见 syndicate signing-key rotate --lost",
                f"the signing key {wrapped.kid} in the database was encrypted with the key-encryption key "
                f"{wrapped.kek}, and {setting} gives {given}: set it to the right one; if that is lost for "
                "good, see `syndicate signing-key rotate --lost`",
            )
        )


def tampered(wrapped: WrappedKey) -> KeyringFault:
    """Say that a signing key in the database is not what was stored there."""
    remedy = "syndicate trail key --rotate --lost"
    if wrapped.purpose is KeyPurpose.PARTNER_KEYS:
        retire = f"syndicate signing-key retire {wrapped.kid}"
        remedy = "syndicate signing-key rotate --lost" if wrapped.state == "current" else retire
    return KeyringFault(
        Text(
            f"数据库中的签名密钥 {wrapped.kid} 被改动或已损坏，拒绝使用。"
            f"请从备份恢复数据库；若无备份，请执行：{remedy}",
            f"the signing key {wrapped.kid} in the database was changed or is damaged, and is not used. "
            f"Restore the database from a backup; without one, run: {remedy}",
        ),
        code="keyring_tampered",
    )


def _associated_data(wrapped: WrappedKey) -> bytes:
    moments = (wrapped.created, wrapped.rotated, wrapped.retired)
    fields = [_FORM, wrapped.purpose.value, wrapped.kid, wrapped.x, wrapped.state, wrapped.kek]
    return json.dumps([*fields, *(None if at is None else at.isoformat() for at in moments)]).encode()


def _parsed(content: bytes, setting: str) -> tuple[KeyEncryptionKey, ...]:
    keys = [_key(word) for word in content.split()]
    if not keys or None in keys:
        raise KeyEncryptionFault(
            Text(
                f"{setting} 应给出 {_BYTES} 个随机字节的 base64，每行一把；"
                f"生成：openssl rand -base64 {_BYTES}",
                f"{setting} must give {_BYTES} random bytes as base64, one key a line; make one with: "
                f"openssl rand -base64 {_BYTES}",
            )
        )
    return tuple(
        KeyEncryptionKey(hashlib.sha256(_ID + key).hexdigest()[:16], key) for key in keys if key is not None
    )


def _key(word: bytes) -> bytes | None:
    try:
        key = base64.b64decode(word.translate(bytes.maketrans(b"-_", b"+/")), validate=True)
    except binascii.Error:
        return None
    return key if len(key) == _BYTES and len(set(key)) >= _FEWEST_DIFFERENT else None


def _make_one(file: Path) -> Text:
    """Say where the file comes from: never that a new one would do."""
    quoted = shlex.quote(str(file))
    return Text(
        f"请从保管处取回；从未有过时，请执行：openssl rand -base64 32 | install -m 600 /dev/stdin {quoted}",
        f"Bring it back from where it is kept; where there never was one, run: "
        f"openssl rand -base64 32 | install -m 600 /dev/stdin {quoted}",
    )


def _named(setting: str) -> Text:
    return Text(f"（{setting}）", f" ({setting})")


_KIND: Final = Text("加密签名密钥的密钥 ", "key-encryption key: ")
