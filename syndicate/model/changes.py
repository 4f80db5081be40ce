"""A partner's change sequence, what the partner holds, and how far its sequence is worked out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from syndicate.model.names import ItemId, PartnerId
from syndicate.model.rights import Clause, Form


class Action(StrEnum):
    """What a partner is to do about an item."""

    PUT = "put"
    """Take the item, or take it again: it may be held under these terms."""
    CORRECT = "correct"
    """Replace the held version by this one."""
    RECALL = "recall"
    """Remove the item: the publisher recalled it."""
    WITHDRAW = "withdraw"
    """Remove the item: the right to hold it has ended."""
    EMBARGO = "embargo"
    """The item is offered early: acknowledge the entry to accept its embargo."""


TAKEDOWNS = frozenset({Action.RECALL, Action.WITHDRAW})
"""The actions that remove an item; a partner must acknowledge each by its deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEntry:
    """One entry of a partner's change sequence. Once written it never changes.

    `seq` grows within one partner's sequence. It is a time in microseconds since 1970, so that no number is
    given twice, also after a backup was restored. `clause` is the clause of the licence that the entry
    rests on, `deadline` when a removal must be acknowledged, `until` when an embargo ends.
    """

    partner: PartnerId
    seq: int
    at: datetime
    action: Action
    item: ItemId
    version: int
    clause: Clause | None
    reason: str | None = None
    note: str | None = None
    deadline: datetime | None = None
    until: datetime | None = None


class Terms(str):
    """A name for the terms under which a partner has an item: `full:` or `summary:`, then a digest.

    Without a digest where the item came by a feed, which names no terms.
    """

    __slots__ = ()

    @classmethod
    def of(cls, form: Form, digest: str) -> Terms:
        """The terms that this digest stands for, of an item in this form."""
        return cls(f"{form.value}:{digest}")

    @property
    def full(self) -> bool:
        """Whether the full text was given under them."""
        return self.partition(":")[0] == Form.FULL.value


@dataclass(frozen=True, slots=True)
class Holding:
    """An item that a partner holds: it was given the item or named it, and not yet asked to remove it.

    `version` is the newest version that the partner was given (0: none, as its quota had no room).
    `announced` is the version that its sequence named last (0: none, it got the item by a feed). `terms`
    names the terms that came with the item: its form, then a digest.
    """

    partner: PartnerId
    item: ItemId
    version: int
    clause: Clause
    announced: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class Watermark:
    """Up to where a search is done: the change number, the time, and the name of the rights it used."""

    change: int
    at: datetime
    rights: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a partner's sequence has been worked out.

    `last` is the newest number given. `removals_until` is the watermark of the search for holdings that
    have ended, `additions_until` that of the search for new entries. While the whole archive is searched,
    `backfill_cursor` is the publication time and id of the last item that was judged. `revision` counts
    the changes of this record; an update must name the revision that it was worked out from.
    """

    partner: PartnerId
    revision: int = 0
    last: int = 0
    removals_until: Watermark | None = None
    additions_until: Watermark | None = None
    backfill_cursor: tuple[datetime, ItemId] | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """One item version that an answer gives a partner under a clause.

    It counts once against `limit` items in `period` (a day or month of the publisher's calendar, such
    as `2026-11-23`); a limit of None counts nothing. `mandate` is the head agreement it came under.
    """

    partner: PartnerId
    item: ItemId
    version: int
    clause: Clause
    use: str
    mandate: str
    period: str = ""
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Takedown:
    """A recall or withdrawal in a partner's sequence, and what became of it."""

    entry: ChangeEntry
    acknowledged: datetime | None
    overdue: datetime | None
    """When the deadline was found to have passed."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The first time that a partner was given an item version under a clause. `line` is the trail's."""

    partner: PartnerId
    clause: Clause
    item: ItemId
    version: int
    use: str
    mandate: str
    at: datetime
    line: int
