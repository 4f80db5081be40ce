"""In a followed folder, pictures, sounds and films arrive before their documents, with them, or after.

A file that documents name makes these due again. One with a sidecar stands alone. One that nobody names
waits a while for its document or sidecar, then stands alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from syndicate.cli.ingestion.document_files import FileKind, described_by, kind_of
from syndicate.cli.ingestion.referenced_files import spelling

PATIENCE: Final = 60.0
"""Seconds that a media file waits for its document or sidecar, and a sidecar for its media file."""
_MOST_NAMED: Final = 100_000
"""Files that are remembered as named, the newest."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What became of files that are whole.

    Attributes:
        again: documents that name one of them, and were not among the files themselves.
        alone: media files that stand alone, ready to be taken in.
        refused: sidecars whose media file did not come: they can be read as documents alone.
        later: files that wait.
        done: files that need nothing by themselves.
    """

    again: list[Path] = field(default_factory=list)
    alone: list[Path] = field(default_factory=list)
    refused: list[Path] = field(default_factory=list)
    later: list[Path] = field(default_factory=list)
    done: list[Path] = field(default_factory=list)


class MediaArrivals:
    """Tells what whole files below some folders are due for. Times are seconds of a monotonic clock."""

    def __init__(self, roots: Iterable[Path], patience: float = PATIENCE) -> None:
        self._roots, self._patience = list(roots), patience
        self._named: OrderedDict[str, dict[Path, None]] = OrderedDict()
        self._waits: dict[Path, float] = {}

    def split(self, files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
        """Tell the documents among the files from all others, which are judged after them."""
        documents = [file for file in files if self._kind(file) is FileKind.DOCUMENT]
        documents = [file for file in documents if file.suffix.lower() != ".toml"]
        rest = set(files) - set(documents)
        return documents, [file for file in files if file in rest]

    def names(self, document: Path, files: Iterable[Path]) -> None:
        """Remember that a document names these files, there or not (`expected_file`, `media_file`)."""
        for file in files:
            key = spelling(file)
            self._named.setdefault(key, {})[document] = None
            self._named.move_to_end(key)
        while len(self._named) > _MOST_NAMED:
            self._named.popitem(last=False)

    def judge(self, files: Sequence[Path], taken: Iterable[Path], now: float) -> Arrived:
        """Tell what the files are due for, that `split` did not call documents.

        `taken` are the documents that were taken in with them just now.
        """
        found, fresh = Arrived(), set(taken)
        again: dict[Path, None] = {}
        alone: dict[Path, None] = {}
        for file in files:
            kind = self._kind(file)
            named = self._named.get(spelling(file), {})
            again |= dict.fromkeys(one for one in named if one not in fresh)
            if kind is FileKind.MEDIA and _has_sidecar(file):
                alone[file] = None
            elif kind is FileKind.MEDIA and not named:
                if not self._waited(file, now):
                    found.later.append(file)
                    continue
                alone[file] = None
            elif kind in (FileKind.SIDECAR, FileKind.TRANSCRIPT):
                alone |= dict.fromkeys(one for one in _described(file) if _has_sidecar(one))
            elif kind is FileKind.DOCUMENT:
                (found.refused if self._waited(file, now) else found.later).append(file)
                continue
            if file not in alone:
                found.done.append(file)
            self._waits.pop(file, None)
        found.again.extend(again)
        found.alone.extend(alone)
        return found

    def forget(self, files: Iterable[Path]) -> None:
        """They are gone."""
        for file in files:
            self._waits.pop(file, None)

    def _kind(self, file: Path) -> FileKind:
        root = next((root for root in self._roots if file.is_relative_to(root)), file.parent)
        return kind_of(file, root)

    def _waited(self, file: Path, now: float) -> bool:
        """Whether the file has waited for long enough; it begins to wait when it is first seen."""
        if now - self._waits.setdefault(file, now) < self._patience:
            return False
        del self._waits[file]
        return True


def _has_sidecar(file: Path) -> bool:
    beside = (
        file.with_name(f"{stem}{end}") for stem in (file.name, file.stem) for end in (".toml", ".json")
    )
    return any(one.is_file() and kind_of(one, one.parent) is FileKind.SIDECAR for one in beside)


def _described(sidecar: Path) -> list[Path]:
    """The media files beside a sidecar or a transcript that it may belong to."""
    names = described_by(sidecar.name, lambda name: sidecar.with_name(name).is_file())
    return [sidecar.with_name(name) for name in names]
