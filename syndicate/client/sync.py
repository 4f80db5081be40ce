"""The loop that keeps a folder in step: read, apply, keep, acknowledge, fetch what is owed, and again.

The order is the whole point. Within one page what must go, goes first. The cursor moves when the effects
of a page are on the disk. An acknowledgement leaves when the removal that it speaks of can no longer be
undone by a crash.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final, Protocol

from syndicate.client.change_api import ChangeSequence, Gone, Later, spread
from syndicate.client.change_entries import ENDS, GIVES, Action, Entry, Page
from syndicate.client.client_errors import WrongAnswer
from syndicate.client.folder import Folder, Result
from syndicate.client.item_page import Kept, make
from syndicate.client.sync_state import Owed, State
from syndicate.language import Text
from syndicate.model.item import ItemId

WAIT: Final = 30
"""Seconds that the server may take to say that nothing changed."""
_ACKS: Final = 500
"""Acknowledgements in one request."""
_QUOTA_UNSAID: Final = 60.0
_UNREADABLE: Final = 900.0
"""Seconds until an item that came in a wrong form is asked for again."""
_SHORTEST: Final = 1.0
"""Seconds between two questions that got an empty answer, also where the server does not wait."""


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """How to keep the folder.

    `limit`: entries a page. `follow`: go on for ever. `verify`: compare every byte once in step.
    `accept_embargoes`: acknowledge every early access that is offered. `patience`: seconds that something
    owed is worth waiting for, None: for ever.
    """

    limit: int = 100
    follow: bool = False
    verify: bool = False
    accept_embargoes: bool = False
    patience: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one entry did. `seq` is None, and `action` `reset`, for what was removed because going through
    everything from the beginning did not name it. `entry` is at hand where the page had it."""

    seq: int | None
    action: str
    id: ItemId
    version: int | None
    result: Result
    entry: Entry | None = None


class Ending(Enum):
    """How a run without `follow` ended."""

    IN_STEP = auto()
    """The folder is what the server says that it may be."""
    QUOTA = auto()
    """In step, but for items that come when a quota has room again."""
    INCOMPLETE = auto()
    """In step, but for items that came in a form that cannot be kept."""


class SyncObserver(Protocol):
    """Who wants to know. Nothing here may fail the work except by raising."""

    def became(self, outcome: Outcome) -> None:
        """An entry had its effect, on the disk."""

    def unreadable(self, id: ItemId, error: WrongAnswer) -> None:
        """An item came in a form that cannot be kept; it stays owed."""

    def waits(self, why: Text, seconds: float) -> None:
        """Nothing will happen for so long."""

    def in_step(self, held: int) -> None:
        """The folder is what the server says it may be."""


