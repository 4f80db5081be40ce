"""A counter of eight bytes in a file beside SQLite's, which tells every process that something changed.

They hold the number of the last change. Reading them costs less than a microsecond, so every request can
afford it.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from syndicate.store.private_files import FILE

_SIZE: Final = 8
_LOOK_EVERY: Final = 0.2
"""Seconds for which a file that says the right number already is not looked for again."""


class Notice:
    """A number in a file that all processes of this machine share.

    Where the file can be neither made nor read, the database's own files are looked at instead: slower,
    never wrong.
    """

    def __init__(self, path: Path, watched: tuple[Path, ...]) -> None:
        self._path = path
        self._watched = watched
        self._file: int | None = None
        self._writable = False
        self._look_again = 0.0

    def read(self) -> int:
        """The number."""
        if self._file is None:
            return hash(tuple(_trace(path) for path in self._watched))
        # Read, not mapped: a mapping of a file that somebody cuts short kills the process.
        return int.from_bytes(os.pread(self._file, _SIZE, 0), "little")

    @property
    def shared(self) -> bool:
        """Whether the number stands in the file, and this process may write it as every writer does."""
        return self._file is not None and self._writable

    def tell(self, change: int) -> None:
        """Say that the database has reached this change. Only by whose turn it is."""
        now = time.monotonic()
        if now < self._look_again and self._file is not None and self.read() == change:
            return
        self._look_again = now + _LOOK_EVERY
        self.attach()
        if self._file is not None and self._writable and self.read() != change:
            with suppress(OSError):
                os.pwrite(self._file, change.to_bytes(_SIZE, "little"), 0)

    def attach(self) -> None:
        """Open the file, making it if need be; again if somebody has removed or replaced it meanwhile."""
        if self._file is not None and self._still_there():
            return
        self.close()
        for flags in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):
            try:
                self._file = os.open(self._path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, FILE)
            except OSError:
                continue
            self._writable = flags != os.O_RDONLY
            return

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
        self._file = None
        self._writable = False

    def _still_there(self) -> bool:
        assert self._file is not None
        try:
            there, here = self._path.stat(), os.fstat(self._file)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


def _trace(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)
