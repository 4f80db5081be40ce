"""Keep items as a format writes them, so that a feed that differs in one item is written by joining.

What is kept is used for an item that is equal in everything that the format writes, for whichever feed and
partner. So the same edition is the same bytes, whatever was written before.
"""

from __future__ import annotations

import re
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final

from syndicate.model.parties import Public, Publisher
from syndicate.stamping import Edition, StampedItem

WRITTEN_ITEMS_MB: Final = 6
"""Memory for the written items of one format, in MiB."""
OF_THE_AGREEMENT: Final = frozenset({"clause", "licence", "mandate", "quota"})
"""What only some formats write: RSS and Atom say what a partner may do, and not by which clause."""
_SIZE_OF_ENTRY: Final = 1_600
"""Bytes of an entry without its texts: key, values and its place."""

Write = Callable[[Edition, Sequence[StampedItem]], bytes]
"""Writes the feed of an edition with these items instead of its own."""


class WrittenItems:
    """The items that one format wrote last, each as a part of a feed's bytes.

    `without` names the fields of an item that the format does not write. The recipient is none that any
    does, but whether it is the public counts. Safe in threads.
    """

    def __init__(
        self, *, without: frozenset[str] = frozenset(), megabytes: float = WRITTEN_ITEMS_MB
    ) -> None:
        self._budget = int(megabytes * 2**20)
        names = [one.name for one in fields(StampedItem) if one.name not in {*without, "recipient"}]
        self._fields = attrgetter(*names, "published.tzinfo", "updated.tzinfo")
        self._says_agreement = "clause" not in without
        self._written: OrderedDict[Any, tuple[Any, Publisher, bytes]] = OrderedDict()
        self._lock = threading.Lock()
        self.size = 0
        """Bytes of memory that all of them cost."""

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._written.clear()
            self.size = 0

    def get(self, item: StampedItem, publisher: Publisher) -> bytes | None:
        """Return the item as it was written; None where it, or an equal one, was not."""
        key = self._key(item)
        with self._lock:
            kept = self._written.get(key)
            if kept is not None:
                self._written.move_to_end(key)
        if kept is None:
            return None
        face, of, written = kept
        return written if face == self._face(item) and (of is publisher or of == publisher) else None

    def keep(self, item: StampedItem, publisher: Publisher, written: bytes) -> None:
        """Keep what was written of the item; let go of what was not used for longest."""
        key, entry = self._key(item), (self._face(item), publisher, written)
        with self._lock:
            before = self._written.pop(key, None)
            self._written[key] = entry
            self.size += _size(written) - (0 if before is None else _size(before[2]))
            while self.size > self._budget:
                self.size -= _size(self._written.popitem(last=False)[1][2])

    def _key(self, item: StampedItem) -> Any:
        """What differs for the same text, and is quick to look up."""
        public = isinstance(item.recipient, Public)
        own = item.clause if self._says_agreement else None
        return item.id, item.version, public, item.use, item.form, item.may_edit, item.take_down, own

    def _face(self, item: StampedItem) -> tuple[Any, ...]:
        """Everything that the format may write. Equal times may be written in different zones."""
        down, embargo = item.take_down, item.embargoed_until
        return (
            isinstance(item.recipient, Public),
            self._fields(item),
            None if down is None else down.tzinfo,
            None if embargo is None else embargo.tzinfo,
        )


def joined(edition: Edition, known: WrittenItems, write: Write, pattern: re.Pattern[bytes]) -> bytes:
    """Write a feed in XML from items that are known, and write those that are not.

    `pattern` matches each item in the bytes of a feed, with the blanks before and the line end behind.
    Markup in a text is escaped, so it matches nothing else. Where that is not so, all is written anew.
    Nothing of an archive is kept: who reads it through would push out the items of every feed.
    """
    items, publisher = edition.items, edition.publisher
    parts = [known.get(item, publisher) for item in items]
    missing = [item for item, part in zip(items, parts, strict=True) if part is None]
    new = missing or items[:1]
    whole = write(edition, new)
    found = pattern.findall(whole)
    if len(found) != len(new) or not found:
        return whole if len(new) == len(items) else write(edition, items)
    before, middle, behind = whole.partition(b"".join(found))
    if not middle:
        return whole if len(new) == len(items) else write(edition, items)
    if missing and edition.archive.own is None:
        for item, part in zip(missing, found, strict=True):
            known.keep(item, publisher, part)
    rest = iter(found)
    return b"".join((before, *(next(rest) if part is None else part for part in parts), behind))


def _size(written: bytes) -> int:
    """Bytes of memory: what is written, and the item's texts, which are no longer than that."""
    return _SIZE_OF_ENTRY + 2 * sys.getsizeof(written)