class Synchronizer:
    """One run. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        folder: Folder,
        sequence: ChangeSequence,
        wishes: SyncOptions,
        listener: SyncObserver,
        clock: Callable[[], float],
    ) -> None:
        self._folder, self._sequence, self._wishes = folder, sequence, wishes
        self._listener, self._clock = listener, clock
        self._not_before: dict[ItemId, float] = {}
        self._quota_opens = 0.0
        self.quota_resets: float | None = None
        """Seconds from the last refusal by a quota until it has room; None if the server does not say."""
        self._told = False

    async def run(self) -> Ending:
        """Work until the folder is in step, or until what is owed takes longer than `patience`.

        With `follow` it ends only by cancellation, which is harmless at any time.
        """
        wait = 0
        while True:
            await self._acknowledge()
            asked = self._clock()
            page = await self._sequence.changes(self._folder.state.after, self._wishes.limit, wait)
            self._apply(page)
            await self._acknowledge()
            wait = 0
            if page.more or self._promised(page):
                continue
            fetched = await self._fetch()
            due = self._next_due()
            if due is None:
                self._arrived(changed=bool(page.changes) or fetched)
                if not self._wishes.follow:
                    return Ending.IN_STEP
                wait = WAIT
            elif due > 0:
                if not self._worth(due):
                    unreadable = self._not_before.keys() & self._folder.state.owed.keys()
                    return Ending.INCOMPLETE if unreadable else Ending.QUOTA
                wait = min(WAIT, max(1, math.ceil(due)))
            if wait and not page.changes and not fetched:
                await asyncio.sleep(_SHORTEST - (self._clock() - asked))

    def _apply(self, page: Page) -> None:
        """Do what a page asks, removals first, and move the cursor. No await: nothing can come between."""
        folder, state = self._folder, self._folder.state
        owed = {} if page.reset else dict(state.owed)
        named = set() if page.reset else None if state.named is None else set(state.named)
        last = {entry.id: entry for entry in page.changes if entry.action is not Action.EMBARGO}
        given = {id: self._made(entry) for id, entry in last.items() if entry.action in GIVES}
        before = {id: folder.holds(id) for id in last}
        outcomes = [_passed(id, owed.pop(id), before[id]) for id in last if id in owed]
        results: dict[int, Result] = {}
        for entry in page.changes:
            if named is not None and entry.action in GIVES:
                named.add(entry.id)
            if entry.action in ENDS:
                if named is not None:
                    named.discard(entry.id)
                kept = given.get(entry.id)
                # Given anew further down, and there already: this page was begun before.
                again = kept is not None and folder.has(kept)
                results[entry.seq] = Result.UNCHANGED if again else folder.remove(entry.id)
        swept = [] if page.more or named is None else self._sweep(named)
        folder.settle()
        for entry in page.changes:
            if entry.action is Action.EMBARGO:
                results[entry.seq] = Result.OFFERED
            elif entry.action in GIVES and last[entry.id] is not entry:
                results[entry.seq] = Result.UNCHANGED if before[entry.id] else Result.ABSENT
            elif entry.action in GIVES:
                kept = given[entry.id]
                if kept is None:
                    self._not_before.pop(entry.id, None)
                    owed[entry.id] = Owed(seq=entry.seq, action=entry.action, version=entry.version)
                else:
                    results[entry.seq] = folder.keep(kept)
        folder.settle()
        outcomes += [_outcome(entry, results[entry.seq]) for entry in page.changes if entry.seq in results]
        for outcome in outcomes + swept:
            self._listener.became(outcome)
        acks = dict.fromkeys((*state.acks, *(one.seq for one in page.changes if self._answers(one))))
        names = None if named is None or not page.more else frozenset(named)
        self._save(replace(state, after=page.next, named=names, owed=owed, acks=tuple(acks)))

    def _made(self, entry: Entry) -> Kept | None:
        """The item as it will be kept; None where it is owed, or came in a form that cannot be kept."""
        if entry.item is None:
            return None
        try:
            return make(entry.id, entry.item)
        except WrongAnswer as error:
            # Asked for alone it may come in a better form: it is owed, and due at once.
            self._listener.unreadable(entry.id, error)
            return None

    def _sweep(self, named: Iterable[ItemId]) -> list[Outcome]:
        """Remove what going through everything did not name."""
        folder, swept = self._folder, []
        for id in sorted(folder.held().difference(named)):
            version = folder.version(id)
            swept.append(Outcome(None, "reset", id, version, folder.remove(id)))
        return swept

    def _answers(self, entry: Entry) -> bool:
        """Whether this entry is acknowledged."""
        return entry.action in ENDS or (entry.action is Action.EMBARGO and self._wishes.accept_embargoes)

    def _promised(self, page: Page) -> bool:
        """Whether an embargo was acknowledged just now: then the item may be had at once."""
        return any(one.action is Action.EMBARGO and self._answers(one) for one in page.changes)

    def _save(self, state: State) -> None:
        if state != self._folder.state:
            self._folder.save(state)

    async def _acknowledge(self) -> None:
        """Say what was done, until nothing is left to say. What the server does not know is let go."""
        while acks := self._folder.state.acks:
            asked = acks[:_ACKS]
            settled = await self._sequence.acknowledge(asked) or frozenset(asked)
            self._save(replace(self._folder.state, acks=tuple(one for one in acks if one not in settled)))

    async def _fetch(self) -> bool:
        """Fetch what is owed and due; at most a page, as recalls must not wait. Whether anything came."""
        came = False
        owed = sorted(self._folder.state.owed.items(), key=lambda pair: pair[1].seq)
        due = [(id, one) for id, one in owed if self._due(id) <= self._clock()]
        for id, one in due[: self._wishes.limit]:
            try:
                found = await self._sequence.item(id)
                if isinstance(found, Later):
                    self._quota_used_up(found.after)
                    return came
                kept = None if isinstance(found, Gone) else make(id, found)
            except WrongAnswer as error:
                self._not_before[id] = self._clock() + _UNREADABLE
                self._listener.unreadable(id, error)
                continue
            self._not_before.pop(id, None)
            result = self._folder.remove(id) if kept is None else self._folder.keep(kept)
            self._folder.settle()
            version = one.version if kept is None else kept.version
            self._listener.became(Outcome(one.seq, one.action.value, id, version, result))
            left = {other: rest for other, rest in self._folder.state.owed.items() if other != id}
            self._save(replace(self._folder.state, owed=left))
            came = True
        return came

    def _quota_used_up(self, after: float | None) -> None:
        """Ask for nothing more until `after` seconds have passed; None where the server did not say."""
        self.quota_resets = after
        seconds = spread(_QUOTA_UNSAID if after is None else after)
        self._quota_opens = self._clock() + seconds
        if self._worth(seconds):
            self._listener.waits(Text("配额已用完", "the quota is used up"), seconds)

    def _due(self, id: ItemId) -> float:
        return max(self._quota_opens, self._not_before.get(id, 0.0))

    def _next_due(self) -> float | None:
        """Seconds until something owed can be fetched; None where nothing is owed."""
        owed = self._folder.state.owed
        return max(0.0, min(map(self._due, owed)) - self._clock()) if owed else None

    def _worth(self, seconds: float) -> bool:
        return self._wishes.patience is None or seconds <= self._wishes.patience

    def _arrived(self, *, changed: bool) -> None:
        """In step. The first time the folder itself is compared with what is recorded of it."""
        if not self._told:
            self._folder.check(contents=self._wishes.verify)
        if changed or not self._told:
            self._listener.in_step(len(self._folder.held()))
        self._told = True


def _outcome(entry: Entry, result: Result) -> Outcome:
    return Outcome(entry.seq, entry.action.value, entry.id, entry.version, result, entry)


def _passed(id: ItemId, owed: Owed, held: bool) -> Outcome:
    """An entry whose item never came, because a later entry speaks of the same item."""
    return Outcome(
        owed.seq, owed.action.value, id, owed.version, Result.UNCHANGED if held else Result.ABSENT
    )
