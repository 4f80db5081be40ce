"""Issue and verify partners' tokens: JWT access tokens (RFC 9068), signed with Ed25519.

A token says who the partner is; what it may have is decided by `policy`. It is read more strictly than the
library reads: beside a valid signature it must have exactly the form that `issue` writes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn

import jwt

from syndicate.access.keyring import Keyring
from syndicate.access.thumbprint import decode
from syndicate.errors import TokenRejected
from syndicate.model.parties import PartnerId
from syndicate.strict_json import read_object

LONGEST: Final = 4096
"""Characters; ours have some 500."""
LONGEST_LIFE: Final = timedelta(days=3 * 365 + 1)
CLOCK_SKEW: Final = timedelta(seconds=60)
"""How far ahead of our clock another worker's may have been when it issued."""

_ALG: Final = "EdDSA"
_TYP: Final = "at+jwt"
_CLAIMS: Final = frozenset({"iss", "sub", "client_id", "aud", "iat", "exp", "jti"})
_JTI: Final = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]|[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}")
_PARTNER: Final = re.compile(r"[!-9;-~]{1,128}")
"""Visible ASCII without a colon: it is a user name in Basic authentication too."""
_JWS: Final = jwt.PyJWS(algorithms=[_ALG])


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """The verified claims of a token: partner, id of the key, id of the signing key. Times are aware, UTC.

    It does not say whether the key was revoked or the partner suspended: the register does.
    """

    partner: PartnerId
    jti: str
    kid: str
    issued: datetime
    expires: datetime


def issue(
    keyring: Keyring,
    *,
    partner: PartnerId,
    jti: str,
    issued: datetime,
    expires: datetime,
    issuer: str,
    audience: str,
) -> str:
    """Return a new token. `jti` is 16 random bytes as base64url, or a random UUID in 32 hexadecimal digits.

    Times are aware and cut to whole seconds. Raises ValueError for anything that `verify` would refuse.
    """
    iat, exp = _second(issued), _second(expires)
    if not _JTI.fullmatch(jti) or not _PARTNER.fullmatch(partner):
        raise ValueError("a jti or partner id of the wrong form")
    if not iat < exp <= iat + LONGEST_LIFE.total_seconds():
        raise ValueError("a key lives for more than no time and at most three years")
    claims = {
        "iss": issuer,
        "sub": partner,
        "client_id": partner,
        "aud": audience,
        "iat": iat,
        "exp": exp,
        "jti": jti,
    }
    header = {"typ": _TYP, "kid": keyring.current.kid}
    token = jwt.encode(claims, keyring.private, algorithm=_ALG, headers=header)
    if len(token) > LONGEST:
        raise ValueError("an issuer or audience that is far too long")
    return token


def verify(token: str, *, keyring: Keyring, issuer: str, audience: str, now: datetime) -> TokenClaims:
    """Return the claims of a token that is valid at `now` (aware). Raises TokenRejected.

    `token_malformed` for what is no JWT by its shape, `token_expired` for one of ours whose time is over
    and that is right in everything else, `token_invalid` for all the rest. Partner and jti are told with
    the rejection once the signature held.
    """
    header = _header(token)
    kid = _kid(header)
    claims = _signed(token, kid, keyring)
    partner, jti = claims.get("sub"), claims.get("jti")
    known = {
        "partner": partner if type(partner) is str and _PARTNER.fullmatch(partner) else None,
        "jti": jti if type(jti) is str and _JTI.fullmatch(jti) else None,
    }
    trouble = _trouble(claims, issuer, audience, now)
    if trouble is not None:
        raise TokenRejected("token_invalid", trouble, **known)
    if now.timestamp() >= claims["exp"]:
        raise TokenRejected("token_expired", "exp", **known)
    return TokenClaims(
        partner=PartnerId(claims["sub"]),
        jti=claims["jti"],
        kid=kid,
        issued=datetime.fromtimestamp(claims["iat"], UTC),
        expires=datetime.fromtimestamp(claims["exp"], UTC),
    )


def _header(token: str) -> dict[str, Any]:
    """The header of what is a JWT by its shape."""
    if len(token) > LONGEST or not token.isascii():
        _refuse("token_malformed", "size or characters")
    parts = token.split(".")
    if len(parts) != 3:
        _refuse("token_malformed", "segments")
    try:
        header, _, _ = (decode(part) for part in parts)
    except ValueError:
        _refuse("token_malformed", "base64url")
    try:
        return read_object(header)
    except ValueError:
        _refuse("token_malformed", "header")


def _kid(header: dict[str, Any]) -> str:
    """The signing key that a header of exactly our form names."""
    kid = header.get("kid")
    if type(kid) is not str or header != {"alg": _ALG, "typ": _TYP, "kid": kid}:
        _refuse("token_invalid", "header")
    return kid


def _signed(token: str, kid: str, keyring: Keyring) -> dict[str, Any]:
    """The claims, once their signature held: read from the very bytes that were signed."""
    key = keyring.public(kid)
    if key is None:
        _refuse("token_invalid", "kid unknown or retired")
    try:
        payload = _JWS.decode(token, key, algorithms=[_ALG])
    except jwt.PyJWTError:
        _refuse("token_invalid", "signature")
    try:
        return read_object(payload)
    except ValueError:
        _refuse("token_invalid", "claims are not strict JSON")


def _trouble(claims: dict[str, Any], issuer: str, audience: str, now: datetime) -> str | None:
    """Return the first claim that is not as `issue` writes it; the expiry is checked elsewhere."""
    return _form_fault(claims) or _value_fault(claims, issuer, audience, now)


def _form_fault(claims: dict[str, Any]) -> str | None:
    if claims.keys() != _CLAIMS:
        return "claims"
    for name in ("iss", "sub", "client_id", "aud", "jti"):
        if type(claims[name]) is not str:
            return f"type of {name}"
    for name in ("iat", "exp"):
        if type(claims[name]) is not int:  # a bool is an int to isinstance
            return f"type of {name}"
    return None


def _value_fault(claims: dict[str, Any], issuer: str, audience: str, now: datetime) -> str | None:
    if claims["iss"] != issuer:
        return "iss"
    if claims["aud"] != audience:
        return "aud"
    if claims["sub"] != claims["client_id"] or not _PARTNER.fullmatch(claims["sub"]):
        return "sub"
    if not _JTI.fullmatch(claims["jti"]):
        return "jti"
    if not 0 <= claims["iat"] <= now.timestamp() + CLOCK_SKEW.total_seconds():
        return "iat"
    if not claims["iat"] < claims["exp"] <= claims["iat"] + LONGEST_LIFE.total_seconds():
        return "lifetime"
    return None


def _second(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise ValueError("a moment without its time zone")
    return int(moment.timestamp())


def _refuse(code: str, detail: str) -> NoReturn:
    # Without its cause: a library's message may quote the token.
    raise TokenRejected(code, detail) from None
