"""Read from the table of contents of an MP4 or QuickTime file what is in it, without any program."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from syndicate.language import Text
from syndicate.media.recordings.mp4_boxes import Box, DamagedBoxes, handler, sample_formats
from syndicate.media.recordings.probe import MOST_STREAMS, Probed

_CODECS: Final[Mapping[bytes, str]] = MappingProxyType(
    {
        b"avc1": "h264",
        b"avc3": "h264",
        b"hvc1": "hevc",
        b"hev1": "hevc",
        b"av01": "av1",
        b"vp09": "vp9",
        b"mp4a": "aac",
        b".mp3": "mp3",
        b"Opus": "opus",
        b"fLaC": "flac",
    }
)
"""The names of ffmpeg for the sample formats that players open."""
_LONGEST: Final = 100 * 3600 * 1000


def read_movie(head: Box) -> Probed:
    """What a table of contents (`moov`) says: duration, size, codecs. Raises DamagedBoxes."""
    tracks = head.every(b"trak")
    if len(tracks) > MOST_STREAMS:
        said = Text(
            f"有 {len(tracks)} 条轨道，最多 {MOST_STREAMS} 条",
            f"{len(tracks)} tracks; at most {MOST_STREAMS}",
        )
        raise DamagedBoxes("media_too_complex", said)
    films = [one for one in tracks if handler(one) == b"vide"]
    sounds = [one for one in tracks if handler(one) == b"soun"]
    width, height = _size(films[0]) if films else (None, None)
    return Probed(
        duration=_duration(head.child(b"mvhd")),
        film=_codec(films[0]) if films else None,
        sound=_codec(sounds[0]) if sounds else None,
        width=width,
        height=height,
        tags={},
    )


def _codec(track: Box) -> str:
    found = next(sample_formats(track), b"")
    return _CODECS.get(found, found.decode("ascii", "replace").strip() or "unknown")


def _duration(header: Box | None) -> int | None:
    """Milliseconds, from the header of the movie (ISO/IEC 14496-12, 8.2.2)."""
    if header is None or len(header.data) < 32:
        return None
    data = header.data
    scale, length = (data[20:24], data[24:32]) if data[0] == 1 else (data[12:16], data[16:20])
    found = int.from_bytes(length) * 1000 // max(int.from_bytes(scale), 1)
    return found if 0 < found <= _LONGEST else None


def _size(track: Box) -> tuple[int | None, int | None]:
    """Width and height as shown, from the header of a track (8.3.2): its matrix may turn the picture."""
    header = track.child(b"tkhd")
    if header is None or len(header.data) < 84:
        return None, None
    matrix, width, height = header.data[-44:-8], header.data[-8:-4], header.data[-4:]
    across, down = int.from_bytes(width) >> 16, int.from_bytes(height) >> 16
    if not across or not down:
        return None, None
    turned = not int.from_bytes(matrix[:4]) and int.from_bytes(matrix[4:8]) != 0
    return (down, across) if turned else (across, down)
