"""Make what goes beside a sound or film: its preview, a frame for its poster, its transcript.

The same file gives the same bytes with the same ffmpeg: no metadata, no dates, a fixed number of threads.
What ffmpeg cannot make is not made; the original was inspected and stays good.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from syndicate.media.file_types import MP3, MP4, WEBVTT
from syndicate.media.inspection import Inspected, MadeFile
from syndicate.media.recordings.probe import probe
from syndicate.media.recordings.programs import ProgramFailed, ProgramLimits, input_options, program, run
from syndicate.media.recordings.webvtt import LARGEST, read_transcript, write_webvtt
from syndicate.model.item import Medium
from syndicate.model.media import RenditionName

_EXACT: Final = (
    *("-map_metadata", "-1", "-map_chapters", "-1"),
    *("-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"),
)
_START: Final = ("-v", "error", "-nostdin", "-y", "-threads", "2", "-filter_threads", "2")
_SQUARE: Final = "scale=w='max(2,trunc(iw*sar/2)*2)':h='max(2,trunc(ih/2)*2)',setsar=1"
_FRAME: Final = (
    f"thumbnail=50,{_SQUARE},scale=w='min(1600,iw)':h='min(1600,ih)':force_original_aspect_ratio=decrease"
)
"""The most telling of fifty frames: the first are black, often. At most 1600 pixels an edge."""
_SMALL: Final = (
    f"{_SQUARE},scale=w='if(gt(iw,ih),-2,min(480,iw))':h='if(gt(iw,ih),min(480,ih),-2)',format=yuv420p"
)
"""480 pixels on the shorter edge."""
_FILM: Final = (
    *("-c:v", "libx264", "-preset", "veryfast", "-crf", "28", "-profile:v", "main", "-threads:v", "2"),
    *("-fpsmax", "30", "-c:a", "aac", "-b:a", "64k", "-ac", "1", "-ar", "44100"),
    *("-sn", "-dn", "-movflags", "+faststart", "-f", "mp4"),
)
_SOUND: Final = (
    *("-vn", "-sn", "-dn", "-c:a", "libmp3lame", "-b:a", "64k", "-ac", "1", "-ar", "44100"),
    *("-id3v2_version", "0", "-write_id3v1", "0", "-f", "mp3"),
)
_FRAME_LIMITS: Final = ProgramLimits(seconds=120, cpu_seconds=120, file_size=64 << 20)
_LARGEST_PREVIEW: Final = 2 << 30


def film_frame(path: Path, inspected: Inspected, scratch: Path) -> Path | None:
    """A frame of a film, upright, as a PNG in `scratch`.

    None for a sound, where there is no ffmpeg, and where it finds no frame.
    """
    ffmpeg = program("ffmpeg")
    if ffmpeg is None or inspected.type.medium is not Medium.VIDEO:
        return None
    target = scratch / "frame.png"
    at = min((inspected.duration or 0) // 10, 10_000)
    source = input_options(path, inspected.type.content_type)
    frame = ["-map", "0:v:0", "-vf", _FRAME, "-frames:v", "1", "-c:v", "png"]
    written = ["-f", "image2", "-update", "1", _output(target)]
    command = [ffmpeg, *_START, "-ss", f"{at}ms", *source, *frame, *_EXACT, *written]
    return target if _made(command, _FRAME_LIMITS, target) else None


def make_preview(path: Path, inspected: Inspected, scratch: Path) -> MadeFile | None:
    """A copy of low quality in `scratch`: MP4 of a film (480p, H.264, AAC), MP3 of a sound (64 kbit/s).

    None where there is no ffmpeg, and where it cannot make it. It may take twice as long as the recording.
    """
    ffmpeg = program("ffmpeg")
    if ffmpeg is None:
        return None
    film = inspected.type.medium is Medium.VIDEO
    type_, codecs = (MP4, ("-vf", _SMALL, *_FILM)) if film else (MP3, _SOUND)
    target = scratch / f"preview{type_.suffix}"
    streams = ["-map", "0:v:0", "-map", "0:a:0?"] if film else ["-map", "0:a:0"]
    seconds = 120 + 2 * (1_800_000 if inspected.duration is None else inspected.duration) // 1000
    limits = ProgramLimits(seconds=seconds, cpu_seconds=2 * seconds, file_size=_LARGEST_PREVIEW)
    source = input_options(path, inspected.type.content_type)
    command = [ffmpeg, *_START, *source, *streams, *_EXACT, *codecs, _output(target)]
    made = probe(target, type_.content_type) if _made(command, limits, target) else None
    if made is None:
        return None
    return MadeFile(
        name=RenditionName.PREVIEW,
        path=target,
        content_type=type_.content_type,
        width=made.width,
        height=made.height,
        duration=made.duration,
    )


def make_transcript(path: Path, scratch: Path, *, name: str) -> MadeFile:
    """The transcript, WebVTT or SubRip, as clean WebVTT in `scratch`. Raises Faulty, OSError."""
    with path.open("rb") as file:
        cues = read_transcript(file.read(LARGEST + 1), name=name)
    target = scratch / f"transcript{WEBVTT.suffix}"
    target.write_bytes(write_webvtt(cues))
    return MadeFile(
        name=RenditionName.TRANSCRIPT,
        path=target,
        content_type=WEBVTT.content_type,
        duration=cues[-1].end,
    )


def _made(command: list[str], limits: ProgramLimits, target: Path) -> bool:
    """Run ffmpeg; whether it wrote the file. What it wrote in part is removed."""
    try:
        run(command, limits)
    except ProgramFailed:
        target.unlink(missing_ok=True)
    return target.is_file() and target.stat().st_size > 0


def _output(target: Path) -> str:
    return f"file:{target.absolute()}"
