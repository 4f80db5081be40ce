"""Say who may keep a response, and for how long (Cache-Control, RFC 9111)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

PUBLIC_MAX_AGE: Final = 300
"""Seconds that caches may keep an open response. A feed's `ttl` says the same in minutes."""
_PUBLIC: Final = f"Cache-Control: public, max-age={PUBLIC_MAX_AGE}\r\n".encode()
PRIVATE: Final = b"Cache-Control: private, no-cache\r\n"
"""Cache-Control of a licensed response: the reader may keep it, and revalidates it before each use."""


def public_cache_control(until: datetime | None, now: datetime) -> bytes:
    """Return Cache-Control of an open response: never past `until`, when the response may change."""
    return public_freshness(until, now)[0]


def own_cache_control(until: datetime | None, now: datetime) -> bytes:
    """Return Cache-Control of an open response that the client may keep and no shared cache may."""
    return public_cache_control(until, now).replace(b"public", b"private")


def public_freshness(until: datetime | None, now: datetime) -> tuple[bytes, float]:
    """Return Cache-Control of an open response, and for how many seconds this one may be sent."""
    if until is None:
        return _PUBLIC, PUBLIC_MAX_AGE
    left = max(0.0, (until - now).total_seconds())
    if left >= PUBLIC_MAX_AGE:
        return _PUBLIC, left - PUBLIC_MAX_AGE
    return f"Cache-Control: public, max-age={int(left)}\r\n".encode(), left % 1
