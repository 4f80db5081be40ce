"""Fetch the files that are owed, a few at once, while changes go on being read.

Which files are owed stands in the folder (`media_index`), so a killed run loses nothing, and a recall never
waits for a film. What fails is tried again later; the others go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from syndicate.client.change_api import ChangeApi, QuotaUsedUp, with_jitter
from syndicate.client.client_errors import FolderFull, InvalidResponse, ServerUnavailable
from syndicate.client.folder import Folder
from syndicate.client.media_download import Fetch, Fetched, MediaDownload, StillCurrent
from syndicate.client.media_index import FileRow
from syndicate.client.to_its_end import to_its_end
from syndicate.errors import SyndicateError
from syndicate.language import Text
from syndicate.model.item import ItemId
from syndicate.model.media import RenditionName

AT_ONCE: Final = 4
"""Most files that are fetched at once."""
_MOST_TRIES: Final = 3
"""Tries of a file in a run without `follow`, each without much progress."""
_PROGRESS: Final = 2**20
"""A try that brought so many bytes counts as a first one."""
_REFUSED_WAIT: Final = 900.0
"""Seconds until a file is asked for again whose answer was wrong, or for which the disk has no room."""
_LONGEST_BACKOFF: Final = 300.0
_DEFAULT_QUOTA_WAIT: Final = 60.0
_PAGES_EVERY: Final = 2.0
"""Seconds between two times at which pages are made again, while files are coming."""

Key = tuple[ItemId, RenditionName]


class FileResult(StrEnum):
    """What became of a file."""

    FETCHED = "fetched"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    """The server does not give it (any more)."""


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of a file of an item; `name` is its name in the folder `media`."""

    id: ItemId
    version: int
    rendition: RenditionName
    name: str
    size: int
    result: FileResult


class MediaObserver(Protocol):
    """Callbacks for progress."""

    def on_file(self, outcome: FileOutcome) -> None:
        """Handle a file whose effect is on the disk."""

    def on_file_failed(self, error: SyndicateError, seconds: float | None) -> None:
        """Handle a file that did not come. It is tried again in so many seconds; None: in the next run."""

    def on_bytes(self, came: int, left: int) -> None:
        """Handle that so many bytes came; `left` are still to come, in files that are owed."""

    def on_wait(self, why: Text, seconds: float) -> None:
        """Handle a wait of so many seconds, for the reason `why`."""


@dataclass(slots=True)
class _Trial:
    """A file that did not come. `not_before` None: not in this run."""

    tries: int
    not_before: float | None


