"""The FileStore protocol: every read and write of kept files, documented as an API.

A file is named by the SHA-256 of its bytes, in 64 small hex digits. What has another name, such as a path,
is no file of any store: it is never opened. A file is there whole or not at all, also after a crash or a
full disk, and never changes. An item is written only after its files are added.

Every method may raise a StoreFault: `store_full`, `store_read_only`, `store_unreachable`,
`store_not_admitted`, `store_io`. `StoredFileMissing` and `StoredFileDamaged` say that a file which was
asked for cannot be had.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

BLOCK: Final = 1 << 20
"""Bytes that are read or written at once."""

OnRead = Callable[[int], None]
"""Hears how many bytes were read since; may be called in any thread."""
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


def is_digest(text: str) -> bool:
    """Whether this names a file: a SHA-256 in small hex digits, and nothing else."""
    return _DIGEST.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One kept file: `size` in bytes, `added` (UTC) when it was last added."""

    sha256: str
    size: int
    added: datetime


class FileStore(Protocol):
    """Keeps files. Every method may be called from several tasks and processes at once."""

    @property
    def place(self) -> str:
        """Where the files are, for people; without any secret."""

    async def check(self) -> None:
        """Raise a StoreFault unless files can be added. Removes what killed processes have left behind."""

    async def add(self, path: Path, on_read: OnRead | None = None) -> StoredFile:
        """Copy this file into the store and bring it to the disk; `on_read` hears how far it has come.

        A file that is there already is not written again, but counts as added now. One that is there and
        damaged is replaced. Raises Faulty, and keeps nothing, where `path` is no regular file, cannot be
        read or changes while it is read.
        """

    def read(self, sha256: str) -> AsyncIterator[bytes]:
        """Give the bytes of a file in blocks of at most `BLOCK`, unchecked. Raises StoredFileMissing."""

    async def fetch(self, sha256: str, target: Path) -> StoredFile:
        """Copy a file to `target`, mode 0600, which is written whole or not at all.

        Raises StoredFileMissing, and StoredFileDamaged where the bytes do not have this hash.
        """

    async def open_local(self, sha256: str) -> Path | None:
        """Return the path of the kept file itself, which nobody may write to; None where it is not local.

        Raises StoredFileMissing. The file's bytes are not checked.
        """

    async def find(self, sha256: str) -> StoredFile | None:
        """Return what is known of a file without reading it; None where there is none."""

    async def exists(self, sha256: str) -> bool:
        """Whether there is such a file."""

    async def size(self, sha256: str) -> int | None:
        """Return the size of a file in bytes; None where there is none."""

    async def delete(self, sha256: str, *, added_before: datetime | None = None) -> bool:
        """Remove a file; whether it was. With `added_before` (aware), not one that was added since."""

    def list(self) -> AsyncIterator[StoredFile]:
        """Give every file, in the order of their names. One that is added meanwhile may be missing."""
