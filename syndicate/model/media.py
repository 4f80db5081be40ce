"""The files of media items, and the links from a story to its pictures, sounds and films."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, assert_never

from syndicate.language import Text
from syndicate.model.names import ItemId


class RenditionName(StrEnum):
    """规格: what a file of a media item is for. Addresses, licences and formats use these names."""

    ORIGINAL = "original"
    """As the newsroom gave it."""
    WEB = "web"
    """A picture for a page."""
    PREVIEW = "preview"
    """A small picture, or a sound or film of low quality: the most that the public may get."""
    THUMBNAIL = "thumbnail"
    """A picture for a list."""
    POSTER = "poster"
    """The picture that stands for a film until it plays."""
    TRANSCRIPT = "transcript"
    """The words of a sound or film, with their times (WebVTT)."""


GIVEN_RENDITIONS: Final = frozenset({RenditionName.ORIGINAL, RenditionName.TRANSCRIPT})
"""What the newsroom gives; the others are made here."""


_MADE_PICTURES: Final = frozenset(
    {RenditionName.WEB, RenditionName.PREVIEW, RenditionName.THUMBNAIL, RenditionName.POSTER}
)
JPEG_ENDING: Final = ".jpg"
"""Ends the addresses that mean the JPEG alone."""


def rendition_title(name: RenditionName) -> Text:
    """A rendition's name as people read it."""
    match name:
        case RenditionName.ORIGINAL:
            return Text("原件", "original")
        case RenditionName.WEB:
            return Text("网页版", "web")
        case RenditionName.PREVIEW:
            return Text("预览", "preview")
        case RenditionName.THUMBNAIL:
            return Text("缩略图", "thumbnail")
        case RenditionName.POSTER:
            return Text("封面", "poster")
        case RenditionName.TRANSCRIPT:
            return Text("文字稿", "transcript")
    assert_never(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """One file of a media item, as it is kept: without the stamp.

    `size` in bytes, `sha256` in hex, `width` and `height` in pixels as a person sees them (upright),
    `duration` in milliseconds. What does not apply is None. `stamped_size` is how long it is with the stamp
    inside, by the settings at the time of ingest; None where it cannot be stamped, so that it never leaves.
    `lined_size` is how long it is with the visible line drawn on it too; None where that cannot be drawn.
    """

    name: RenditionName
    content_type: str
    size: int
    sha256: str
    width: int | None = None
    height: int | None = None
    duration: int | None = None
    stamped_size: int | None = None
    lined_size: int | None = None

    @property
    def made_jpeg(self) -> bool:
        """Whether it is a picture that was made here, which who asks for it gets as WebP."""
        return self.name in _MADE_PICTURES and self.content_type == "image/jpeg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """配图等: a story's link to a media item.

    `place` is the number of body blocks that stand before it. `caption` is the story's own; None where the
    media item's serves; so is `alt`, what it shows for who cannot see it. The media item has rights of its
    own: the link gives nobody anything.
    """

    item: ItemId
    place: int
    caption: str | None = None
    alt: str | None = None


def rendition_to_json(one: Rendition) -> dict[str, Any]:
    """A rendition as JSON values, without what does not apply."""
    values = {
        "name": one.name.value,
        "type": one.content_type,
        "size": one.size,
        "sha256": one.sha256,
        "width": one.width,
        "height": one.height,
        "duration": one.duration,
        "stamped_size": one.stamped_size,
        "lined_size": one.lined_size,
    }
    return {name: value for name, value in values.items() if value is not None}


def rendition_from_json(content: dict[str, Any]) -> Rendition:
    """The inverse of `rendition_to_json`."""
    return Rendition(
        name=RenditionName(content["name"]),
        content_type=content["type"],
        size=content["size"],
        sha256=content["sha256"],
        width=content.get("width"),
        height=content.get("height"),
        duration=content.get("duration"),
        stamped_size=content.get("stamped_size"),
        lined_size=content.get("lined_size"),
    )
