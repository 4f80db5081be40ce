"""Check the kept files of media against the items that name them, and remove those that no item names.

The files and the names come in the same order, so that both are walked side by side, in little memory. An
ingest may be at work meanwhile: whatever seems wrong is looked up again before it is said.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from syndicate.access.rights_cache import Clock
from syndicate.errors import StoreDamaged, StoredFileMissing
from syndicate.model.actors import Actor
from syndicate.model.events import MediaFilesCollected
from syndicate.model.item import ItemId
from syndicate.model.records import Entry
from syndicate.store.files.file_store import FileStore, StoredFile
from syndicate.store.media_protocol import NamedFile
from syndicate.store.protocol import Store

_PAGE = 500
"""Names or files that are looked up at once."""

Progress = Callable[[int], None]
"""Is told of bytes that were read since it was told last."""


class Finding(StrEnum):
    """What is the matter with a file."""

    MISSING = "missing"
    """An item names it, and it is not there."""
    DAMAGED = "damaged"
    """It is there, and its bytes or its size are not what its name and its item say."""
    UNNAMED = "unnamed"
    """It is there, and no item names it: `collect` removes it."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file about which there is something to say. `names` are the item versions that name it."""

    finding: Finding
    sha256: str
    size: int
    names: tuple[NamedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Collected:
    """How many files, and bytes, were removed; with a trial run, would have been."""

    files: int
    bytes: int


class KeptFilesService:
    """The upkeep of the file store. Every method may raise a StoreFault of either store."""

    def __init__(self, store: Store, files: FileStore, clock: Clock) -> None:
        self._store, self._files, self._clock = store, files, clock

    async def named_bytes(self) -> int:
        """Add up the sizes of all files that items name: what `verify` has to read."""
        return sum([names[0].size async for names in self._named()])

    async def verify(self, progress: Progress) -> AsyncIterator[FoundFile]:
        """Read every file that an item names, and give what is wrong, and every file without a name."""
        named, kept = self._named(), self._files.list()
        names, file = await anext(named, None), await anext(kept, None)
        while names is not None or file is not None:
            if names is None or (file is not None and file.sha256 < names[0].sha256):
                assert file is not None
                if await self._store.unnamed([file.sha256]):
                    yield FoundFile(Finding.UNNAMED, file.sha256, file.size)
                else:  # an item has named it since
                    found = await self._check_now_named(file, progress)
                    if found is not None:
                        yield found
                file = await anext(kept, None)
                continue
            # Also where the list of files does not have it: it may have come since.
            found = await self._check(names, progress)
            if found is not None:
                yield found
            if file is not None and file.sha256 == names[0].sha256:
                file = await anext(kept, None)
            names = await anext(named, None)

    async def collect(self, actor: Actor, older: timedelta, *, dry_run: bool = False) -> Collected:
        """Remove the files that no item names and that were added longer than `older` ago.

        An ingest adds a file before an item names it, so `older` must be longer than an ingest takes. The
        record of the trail is written before the first file goes.
        """
        await self._files.check()
        before = self._clock() - older
        found = [file async for file in self._unnamed() if file.added < before]
        size = sum(file.size for file in found)
        if dry_run or not found:
            return Collected(len(found), size)
        async with self._store.writing() as tx:
            event = MediaFilesCollected(len(found), size, before.isoformat())
            await tx.append(Entry(self._clock(), str(actor), event))
        removed = []
        for at in range(0, len(found), _PAGE):
            page = found[at : at + _PAGE]
            # Once more: an item may have named it since.
            free = await self._store.unnamed([file.sha256 for file in page])
            removed += [
                file
                for file in page
                if file.sha256 in free and await self._files.delete(file.sha256, added_before=before)
            ]
        return Collected(len(removed), sum(file.size for file in removed))

    async def _check(self, names: Sequence[NamedFile], progress: Progress) -> FoundFile | None:
        sha256, sizes, size = names[0].sha256, {name.size for name in names}, 0
        digest = hashlib.sha256()
        finding = None
        try:
            async for block in self._files.read(sha256):
                digest.update(block)
                size += len(block)
                progress(len(block))
        except StoredFileMissing:
            finding = Finding.MISSING
        except StoreDamaged:
            finding = Finding.DAMAGED
        if finding is None and (digest.hexdigest() != sha256 or sizes != {size}):
            finding = Finding.DAMAGED
        progress(names[0].size - size)
        return None if finding is None else FoundFile(finding, sha256, names[0].size, tuple(names))

    async def _check_now_named(self, file: StoredFile, progress: Progress) -> FoundFile | None:
        place = NamedFile(file.sha256, ItemId(""), 0, "", 0)
        names = await self._store.named_files(after=place)
        of_it = [name for name in names if name.sha256 == file.sha256]
        return await self._check(of_it, progress) if of_it else None

    async def _named(self) -> AsyncIterator[tuple[NamedFile, ...]]:
        """Every file that items name, each with all its names, by digest."""
        last: NamedFile | None = None
        of_one: list[NamedFile] = []
        while page := await self._store.named_files(after=last, limit=_PAGE):
            for name in page:
                if of_one and of_one[0].sha256 != name.sha256:
                    yield tuple(of_one)
                    of_one = []
                of_one.append(name)
            last = page[-1]
        if of_one:
            yield tuple(of_one)

    async def _unnamed(self) -> AsyncIterator[StoredFile]:
        page: list[StoredFile] = []
        async for file in self._files.list():
            page.append(file)
            if len(page) == _PAGE:
                for one in await self._without_name(page):
                    yield one
                page = []
        for one in await self._without_name(page):
            yield one

    async def _without_name(self, page: Sequence[StoredFile]) -> list[StoredFile]:
        free = await self._store.unnamed([file.sha256 for file in page])
        return [file for file in page if file.sha256 in free]
