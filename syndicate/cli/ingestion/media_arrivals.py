"""In a followed folder, pictures, sounds and films arrive before their documents, with them, or after.

A file that documents name makes those due again that were taken in without it. One with a sidecar stands
alone. One that nobody names waits a while for its document or sidecar, then stands alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from syndicate.cli.ingestion.document_files import FileKind, Sign, described_by, kind_of, sign_of
from syndicate.cli.ingestion.referenced_files import spelling

PATIENCE: Final = 60.0
"""Seconds that a media file waits for its document or sidecar, and a sidecar for its media file."""
_MOST_NAMED: Final = 100_000
"""Files that are remembered as named, the newest."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What became of files that are whole.

    Attributes:
        again: documents that name one of them, and were taken in before it was whole, or before it changed.
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
        self._named: OrderedDict[str, dict[Path, Sign | None]] = OrderedDict()
        self._waits: dict[Path, float] = {}

    def split(self, files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
        """Tell the documents among the files from all others, which are judged after them."""
        documents = [file for file in files if self._kind(file) is FileKind.DOCUMENT]
        documents = [file for file in documents if file.suffix.lower() != ".toml"]
        rest = set(files) - set(documents)
        return documents, [file for file in files if file in rest]

    def names(self, document: Path, files: Mapping[Path, Sign | None]) -> None:
        """Remember that a document names these files (`expected_file`, `media_file`).

        Each comes with the state in which the document takes it, None where it is not there or not whole.
        """
        states: dict[str, Sign | None] = {}
        for file, sign in files.items():
            key = spelling(file)
            states[key] = sign or states.get(key)
        for key, state in states.items():
            self._named.setdefault(key, {})[document] = state
            self._named.move_to_end(key)
        while len(self._named) > _MOST_NAMED:
            self._named.popitem(last=False)

    def judge(self, files: Sequence[Path], now: float) -> Arrived:
        """Tell what the files are due for, that `split` did not call documents.

        The documents among those that came with them are taken in before.
        """
        found = Arrived()
        again: dict[Path, None] = {}
        alone: dict[Path, None] = {}
        for file in files:
            kind, sign = self._kind(file), sign_of(file)
            named = self._named.get(spelling(file), {})
            again |= dict.fromkeys(one for one, state in named.items() if state is None or state != sign)
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
