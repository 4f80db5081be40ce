"""Holds and recalls of items: embargo, exclusive, withheld, recalled.

A hold is about an item, not about one version of it. All times are aware, UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from syndicate.model.names import PartnerId


class RecallReason(StrEnum):
    """Why an item is recalled."""

    EDITORIAL = "editorial"
    RIGHTS = "rights"
    LEGAL = "legal"
    """A court or an authority ordered it down: 451 instead of 410 (RFC 7725)."""


@dataclass(frozen=True, slots=True)
class Embargo:
    """Nobody may have the item before `until`, except partners with early access that acknowledged it."""

    until: datetime
    acknowledged: frozenset[PartnerId] = frozenset()


@dataclass(frozen=True, slots=True)
class Exclusive:
    """The item is for one partner alone before `until`."""

    partner: PartnerId
    until: datetime


@dataclass(frozen=True, slots=True)
class Recall:
    """The item was recalled at `at`; partners that hold it must remove it by `deadline`.

    `published` is the publication of the version that stood then: whether it was out is judged by that.
    """

    reason: RecallReason
    note: str
    at: datetime
    deadline: datetime
    published: datetime


@dataclass(frozen=True, slots=True)
class Holds:
    """All holds on one item.

    An embargo that is over stays on record, with its end. `opened` is when staff last lifted a withholding,
    `reinstated` when they last took a recall back. `asked` is the embargo that the newsroom's document
    last asked for, so that the same document again changes nothing; `waiting` one that was asked for
    while the item was recalled, for when it is reinstated. `doubted` is the digest (SHA-256, hex) of the
    embargo words without a certain end that last withheld the item, for the same reason as `asked`;
    `withheld_later` says that such words came while the item was recalled. `withheld_with_story` says that
    a picture, sound or film was withheld by an act about its story: it is released with it.
    """

    embargo: Embargo | None = None
    exclusive: Exclusive | None = None
    withheld: bool = False
    recall: Recall | None = None
    opened: datetime | None = None
    reinstated: datetime | None = None
    asked: datetime | None = None
    waiting: datetime | None = None
    doubted: str | None = None
    withheld_later: bool = False
    withheld_with_story: bool = False


NO_HOLDS = Holds()

HOLDS = ("embargo", "exclusive", "withheld")


def in_force(holds: Holds, now: datetime) -> list[str]:
    """Which holds keep an item back now: of `embargo`, `exclusive`, `withheld`."""
    embargoed = holds.embargo is not None and now < holds.embargo.until
    exclusive = holds.exclusive is not None and now < holds.exclusive.until
    states = zip(HOLDS, (embargoed, exclusive, holds.withheld), strict=True)
    return [kind for kind, there in states if there]
