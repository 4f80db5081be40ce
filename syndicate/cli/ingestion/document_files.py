"""Documents are found and read: which files count, and what is wrong with one that cannot be read.

Beside documents lie the pictures, sounds and films that they name, and the sidecars of these.
Nothing is read past the largest document that we take, and nothing outside the folder that was named.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final

from syndicate.errors import Fault, Faulty
from syndicate.language import Text
from syndicate.media.file_types import SUFFIXES

_LEFT_ALONE = ("~", ".tmp", ".part", ".swp", ".crdownload")
"""Ends of the names of files that an editor, a copy or a download has not finished with."""
_TRANSCRIPTS: Final = frozenset({".vtt", ".srt"})
_SIDECARS: Final = (".toml", ".json")
_PAGE_FOLDERS: Final = ("_files", ".files")
_NINJS: Final = b'"uri"'
"""What every ninjs document has, and no sidecar."""
_MEDIA_NAMES: Final = SUFFIXES - _TRANSCRIPTS
_SPELLED: Final = sorted({end for one in _MEDIA_NAMES for end in (one, one.upper(), f".{one[1:].title()}")})
"""The extensions of media as people and cameras write them."""
_LONGEST_LOOK: Final = 1024 * 1024


class FileKind(Enum):
    """What a file in a newsroom's folder is, by its name and its neighbours."""

    DOCUMENT = auto()
    MEDIA = auto()
    SIDECAR = auto()
    """Says what the picture, sound or film beside it is."""
    TRANSCRIPT = auto()
    PAGE_PART = auto()
    """Whatever lies in the folder of a saved page's files: its pictures, scripts and frames."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What tells one state of a file from the next, without reading it."""

    size: int
    changed: int
    inode: int


def documents(path: Path) -> Iterator[Path]:
    """The path itself if it is no folder; else every document in it and below, in the order of names."""
    return (file for file, kind in files_of(path) if kind is FileKind.DOCUMENT)


class Found:
    """The files at and below some paths: documents as they are found, and what lies beside them.

    `media` and `sidecars` are complete when the documents have been read to their end. A media file that
    was named itself is one of `media`.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = list(paths)
        self.media: list[Path] = []
        self.sidecars: list[Path] = []

    def documents(self) -> Iterator[Path]:
        """The documents, in the order of names, folder by folder."""
        for path in self._paths:
            for file, kind in files_of(path):
                if kind is FileKind.MEDIA or (file == path and file.suffix.lower() in _MEDIA_NAMES):
                    self.media.append(file)
                elif kind is FileKind.SIDECAR:
                    self.sidecars.append(file)
                elif kind is FileKind.DOCUMENT:
                    yield file


def files_of(path: Path) -> Iterator[tuple[Path, FileKind]]:
    """The files at and below the path, each with its kind; a path that is no folder is a document.

    In the order of names, folder by folder.
    """
    if not path.is_dir():
        yield path, FileKind.DOCUMENT
        return
    root = path.resolve()
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if counts(name))
        beside = frozenset(files)
        part = any(map(is_page_folder, Path(folder).relative_to(path).parts))
        for name in sorted(files):
            file = Path(folder, name)
            # A walk follows no link: a file that is none lies inside.
            if counts(name) and (_is_regular(file) or _within(file, root)):
                yield file, _kind(file, beside.__contains__, page_part=part)


def kind_of(file: Path, root: Path) -> FileKind:
    """What the file is; `root` is the folder that is taken in, above it."""
    inside = file.relative_to(root).parts[:-1] if file.is_relative_to(root) else ()
    return _kind(
        file, lambda name: file.with_name(name).exists(), page_part=any(map(is_page_folder, inside))
    )


def is_page_folder(name: str) -> bool:
    """Whether a folder of this name holds the files of a saved page: `湘湖_files`, `湘湖.files`."""
    return name.casefold().endswith(_PAGE_FOLDERS)


def _kind(file: Path, is_beside: Callable[[str], bool], *, page_part: bool) -> FileKind:
    suffix = file.suffix.lower()
    if page_part:
        return FileKind.PAGE_PART
    if suffix in _TRANSCRIPTS:
        return FileKind.TRANSCRIPT
    if suffix in SUFFIXES:
        return FileKind.MEDIA
    if (
        suffix in _SIDECARS
        and described_by(file.name, is_beside)
        and not (suffix == ".json" and _is_ninjs(file))
    ):
        return FileKind.SIDECAR
    return FileKind.DOCUMENT


def described_by(sidecar: str, is_beside: Callable[[str], bool]) -> list[str]:
    """The media files that a file of this name may be the sidecar of, of those that are beside it.

    `湘湖.jpg.toml` is that of `湘湖.jpg` alone, and `湘湖.toml` that of every file called `湘湖`.
    """
    stem = sidecar.rpartition(".")[0]
    if Path(stem).suffix.lower() in SUFFIXES:
        return [stem] if is_beside(stem) else []
    return [name for end in _SPELLED if is_beside(name := f"{stem}{end}")]


def _is_ninjs(file: Path) -> bool:
    """Whether a JSON file is a document, for all that a picture of its name lies beside it."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            return False
        with file.open("rb") as opened:
            return _NINJS in opened.read(_LONGEST_LOOK).replace(b"\0", b"")
    except OSError:
        return False


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
