"""Choose what a feed says of the files of an item: which is the file to play, and which its small picture.

Feeds have room for little: one file for each picture, sound or film that every reader opens, the others
beside it. The policy has decided which files there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from syndicate.formats.clean import clean
from syndicate.model.item import Medium
from syndicate.model.media import RenditionName
from syndicate.stamping import StampedItem, StampedRendition

_PICTURE: Final = (RenditionName.WEB, RenditionName.PREVIEW, RenditionName.ORIGINAL)
_RECORDING: Final = (RenditionName.ORIGINAL, RenditionName.PREVIEW)
"""The files of a picture, and of a sound or film, the one for everybody first."""
_SMALL: Final = (RenditionName.THUMBNAIL, RenditionName.POSTER, RenditionName.PREVIEW)
"""The pictures for a list, the best first."""
_PLAYABLE: Final = frozenset({"audio/mpeg", "audio/mp4", "audio/x-m4a", "audio/aac", "video/mp4"})
"""What every player opens. Of other kinds the preview comes before the original."""


@dataclass(frozen=True, slots=True)
class AttachedMedia:
    """A picture, sound or film that the recipient may have.

    `files` are the same thing in several sizes, the one for everybody first; at least one. `small` is a
    picture for a list. `caption` is the story's own; None without any.
    """

    item: StampedItem
    files: tuple[StampedRendition, ...]
    small: StampedRendition | None
    transcript: StampedRendition | None
    caption: str | None

    @property
    def main(self) -> StampedRendition:
        """The file that a reader shows or plays."""
        return self.files[0]

    @property
    def plays(self) -> bool:
        """Whether it is sound or film, of which there is more than a picture."""
        return self.main.rendition.content_type.startswith(("audio/", "video/"))


def attached_media(item: StampedItem) -> tuple[AttachedMedia, ...]:
    """The media of an item: its own files, then those of a story's pictures, sounds and films, in order."""
    own = [(item, None)] if item.renditions else []
    linked = [(one.media, one.caption) for one in item.associations if one.media is not None]
    found = (_attached(media, caption) for media, caption in [*own, *linked])
    return tuple(one for one in found if one is not None)


def seconds(milliseconds: int | None) -> int | None:
    """A length of time in whole seconds, one at least; None for what has none."""
    return None if milliseconds is None else max(1, round(milliseconds / 1000))


def _attached(item: StampedItem, caption: str | None) -> AttachedMedia | None:
    by_name = {one.rendition.name: one for one in item.renditions}
    names = _PICTURE if item.medium is Medium.PICTURE else _recording(by_name)
    files = tuple(by_name[name] for name in names if name in by_name)
    pictures = [by_name[name] for name in _SMALL if name in by_name and _is_picture(by_name[name])]
    if not files and not pictures:
        return None
    return AttachedMedia(
        item,
        files or tuple(pictures[:1]),
        next(iter(pictures), None),
        by_name.get(RenditionName.TRANSCRIPT),
        clean(caption or "").strip() or None,
    )


def _recording(by_name: dict[RenditionName, StampedRendition]) -> tuple[RenditionName, ...]:
    original = by_name.get(RenditionName.ORIGINAL)
    if original is None or original.rendition.content_type in _PLAYABLE:
        return _RECORDING
    return _RECORDING[::-1]


def _is_picture(one: StampedRendition) -> bool:
    return one.rendition.content_type.startswith("image/")
