"""The part of the Store protocol that feeds are made of."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from syndicate.model.item import Item, ItemId
from syndicate.store.requests import EntryQuery, FeedQuery, Place, RecallQuery


class FeedReads(Protocol):
    """What feeds are made of. The cost of these reads does not grow with the archive."""

    async def feed_outlines(
        self, query: FeedQuery, *, after: Place | None = None, limit: int = 50, oldest_first: bool = False
    ) -> tuple[list[Item], bool]:
        """Outlines of items, newest published first (then by id, descending), continuing after `after`.

        Each once, about `limit` of them, and whether there may be more. With `oldest_first` in the opposite
        order, to newer ones.
        """

    async def recalled_outlines(
        self, query: RecallQuery, *, after: tuple[datetime, ItemId] | None = None, limit: int = 50
    ) -> list[Item]:
        """Outlines of recalled items, newest recall first (then by id, descending), at most `limit`.

        They continue after the item of this recall. Some may lie outside the cells.
        """

    async def next_entry(self, query: EntryQuery) -> datetime | None:
        """The next time at which an item may enter a feed by itself; None for never.

        Items of which a hold does not hold back a partner alone are not looked at.
        """
