"""The part of the Store protocol about the files of media items, and which stories have them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from syndicate.model.item import ItemId


@dataclass(frozen=True, slots=True, order=True)
class NamedFile:
    """A file that a version of an item names. `sha256` is hex, `size` in bytes."""

    sha256: str
    item: ItemId
    version: int
    rendition: str
    size: int


class MediaReads(Protocol):
    """Files that items name, and stories that media items belong to."""

    async def named_files(self, *, after: NamedFile | None = None, limit: int = 500) -> list[NamedFile]:
        """Every file that any version of an item names, by digest, item, version and rendition.

        Continues after `after`.
        """

    async def unnamed(self, digests: Collection[str]) -> set[str]:
        """Those of these digests that no version of any item names."""

    async def stories_with(self, media: ItemId) -> list[ItemId]:
        """The stories whose newest version has this media item, by id."""
