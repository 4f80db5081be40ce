"""Take in the files that documents name, and the media files that stand alone with their sidecars."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from syndicate.cli.ingestion.document_files import FileKind, kind_of, read, shown, sign_of
from syndicate.cli.ingestion.referenced_files import expected_file, media_file, referenced_file
from syndicate.errors import Fault, Faulty
from syndicate.ingest.draft import Parsed
from syndicate.ingest.media_references import MediaReference
from syndicate.ingest.mhtml import files_of_archive
from syndicate.ingest.sidecar import Sidecar, read_sidecar, sidecar_names
from syndicate.language import Text
from syndicate.media.file_types import file_type
from syndicate.model.item import FileState, Medium
from syndicate.services.newsroom.document_parsing import ParsedDocument, TakenBefore, refused_for_notes
from syndicate.wiring import Services

_NOT_WHOLE: Final = Fault(
    "media_not_whole",
    "media",
    Text(
        "文件还在写入，写完后自动补收", "the file is still being written, and is taken in when it is whole"
    ),
)
_ARCHIVES: Final = frozenset({".mht", ".mhtml"})
_NOT_OF_A_NAME: Final = re.compile(r"[^\w.()-]+")
_LONGEST_NAME: Final = 60


class Watch(Protocol):
    """What a followed folder knows of its files."""

    def names(self, document: Path, files: Iterable[Path]) -> None:
        """Hear that a document names these files, there or not."""

    def is_whole(self, file: Path) -> bool:
        """Whether nobody writes the file any more, as far as can be told."""


class DocumentMedia:
    """Finds files beside documents and takes them in. `roots` are the files and folders that were named.

    Nothing outside them is read. `referenced` are the files that documents named so far, by real path.
    In a followed folder `watch` hears what documents name, and keeps files back that are not whole.
    """

    def __init__(
        self,
        services: Services,
        roots: Iterable[Path],
        watch: Watch | None = None,
        on_read: Callable[[int], None] | None = None,
    ) -> None:
        """`on_read` hears how many bytes of the files were read; it may be called in any thread."""
        self._services, self._watch, self._on_read = services, watch, on_read
        self._roots = [path if path.is_dir() else path.parent for path in roots]
        self.referenced: set[Path] = set()

    async def with_media(self, document: ParsedDocument, file: Path) -> ParsedDocument:
        """Return the document with the media that it names, as far as they are there."""
        content = document.content
        if not isinstance(content, Parsed) or not content.media:
            return document
        root = self._root_of(file)
        found: dict[str, Path | Fault] = {}
        for reference in content.media:
            place = await asyncio.to_thread(self._file_of, file, root, reference)
            found[reference.source] = place
            if isinstance(place, Path):
                self.referenced.add(place)
        if file.suffix.lower() not in _ARCHIVES:
            return await self._with(document, found)
        with tempfile.TemporaryDirectory(prefix="syndicate-archive-") as folder:
            found |= await asyncio.to_thread(_unpacked, file, content.media, Path(folder))
            return await self._with(document, found)

    def _file_of(self, document: Path, root: Path, reference: MediaReference) -> Path | Fault:
        place = referenced_file(document, root, reference)
        if self._watch is None:
            return place
        expected = (expected_file(document, name) for name in (reference.source, *reference.others))
        named = [one for one in (place, *expected) if isinstance(one, Path)]
        self._watch.names(document, named)
        return place if isinstance(place, Fault) or self._watch.is_whole(place) else _NOT_WHOLE

    async def _with(self, document: ParsedDocument, found: Mapping[str, Path | Fault]) -> ParsedDocument:
        """Take the files in; refuse the document where a note about them is one that refuses it."""
        taken = await self._services.media_intake.with_media(document, found, self._on_read)
        return refused_for_notes(taken, self._services.items.rules)

    async def standing_alone(self, path: Path, name: str, sidecars: Sequence[Path]) -> ParsedDocument:
        """Return the item that a media file makes by itself, with the sidecar beside it if there is one.

        A file that was taken in before, with the same sidecar, is not read again.
        """
        at = self._services.clock()
        state, sidecar = None, None
        try:
            beside = await asyncio.to_thread(_sidecar_of, path, sidecars)
            said = None if beside is None else await asyncio.to_thread(read, beside)
            state = await asyncio.to_thread(self._state, path, said)
            known = {} if state is None else await self._services.items.taken_before([state])
            if state is not None and state in known:
                return ParsedDocument(name, at, known[state])
            if said is not None and beside is not None:
                sidecar = await self._read_sidecar(said, beside, path)
            transcript = None
            if sidecar is not None and sidecar.transcript is not None:
                transcript = await asyncio.to_thread(self._transcript, path, sidecar.transcript)
            found = await self._services.media_intake.standing_alone(
                path, name, sidecar, at, transcript, self._on_read
            )
        except Faulty as refused:
            return ParsedDocument(name, at, refused.faults)
        return found if isinstance(found.content, TakenBefore) else replace(found, file=state)

    async def _read_sidecar(self, said: bytes, beside: Path, path: Path) -> Sidecar:
        found = await asyncio.to_thread(file_type, path)
        medium = (None if found is None else found.medium) or Medium.PICTURE
        publisher = self._services.settings.publisher
        return read_sidecar(said, name=shown(beside), medium=medium, publisher=publisher)

    def _transcript(self, path: Path, named: str) -> Path:
        """The words of a recording, beside it. Raises Faulty where there are none of this name."""
        place = media_file(path, self._root_of(path), named)
        if isinstance(place, Fault):
            raise Faulty(shown(path), [replace(place, field="transcript")])
        return place

    def _state(self, path: Path, sidecar: bytes | None) -> FileState | None:
        """The state of a media file by its size and times, since reading it may take minutes."""
        sign = sign_of(path)
        if sign is None:
            return None
        seen = f"{sign.size}\0{sign.changed}\0{sign.inode}\0".encode() + (sidecar or b"")
        (state,) = self._services.items.rules.file_states([(path.absolute(), seen)])
        place = hashlib.sha256(b"media\0" + os.fsencode(path.absolute())).digest()
        return FileState(place, state.digest)

    def _root_of(self, file: Path) -> Path:
        """The named folder that the file lies in; its own folder where it lies in none."""
        inside = [root for root in self._roots if file.is_relative_to(root)]
        real = [root for root in self._roots if file.resolve().is_relative_to(root.resolve())]
        return max((*inside, *real), key=lambda root: len(root.parts), default=file.parent)


def _unpacked(archive: Path, media: Sequence[MediaReference], folder: Path) -> dict[str, Path | Fault]:
    """Write the files inside an archived page into an empty folder; return each by its source."""
    try:
        parts = files_of_archive(
            read(archive), [name for one in media for name in (one.source, *one.others)]
        )
    except Faulty:
        return {}
    found: dict[str, Path | Fault] = {}
    for number, one in enumerate(media):
        data = next((parts[name] for name in (one.source, *one.others) if name in parts), None)
        if data is not None:
            last = re.split(r"[/:#]", one.source.partition("?")[0])[-1]
            name = _NOT_OF_A_NAME.sub("_", last)[-_LONGEST_NAME:].strip("._") or "file"
            place = folder / str(number) / name
            place.parent.mkdir()
            place.write_bytes(data)
            found[one.source] = place
    return found


def _sidecar_of(path: Path, sidecars: Sequence[Path]) -> Path | None:
    """The sidecar that describes a media file; the one of the most exact name."""
    names = {one.name: one for one in sidecars if one.parent == path.parent}
    return next((names[name] for name in sidecar_names(path.name) if name in names), None)


def sidecars_beside(path: Path) -> list[Path]:
    """The files beside a media file that may be its sidecar."""
    found = [path.parent / name for name in sidecar_names(path.name)]
    return [one for one in found if one.is_file() and kind_of(one, one.parent) is FileKind.SIDECAR]
