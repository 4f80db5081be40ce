"""Convert signing keys that the database keeps to rows and back, without loss."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import Row

from syndicate.model.wrapped_keys import KeyPurpose, WrappedKey


def wrapped_key_values(key: WrappedKey) -> dict[str, Any]:
    """The row of `wrapped_keys`."""
    return {field.name: getattr(key, field.name) for field in fields(key)} | {"purpose": key.purpose.value}


def wrapped_key_from(row: Row[Any]) -> WrappedKey:
    """The inverse of `wrapped_key_values`."""
    return WrappedKey(
        KeyPurpose(row.purpose),
        row.kid,
        row.x,
        row.state,
        row.created,
        row.rotated,
        row.retired,
        row.kek,
        row.sealed,
    )
