"""Writes files that are whole or not there, also after a crash, a power cut or a full disk.

A file is written under a draft's name and brought to the disk, then takes its own name in one step
(`rename`). `sync` brings the names of a folder to the disk. A crash may leave a draft behind; its name
begins with a dot and ends with `DRAFT`, and whoever owns the folder removes it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

DRAFT: Final = ".tmp"
"""How the name of a draft ends."""
PRIVATE: Final = 0o600
"""The mode of a file that only its owner may read and write."""
_PUBLIC: Final = 0o666


def replace_files(
    files: Mapping[Path, bytes], *, drafts: Path | None = None, mode: int | None = None
) -> None:
    """Make each of these files hold exactly these bytes.

    All drafts are on the disk before the first file takes its name; the files then do so in their order.
    `drafts` is a folder on the same disk, by default each file's own. `mode` is given to the files whatever
    the umask; without it the umask decides. Raises OSError with the `filename` of the file that could not
    be written. Each file is then as it was before, or whole and new. Call `sync` for the folders after it.
    """
    waiting: dict[Path, Path] = {}
    try:
        for path, content in files.items():
            waiting[path] = draft = _draft(path, drafts)
            with _naming(path), _opened(draft, mode) as file:
                file.write(content)
        for path in files:
            with _naming(path):
                waiting[path].replace(path)
            del waiting[path]
    finally:
        for draft in waiting.values():
            draft.unlink(missing_ok=True)


@contextmanager
def replaced_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes the name `path` when the block ends without an error."""
    draft = _draft(path, None)
    try:
        with _naming(path):
            with _opened(draft, None) as file:
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


def _draft(path: Path, folder: Path | None) -> Path:
    """A name that no other process writes to."""
    return (folder or path.parent) / f".{path.name}.{os.getpid()}{DRAFT}"


@contextmanager
def _opened(draft: Path, mode: int | None) -> Iterator[BinaryIO]:
    """A new file to write to, on the disk when the block ends."""
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
