"""Keep the editions that were used last, within a budget of memory.

Editions of many recipients hold the same texts. Each text is counted once, however many editions hold it,
and for as long as one does.
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from syndicate.model.item import Block
from syndicate.model.rights import Use
from syndicate.services.delivery.version_cache import size_of_body
from syndicate.stamping import StampedItem

if TYPE_CHECKING:
    from syndicate.services.delivery.editions import CachedEdition

EDITIONS_MB: Final = 32
"""Memory for editions that one worker keeps, in MiB, the texts in them included."""
_SIZE_OF_EDITION: Final = 1_500
"""Bytes of an edition without its items and manifest: the objects, and its place in the cache."""
_SIZE_OF_STAMPED_ITEM: Final = 300
"""Bytes of a stamped item without what it may share with others: the object, its clause and place."""
_SIZE_OF_BUILT: Final = 1_600
"""Bytes of what a feed's next edition is made from, without the items: two lists of 50."""
_SIZE_OF_TOMBSTONE: Final = 700

CacheKey = tuple[str, str, Use | None]
"""Feed id or `item:` with the item's id; recipient; use."""


class EditionCache:
    """The editions that one worker keeps. What was used last stays."""

    def __init__(self, megabytes: int = EDITIONS_MB) -> None:
        self._budget = megabytes * 2**20
        self._editions: OrderedDict[CacheKey, CachedEdition] = OrderedDict()
        self._items: Counter[int] = Counter()
        """How often kept editions hold a stamped item, by its address in memory."""
        self._uses: Counter[int] = Counter()
        """How often these items hold a text, by its address in memory."""
        self.size = 0
        """Bytes of memory that all kept editions cost."""

    def __len__(self) -> int:
        return len(self._editions)

    def get(self, key: CacheKey) -> CachedEdition | None:
        """Return the edition of this key, and count it as used."""
        found = self._editions.get(key)
        if found is not None:
            self._editions.move_to_end(key)
        return found

    def keep(self, key: CacheKey, edition: CachedEdition) -> None:
        """Keep an edition, unless it is so large that it would push out everything else."""
        # The old one goes after the new one is counted: most of its items are in both.
        old, before = self._editions.pop(key, None), self.size
        self._editions[key] = edition
        self._add(edition)
        large = self.size - before > self._budget / 4
        if old is not None:
            self._remove(old)
        if large:
            self.discard(key)
        while self.size > self._budget:
            self.discard(next(iter(self._editions)))

    def discard(self, key: CacheKey) -> None:
        """Let the edition of this key go, if there is one."""
        edition = self._editions.pop(key, None)
        if edition is not None:
            self._remove(edition)

    def _add(self, edition: CachedEdition) -> None:
        self.size += _own_size(edition)
        for item in _items(edition):
            self._items[id(item)] += 1
            if self._items[id(item)] > 1:
                continue
            self.size += _SIZE_OF_STAMPED_ITEM
            for shared in _parts(item):
                if not self._uses[id(shared)]:
                    self.size += _size(shared)
                self._uses[id(shared)] += 1

    def _remove(self, edition: CachedEdition) -> None:
        self.size -= _own_size(edition)
        for item in _items(edition):
            self._items[id(item)] -= 1
            if self._items[id(item)]:
                continue
            del self._items[id(item)]
            self.size -= _SIZE_OF_STAMPED_ITEM
            for shared in _parts(item):
                self._uses[id(shared)] -= 1
                if not self._uses[id(shared)]:
                    del self._uses[id(shared)]
                    self.size -= _size(shared)


def _items(edition: CachedEdition) -> Sequence[StampedItem]:
    """The edition's items; of a feed, those too that a quota keeps out of it now."""
    return edition.edition.items if edition.built is None else edition.built.content.items


def _own_size(edition: CachedEdition) -> int:
    """Bytes that no other edition has a part in."""
    content = edition.edition
    return (
        _SIZE_OF_EDITION
        + sys.getsizeof(edition.manifest)
        + (0 if edition.built is None else _SIZE_OF_BUILT)
        + _SIZE_OF_TOMBSTONE * len(content.tombstones)
    )


def _parts(item: StampedItem) -> tuple[object, ...]:
    return (
        *(item.uri, item.page, item.address, item.headline, item.abstract, item.body, item.source),
        *(item.byline, item.editor, item.keywords, item.note),
        *(item.published, item.updated, item.take_down),
    )


def _size(shared: object) -> int:
    if isinstance(shared, tuple):
        if shared and isinstance(shared[0], Block):
            return size_of_body(shared)
        return sys.getsizeof(shared) + sum(map(sys.getsizeof, shared))
    return sys.getsizeof(shared)
