"""Writes files that are whole or not there, also after a crash, a power cut or a full disk.

A file is written under a draft's name and brought to the disk, then takes its own name in one step
(`rename`). `sync` brings the names of a folder to the disk. A crash may leave a draft behind; its name
begins with a dot and ends with `DRAFT`, and whoever owns the folder removes it.

Many files at once cost one `syncfs` instead of one `fsync` each, where that is as safe
(docs/decisions/0018-pull-writes-a-page-at-once.md); elsewhere their `fsync` calls run side by side.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    import ctypes

DRAFT: Final = ".tmp"
"""How the name of a draft ends."""
PRIVATE: Final = 0o600
"""The mode of a file that only its owner may read and write."""
_PUBLIC: Final = 0o666
_MANY: Final = 8
"""From this number on, files are brought to the disk together."""
_THREADS: Final = 16
"""Most `fsync` calls that run side by side: the disk answers several with one flush."""
_SYNCFS_SINCE: Final = (5, 17)
"""The first Linux whose `syncfs` reports every write that failed."""
_SYNCFS_DISKS: Final = frozenset({0xEF53, 0x58465342, 0x9123683E})
"""`f_type` (statfs(2)) of ext4, XFS and btrfs: one machine's own disks, for which `syncfs` is an `fsync` of
every file. Over a network or FUSE it may not reach the disk."""


def replace_files(
    files: Mapping[Path, bytes], *, drafts: Path | None = None, mode: int | None = None
) -> None:
    """Make each of these files hold exactly these bytes.

    All drafts are on the disk before the first file takes its name; the files then do so in their order.
    `drafts` is a folder on the same disk, by default each file's own. `mode` is given to the files whatever
    the umask; without it the umask decides. Raises OSError with the `filename` of the file that could not
    be written, or of `drafts` where many were written at once. Each file is then as it was before, or whole
    and new. Call `sync` for the folders after it.
    """
    waiting = {path: _draft(path, drafts) for path in files}
    try:
        if drafts is not None and len(files) >= _MANY:
            _write_many(files, waiting, drafts, mode)
        else:
            for path, content in files.items():
                _write(path, waiting[path], content, mode)
        for path in files:
            with _naming(path):
                waiting[path].replace(path)
            del waiting[path]
    finally:
        for draft in waiting.values():
            draft.unlink(missing_ok=True)


@contextmanager
def replaced_file(path: Path, *, mode: int | None = None) -> Iterator[BinaryIO]:
    """A file to write to, which takes the name `path` when the block ends without an error.

    `mode` is given to the file whatever the umask; without it the umask decides.
    """
    draft = _draft(path, None)
    try:
        with _naming(path):
            with _opened(draft, mode) as file:
                yield file
            draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def sync(*folders: Path) -> None:
    """Bring to the disk which names are in these folders. Raises OSError."""
    for folder in folders:
        with _naming(folder):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def sync_file(path: Path) -> None:
    """Bring to the disk what is in this file, which its writer has closed. Raises OSError."""
    with _naming(path):
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _draft(path: Path, folder: Path | None) -> Path:
    """A name that no other process writes to."""
    return (folder or path.parent) / f".{path.name}.{os.getpid()}{DRAFT}"


def _write(path: Path, draft: Path, content: bytes, mode: int | None, *, synced: bool = True) -> None:
    with _naming(path), _opened(draft, mode, synced=synced) as file:
        file.write(content)


def _write_many(
    files: Mapping[Path, bytes], waiting: Mapping[Path, Path], drafts: Path, mode: int | None
) -> None:
    """Write all drafts into the folder `drafts`, and bring them to the disk together."""
    # Open before the first write: `syncfs` reports what failed since then.
    handle = os.open(drafts, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if not syncs_at_once(handle):
            with ThreadPoolExecutor(_THREADS) as pool:
                each = [pool.submit(_write, path, waiting[path], files[path], mode) for path in files]
                for one in each:
                    one.result()
            return
        for path, content in files.items():
            _write(path, waiting[path], content, mode, synced=False)
        with _naming(drafts):
            syncfs(handle)
    finally:
        os.close(handle)


def syncs_at_once(handle: int) -> bool:
    """Whether `syncfs` brings every file on the disk of this open file to the disk as `fsync` would."""
    system = _system()
    if system is None:
        return False
    import ctypes

    # The first member of `struct statfs` is `f_type`, a long on the machines that the list is true for.
    found = (ctypes.c_long * 64)()
    return system.fstatfs(handle, found) == 0 and found[0] in _SYNCFS_DISKS


def syncfs(handle: int) -> None:
    """Bring everything on the disk of this open file to the disk (syncfs(2)). Raises OSError."""
    system = _system()
    if system is None:
        raise OSError("this system has no syncfs")
    if system.syncfs(handle) != 0:
        import ctypes

        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@cache
def _system() -> ctypes.CDLL | None:
    """The C library, on a Linux whose `syncfs` reports what fails; otherwise None."""
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if sys.platform != "linux" or release is None or tuple(map(int, release.groups())) < _SYNCFS_SINCE:
        return None
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    return library if hasattr(library, "syncfs") and hasattr(library, "fstatfs") else None


@contextmanager
def _opened(draft: Path, mode: int | None, *, synced: bool = True) -> Iterator[BinaryIO]:
    """A new file to write to; with `synced`, on the disk when the block ends."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        handle = os.open(draft, flags, _PUBLIC if mode is None else mode)
    except FileExistsError:  # left behind by a process of the same number
        draft.unlink()
        handle = os.open(draft, flags, _PUBLIC if mode is None else mode)
    with os.fdopen(handle, "wb") as file:
        if mode is not None:
            os.fchmod(handle, mode)  # the umask may have taken bits away
        yield file
        if synced:
            file.flush()
            os.fsync(handle)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file in every OSError: the system does not where a write fails."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise
