"""A folder is followed: a file in it is taken in when it is whole, and once.

A file counts as whole when its size and time of change have stood still for a while and nobody has it
open for writing. Notices of changes may get lost, so the whole folder is looked at now and then as well.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from syndicate.cli.ingestion.document_files import Sign, belongs, files_of, sign_of
from syndicate.errors import SyndicateError
from syndicate.language import Text

RESCAN = 60.0
"""Seconds after which the whole folder is looked at again, notice or not."""
MOST_TOGETHER = 64
"""Documents that are read one after the other before they are written: each must stay whole so long."""
_TICK = 0.25


class CannotWatch(SyndicateError):
    """The folder cannot be followed, or not any more."""

    code = "cannot_watch"


@dataclass(slots=True)
class Settling:
    """Which files are whole. `settle` is in seconds, times are of a monotonic clock."""

    settle: float
    _waiting: dict[Path, tuple[Sign, float]] = field(default_factory=dict)
    _done: dict[Path, Sign] = field(default_factory=dict)

    def look(self, states: Mapping[Path, Sign | None], now: float) -> list[Path]:
        """The files that are due: new or changed since they were last done, and still for long enough."""
        due = []
        for file, sign in states.items():
            if sign is None or self._done.get(file) == sign:
                self._waiting.pop(file, None)
                continue
            known = self._waiting.get(file)
            if known is None or known[0] != sign:
                self._waiting[file] = (sign, now)
            elif now - known[1] >= self.settle:
                due.append(file)
        return due

    def stands(self, file: Path) -> bool:
        """Whether a file that was due is still in that very state."""
        known = self._waiting.get(file)
        return known is not None and known[0] == sign_of(file)

    def postpone(self, file: Path, now: float) -> None:
        """Not yet: let it stand still for as long again."""
        known = self._waiting.get(file)
        if known is not None:
            self._waiting[file] = (known[0], now)

    def finish(self, file: Path) -> None:
        """It was taken in, in the state in which it was due: not again until it changes."""
        known = self._waiting.pop(file, None)
        if known is not None:
            self._done[file] = known[0]

    def is_done(self, file: Path) -> bool:
        """Whether it was done, and has not changed since as far as is known."""
        return file in self._done and file not in self._waiting

    def waiting(self) -> list[Path]:
        """Files that are not whole yet, in the order of names."""
        return sorted(self._waiting)

    def known(self) -> list[Path]:
        """Files that were done: one that is gone may be forgotten."""
        return list(self._done)

    def forget(self, files: Iterable[Path]) -> None:
        """They are gone; if they come back they are new."""
        for file in files:
            self._done.pop(file, None)


async def whole_files(
    folders: list[Path], settling: Settling, stop: asyncio.Event
) -> AsyncIterator[list[Path]]:
    """The files of the folders as they become whole, those that are there first, until `stop`.

    They are of every kind: documents, media, sidecars, parts of saved pages.

    Those that are whole at the same time come together, at most `MOST_TOGETHER` of them.

    The caller says `settling.finish` or `settling.postpone` for each. Raises CannotWatch.
    """
    roots = [folder.resolve() for folder in folders]
    # Whether a file is being written is asked by a lease; breaking one sends a signal that would kill us.
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    clock = asyncio.get_running_loop().time
    noticed: set[Path] = set()
    scanned = float("-inf")
    async for batch in _notices(roots, stop):
        # Files that are in a new folder before it is watched have no notice of their own.
        inside = {file for path in batch if path.is_dir() for file, _ in files_of(path)}
        noticed |= {file for file in batch | inside if any(belongs(file, root) for root in roots)}
        if clock() - scanned >= RESCAN:
            noticed |= set(await asyncio.to_thread(_scan, roots, settling))
            scanned = clock()
        states = {file: sign_of(file) for file in sorted(noticed | set(settling.waiting()))}
        noticed.clear()
        due = iter(settling.look(states, clock()))
        while together := list(islice(due, MOST_TOGETHER)):
            if stop.is_set():
                return
            late = {file for file in together if not settling.stands(file) or being_written(file)}
            for file in late:
                settling.postpone(file, clock())
            if len(late) < len(together):
                yield [file for file in together if file not in late]


async def _notices(roots: list[Path], stop: asyncio.Event) -> AsyncIterator[set[Path]]:
    """What may have changed; an empty set when nothing has for a moment.

    Nothing comes before the watch is set up: the first look at the folder follows it, so a document that
    arrives in between is seen by one of them.
    """
    from watchfiles import awatch

    ticks = awatch(
        *roots,
        watch_filter=None,
        stop_event=stop,
        debounce=200,
        rust_timeout=int(_TICK * 1000),
        yield_on_timeout=True,
    )
    try:
        async for changes in ticks:
            yield {Path(path) for _, path in changes}
    except OSError as error:
        raise CannotWatch(
            Text(f"无法监看文件夹：{error}", f"the folder cannot be followed: {error}")
        ) from error


def _scan(roots: list[Path], settling: Settling) -> list[Path]:
    for root in roots:
        if not root.is_dir():
            raise CannotWatch(Text(f"文件夹已不在：{root}", f"the folder is gone: {root}"))
    found = [file for root in roots for file, _ in files_of(root)]
    settling.forget(set(settling.known()) - set(found))
    return found


def being_written(file: Path) -> bool:
    """Whether somebody has the file open for writing; False where the system cannot tell."""
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        # Another's file, or a file system without leases: that it stood still has to do.
        return False
    finally:
        os.close(descriptor)
    return False
