"""An open file that stays readable until it is closed, also once its name is gone from the disk."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import Self

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class OpenedFile:
    """A regular file, open for reading; `size` in bytes, `path` where it was. Threads may share it."""

    def __init__(self, path: Path) -> None:
        """Open it, without following a link at its end. Raises OSError."""
        self.path = path
        self._lock = threading.Lock()
        self._handle = os.open(path, _READ)
        state = os.fstat(self._handle)
        self.size = state.st_size
        if not stat.S_ISREG(state.st_mode):
            self.close()
            raise IsADirectoryError(f"{path} is no regular file")

    def read(self, length: int, at: int) -> bytes:
        """Read up to `length` bytes from the place `at`; none at the end, or once it is closed."""
        # The lock: while a thread reads, the number of the handle may not become another file's.
        with self._lock:
            return b"" if self._handle < 0 else os.pread(self._handle, length, at)

    def close(self) -> None:
        """Close it; again is harmless."""
        with self._lock:
            handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # An answer that was made and never sent: its client was gone.
        if getattr(self, "_handle", -1) >= 0:
            self.close()
