"""Documents are found and read: which files count, and what is wrong with one that cannot be read.

Nothing is read past the largest document that we take, and nothing outside the folder that was named.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from syndicate.errors import Fault, Faulty
from syndicate.language import Text

_LEFT_ALONE = ("~", ".tmp", ".part", ".swp", ".crdownload")
"""Ends of the names of files that an editor, a copy or a download has not finished with."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What tells one state of a file from the next, without reading it."""

    size: int
    changed: int
    inode: int


def documents(path: Path) -> Iterator[Path]:
    """The path itself if it is no folder; else every document in it and below, in the order of names."""
    if not path.is_dir():
        yield path
        return
    root = path.resolve()
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if counts(name))
        for name in sorted(files):
            file = Path(folder, name)
            # A walk follows no link: a file that is none lies inside.
            if counts(name) and (_is_regular(file) or _within(file, root)):
                yield file


def counts(name: str) -> bool:
    """Whether a file of this name in a folder is a document: not hidden, not an editor's temporary."""
    return not name.startswith(".") and not name.casefold().endswith(_LEFT_ALONE)


def belongs(file: Path, root: Path) -> bool:
    """Whether a changed file below the resolved folder `root` is one of its documents."""
    try:
        parts = file.relative_to(root).parts
    except ValueError:
        return False
    return bool(parts) and all(counts(part) for part in parts) and _within(file, root)


def sign_of(file: Path) -> Sign | None:
    """The file's present state; None if it is not there or no regular file."""
    try:
        found = file.stat()
    except OSError:
        return None
    return _sign(found) if stat.S_ISREG(found.st_mode) else None


def read(file: Path) -> bytes:
    """The document's bytes. Raises Faulty for what is missing, unreadable, no file, or too large."""
    from syndicate.ingest.document_parser import MAX_DOCUMENT

    name = shown(file)
    try:
        # O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as document:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise Faulty(name, [_fault("not_a_file", "不是普通文件", "this is no ordinary file")])
            if found.st_size > MAX_DOCUMENT:
                raise Faulty(name, [too_large(found.st_size)])
            data = document.read(MAX_DOCUMENT + 1)
    except FileNotFoundError:
        raise Faulty(name, [_fault("file_missing", "文件不存在", "there is no such file")]) from None
    except OSError as error:
        why = error.strerror or str(error)
        fault = _fault("file_unreadable", f"无法读取：{why}", f"it cannot be read: {why}")
        raise Faulty(name, [fault]) from None
    if len(data) > MAX_DOCUMENT:
        raise Faulty(name, [too_large(len(data))])
    return data


def too_large(size: int) -> Fault:
    """The fault of a document that is larger than any we take."""
    from syndicate.ingest.document_parser import MAX_DOCUMENT

    return _fault(
        "too_large",
        f"文件有 {size} 字节，超过上限 {MAX_DOCUMENT} 字节",
        f"it has {size} bytes, more than the {MAX_DOCUMENT} that a document may have",
    )


def shown(file: Path) -> str:
    """The path as text that can be written anywhere: bytes that are not UTF-8 come out as escapes."""
    return os.fsencode(file).decode("utf-8", "backslashreplace")


def _is_regular(file: Path) -> bool:
    """Whether this is a regular file, and no link to one."""
    try:
        return stat.S_ISREG(file.lstat().st_mode)
    except OSError:
        return False


def _within(file: Path, root: Path) -> bool:
    """Whether this is a regular file that does not, through a link, lie outside the folder."""
    try:
        real = file.resolve(strict=True)
        return real.is_relative_to(root) and real.is_file()
    except (OSError, RuntimeError):
        return False


def _sign(found: os.stat_result) -> Sign:
    return Sign(found.st_size, found.st_mtime_ns, found.st_ino)


def _fault(code: str, zh: str, en: str) -> Fault:
    return Fault(code, "path", Text(zh, en))
