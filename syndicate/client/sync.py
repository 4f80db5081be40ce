"""Synchronize a local folder with the server's change sequence: read changes, apply, acknowledge, fetch.

The order makes it safe to stop at any time. Removals in a page are applied before additions. The cursor
is saved only after all effects of a page are on the disk. After a crash, all that may be applied already is
read as one page, so that no entry is applied after a later one of its item. An acknowledgement is sent only
after a crash can no longer undo the removal.

A page is written in a thread, and the next page, one at most, is requested meanwhile. To request a page
acknowledges nothing.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from syndicate.client.change_api import ChangeApi, Gone, QuotaUsedUp, with_jitter
from syndicate.client.change_entries import DELIVERY_ACTIONS, REMOVAL_ACTIONS, Action, Entry, Page
from syndicate.client.client_errors import InvalidResponse
from syndicate.client.folder import Folder, Result
from syndicate.client.media_fetch import MediaFetcher
from syndicate.client.sync_outcomes import Ending, Outcome, SyncObserver, SyncOptions
from syndicate.client.sync_state import Owed, State
from syndicate.client.to_its_end import to_its_end
from syndicate.language import Text
from syndicate.model.item import ItemId

if TYPE_CHECKING:
    from syndicate.client.item_page import ItemFiles

WAIT: Final = 30
"""Seconds that the server may hold a request open while nothing changes (long polling)."""
_MAX_ACKS: Final = 500
"""Most acknowledgements in one request."""
_FETCH_GROUP: Final = 20
"""Most items fetched one by one that are written together."""
_DEFAULT_QUOTA_WAIT: Final = 60.0
"""Seconds to wait for a quota where the server sends no `Retry-After`."""
_INVALID_ITEM_WAIT: Final = 900.0
"""Seconds until an item whose document was invalid is requested again."""
_MIN_POLL_INTERVAL: Final = 1.0
"""Fewest seconds between two requests with empty answers, also where the server does not wait."""


@dataclass(frozen=True, slots=True)
class _Applied:
    """What a page did: outcomes to report, the state to save after that, items with invalid documents."""

    outcomes: list[Outcome]
    state: State
    unreadable: list[tuple[ItemId, InvalidResponse]]


class Synchronizer:
    """One synchronization run of one folder. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        folder: Folder,
        sequence: ChangeApi,
        options: SyncOptions,
        observer: SyncObserver,
        clock: Callable[[], float],
    ) -> None:
        self._folder, self._sequence, self._options = folder, sequence, options
        self._observer, self._clock = observer, clock
        self.media = MediaFetcher(folder, sequence, observer, clock, options.patience)
        self._not_before: dict[ItemId, float] = {}
        self._quota_resets_at = 0.0
        self.quota_resets: float | None = None
        """Seconds from the last refusal by a quota until it has room; None if the server does not say."""
        self._synced_before = False
        self._ahead: asyncio.Task[Page] | None = None
        """The request for the page after the one that is being applied."""

    async def run(self) -> Ending:
        """Synchronize until the folder is in step, or until the next fetch is further away than `patience`.

        With `follow` it ends only by cancellation, which is harmless at any time: a page that is being
        applied is applied to its end.
        """
        try:
            return await self._run()
        finally:
            await self.media.stop()
            if self._ahead is not None:
                self._ahead.cancel()
                await asyncio.gather(self._ahead, return_exceptions=True)

    async def _run(self) -> Ending:
        wait = 0
        while True:
            await self._acknowledge()
            requested = self._clock()
            page = await self._next_page(wait)
            if page.more and not self._accepts_embargo(page):
                self._ahead = asyncio.ensure_future(
                    self._sequence.changes(page.next, self._options.limit, 0)
                )
            await to_its_end(self._apply(page))
            self.media.raise_fault()
            await self._acknowledge()
            wait = 0
            if page.more or self._accepts_embargo(page):
                continue
            fetched = await self._fetch()
            due = self._next_due()
            if due is None:
                await self._report_synced(changed=bool(page.changes) or fetched)
            if not self._options.follow and (due is None or not self._within_patience(due)):
                if not await self._news_before_files_end():
                    return self._ending()
                wait = WAIT
            elif due is None:
                wait = WAIT
            elif due > 0:
                wait = min(WAIT, max(1, math.ceil(due)))
            if wait and not page.changes and not fetched:
                await asyncio.sleep(_MIN_POLL_INTERVAL - (self._clock() - requested))

    async def _news_before_files_end(self) -> bool:
        """Wait until all files have come, or until changes are there, which may be recalls of them."""
        if not self.media.has_work():
            return False
        after, limit = self._folder.state.after, self._options.limit
        ended = asyncio.ensure_future(self.media.ended())
        self._ahead = asyncio.ensure_future(self._sequence.changes(after, limit, WAIT))
        try:
            await asyncio.wait({ended, self._ahead}, return_when=asyncio.FIRST_COMPLETED)
            if self._ahead.done():
                return True
            ended.result()
            return False
        finally:
            ended.cancel()

    def _ending(self) -> Ending:
        """How the run ends, when all has come that this run waits for."""
        owed, files = self._folder.state.owed, self._folder.media.index.owed_sum()[0]
        if not owed and not files:
            return Ending.IN_STEP
        unreadable = self._not_before.keys() & owed.keys()
        if unreadable or (files and not self.media.quota_used_up):
            return Ending.INCOMPLETE
        return Ending.QUOTA

    async def _next_page(self, wait: int) -> Page:
        """Read the page after the cursor, and save how far it goes before any of it is applied.

        Where a run was killed while it applied a page, read at least as far as that page went, in one.
        """
        state, limit = self._folder.state, self._options.limit
        if self._ahead is not None:
            page, self._ahead = await self._ahead, None
        else:
            page = await self._sequence.changes(state.after, limit, wait)
        while page.more and page.next < state.begun and not page.reset:
            rest = await self._sequence.changes(page.next, limit, 0)
            page = rest if rest.reset else replace(rest, changes=page.changes + rest.changes)
        if page.changes:
            self._save(replace(state, begun=page.next))
        return page

    async def _apply(self, page: Page) -> None:
        """Apply a page, report it, then save the cursor: a kill may repeat a line, but loses none."""
        async with self.media.writing:
            await self.media.leave(entry.id for entry in page.changes)
            applied = await asyncio.to_thread(self._write, page)
            self.media.let_go()
        for id, error in applied.unreadable:
            self._observer.on_unreadable(id, error)
        for outcome in applied.outcomes:
            self._observer.on_outcome(outcome)
        await asyncio.to_thread(self._save, replace(applied.state, begun=self._begun()))
        self.media.start()

    def _begun(self) -> int:
        """How far the page goes that is applied next, where it is known already: it saves a write."""
        ahead, begun = self._ahead, self._folder.state.begun
        if ahead is None or not ahead.done() or ahead.cancelled() or ahead.exception() is not None:
            return begun
        return begun if ahead.result().reset else max(begun, ahead.result().next)

    def _write(self, page: Page) -> _Applied:
        """Bring the effects of a page to the disk, removals first."""
        folder, state = self._folder, self._folder.state
        owed = {} if page.reset else dict(state.owed)
        named = set() if page.reset else None if state.named is None else set(state.named)
        last = {entry.id: entry for entry in page.changes if entry.action is not Action.EMBARGO}
        # Here, not above: a run that finds nothing new needs neither Jinja nor nh3.
        from syndicate.client.item_page import files_given, with_media

        given, unreadable = files_given(
            (id, one.item) for id, one in last.items() if one.action in DELIVERY_ACTIONS
        )
        before = {id: folder.holds(id) for id in last}
        outcomes = [_superseded(id, owed.pop(id), before[id]) for id in last if id in owed]
        results: dict[int, Result] = {}
        for entry in page.changes:
            if named is not None and entry.action in DELIVERY_ACTIONS:
                named.add(entry.id)
            if entry.action in REMOVAL_ACTIONS:
                if named is not None:
                    named.discard(entry.id)
                kept = given.get(entry.id)
                # Delivered again further down, and on the disk already: a crash cut off an earlier run.
                already_written = kept is not None and folder.has_document(kept)
                results[entry.seq] = Result.UNCHANGED if already_written else folder.remove(entry.id)
        removed = [] if page.more or named is None else self._sweep(named)
        folder.flush()
        written: dict[int, tuple[ItemFiles, dict[str, Any]]] = {}
        for entry in page.changes:
            if entry.action is Action.EMBARGO:
                results[entry.seq] = Result.OFFERED
            elif entry.action in DELIVERY_ACTIONS and last[entry.id] is not entry:
                results[entry.seq] = Result.UNCHANGED if before[entry.id] else Result.ABSENT
            elif entry.action in DELIVERY_ACTIONS:
                kept = given[entry.id]
                if kept is None:
                    self._not_before.pop(entry.id, None)
                    owed[entry.id] = Owed(seq=entry.seq, action=entry.action, version=entry.version)
                elif entry.item is not None:
                    written[entry.seq] = kept, entry.item
        folder.plan_media(written.values())
        pages = (with_media(kept, item, folder.media.held) for kept, item in written.values())
        results.update(zip(written, folder.write(pages), strict=True))
        folder.renew_pages()
        folder.flush()
        outcomes += [_outcome(entry, results[entry.seq]) for entry in page.changes if entry.seq in results]
        acks = dict.fromkeys((*state.acks, *(one.seq for one in page.changes if self._needs_ack(one))))
        names = None if named is None or not page.more else frozenset(named)
        done = replace(state, after=page.next, named=names, owed=owed, acks=tuple(acks))
        return _Applied(outcomes + removed, done, unreadable)

    def _sweep(self, named: Iterable[ItemId]) -> list[Outcome]:
        """Remove every item that a read from the beginning did not list."""
        folder, removed = self._folder, []
        for id in sorted(folder.held().difference(named)):
            version = folder.version(id)
            removed.append(Outcome(None, "reset", id, version, folder.remove(id)))
        return removed

    def _needs_ack(self, entry: Entry) -> bool:
        """Whether this entry must be acknowledged."""
        return entry.action in REMOVAL_ACTIONS or (
            entry.action is Action.EMBARGO and self._options.accept_embargoes
        )

    def _accepts_embargo(self, page: Page) -> bool:
        """Whether an embargo of this page was acknowledged: its item may then be fetched at once."""
        return any(one.action is Action.EMBARGO and self._needs_ack(one) for one in page.changes)

    def _save(self, state: State) -> None:
        if state != self._folder.state:
            self._folder.save(state)

    async def _acknowledge(self) -> None:
        """Send all acknowledgements. Those that the server does not know are dropped."""
        while acks := self._folder.state.acks:
            requested = acks[:_MAX_ACKS]
            settled = await self._sequence.acknowledge(requested) or frozenset(requested)
            self._save(replace(self._folder.state, acks=tuple(one for one in acks if one not in settled)))

    async def _fetch(self) -> bool:
        """Fetch items that are due, at most `limit`, as recalls must not wait. Return whether any came."""
        owed = sorted(self._folder.state.owed.items(), key=lambda pair: pair[1].seq)
        due = [(id, one) for id, one in owed if self._due(id) <= self._clock()][: self._options.limit]
        came = False
        while due:
            came = await self._fetch_group(due[:_FETCH_GROUP]) or came
            due = [(id, one) for id, one in due[_FETCH_GROUP:] if self._due(id) <= self._clock()]
        return came

    async def _fetch_group(self, due: Iterable[tuple[ItemId, Owed]]) -> bool:
        """Fetch these items until a quota is used up, and write them together. Return whether any came."""
        from syndicate.client.item_page import make_item_files

        fetched: dict[ItemId, tuple[ItemFiles, dict[str, Any]] | None] = {}
        for id, _ in due:
            try:
                found = await self._sequence.item(id)
                if isinstance(found, QuotaUsedUp):
                    self._quota_used_up(found.after)
                    break
                fetched[id] = None if isinstance(found, Gone) else (make_item_files(id, found), found)
            except InvalidResponse as error:
                self._not_before[id] = self._clock() + _INVALID_ITEM_WAIT
                self._observer.on_unreadable(id, error)
                continue
            self._not_before.pop(id, None)
        if fetched:
            await to_its_end(self._take_in(fetched))
        return bool(fetched)

    async def _take_in(self, fetched: Mapping[ItemId, tuple[ItemFiles, dict[str, Any]] | None]) -> None:
        """Write fetched items, and remove those that the server does not give; report and save it."""
        from syndicate.client.item_page import with_media

        folder, state = self._folder, self._folder.state

        def write() -> dict[ItemId, Result]:
            results = {id: folder.remove(id) for id, one in fetched.items() if one is None}
            given = {id: one for id, one in fetched.items() if one is not None}
            folder.plan_media(given.values())
            pages = (with_media(kept, item, folder.media.held) for kept, item in given.values())
            results.update(zip(given, folder.write(pages), strict=True))
            folder.renew_pages()
            folder.flush()
            return results

        async with self.media.writing:
            await self.media.leave(fetched)
            results = await asyncio.to_thread(write)
            self.media.let_go()
        for id, found in fetched.items():
            one = state.owed[id]
            version = one.version if found is None else found[0].version
            self._observer.on_outcome(Outcome(one.seq, one.action.value, id, version, results[id]))
        left = {id: one for id, one in state.owed.items() if id not in fetched}
        await asyncio.to_thread(self._save, replace(state, owed=left))
        self.media.start()

    def _quota_used_up(self, after: float | None) -> None:
        """Fetch nothing more until `after` seconds have passed; None where the server does not say."""
        self.quota_resets = after
        seconds = with_jitter(_DEFAULT_QUOTA_WAIT if after is None else after)
        self._quota_resets_at = self._clock() + seconds
        if self._within_patience(seconds):
            self._observer.on_wait(Text("配额已用完", "the quota is used up"), seconds)

    def _due(self, id: ItemId) -> float:
        return max(self._quota_resets_at, self._not_before.get(id, 0.0))

    def _next_due(self) -> float | None:
        """Seconds until the next fetch; None where nothing is left to fetch."""
        owed = self._folder.state.owed
        return max(0.0, min(map(self._due, owed)) - self._clock()) if owed else None

    def _within_patience(self, seconds: float) -> bool:
        return self._options.patience is None or seconds <= self._options.patience

    async def _report_synced(self, *, changed: bool) -> None:
        """Report that the folder is in step. The first time, also check its files against their records."""
        if not self._synced_before:
            async with self.media.writing:
                check = partial(self._folder.check, contents=self._options.verify)
                await to_its_end(asyncio.to_thread(check))
        if changed or not self._synced_before:
            self._observer.on_synced(len(self._folder.held()))
        self._synced_before = True


def _outcome(entry: Entry, result: Result) -> Outcome:
    return Outcome(entry.seq, entry.action.value, entry.id, entry.version, result, entry)


def _superseded(id: ItemId, owed: Owed, held: bool) -> Outcome:
    """The outcome of an entry whose item was never fetched, because a later entry replaces it."""
    return Outcome(
        owed.seq, owed.action.value, id, owed.version, Result.UNCHANGED if held else Result.ABSENT
    )
