"""Who is asking: a partner's key, as Bearer or as Basic, in the Authorization header and nowhere else."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from dataclasses import dataclass

import structlog
from aiohttp import web
from cachetools import LRUCache

from syndicate.access.keyring import Keyring
from syndicate.access.tokens import Bearer
from syndicate.errors import KeyringFault, TokenRejected
from syndicate.model.parties import PartnerId
from syndicate.services.delivery.delivery_service import Session
from syndicate.wiring import Services

_log = structlog.get_logger("syndicate.web")

_KEPT = 10_000
_LONGEST = 8_190


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the header said: a token, and for Basic the partner it is said to be of."""

    token: str
    partner: str | None

    def __repr__(self) -> str:
        return f"Credentials(partner={self.partner!r})"


class Authenticator:
    """One per worker: checks signatures once per token, and the register at every request.

    Verified claims are kept by the hash of the exact token; whether the key is still in force is asked
    of the register every time, so keeping them opens nothing that was closed.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._verified: LRUCache[bytes, Bearer] = LRUCache(_KEPT)
        self._ring: Keyring | None = None
        self._ring_of = -1
        self._turn = asyncio.Lock()

    async def admit(self, request: web.Request) -> Session:
        """The partner that asks. Raises TokenRejected with a code of the contract, section 5."""
        credentials = credentials_of(request)
        bearer = await self._verify(credentials.token)
        if credentials.partner is not None and credentials.partner != bearer.partner:
            raise TokenRejected(
                "token_invalid",
                "the user name is another partner's",
                partner=bearer.partner,
                jti=bearer.jti,
            )
        return await self._services.delivery.admit(PartnerId(bearer.partner), bearer.jti)

    async def _verify(self, token: str) -> Bearer:
        ring = await self._keyring()
        name = hashlib.sha256(token.encode()).digest()
        kept = self._verified.get(name)
        if kept is not None and self._services.clock() < kept.expires:
            return kept
        bearer = self._services.signing_keys.verify(token, ring)
        self._verified[name] = bearer
        return bearer

    async def _keyring(self) -> Keyring:
        """The signing keys as they stand after the last change of rights."""
        changed = await self._services.delivery.rights_changed()
        if self._ring is None or changed != self._ring_of:
            async with self._turn:
                if self._ring is None or changed != self._ring_of:
                    return await self._read(changed)
        return self._ring

    async def _read(self, changed: int) -> Keyring:
        """A spoiled key file must not lock every partner out: the keys that were read before go on
        verifying, the fault is said aloud, and the next request tries again. (A signing key that was
        retired meanwhile opens nothing: its keys are revoked one by one.) A worker that never had any
        cannot serve."""
        try:
            ring = await asyncio.to_thread(self._services.signing_keys.load)
        except KeyringFault as fault:
            if self._ring is None:
                raise
            _log.error("keyring_fault", why=fault.text.en)
            return self._ring
        self._ring, self._ring_of = ring, changed
        self._verified.clear()
        return ring

    async def jwks(self) -> dict[str, object]:
        """The public signing keys (RFC 7517)."""
        return (await self._keyring()).jwks()


def credentials_of(request: web.Request) -> Credentials:
    """The key in the Authorization header. Raises TokenRejected: token_missing, token_malformed."""
    values = request.headers.getall("Authorization", [])
    if not values:
        raise TokenRejected("token_missing", "no Authorization header")
    if len(values) > 1:
        raise TokenRejected("token_malformed", "more than one Authorization header")
    scheme, _, rest = values[0].partition(" ")
    rest = rest.strip(" ")
    if len(values[0]) > _LONGEST or not rest or not rest.isascii():
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
    except (binascii.Error, UnicodeDecodeError) as why:
        raise TokenRejected("token_malformed", "Basic is not base64 of UTF-8") from why
    if not colon or not password:
        raise TokenRejected("token_malformed", "Basic without a password")
    return Credentials(password, user)
