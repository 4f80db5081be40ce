"""Events of the trail about files of media items. Events of the trail like those in `events`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class MediaDelivered:
    """A licensed file of a picture, sound or film was sent, or a part of it.

    `sha256` (hex) is that of the whole file as it left, with the stamp inside. `range` is the part that was
    sent (`bytes 0-1023/4096`), None for all of it. `signed` says that a signed address opened it: `jti` is
    empty then. `status` is 200, 206, or 304, which says again that the partner has this file.
    `visible_line`: the attribution line is drawn on the picture. `type` is the media type that left; None
    in records of before there was a choice.
    """

    kind: ClassVar[str] = "media_delivered"
    partner: str
    jti: str
    item: str
    version: int
    rendition: str
    sha256: str
    range: str | None
    signed: bool
    use: str
    clause: str
    mandate: str
    status: int
    method: str
    request: str
    visible_line: bool = False
    type: str | None = None
