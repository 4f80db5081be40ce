"""Inspect a file of sound or film: what it is, how long and large, what it says of itself, can it leave."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final

from mutagen import MutagenError
from mutagen.mp3 import MPEGInfo
from mutagen.wave import WAVE

from syndicate.errors import Fault, Faulty, NotStampable
from syndicate.language import Text, verbatim
from syndicate.media.file_types import M4A, MP4, WEBM, MediaType
from syndicate.media.inspection import Inspected
from syndicate.media.recordings.embedded_tags import UnreadableTags, fields_of, read_embedded
from syndicate.media.recordings.flac_stamp import STREAM_INFO, DamagedFlac, read_flac
from syndicate.media.recordings.id3_stamp import sound_frames, sound_range
from syndicate.media.recordings.mp4_boxes import DamagedBoxes, read_box, top_boxes
from syndicate.media.recordings.mp4_head import read_movie
from syndicate.media.recordings.mp4_stamp import check_mp4
from syndicate.media.recordings.ogg_stamp import UnreadableOgg, ogg_duration
from syndicate.media.recordings.probe import Probed, probe
from syndicate.media.recordings.programs import FORMATS, ProgramFailed
from syndicate.media.recordings.recording_stamp import STAMPERS
from syndicate.media.recordings.webvtt import LARGEST, read_transcript
from syndicate.media.worker_limits import too_costly
from syndicate.model.item import Medium
from syndicate.model.notes import Note

_WEBM_SOUND: Final = MediaType("audio/webm", Medium.AUDIO, ".weba")
_MP4_LIKE: Final = frozenset({"audio/mp4", "video/mp4", "video/quicktime"})
_PLAYED_FILM: Final = frozenset({"h264", "vp8", "vp9", "av1"})
_PLAYED_SOUND: Final = frozenset({"aac", "mp3", "vorbis", "opus", "flac", "pcm_s16le", "pcm_s24le"})
_PLAYED_PIXELS: Final = frozenset({"yuv420p", "yuvj420p"})
_UNKNOWN: Final = Probed(tags={})


@dataclass(frozen=True, slots=True)
class _Structure:
    """What the file's own structure says, read without any program; `stays` is why it cannot be stamped."""

    probed: Probed
    stays: Text | None = None


def inspect_recording(path: Path, found: MediaType, *, name: str) -> Inspected:
    """Inspect a file of sound, film or words with times, which is of the type `found`.

    `name` is what people call it. Without ffprobe, the file's structure and mutagen say what they can, and
    the note `media_tools_missing` says what is missing. Raises Faulty with every fault, OSError.
    """
    if found.content_type == "text/vtt":
        with path.open("rb") as file:
            cues = read_transcript(file.read(LARGEST + 1), name=name)
        return Inspected(type=found, duration=cues[-1].end)
    if found.content_type not in FORMATS:
        said = Text(f"不收 {found.content_type}", f"{found.content_type} is not taken")
        raise Faulty(name, [Fault("media_unsupported", "file", said)])
    faults: list[Fault] = []
    structure = _structure(path, found, faults)
    probed = None if faults else _probe(path, found, faults)
    if faults:
        raise Faulty(name, faults)
    try:
        tags, xmp = read_embedded(path, found.content_type)
    except UnreadableTags as error:
        raise Faulty(name, [error.fault]) from None
    except UnreadableOgg:
        if probed is None:
            raise Faulty(name, [_damaged()]) from None
        tags, xmp = {}, None  # neither Vorbis nor Opus; ffprobe knows it, and its original stays
    best = _merged(probed, structure.probed)
    fields, notes = fields_of({**best.tags, **tags}, xmp)
    type_ = _type(found, best)
    if probed is not None and probed.film is None and probed.sound is None:
        said = Text("没有声音，也没有画面", "there is neither sound nor film in it")
        raise Faulty(name, [Fault("media_empty", "file", said)])
    return Inspected(
        type=type_,
        width=best.width,
        height=best.height,
        duration=best.duration,
        fields=fields,
        notes=(*notes, *_notes(best, structure, probed is None)),
    )


