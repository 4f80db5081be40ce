"""Past the store: statements as somebody with the database's own tools would give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine


async def by_hand(address: str, *statements: str) -> Sequence[Any]:
    """Run these in one transaction; the rows of the last one, if it gives any."""
    engine = create_async_engine(address, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            found: Sequence[Any] = ()
            for statement in statements:
                result = await connection.execute(text(statement))
                found = result.all() if result.returns_rows else ()
            return found
    finally:
        await engine.dispose()
