"""Ask ffprobe what is in a file of sound or film."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from syndicate.media.recordings.programs import ProgramFailed, ProgramLimits, input_options, program, run
from syndicate.strict_json import InvalidJson, read_object

MOST_STREAMS: Final = 64
_LONGEST: Final = 100 * 3600 * 1000
_ENTRIES: Final = (
    "format=duration:format_tags"
    ":stream=codec_type,codec_name,pix_fmt,width,height,sample_aspect_ratio,duration"
    ":stream_tags:stream_disposition=attached_pic:stream_side_data=rotation"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What a file holds. `duration` in milliseconds, `width` and `height` in pixels, upright.

    `film` and `sound` are the codecs as ffmpeg calls them, `pixels` the format of the picture. `tags` are
    those of the file and its streams, by their names in small letters.
    """

    duration: int | None = None
    film: str | None = None
    sound: str | None = None
    pixels: str | None = None
    width: int | None = None
    height: int | None = None
    tags: Mapping[str, list[str]]


def probe(path: Path, content_type: str) -> Probed | None:
    """What ffprobe finds in the file; None where there is no ffprobe. Raises ProgramFailed."""
    found = program("ffprobe")
    if found is None:
        return None
    options = ["-v", "error", "-max_streams", str(MOST_STREAMS), "-show_entries", _ENTRIES, "-of", "json"]
    answer = run([found, *options, *input_options(path, content_type)], ProgramLimits())
    try:
        value = read_object(answer)
    except InvalidJson:
        raise ProgramFailed("json") from None
    streams: list[dict[str, Any]] = value.get("streams", [])
    container: dict[str, Any] = value.get("format", {})
    films = [one for one in streams if one.get("codec_type") == "video" and not _is_cover(one)]
    sounds = [one for one in streams if one.get("codec_type") == "audio"]
    width, height = _size(films[0]) if films else (None, None)
    durations = [_milliseconds(one.get("duration")) for one in (container, *films, *sounds)]
    return Probed(
        duration=next((one for one in durations if one is not None), None),
        film=films[0].get("codec_name", "unknown") if films else None,
        sound=sounds[0].get("codec_name", "unknown") if sounds else None,
        pixels=films[0].get("pix_fmt") if films else None,
        width=width,
        height=height,
        tags=_tags([container, *streams]),
    )


def _is_cover(stream: dict[str, Any]) -> bool:
    return bool(stream.get("disposition", {}).get("attached_pic"))


def _size(stream: dict[str, Any]) -> tuple[int | None, int | None]:
    """Width and height as they are shown: with square pixels, and turned where the film says so."""
    width, height = stream.get("width"), stream.get("height")
    if not isinstance(width, int) or not isinstance(height, int) or width < 1 or height < 1:
        return None, None
    across, _, down = str(stream.get("sample_aspect_ratio", "")).partition(":")
    if across.isdecimal() and down.isdecimal() and 0 < int(across) < 100_000 and 0 < int(down) < 100_000:
        width = max(1, round(width * int(across) / int(down)))
    turns = [one.get("rotation") for one in stream.get("side_data_list", []) if "rotation" in one]
    turned = bool(turns) and isinstance(turns[0], int) and turns[0] % 180 == 90
    return (height, width) if turned else (width, height)


def _milliseconds(seconds: object) -> int | None:
    try:
        found = round(float(str(seconds)) * 1000)
    except (ValueError, OverflowError):
        return None
    return found if 0 < found <= _LONGEST else None


def _tags(parts: list[dict[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in parts:
        for name, value in one.get("tags", {}).items():
            found.setdefault(name.lower(), []).append(str(value))
    return found
