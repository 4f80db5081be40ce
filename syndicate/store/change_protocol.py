"""The part of the Store protocol about partners' change sequences, holdings and acknowledgements."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from syndicate.model.changes import ChangeEntry, Holding, Progress, Takedown, Watermark
from syndicate.model.item import Item, ItemId
from syndicate.model.parties import PartnerId
from syndicate.store.requests import CandidateQuery, SequenceUpdate


class ChangeReads(Protocol):
    """Partners' change sequences, holdings and acknowledgements."""

    async def candidates(self, query: CandidateQuery, limit: int) -> list[ItemId]:
        """Items that may have changed for a reader, each once, in no order, at most `limit` of them.

        Fewer than `limit` are all of them.
        """

    async def changed_since(self, after: int, limit: int) -> list[tuple[int, Item]]:
        """Outlines of the items that changes after number `after` were about, in the order of changes.

        At most `limit`, each with the number of the last change that was about it.
        """

    async def next_transition(
        self, now: datetime, published: Collection[timedelta], available: Collection[timedelta]
    ) -> datetime | None:
        """The next time at which an item reaches one of these ages, or at which an exclusive ends.

        `published` ages count from its publication, `available` ages from when it is out.
        """

    async def progress(self, partner: PartnerId) -> Progress:
        """How far this partner's change sequence has been worked out."""

    async def progress_of(self, partners: Collection[PartnerId]) -> dict[PartnerId, Progress]:
        """`progress` of several partners; those that were never given anything are missing."""

    async def entries_after(self, partner: PartnerId, after: int, limit: int) -> list[ChangeEntry]:
        """The first `limit` entries of a partner's change sequence after number `after`."""

    async def entries(self, partner: PartnerId, seqs: Collection[int]) -> list[ChangeEntry]:
        """The entries of the partner's change sequence with these numbers; unknown numbers are left out."""

    async def knows_cursor(self, partner: PartnerId, cursor: int) -> bool:
        """Whether the partner was given this number, as an entry's `seq` or as the `next` of an answer."""

    async def holdings(
        self, partner: PartnerId, *, after: ItemId | None = None, limit: int = 500
    ) -> list[Holding]:
        """What a partner has, by item, continuing after `after`."""

    async def held(self, partner: PartnerId, items: Collection[ItemId]) -> dict[ItemId, Holding]:
        """What a partner has of these items."""

    async def holders(self, item: ItemId) -> list[Holding]:
        """Who has this item, by partner."""

    async def holders_of(self, items: Collection[ItemId]) -> set[tuple[PartnerId, ItemId]]:
        """Who has which of these items."""

    async def holding_anything(self, partners: Collection[PartnerId]) -> set[PartnerId]:
        """Those of these partners that have any item."""

    async def touched_holdings(self, query: CandidateQuery, limit: int) -> set[tuple[PartnerId, ItemId]]:
        """Who has which of the items that this query is about; at most `limit`, fewer are all."""

    async def offers(self, partner: PartnerId, items: Collection[ItemId]) -> set[tuple[ItemId, datetime]]:
        """Which embargoes of these items the partner was offered and did not acknowledge: (item, until)."""

    async def takedowns(
        self, *, item: ItemId | None = None, partner: PartnerId | None = None, open_only: bool = False
    ) -> list[Takedown]:
        """Recalls and withdrawals that partners were told, oldest first; `open_only`: unacknowledged."""

    async def overdue(self, at: datetime, limit: int) -> list[ChangeEntry]:
        """Takedowns whose deadline has passed, unacknowledged and not yet marked, oldest first.

        Without those of items that the partner holds again.
        """

    async def next_deadline(self) -> datetime | None:
        """The earliest deadline of a takedown that is neither acknowledged nor marked overdue, if any.

        Also of an item that the partner holds again. Only with a new change number may it become earlier.
        """


class ChangeWrites(Protocol):
    """What extends a partner's change sequence."""

    async def append_entries(self, new: SequenceUpdate) -> bool:
        """Append to a partner's change sequence.

        False, and nothing is written, if the sequence has changed since `new.read`.
        """

    async def move_removals_until(self, watermarks: Mapping[PartnerId, Watermark]) -> None:
        """Say that the partners' removals are searched up to here.

        Only where their rights still have the name that they had at the last search, or where none was
        made. Announces no change, and leaves progress alone that is as far already.
        """

    async def acknowledge(self, partner: PartnerId, seqs: Collection[int], at: datetime) -> list[int]:
        """Remember that the partner acknowledged these; which of them were new."""

    async def mark_overdue(self, entry: ChangeEntry, at: datetime) -> None:
        """Remember that this takedown was found overdue."""
