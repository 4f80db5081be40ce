"""Read a file that somebody else owns: only a regular one, and only if it stays the same meanwhile."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from syndicate.errors import Fault, Faulty
from syndicate.language import Text
from syndicate.store.files.file_store import BLOCK, OnRead


class SourceFile:
    """A file that is open for reading. Every error of it is a Faulty that names the file."""

    def __init__(self, name: str, handle: int, on_read: OnRead | None = None) -> None:
        self.name, self._handle, self._on_read = name, handle, on_read
        self._before = os.fstat(handle)

    @property
    def size(self) -> int:
        """Bytes that it had when it was opened."""
        return self._before.st_size

    def blocks(self) -> Iterator[bytes]:
        """Give all its bytes, from the beginning. Raises Faulty where it changed meanwhile.

        `on_read` hears of each block, in the thread that asks for it.
        """
        at = 0
        while block := self._read(at):
            at += len(block)
            if at > self.size:
                break
            yield block
            if self._on_read is not None:
                self._on_read(len(block))
        after = os.fstat(self._handle)
        if at != self.size or (after.st_size, after.st_mtime_ns) != (self.size, self._before.st_mtime_ns):
            raise changed_meanwhile(self.name)

    def _read(self, at: int) -> bytes:
        try:
            return os.pread(self._handle, BLOCK, at)
        except OSError as error:
            raise _unreadable(self.name, error) from error


@contextmanager
def opened_source(path: Path, on_read: OnRead | None = None) -> Iterator[SourceFile]:
    """Open a regular file, without following a link at its end or waiting for a pipe. Raises Faulty."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    try:
        # What is no regular file is not even opened: to open some devices does something.
        if not stat.S_ISREG(path.lstat().st_mode):
            raise _not_regular(path.name)
        handle = os.open(path, flags)
    except (OSError, ValueError) as error:
        raise _unreadable(path.name, error) from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _not_regular(path.name)
        yield SourceFile(path.name, handle, on_read)
    finally:
        with suppress(OSError):
            os.close(handle)


def changed_meanwhile(name: str) -> Faulty:
    """The file did not stay the same."""
    said = Text(
        "读取时文件发生变化：等它写完后再入库", "it changed while it was read: try again once it is done"
    )
    return _refused(name, "file_changed", said)


def _not_regular(name: str) -> Faulty:
    said = Text(
        "不是普通文件（符号链接、管道、设备或文件夹）",
        "it is no regular file, but a link, pipe, device or folder",
    )
    return _refused(name, "file_not_regular", said)


def _unreadable(name: str, error: Exception) -> Faulty:
    why = getattr(error, "strerror", None) or type(error).__name__
    return _refused(name, "file_unreadable", Text(f"无法读取（{why}）", f"it cannot be read ({why})"))


def _refused(name: str, code: str, said: Text) -> Faulty:
    return Faulty(name, [Fault(code, name, said)])
