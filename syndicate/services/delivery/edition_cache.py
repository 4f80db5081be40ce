"""Keep the editions that were used last, within a budget of memory.

Editions of many recipients hold the same texts. Each text is counted once, however many editions hold it,
and for as long as one does.
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict
from collections.abc import Iterator
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
_SIZE_OF_TOMBSTONE: Final = 700

CacheKey = tuple[str, str, Use | None]
"""Feed id or `item:` with the item's id; recipient; use."""


class EditionCache:
    """The editions that one worker keeps. What was used last stays."""

    def __init__(self, megabytes: int = EDITIONS_MB) -> None:
        self._budget = megabytes * 2**20
        self._editions: OrderedDict[CacheKey, CachedEdition] = OrderedDict()
        self._uses: Counter[int] = Counter()
        """How often kept editions hold a text, by its address in memory."""
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
        self.discard(key)
        self._editions[key] = edition
        before = self.size
        self._add(edition)
        if self.size - before > self._budget / 4:
            self.discard(key)
        while self.size > self._budget:
            self.discard(next(iter(self._editions)))

    def discard(self, key: CacheKey) -> None:
        """Let the edition of this key go, if there is one."""
        edition = self._editions.pop(key, None)
        if edition is None:
            return
        self.size -= _own_size(edition)
        for shared in _shared(edition):
            self._uses[id(shared)] -= 1
            if not self._uses[id(shared)]:
                del self._uses[id(shared)]
                self.size -= _size(shared)

    def _add(self, edition: CachedEdition) -> None:
        self.size += _own_size(edition)
        for shared in _shared(edition):
            if not self._uses[id(shared)]:
                self.size += _size(shared)
            self._uses[id(shared)] += 1


def _own_size(edition: CachedEdition) -> int:
    """Bytes that no other edition has a part in."""
    content = edition.edition
    return (
        _SIZE_OF_EDITION
        + sys.getsizeof(edition.manifest)
        + _SIZE_OF_STAMPED_ITEM * len(content.items)
        + _SIZE_OF_TOMBSTONE * len(content.tombstones)
    )


def _shared(edition: CachedEdition) -> Iterator[object]:
    """What other editions may hold too: the texts and times of each item."""
    for item in edition.edition.items:
        yield from _parts(item)


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
