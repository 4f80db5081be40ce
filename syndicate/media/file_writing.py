"""Write the stamp into a file of any medium that can carry it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from syndicate.media.file_stamp import FileStamp

if TYPE_CHECKING:
    from syndicate.media.pictures.line_font import VisibleLine

STAMPING: Final = 1
"""Grows when a release writes other bytes for the same file and stamp, so that no cache gives old ones."""


def stamp_file(
    source: Path, target: Path, content_type: str, stamp: FileStamp, line: VisibleLine | None = None
) -> None:
    """Write `target`: the file `source` with the stamp inside, and nothing else that its metadata said.

    Pictures, sound and film stay as they are, byte for byte. The same file and stamp give the same bytes.
    With `line`, it is drawn on the lower edge of a JPEG. The stamp is read back. Raises NotStampable and
    OSError, and leaves no `target` then.
    """
    if content_type.startswith("image/"):
        from syndicate.media.pictures.picture_stamp import stamp_picture

        stamp_picture(source, target, content_type, stamp, line)
    else:
        from syndicate.media.recordings.recording_stamp import stamp_recording

        stamp_recording(source, target, content_type, stamp)


def stamp_as_webp(source: Path, target: Path, stamp: FileStamp) -> None:
    """Write `target`: the JPEG `source`, encoded as WebP, with the stamp inside.

    The same file and stamp give the same bytes with the same libwebp. The stamp is read back. Raises
    NotStampable and OSError, and leaves no `target` then.
    """
    from syndicate.media.file_types import WEBP
    from syndicate.media.pictures.picture_renditions import as_webp
    from syndicate.media.pictures.picture_stamp import stamp_picture

    target.write_bytes(as_webp(source.read_bytes()))
    stamp_picture(target, target, WEBP.content_type, stamp)


def check_font(line: VisibleLine) -> None:
    """Raise NotStampable unless the font can be opened and has every character of the line."""
    from syndicate.media.pictures.visible_line import check_font

    check_font(line)
