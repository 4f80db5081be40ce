"""What inspecting and remaking a media file gives: its type and size, its fields, and files made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from syndicate.media.embedded_fields import EmbeddedFields
from syndicate.media.file_types import MediaType
from syndicate.model.media import RenditionName
from syndicate.model.notes import Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """A media file that can be taken; sizes are in upright pixels, `duration` is in milliseconds."""

    type: MediaType
    width: int | None = None
    height: int | None = None
    duration: int | None = None
    fields: EmbeddedFields = field(default_factory=EmbeddedFields)
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFile:
    """A rendition that was made of a file, in a scratch folder: it holds no metadata of the source."""

    name: RenditionName
    path: Path
    content_type: str
    width: int | None = None
    height: int | None = None
    duration: int | None = None
