"""The id of an Ed25519 key: its RFC 7638 thumbprint, which follows from the key alone."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*")


def encode(raw: bytes) -> str:
    """Encode as base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Decode what `encode` writes; raises ValueError for any other spelling."""
    if not _ALPHABET.fullmatch(text):
        raise ValueError("a character outside base64url")
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(raw) != text:
        raise ValueError("another spelling of the same bytes")
    return raw


def thumbprint(x: str) -> str:
    """Return the SHA-256 thumbprint (RFC 7638, RFC 8037 section 2) of the Ed25519 key with this `x`."""
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'
    return encode(hashlib.sha256(members.encode()).digest())


def key_of(x: str) -> Ed25519PublicKey:
    """Return the public key with this `x`. Raises ValueError unless it is 32 bytes as base64url."""
    return Ed25519PublicKey.from_public_bytes(decode(x))


def public_jwk(kid: str, x: str) -> dict[str, Any]:
    """Return the public key as a JWK for signatures (RFC 8037)."""
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA"}
