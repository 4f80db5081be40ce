"""Keep versions of items as they were read, so that the editions of many recipients share one text.

A version is never overwritten, so what was read once stays good. What holds an item back changes, and is
taken from its outline each time.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Collection
from dataclasses import replace
from typing import Final

from cachetools import LRUCache

from syndicate.model.item import Block, Item, ItemId
from syndicate.store.protocol import ItemReads

VERSIONS_MB: Final = 12
"""Memory for versions of items that one worker keeps, in MiB."""
_SIZE_OF_ITEM: Final = 1_200
"""Bytes of a version without its text: the object, its fields and its place in the cache."""
_SIZE_OF_BLOCK: Final = 72


class VersionCache:
    """The versions that one worker read last, by item and version.

    Safe in threads: on SQLite feeds are built in those that read.
    """

    def __init__(self, megabytes: int = VERSIONS_MB) -> None:
        self._items: LRUCache[tuple[ItemId, int], Item] = LRUCache(megabytes * 2**20, getsizeof=_size)
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes of memory that all kept versions cost."""
        return int(self._items.currsize)

    async def newest(self, outlines: Collection[Item], reads: ItemReads) -> dict[ItemId, Item]:
        """Return the items of these outlines with their texts; read from the store what is not kept.

        What holds each item is what its outline says. Where the store has a newer version than the outline,
        it is that one; items that the store has not are missing.
        """
        found: dict[ItemId, Item] = {}
        missing: list[ItemId] = []
        for outline in outlines:
            with self._lock:
                kept = self._items.get((outline.id, outline.version))
            if kept is None:
                missing.append(outline.id)
            else:
                found[outline.id] = (
                    kept if kept.holds == outline.holds else replace(kept, holds=outline.holds)
                )
        if missing:
            for item in (await reads.newest(missing)).values():
                found[item.id] = item
                if _size(item) < self._items.maxsize / 4:
                    with self._lock:
                        self._items[item.id, item.version] = item
        return found


def _size(item: Item) -> int:
    """Bytes of memory that keeping this item costs."""
    texts = (item.headline, item.abstract, item.source, item.byline or "", item.address or "")
    return _SIZE_OF_ITEM + sum(map(sys.getsizeof, texts)) + size_of_body(item.body)


def size_of_body(body: tuple[Block, ...]) -> int:
    """Bytes of memory of a body. Where a block has no markup, its text and its HTML are one string."""
    return sys.getsizeof(body) + sum(
        _SIZE_OF_BLOCK
        + sys.getsizeof(block.text)
        + (0 if block.html is block.text else sys.getsizeof(block.html))
        for block in body
    )
