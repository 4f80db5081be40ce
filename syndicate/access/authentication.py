"""Authenticate a request: from its Authorization header to the partner, its key and the rights in force."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from cachetools import LRUCache

from syndicate.access.keyring import Keyring
from syndicate.access.media_addresses import AddressSigner
from syndicate.access.rights_cache import Clock, RightsCache
from syndicate.access.signing_keys import SigningKeys
from syndicate.access.tokens import TokenClaims
from syndicate.errors import KeyringFault, TokenRejected
from syndicate.logger import Logger
from syndicate.model.parties import Partner, PartnerId
from syndicate.model.register import Key, Register
from syndicate.store.protocol import Reads

_log = Logger("syndicate.access")

_MAX_CACHED_TOKENS = 10_000
_MAX_HEADER_LENGTH = 8_190


@dataclass(frozen=True, slots=True)
class Session:
    """One authenticated request: the partner, its key, and the rights that the whole request is judged by.

    `revision` is the change number at which `register` was read. The gate (`Store.record`) compares it
    with the last change of rights before an answer leaves.
    """

    partner: Partner
    key: Key
    register: Register
    revision: int


@dataclass(frozen=True, slots=True)
class Credentials:
    """The token of an Authorization header; `partner` is the user name of Basic, None for Bearer."""

    token: str
    partner: str | None

    def __repr__(self) -> str:
        return f"Credentials(partner={self.partner!r})"


class Authenticator:
    """Checks each token's signature once per worker, and the register at every request.

    Verified claims are cached by the hash of the exact token. Whether the key is still in force is
    decided by the register at every request, so the cache never accepts a revoked key.
    """

    def __init__(self, signing_keys: SigningKeys, rights: RightsCache, reads: Reads, clock: Clock) -> None:
        self._signing_keys, self._rights, self._reads, self._clock = signing_keys, rights, reads, clock
        self._verified: LRUCache[bytes, TokenClaims] = LRUCache(_MAX_CACHED_TOKENS)
        self._keyring: Keyring | None = None
        self._keyring_seq = -1
        self._signer: tuple[Keyring, AddressSigner] | None = None
        self._lock = asyncio.Lock()

    async def authenticate(self, headers: Mapping[str, str]) -> Session:
        """Return the session of the partner whose key the request shows.

        `headers` may hold a name several times, as a multidict does. Raises TokenRejected with
        token_missing, token_malformed, token_invalid, token_expired, key_revoked or partner_suspended.
        """
        credentials = credentials_of(headers)
        register, revision = await self._rights.read()
        bearer = await self._verify(credentials.token, register)
        if credentials.partner is not None and credentials.partner != bearer.partner:
            raise TokenRejected(
                "token_invalid",
                "the user name is another partner's",
                partner=bearer.partner,
                jti=bearer.jti,
            )
        return session_of(PartnerId(bearer.partner), bearer.jti, register, revision)

    async def jwks(self) -> dict[str, object]:
        """Return the public signing keys as a JWK set (RFC 7517)."""
        register, _ = await self._rights.read()
        return (await self._current_keyring(register)).jwks()

    async def address_signer(self) -> AddressSigner:
        """Return what signs and opens addresses of media files, by the signing key of now."""
        register, _ = await self._rights.read()
        ring = await self._current_keyring(register)
        if self._signer is None or self._signer[0] is not ring:
            self._signer = ring, AddressSigner(ring.private)
        return self._signer[1]

    async def _verify(self, token: str, register: Register) -> TokenClaims:
        keyring = await self._current_keyring(register)
        digest = hashlib.sha256(token.encode()).digest()
        cached = self._verified.get(digest)
        if cached is not None and self._clock() < cached.expires:
            return cached
        bearer = self._signing_keys.verify(token, keyring)
        self._verified[digest] = bearer
        return bearer

    async def _current_keyring(self, register: Register) -> Keyring:
        """The signing keys, read again after every change of rights."""
        if self._keyring is None or register.seq != self._keyring_seq:
            async with self._lock:
                if self._keyring is None or register.seq != self._keyring_seq:
                    return await self._load_keyring(register.seq)
        return self._keyring

    async def _load_keyring(self, seq: int) -> Keyring:
        """Read the signing keys. A worker that never read any raises KeyringFault.

        A damaged key must not lock every partner out: the keys that were read before go on
        verifying, the fault is logged, and the next request tries again. This accepts nothing of a
        signing key that was retired meanwhile, since its partners' keys are revoked one by one.
        """
        try:
            keyring = await self._signing_keys.load(self._reads)
        except KeyringFault as fault:
            if self._keyring is None:
                raise
            _log.error("keyring_fault", why=fault.text.en)
            return self._keyring
        self._keyring, self._keyring_seq = keyring, seq
        self._verified.clear()
        return keyring


def session_of(partner: PartnerId, jti: str, register: Register, revision: int) -> Session:
    """Look a key with a good signature up in the register.

    It must be known, belong to the partner, and be in force. Raises TokenRejected with token_invalid,
    key_revoked or partner_suspended.
    """
    key = register.keys.get(jti)
    if key is None or key.partner != partner:
        raise TokenRejected("token_invalid", "no such key was issued", partner=partner, jti=jti)
    known = register.partners.get(partner)
    if known is None:
        raise TokenRejected("token_invalid", "no such partner", partner=partner, jti=jti)
    if key.revoked is not None:
        raise TokenRejected("key_revoked", "the key was revoked", partner=partner, jti=jti)
    if known.suspended is not None:
        raise TokenRejected("partner_suspended", "the partner is suspended", partner=partner, jti=jti)
    return Session(known, key, register, revision)


def credentials_of(headers: Mapping[str, str]) -> Credentials:
    """Read the one Authorization header. Raises TokenRejected: token_missing, token_malformed."""
    values = [value for name, value in headers.items() if name.lower() == "authorization"]
    if not values:
        raise TokenRejected("token_missing", "no Authorization header")
    if len(values) > 1:
        raise TokenRejected("token_malformed", "more than one Authorization header")
    scheme, _, rest = values[0].partition(" ")
    rest = rest.strip(" ")
    if len(values[0]) > _MAX_HEADER_LENGTH or not rest or not rest.isascii():
        raise TokenRejected("token_malformed", "no key after the scheme")
    match scheme.lower():
        case "bearer":
            return Credentials(rest, None)
        case "basic":
            return _basic(rest)
        case _:
            raise TokenRejected("token_malformed", "a scheme other than Bearer and Basic")


def _basic(encoded: str) -> Credentials:
    """RFC 7617: base64 of `user:password`, in UTF-8."""
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise TokenRejected("token_malformed", "Basic is not base64 of UTF-8") from error
    if not colon or not password:
        raise TokenRejected("token_malformed", "Basic without a password")
    return Credentials(password, user)
