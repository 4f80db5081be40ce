"""The files that the document of a media item offers, and which of them a partner keeps.

A file's name is made here, of the item's id, the rendition and the content type: nothing that a server
writes becomes part of a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from syndicate.client.change_entries import ITEM_ID
from syndicate.model.item import ItemId
from syndicate.model.media import RenditionName

LARGEST_FILE: Final = 2**40
"""Most bytes of one file."""
_SUFFIXES: Final = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/tiff": ".tif",
    "image/heif": ".heic",
    "image/avif": ".avif",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
    "audio/wav": ".wav",
    "video/mp4": ".mp4",
    "video/ogg": ".ogv",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "video/matroska": ".mkv",
    "text/vtt": ".vtt",
}
"""The content types that are kept. Scripts and pages (SVG, HTML) are not among them."""
_NAMES: Final = "|".join(RenditionName)
FILE_NAME: Final = re.compile(rf"({ITEM_ID})\.({_NAMES})(\.[a-z0-9]{{2,4}})")
"""The name of a kept file: id, rendition, ending."""
PART_NAME: Final = re.compile(rf"({ITEM_ID})\.({_NAMES})\.part")
"""The name of a file that is being fetched."""
_ID: Final = re.compile(ITEM_ID)
_PLACE: Final = re.compile("body:([0-9]{1,6})")
_SHOWN: Final = {
    "picture": (
        (RenditionName.WEB, RenditionName.ORIGINAL, RenditionName.PREVIEW, RenditionName.THUMBNAIL),
    ),
    "audio": ((RenditionName.ORIGINAL, RenditionName.PREVIEW), (RenditionName.TRANSCRIPT,)),
    "video": (
        (RenditionName.ORIGINAL, RenditionName.PREVIEW),
        (RenditionName.POSTER, RenditionName.THUMBNAIL),
        (RenditionName.TRANSCRIPT,),
    ),
}
"""By medium, what its page shows: of each line, the first that there is."""
_PLAYED: Final = frozenset(
    _SUFFIXES.keys() - {"image/tiff", "image/heif", "video/quicktime", "video/matroska"}
)
"""The content types that browsers show and play."""


@dataclass(frozen=True, slots=True)
class OfferedFile:
    """A file that a document names. `size` in bytes, with the stamp inside."""

    rendition: RenditionName
    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class MediaChoice:
    """Which renditions are kept: those named; with None, those that the item's page shows."""

    names: frozenset[RenditionName] | None = None

    @property
    def code(self) -> str:
        """The choice as a word for the saved state."""
        return "page" if self.names is None else ",".join(sorted(self.names))

    def wanted(self, document: Mapping[str, Any]) -> list[OfferedFile]:
        """The files of this document that are kept."""
        offered = offered_files(document)
        if self.names is not None:
            return [one for one in offered.values() if one.rendition in self.names]
        return list(shown_files(str(document.get("type")), offered).values())


NO_MEDIA: Final = MediaChoice(frozenset())
"""No files are fetched. What is there stays while the right lasts."""


def shown_files(
    medium: str, offered: Mapping[RenditionName, OfferedFile]
) -> dict[RenditionName, OfferedFile]:
    """Which of these files a page shows: the best that a browser can, else the best."""
    shown: dict[RenditionName, OfferedFile] = {}
    for names in _SHOWN.get(medium, ()):
        there = [offered[name] for name in names if name in offered]
        there.sort(key=lambda one: one.content_type not in _PLAYED)
        shown.update((one.rendition, one) for one in there[:1])
    return shown


def offered_files(document: Mapping[str, Any]) -> dict[RenditionName, OfferedFile]:
    """The files of a media item's document (ninjs 3.1 `renditions`). What cannot be kept is left out."""
    offered: dict[RenditionName, OfferedFile] = {}
    if document.get("type") not in _SHOWN:
        return offered
    for one in _objects(document.get("renditions")):
        name, kind, size = one.get("name"), one.get("contentType"), one.get("sizeInBytes")
        if not (isinstance(name, str) and isinstance(kind, str) and type(size) is int):
            continue
        if name in set(RenditionName) and kind in _SUFFIXES and 0 < size <= LARGEST_FILE:
            offered.setdefault(RenditionName(name), OfferedFile(RenditionName(name), kind, size))
    return offered


@dataclass(frozen=True, slots=True)
class ShownMedia:
    """A media item in a story: behind `place` blocks of the body, as `document` (ninjs) says."""

    id: ItemId
    place: int
    document: Mapping[str, Any]


def shown_media(document: Mapping[str, Any]) -> list[ShownMedia]:
    """The media items of a story that its partner may have, in the document's order."""
    shown = []
    for one in _objects(document.get("associations")):
        id = _id_of(one)
        if id is not None and offered_files(one):
            place = _PLACE.fullmatch(str(one.get("rel")))
            shown.append(ShownMedia(id, int(place[1]) if place else 0, one))
    return shown


def has_media(document: Mapping[str, Any]) -> bool:
    """Whether a document has files of its own, or shows media items."""
    return bool(offered_files(document) or shown_media(document))


def file_name(item: ItemId, rendition: RenditionName, content_type: str) -> str:
    """The name of a kept file. Raises KeyError for a content type that is not kept."""
    return f"{item}.{rendition.value}{_SUFFIXES[content_type]}"


def part_name(item: ItemId, rendition: RenditionName) -> str:
    """The name of a file while it is being fetched."""
    return f"{item}.{rendition.value}.part"


def _id_of(document: Mapping[str, Any]) -> ItemId | None:
    for one in _objects(document.get("altIds")):
        value = one.get("value")
        if one.get("role") == "item" and isinstance(value, str) and _ID.fullmatch(value):
            return ItemId(value)
    return None


def _objects(found: object) -> Iterable[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
