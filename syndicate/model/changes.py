"""What a partner is told, in order, and what it holds: the values of the change sequence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from syndicate.model.names import ItemId, PartnerId


class Action(StrEnum):
    """What a partner is to do about an item."""

    PUT = "put"
    """Take it, or take it again: it may be had under these terms."""
    CORRECT = "correct"
    """Replace the version that it holds."""
    RECALL = "recall"
    """Remove it: the publisher called it back."""
    WITHDRAW = "withdraw"
    """Remove it: the right to it has ended."""
    EMBARGO = "embargo"
    """An embargoed item may be had early by who acknowledges the embargo."""


TAKEDOWNS = frozenset({Action.RECALL, Action.WITHDRAW})
"""What a partner must remove and acknowledge by a deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEntry:
    """One entry of a partner's change sequence, as it was told and will be told again.

    `seq` grows within one partner's sequence and is a moment in microseconds since 1970, so that a number
    from before a restored backup is never given twice. `clause` is under which it may be had, or was.
    """

    partner: PartnerId
    seq: int
    at: datetime
    action: Action
    item: ItemId
    version: int
    clause: str | None
    reason: str | None = None
    note: str | None = None
    deadline: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """What a partner has of an item: it was given it, or told to take it, and not yet told to remove it.

    `version` is the newest version that it was given (0: it was told of the item, and its quota did not
    allow the text). `told` is the version that its sequence named last
    (0: none, it got the item by a feed), `terms` a name for the terms that came with it.
    """

    partner: PartnerId
    item: ItemId
    version: int
    clause: str
    told: int
    terms: str


@dataclass(frozen=True, slots=True)
class Watermark:
    """Up to where something was judged: the change number, the moment, and a name for the rights."""

    change: int
    at: datetime
    rights: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a partner's sequence has been worked out.

    `last` is the newest number given. `ends`: up to where its holdings were judged. `begins`: up to where
    new items and versions were; while a walk through the archive is under way, `walked` is the place
    it has reached. `revision` counts every change of this record: who writes it must have read it.
    """

    partner: PartnerId
    revision: int = 0
    last: int = 0
    ends: Watermark | None = None
    begins: Watermark | None = None
    walked: tuple[datetime, ItemId] | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """One item version that an answer gives a partner under a clause.

    It counts once against `limit` items in `period` (a day or month of the publisher's calendar, such
    as `2026-11-23`); a limit of None counts nothing. `mandate` is the head agreement it came under.
    """

    partner: PartnerId
    item: ItemId
    version: int
    clause: str
    use: str
    mandate: str
    period: str = ""
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Takedown:
    """A recall or withdrawal that a partner was told, and what became of it."""

    told: ChangeEntry
    acknowledged: datetime | None
    overdue: datetime | None
    """When it was found that the deadline had passed."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The first time that a partner was given an item version under a clause. `line` is the trail's."""

    partner: PartnerId
    clause: str
    item: ItemId
    version: int
    use: str
    mandate: str
    at: datetime
    line: int
