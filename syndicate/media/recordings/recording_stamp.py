"""Write the stamp into a file of sound or film, or into its transcript, by the kind of file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from syndicate.errors import NotStampable
from syndicate.language import Text
from syndicate.media.file_stamp import FileStamp
from syndicate.media.recordings.byte_ranges import SourceChanged
from syndicate.media.recordings.flac_stamp import stamp_flac
from syndicate.media.recordings.id3_stamp import stamp_mp3
from syndicate.media.recordings.mp4_stamp import stamp_mp4
from syndicate.media.recordings.ogg_stamp import stamp_ogg
from syndicate.media.recordings.webvtt import stamp_webvtt

STAMPERS: Final[Mapping[str, Callable[[Path, Path, FileStamp], None]]] = MappingProxyType(
    {
        "audio/mpeg": stamp_mp3,
        "audio/mp4": stamp_mp4,
        "video/mp4": stamp_mp4,
        "video/quicktime": stamp_mp4,
        "audio/ogg": stamp_ogg,
        "audio/flac": stamp_flac,
        "text/vtt": stamp_webvtt,
    }
)
"""What writes the stamp into each kind of file. Any other kind does not leave."""


def stamp_recording(source: Path, target: Path, content_type: str, stamp: FileStamp) -> None:
    """Write `target`: the source with this stamp inside, its sound and picture byte for byte.

    All other metadata is left out. The same source and stamp give the same bytes; memory stays flat for a
    source of any length. The stamp is read back before this returns. Raises NotStampable, and OSError where
    the disk refuses; `target` is then not there.
    """
    write = STAMPERS.get(content_type)
    if write is None or not stamp.stamp.strip():
        why = Text(f"{content_type} 没有可写标注的地方", f"{content_type} has no place for it")
        raise NotStampable(why)
    try:
        write(source, target, stamp)
    except SourceChanged:
        target.unlink(missing_ok=True)
        raise NotStampable(Text("读取时文件有变", "it changed while it was read")) from None
    except BaseException:
        target.unlink(missing_ok=True)
        raise
