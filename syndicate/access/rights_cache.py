"""The rights as this worker knows them, never older than the store's last notice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from syndicate.model.register import Register
from syndicate.store.protocol import Reached, Store

Clock = Callable[[], datetime]

_RECHECK = timedelta(seconds=1)
"""How long a worker trusts an unchanged notice: a commit whose notice was lost is seen after this."""


class RightsCache:
    """Keeps one `Register` and the change number it was read at; asks the store only after a notice.

    This makes a request cheap, not safe: what makes it safe is `Store.record`, which refuses a line
    that was judged before the last change.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._seen: int | None = None
        self._checked: datetime | None = None
        self._reached: Reached | None = None
        self._register: Register | None = None
        self._turn = asyncio.Lock()

    async def read(self) -> tuple[Register, int]:
        """The register and the change number that everything judged with it was judged at."""
        if self._register is None or self._reached is None or self._stale():
            async with self._turn:
                if self._register is None or self._reached is None or self._stale():
                    return await self._refresh()
        return self._register, self._reached.change

    def known(self) -> int | None:
        """The change number that still stands, without asking the store; None where it must be asked."""
        return None if self._reached is None or self._stale() else self._reached.change

    def forget(self) -> None:
        """Ask the store at the next read, whatever the notice says."""
        self._checked = None

    def _stale(self) -> bool:
        if self._checked is None or self._store.notice() != self._seen:
            return True
        return abs(self._clock() - self._checked) >= _RECHECK

    async def _refresh(self) -> tuple[Register, int]:
        # The notice is read before the store: what changes in between is seen at the next request.
        seen, checked = self._store.notice(), self._clock()
        reached = await self._store.sequence()
        register = self._register
        if register is None or self._reached is None or reached.rights != self._reached.rights:
            register = await self._store.register()
        self._seen, self._checked, self._reached, self._register = seen, checked, reached, register
        return register, reached.change
