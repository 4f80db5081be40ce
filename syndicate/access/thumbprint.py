"""What an Ed25519 key is called: its RFC 7638 thumbprint, which nobody can give to another key."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*")


def encode(raw: bytes) -> str:
    """Base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """The inverse of `encode`, for the one spelling that `encode` gives. Raises ValueError for others."""
    if not _ALPHABET.fullmatch(text):
        raise ValueError("a character outside base64url")
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(raw) != text:
        raise ValueError("another spelling of the same bytes")
    return raw


def thumbprint(x: str) -> str:
    """The SHA-256 thumbprint (RFC 7638, RFC 8037 section 2) of the Ed25519 key with this `x`."""
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'
    return encode(hashlib.sha256(members.encode()).digest())


def key_of(x: str) -> Ed25519PublicKey:
    """The public key with this `x`. Raises ValueError if it is not 32 bytes in canonical base64url."""
    return Ed25519PublicKey.from_public_bytes(decode(x))


def public_jwk(kid: str, x: str) -> dict[str, Any]:
    """The public key as a JWK for signatures (RFC 8037)."""
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA"}
