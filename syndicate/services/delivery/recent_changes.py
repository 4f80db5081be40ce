"""Remember which items changed lately, so that one reading serves every feed of a worker."""

from __future__ import annotations

import asyncio
from typing import Final

from syndicate.model.item import Item, ItemId
from syndicate.store.protocol import Store

_MOST: Final = 64
"""Changed items up to which a feed is brought up to date; after more of them it is built anew."""


class RecentChanges:
    """The items that changed lately, each read from the store once. One per worker."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = asyncio.Lock()
        self._outlines: dict[ItemId, tuple[int, Item]] = {}
        self._floor = self._read_to = 0
        """Of what changed after change `_floor`, everything up to change `_read_to` is known."""

    async def since(self, revision: int, now: int) -> list[Item] | None:
        """Outlines of the items that changed after change `revision`, up to change `now` and maybe later.

        None where they are too many or not known any more: the feed has to be built from the store.
        """
        async with self._lock:
            if now > self._read_to and not await self._read(revision, now):
                return None
        # A smaller number than before: the database was restored, or a newer session was here first.
        if now < self._read_to or not self._floor <= revision <= now:
            return None
        return [outline for change, outline in self._outlines.values() if change > revision]

    async def _read(self, revision: int, now: int) -> bool:
        """Read what changed up to `now`; False where that is too much."""
        if not self._outlines and self._read_to < revision:
            self._floor = self._read_to = revision
        changed = await self._store.changed_since(self._read_to, _MOST + 1)
        if len(changed) > _MOST:
            self._forget(now)
            return False
        for change, outline in changed:
            self._outlines[outline.id] = change, outline
        self._read_to = now
        if len(self._outlines) > _MOST:
            self._drop_oldest()
        return True

    def _drop_oldest(self) -> None:
        """Keep half of them, so that this is not done at every change."""
        ordered = sorted(self._outlines.items(), key=lambda one: one[1][0], reverse=True)
        self._outlines = dict(ordered[: _MOST // 2])
        self._floor = max(change for _, (change, _) in ordered[_MOST // 2 :])

    def _forget(self, now: int) -> None:
        self._outlines = {}
        self._floor = self._read_to = now
