"""Find the file that a document names: beside it, in the folder that was given, and nowhere else.

A newsroom's documents come from many hands. What they name is looked up part by part; a name that leads
out of the folder, through a link or otherwise, is never opened.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Collection, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from syndicate.cli.ingestion.document_files import described_by, is_page_folder
from syndicate.errors import Fault
from syndicate.ingest.media_references import MediaReference
from syndicate.language import Text

_REMOTE: Final = re.compile(r"(?:https?|ftp|data|blob|cid|mid|rtmp|rtsp):|//", re.I)
_ELSEWHERE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|[/\\]")
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_LONGEST_NAME: Final = 255
"""Bytes of a name on the file systems that newsrooms have."""
_DEEPEST: Final = 20
_PAGE_FOLDERS: Final = ("_files", ".files")


def media_file(document: Path, root: Path, source: str) -> Path | Fault:
    """Find the file that `document` calls `source` (`MediaReference.source`), inside the folder `root`.

    Returns its real path, without links: a regular file. A name is also found in another case, in another
    form of Unicode and percent-encoded, as copies between systems leave it, where only one file can be
    meant; and in the page's own folder of files, where the page was renamed with it. Raises nothing.
    """
    if _REMOTE.match(source):
        return _REMOTE_FAULT
    if _ELSEWHERE.match(source):
        return _OUTSIDE
    parts = [part for part in source.replace("\\", "/").split("/") if part not in ("", ".")]
    if ".." in parts:
        return _OUTSIDE
    if not parts or len(parts) > _DEEPEST or not all(map(_is_name, parts)):
        return _NO_NAME
    try:
        inside = root.resolve(strict=True)
        found = _walked(document.parent, parts)
        if found is None:
            found = _in_page_folder(document, parts)
        return _MISSING if found is None else found if isinstance(found, Fault) else _checked(found, inside)
    except (OSError, RuntimeError, ValueError):
        # It vanished, its links run in a circle, or the file system has no such name.
        return _MISSING


def referenced_file(document: Path, root: Path, reference: MediaReference) -> Path | Fault:
    """Find the file of a reference: its source, else another address of it."""
    first = media_file(document, root, reference.source)
    if isinstance(first, Path):
        return first
    others = (media_file(document, root, one) for one in reference.others)
    return next((one for one in others if isinstance(one, Path)), first)


def expected_file(document: Path, source: str) -> Path | None:
    """The path at which a file that is still missing would arrive; None for a source without one."""
    if _REMOTE.match(source) or _ELSEWHERE.match(source):
        return None
    parts = [part for part in source.replace("\\", "/").split("/") if part not in ("", ".")]
    return (
        document.parent.joinpath(*parts)
        if parts and ".." not in parts and all(map(_is_name, parts))
        else None
    )


def standing_alone(
    media: Iterable[Path], referenced: Collection[Path], sidecars: Iterable[Path] = ()
) -> list[Path]:
    """Tell which media files are items of their own, in their order; the others belong to a document.

    Args:
        media: the files of kind MEDIA that were found.
        referenced: the files that documents name, by real path (`media_file`).
        sidecars: the files of kind SIDECAR that were found. What one describes stands alone, for all that a
            document names it as well.
    """
    media = list(media)
    names: dict[Path, set[str]] = {}
    for file in media:
        names.setdefault(file.parent, set()).add(file.name)
    described = {
        sidecar.with_name(name)
        for sidecar in sidecars
        for name in described_by(sidecar.name, names.get(sidecar.parent, set()).__contains__)
    }
    return [
        file
        for file in media
        if file in described or (file not in referenced and file.resolve() not in referenced)
    ]


def spelling(path: Path) -> str:
    """One spelling of a path for every case, form of Unicode and percent-encoding of its parts."""
    return "/".join(map(_alike, path.parts))


def _is_name(part: str) -> bool:
    """Whether this can be the name of a file that is looked for: no hidden one, none that is too long."""
    return (
        not part.startswith(".")
        and _CONTROLS.search(part) is None
        and len(part.encode("utf-8", "surrogatepass")) <= _LONGEST_NAME
    )


def _walked(folder: Path, parts: Iterable[str]) -> Path | Fault | None:
    """Go down from the folder part by part; a Fault where a part may be one of several files."""
    for part in parts:
        exact = folder / part
        if os.path.lexists(exact):
            folder = exact
            continue
        names = _names(folder, folder.stat().st_mtime_ns).get(_alike(part), ())
        same = [one for one in names if _normal(one) == _normal(part)]
        chosen = same if len(same) == 1 else names
        if not chosen:
            return None
        if len(chosen) > 1:
            return _AMBIGUOUS
        folder = folder / chosen[0]
    return folder


def _in_page_folder(document: Path, parts: Collection[str]) -> Path | Fault | None:
    """Look in the page's own folder of files, for a source that names such a folder by an older name."""
    first, *rest = parts
    if not rest or not is_page_folder(first):
        return None
    for end in _PAGE_FOLDERS:
        folder = document.parent / f"{document.stem}{end}"
        if folder.is_dir() and (found := _walked(folder, rest)) is not None:
            return found
    return None


def _checked(found: Path, inside: Path) -> Path | Fault:
    """Follow links, and refuse what then lies outside or is no regular file."""
    real = found.resolve(strict=True)
    if not real.is_relative_to(inside):
        return _OUTSIDE
    return real if stat.S_ISREG(real.stat().st_mode) else _NOT_A_FILE


@lru_cache(maxsize=16)
def _names(folder: Path, changed: int) -> dict[str, tuple[str, ...]]:  # noqa: ARG001
    """The names in a folder by what is alike; asked again when the folder changed."""
    found: dict[str, list[str]] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if _is_name(entry.name):
                found.setdefault(_alike(entry.name), []).append(entry.name)
    return {key: tuple(sorted(names)) for key, names in found.items()}


def _alike(name: str) -> str:
    return _normal(name).casefold()


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", unquote(name))


def _fault(code: str, zh: str, en: str) -> Fault:
    return Fault(code, "media", Text(zh, en))


_REMOTE_FAULT: Final = _fault(
    "media_remote",
    "文件在网上，不在稿件旁；请连同文件一起保存后重新收稿",
    "the file is on the web and not beside the document; save both, and take the document in again",
)
_OUTSIDE: Final = _fault(
    "media_outside",
    "路径指向收稿文件夹之外，不读取",
    "the path leads out of the folder that is taken in, and is not read",
)
_NO_NAME: Final = _fault(
    "media_name_invalid",
    "文件名不可用：为空、过长、隐藏，或含控制字符",
    "no usable name of a file: empty, too long, hidden, or with control characters",
)
_MISSING: Final = _fault("media_missing", "稿件旁没有这个文件", "there is no such file beside the document")
_AMBIGUOUS: Final = _fault(
    "media_ambiguous",
    "有多个文件只是大小写或写法不同，无法确定是哪一个",
    "several files have this name in another case or spelling; it is not certain which is meant",
)
_NOT_A_FILE: Final = _fault("media_not_a_file", "不是普通文件", "this is no ordinary file")
