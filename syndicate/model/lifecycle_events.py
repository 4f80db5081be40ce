"""Events of the trail about an item's life: held, corrected, recalled, announced, acknowledged.

Events of the trail like those in `events`, by the same rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class ItemHeld:
    """Staff put a hold on an item.

    `hold` is `embargo`, `exclusive` or `withheld`; `until` is a time (ISO 8601) or None; `partner` is whom
    an exclusive is for.
    """

    kind: ClassVar[str] = "item_held"
    item: str
    hold: str
    until: str | None
    partner: str | None


@dataclass(frozen=True, slots=True)
class ItemReleased:
    """Staff lifted holds; `holds` names which."""

    kind: ClassVar[str] = "item_released"
    item: str
    holds: list[str]


@dataclass(frozen=True, slots=True)
class ItemCorrected:
    """Staff corrected an item: a new version. `note` is the SHA-256 (hex) of the correction's note."""

    kind: ClassVar[str] = "item_corrected"
    item: str
    version: int
    digest: str
    document: str
    note: str


@dataclass(frozen=True, slots=True)
class ItemRecalled:
    """Staff recalled an item. `given` is how many partners had been given it."""

    kind: ClassVar[str] = "item_recalled"
    item: str
    version: int
    reason: str
    note: str
    deadline: str
    given: int


@dataclass(frozen=True, slots=True)
class ItemReinstated:
    """Staff took a recall back."""

    kind: ClassVar[str] = "item_reinstated"
    item: str
    version: int


@dataclass(frozen=True, slots=True)
class EmbargoAcknowledged:
    """A partner whose licence grants early access promised to keep an item's embargo."""

    kind: ClassVar[str] = "embargo_acknowledged"
    partner: str
    jti: str
    item: str
    until: str
    request: str


@dataclass(frozen=True, slots=True)
class ChangesDelivered:
    """A partner read its change sequence from the cursor `after` up to the cursor `next`.

    `edition` names the kept list of what was in the answer; empty where there was nothing.
    """

    kind: ClassVar[str] = "changes_delivered"
    partner: str
    jti: str
    after: int
    next: int
    count: int
    edition: str
    request: str


@dataclass(frozen=True, slots=True)
class ChangesAcknowledged:
    """A partner acknowledged these changes: for a recall or a withdrawal, that the item is gone."""

    kind: ClassVar[str] = "changes_acknowledged"
    partner: str
    jti: str
    acknowledged: list[int]
    request: str


@dataclass(frozen=True, slots=True)
class TakedownOrdered:
    """A partner must remove an item; written in one transaction with the entry of its change sequence.

    `action` is `recall` or `withdraw`, `change` the number of the entry in the partner's sequence.
    """

    kind: ClassVar[str] = "takedown_ordered"
    partner: str
    item: str
    version: int
    action: str
    reason: str
    clause: str | None
    change: int
    deadline: str


@dataclass(frozen=True, slots=True)
class TakedownOverdue:
    """A deadline passed and the partner had not acknowledged that the item is gone."""

    kind: ClassVar[str] = "takedown_overdue"
    partner: str
    item: str
    change: int
    deadline: str