def _structure(path: Path, found: MediaType, faults: list[Fault]) -> _Structure:
    size = path.stat().st_size
    stays = None
    probed = _UNKNOWN
    with path.open("rb") as file:
        try:
            probed = _own_structure(path, file, size, found.content_type)
            if found.content_type in _MP4_LIKE:
                check_mp4(file, size)
            elif found.content_type not in STAMPERS:
                stays = Text("这种格式没有可写标注的地方", "its format has no place for the stamp")
        except DamagedBoxes as error:
            faults.append(error.fault)
        except DamagedFlac:
            faults.append(_damaged())
        except NotStampable as error:
            stays = error.why
        except UnreadableOgg:
            stays = Text("不是单一的 Vorbis 或 Opus 流", "it is not one stream of Vorbis or Opus")
    return _Structure(probed, stays)


def _own_structure(path: Path, file: BinaryIO, size: int, content_type: str) -> Probed:
    """What the file says by its structure alone. Raises the errors of each format."""
    match content_type:
        case "audio/mp4" | "video/mp4" | "video/quicktime":
            heads = [one for one in top_boxes(file, size) if one.kind == b"moov"]
            if not heads:
                said = Text(
                    "缺少目录（moov），文件多半没有传完",
                    "it has no table of contents (moov): most likely cut off",
                )
                raise DamagedBoxes("media_truncated", said)
            return read_movie(read_box(file, heads[0]))
        case "audio/mpeg":
            start, end = sound_range(file, size)
            if next(sound_frames(file, start, end), None) is None:
                raise DamagedBoxes("media_damaged", Text("文件中没有声音", "there is no sound in it"))
            with suppress(MutagenError):
                return Probed(duration=round(MPEGInfo(file, start).length * 1000), sound="mp3", tags={})
        case "audio/flac":
            blocks, _, _ = read_flac(file, size)
            info = next(data for kind, data in blocks if kind == STREAM_INFO)
            rate, samples = int.from_bytes(info[10:13]) >> 4, int.from_bytes(info[13:18]) & 0xF_FFFF_FFFF
            return Probed(duration=samples * 1000 // max(rate, 1) or None, sound="flac", tags={})
        case "audio/ogg":
            return Probed(duration=ogg_duration(file) or None, sound="vorbis", tags={})
        case "audio/wav":
            with suppress(MutagenError):
                seconds = float(getattr(WAVE(path).info, "length", 0.0))
                return Probed(duration=round(seconds * 1000) or None, sound="pcm_s16le", tags={})
        case _:
            pass
    return _UNKNOWN


def _probe(path: Path, found: MediaType, faults: list[Fault]) -> Probed | None:
    try:
        return probe(path, found.content_type)
    except ProgramFailed as error:
        faults.extend(too_costly(path.name).faults if error.said == "timeout" else [_damaged()])
        return None


def _merged(probed: Probed | None, structure: Probed) -> Probed:
    if probed is None:
        return structure
    return replace(
        probed,
        duration=probed.duration or structure.duration,
        width=probed.width or structure.width,
        height=probed.height or structure.height,
    )


def _type(found: MediaType, probed: Probed) -> MediaType:
    """The type by what is inside: an MP4 with sound alone is a sound."""
    if probed.film is None and probed.sound is not None and found.medium is Medium.VIDEO:
        return {MP4: M4A, WEBM: _WEBM_SOUND}.get(found, replace(found, medium=Medium.AUDIO))
    if probed.film is not None and found == M4A:
        return MP4
    return found


def _notes(probed: Probed, structure: _Structure, no_tools: bool) -> Iterator[Note]:
    if no_tools:
        said = Text(
            "本机没有 ffprobe：时长、尺寸和编码只读到一部分，没有封面和预览；安装：apt-get install ffmpeg",
            "there is no ffprobe on this machine: duration, size and codecs were read in part, and there"
            " is no poster and no preview; to install it: apt-get install ffmpeg",
        )
        yield Note("media_tools_missing", "file", said)
    if structure.stays is not None:
        start = Text("原件不会发出，能发出的是预览版：", "the original does not leave, its preview may: ")
        yield Note("media_original_stays", "file", start + structure.stays)
    found = (
        (probed.film, _PLAYED_FILM),
        (probed.pixels, _PLAYED_PIXELS),
        (probed.sound, _PLAYED_SOUND),
    )
    unusual = [one for one, played in found if one is not None and one not in played]
    if unusual:
        start = Text("多数播放器和浏览器打不开这种编码：", "most players and browsers do not open this: ")
        yield Note("media_codec_unusual", "file", start + verbatim(", ".join(unusual)))


def _damaged() -> Fault:
    return Fault("media_damaged", "file", Text("文件损坏，无法读取", "it is damaged and cannot be read"))