class MediaFetcher:
    """Fetches owed files in the background, from `start` to `stop`. `clock` is monotonic, in seconds.

    `patience`: most seconds to wait for a file; None waits for ever. `writing` is held while anything
    changes the folder.
    """

    def __init__(
        self,
        folder: Folder,
        api: ChangeApi,
        observer: MediaObserver,
        clock: Callable[[], float],
        patience: float | None,
    ) -> None:
        self._folder, self._observer, self._clock = folder, observer, clock
        self._patience = patience
        self._download = MediaDownload(api, folder.media, self._count)
        self.writing = asyncio.Lock()
        self.quota_resets: float | None = None
        """Seconds from the last refusal by a quota until it has room; None if the server does not say."""
        self.quota_used_up = False
        self._main: asyncio.Task[None] | None = None
        self._running: dict[Key, asyncio.Task[None]] = {}
        self._trials: dict[Key, _Trial] = {}
        self._came: dict[Key, int] = {}
        self._arrived: list[FileRow] = []
        self._held_back: frozenset[ItemId] = frozenset()
        self._quota_resets_at: float | None = 0.0
        self._wake, self._ended = asyncio.Event(), asyncio.Event()
        self._pages_made = clock()
        self._bytes_left = 0

    def start(self) -> None:
        """Begin, if nothing has begun yet; else look for what is owed now."""
        if self._main is None:
            self._main = asyncio.ensure_future(self._work())
        self._ended.clear()
        self._wake.set()

    async def stop(self) -> None:
        """End, and keep what came for the next run."""
        tasks = [*self._running.values(), *([self._main] if self._main is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def leave(self, items: Iterable[ItemId]) -> None:
        """Let go of the files of these items until `start` is called; call it with `writing` held."""
        self._held_back = frozenset(items)
        tasks = [task for key, task in self._running.items() if key[0] in self._held_back]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def let_go(self) -> None:
        """The items that `leave` named may be fetched again, also those that failed: they are new."""
        self._trials = {key: one for key, one in self._trials.items() if key[0] not in self._held_back}
        self._held_back = frozenset()

    def has_work(self) -> bool:
        """Whether files are owed, or pages are to be made again."""
        index = self._folder.media.index
        return bool(self._running or index.owed(1) or index.stale())

    async def ended(self) -> None:
        """Wait until nothing is left that this run will fetch. Raises what ended it otherwise."""
        ended = asyncio.ensure_future(self._ended.wait())
        main = self._main
        assert main is not None
        try:
            await asyncio.wait({ended, main}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
        self.raise_fault()

    def raise_fault(self) -> None:
        """Raise the error that ended the work, if one did."""
        if self._main is not None and self._main.done() and not self._main.cancelled():
            self._main.result()

    async def _work(self) -> None:
        try:
            while True:
                self._wake.clear()
                due = self._begin_due()
                pages = await self._renew_pages()
                if not self._running and due is None and not self._wake.is_set():
                    self._ended.set()
                moments = [one for one in (due, pages) if one is not None]
                pause = max(0.0, min(moments) - self._clock()) if moments else None
                try:
                    async with asyncio.timeout(pause):
                        await self._wake.wait()
                except TimeoutError:
                    continue
        finally:
            for task in self._running.values():
                task.cancel()

    def _begin_due(self) -> float | None:
        """Begin the files that are due. Return when the next is, None where there is none in this run."""
        for key in [key for key, task in self._running.items() if task.done()]:
            task = self._running.pop(key)
            if not task.cancelled():
                task.result()
        index, next_due = self._folder.media.index, None
        rows = index.owed(len(self._trials) + len(self._running) + AT_ONCE)
        if not rows:
            return None
        self._bytes_left = index.owed_sum()[1] - sum(self._came.values())
        for row in rows:
            if row.key in self._running or row.item in self._held_back:
                continue
            due = self._due(row.key)
            if due is None:
                continue
            if due > self._clock():
                next_due = due if next_due is None else min(due, next_due)
            elif len(self._running) < AT_ONCE:
                self._running[row.key] = asyncio.ensure_future(self._one(row))
        return next_due

    def _due(self, key: Key) -> float | None:
        """When a file may be asked for; None: not in this run."""
        trial = self._trials.get(key)
        if self._quota_resets_at is None or (trial is not None and trial.not_before is None):
            return None
        return max(self._quota_resets_at, 0.0 if trial is None else trial.not_before or 0.0)

    async def _one(self, row: FileRow) -> None:
        """Fetch one file. Errors that concern it alone are noted."""
        before = self._came[row.key] = 0
        try:
            await self._settle(row, await self._download.fetch(row))
        except ServerUnavailable as error:
            self._failed(row, error, error.after, progress=self._came[row.key] - before >= _PROGRESS)
        except (InvalidResponse, FolderFull) as error:
            self._postpone(row, error, _REFUSED_WAIT, 1)
        finally:
            self._came.pop(row.key, None)
            self._wake.set()

    async def _settle(self, row: FileRow, fetched: Fetch) -> None:
        match fetched:
            case QuotaUsedUp(after=after):
                self._quota_ends(after)
                return
            case Fetched(row=arrived):
                await self._keep(arrived)
                result = FileResult.FETCHED
            case StillCurrent(row=current):
                await self._write(lambda: self._folder.media.settle(current))
                result = FileResult.UNCHANGED
            case _:
                await self._write(lambda: self._folder.media.discard(row))
                result = FileResult.REMOVED
        self._trials.pop(row.key, None)
        self._observer.on_file(
            FileOutcome(row.item, row.version, row.rendition, row.name, row.size, result)
        )

    async def _keep(self, row: FileRow) -> None:
        """Give a file its name, together with others that wait for theirs."""
        self._arrived.append(row)
        try:
            async with self.writing:
                batch, self._arrived = self._arrived, []
                if batch:
                    await to_its_end(asyncio.to_thread(self._folder.keep_media, batch))
        finally:
            if row in self._arrived:
                self._arrived.remove(row)

    async def _write(self, work: Callable[[], None]) -> None:
        async with self.writing:
            await to_its_end(asyncio.to_thread(work))

    async def _renew_pages(self) -> float | None:
        """Make pages again, not too often while files are coming. Return when the next time is, if any."""
        if not self._folder.media.index.stale():
            return None
        due = self._pages_made + _PAGES_EVERY
        if self._running and due > self._clock():
            return due
        await self._write(self._folder.renew_pages)
        self._pages_made = self._clock()
        return None

    def _failed(self, row: FileRow, error: SyndicateError, after: float | None, *, progress: bool) -> None:
        trial = self._trials.get(row.key)
        tries = 1 if trial is None or progress else trial.tries + 1
        wait = with_jitter(min(_LONGEST_BACKOFF, 2.0 ** min(tries - 1, 10)) if after is None else after)
        self._postpone(row, error, wait, tries)

    def _postpone(self, row: FileRow, error: SyndicateError, seconds: float, tries: int) -> None:
        """Try a file again after so many seconds, if this run has the patience."""
        patient = self._patience is None or (seconds <= self._patience and tries < _MOST_TRIES)
        self._trials[row.key] = _Trial(tries, self._clock() + seconds if patient else None)
        self._observer.on_file_failed(
            type(error)(Text(f"{row.name}：", f"{row.name}: ") + error.text)
            if isinstance(error, ServerUnavailable)
            else error,
            seconds if patient else None,
        )

    def _quota_ends(self, after: float | None) -> None:
        """Fetch nothing more until `after` seconds have passed; None where the server does not say."""
        self.quota_used_up, self.quota_resets = True, after
        seconds = with_jitter(_DEFAULT_QUOTA_WAIT if after is None else after)
        if self._patience is not None and seconds > self._patience:
            self._quota_resets_at = None
            return
        self._quota_resets_at = self._clock() + seconds
        self._observer.on_wait(Text("配额已用完", "the quota is used up"), seconds)

    def _count(self, row: FileRow, came: int) -> None:
        self._came[row.key] = self._came.get(row.key, 0) + came
        self._bytes_left = max(0, self._bytes_left - came)
        self._observer.on_bytes(came, self._bytes_left)
