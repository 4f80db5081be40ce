"""What a synchronization run is told, what it reports, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from syndicate.client.change_entries import Entry
from syndicate.client.client_errors import InvalidResponse
from syndicate.client.folder import Result
from syndicate.client.media_fetch import MediaObserver
from syndicate.model.item import ItemId


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """Options of one synchronization run.

    `limit`: entries a page. `follow`: run until cancelled. `verify`: compare every byte when first in step.
    `accept_embargoes`: acknowledge every early access that is offered. `patience`: most seconds to wait for
    an item that is still to be fetched; None waits for ever.
    """

    limit: int = 200
    follow: bool = False
    verify: bool = False
    accept_embargoes: bool = False
    patience: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The effect of one entry on the folder.

    For an item that a read from the beginning did not list, and that was removed, `seq` is None and
    `action` is `reset`. `entry` is None where the item was fetched after its page.
    """

    seq: int | None
    action: str
    id: ItemId
    version: int | None
    result: Result
    entry: Entry | None = None


class Ending(Enum):
    """How a run without `follow` ends."""

    IN_STEP = auto()
    """The folder holds what the server allows, and nothing else."""
    QUOTA = auto()
    """In step, except for items that wait until a quota resets."""
    INCOMPLETE = auto()
    """In step, except for items whose documents are invalid."""


class SyncObserver(MediaObserver, Protocol):
    """Callbacks for progress. An exception from a callback ends the run."""

    def on_outcome(self, outcome: Outcome) -> None:
        """Handle an entry whose effect is on the disk."""

    def on_unreadable(self, id: ItemId, error: InvalidResponse) -> None:
        """Handle an item whose document is invalid; it is fetched again later."""

    def on_synced(self, held: int) -> None:
        """Handle that the folder is in step and holds `held` items."""
