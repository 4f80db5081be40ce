"""Tell the type of a media file by its first bytes; its name is never believed.

A newsroom's files often have a wrong extension (a WebP that was saved as `.jpg`), so the content decides,
and `name_note` says where the name disagrees. The type decides how a file is read and what `Content-Type`
it leaves with.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO, Final

from syndicate.language import Text
from syndicate.model.item import Medium
from syndicate.model.notes import Note


@dataclass(frozen=True, slots=True)
class MediaType:
    """What a file is: `content_type` as in HTTP, the `medium` of an item made of it, `suffix` of its name.

    `medium` is None for what accompanies a medium and is none itself (WebVTT). The medium of a container is
    what such files mostly hold: an MP4 or WebM with sound alone is found out by reading its tracks.
    """

    content_type: str
    medium: Medium | None
    suffix: str


JPEG: Final = MediaType("image/jpeg", Medium.PICTURE, ".jpg")
PNG: Final = MediaType("image/png", Medium.PICTURE, ".png")
WEBP: Final = MediaType("image/webp", Medium.PICTURE, ".webp")
GIF: Final = MediaType("image/gif", Medium.PICTURE, ".gif")
TIFF: Final = MediaType("image/tiff", Medium.PICTURE, ".tif")
SVG: Final = MediaType("image/svg+xml", Medium.PICTURE, ".svg")
HEIF: Final = MediaType("image/heif", Medium.PICTURE, ".heic")
AVIF: Final = MediaType("image/avif", Medium.PICTURE, ".avif")
MP3: Final = MediaType("audio/mpeg", Medium.AUDIO, ".mp3")
M4A: Final = MediaType("audio/mp4", Medium.AUDIO, ".m4a")
OGG: Final = MediaType("audio/ogg", Medium.AUDIO, ".ogg")
OPUS: Final = MediaType("audio/ogg", Medium.AUDIO, ".opus")
OGG_VIDEO: Final = MediaType("video/ogg", Medium.VIDEO, ".ogv")
FLAC: Final = MediaType("audio/flac", Medium.AUDIO, ".flac")
WAV: Final = MediaType("audio/wav", Medium.AUDIO, ".wav")
MP4: Final = MediaType("video/mp4", Medium.VIDEO, ".mp4")
QUICKTIME: Final = MediaType("video/quicktime", Medium.VIDEO, ".mov")
WEBM: Final = MediaType("video/webm", Medium.VIDEO, ".webm")
MATROSKA: Final = MediaType("video/matroska", Medium.VIDEO, ".mkv")
WEBVTT: Final = MediaType("text/vtt", None, ".vtt")

_HEAD: Final = 4096
_SUFFIXES: Final = {
    ".jpeg": JPEG,
    ".jpe": JPEG,
    ".jfif": JPEG,
    ".tiff": TIFF,
    ".heif": HEIF,
    ".m4v": MP4,
    ".qt": QUICKTIME,
    ".oga": OGG,
    ".wave": WAV,
} | {
    one.suffix: one
    for one in (
        *(JPEG, PNG, WEBP, GIF, TIFF, SVG, HEIF, AVIF, MP3, M4A, OGG, OPUS, OGG_VIDEO, FLAC, WAV, MP4),
        *(QUICKTIME, WEBM, MATROSKA, WEBVTT),
    )
}
_USUAL_SUFFIXES: Final = {
    one.content_type: one.suffix
    for one in (
        *(JPEG, PNG, WEBP, GIF, TIFF, MP3, M4A, OGG, OGG_VIDEO, FLAC, WAV, MP4),
        *(QUICKTIME, WEBM, MATROSKA, WEBVTT),
    )
}
SUFFIXES: Final = frozenset(_SUFFIXES)
"""The extensions, in small letters and with their dot, by which files of media go."""
_STARTS: Final = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"II+\x00", TIFF),
    (b"MM\x00+", TIFF),
    (b"fLaC", FLAC),
)
_RIFF: Final = {(b"RIFF", b"WEBP"): WEBP} | {(start, b"WAVE"): WAV for start in (b"RIFF", b"RF64", b"BW64")}
_AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})
_HEIF_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_BRANDS: Final = {b"M4A ": M4A, b"M4B ": M4A, b"M4P ": M4A, b"qt  ": QUICKTIME}
_QUICKTIME_ATOMS: Final = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
"""How a QuickTime file begins that is older than `ftyp`."""
_OGG_CODECS: Final = (
    (b"OpusHead", OPUS),
    (b"\x01vorbis", OGG),
    (b"\x7fFLAC", OGG),
    (b"Speex   ", OGG),
    (b"\x80theora", OGG_VIDEO),
    (b"fishead\x00", OGG_VIDEO),
)
_WEBVTT: Final = re.compile(rb"(?:\xef\xbb\xbf)?WEBVTT(?:[ \t\r\n]|\Z)")
_SVG: Final = re.compile(
    r"\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*|<!DOCTYPE\s[^>\[]*(?:\[.*?\]\s*)?>\s*)*<(?:\w+:)?svg[\s>/]",
    re.DOTALL,
)
_BITRATES: Final = {  # kbit/s by (MPEG 1, layer); ISO/IEC 11172-3, 2.4.2.3, and 13818-3
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SAMPLE_RATES: Final = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def file_type(path: Path) -> MediaType | None:
    """The type of the file; None where it is none of those that are known. Raises OSError."""
    with path.open("rb") as file:
        return opened_file_type(file)


def opened_file_type(file: BinaryIO) -> MediaType | None:
    """The type of an open file that can seek; reads at most some kilobytes of it."""
    file.seek(0)
    head = file.read(_HEAD)
    after = _id3_end(head)
    if after is None:
        return head_type(head)
    file.seek(after)  # what stands behind an ID3 tag says what the file is, however long the tag
    head = file.read(_HEAD)
    return FLAC if head.startswith(b"fLaC") else MP3 if _mpeg_audio(head, frames=1) else None


def head_type(head: bytes) -> MediaType | None:
    """The type of a file that begins with these bytes (4,096 are enough for all but an ID3 tag)."""
    for start, found in _STARTS:
        if head.startswith(start):
            return found
    for one in (_riff, _iso_media, _ogg, _ebml, _webvtt, _mp3, _svg):
        if (told := one(head)) is not None:
            return told
    return None


def name_note(name: str, found: MediaType) -> Note | None:
    """A note where the extension of a file's name says something else than the file's bytes."""
    suffix = PurePath(name).suffix.lower()
    if not suffix or _SUFFIXES.get(suffix) == found:
        return None
    if (suffix, found) in {
        (".ogg", OPUS),
        (".oga", OPUS),
        (".mp4", M4A),
        (".mov", MP4),
        (".mka", MATROSKA),
    }:
        return None
    return Note(
        "media_name_differs",
        "file",
        Text(
            f"文件名以 {suffix} 结尾，内容却是 {found.content_type}；已按内容处理",
            f"the file's name ends with {suffix}, but its content is {found.content_type}; "
            "it was taken for what it contains",
        ),
    )


def _riff(head: bytes) -> MediaType | None:
    return _RIFF.get((head[:4], head[8:12]))


def _iso_media(head: bytes) -> MediaType | None:
    """MP4 and its kin by the brands of their `ftyp` box (ISO/IEC 14496-12, 4.3)."""
    if head[4:8] in _QUICKTIME_ATOMS:
        return QUICKTIME
    if head[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(head[:4]), len(head))
    major, *others = head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))
    if major in _AVIF_BRANDS | _HEIF_BRANDS:
        return AVIF if _AVIF_BRANDS & {major, *others} else HEIF
    return _BRANDS.get(major, MP4)


def _ogg(head: bytes) -> MediaType | None:
    if not head.startswith(b"OggS"):
        return None
    first = head[27 + head[26] :] if len(head) > 27 else b""
    return next((found for start, found in _OGG_CODECS if first.startswith(start)), None)


def _ebml(head: bytes) -> MediaType | None:
    """WebM or Matroska by the DocType (0x4282) of the EBML header (RFC 8794, 11.2.6)."""
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return None
    found = re.search(rb"\x42\x82[\x81-\x8f]([\x20-\x7e]+)", head[:64])
    return {b"webm": WEBM, b"matroska": MATROSKA}.get(found[1].partition(b"\x42")[0] if found else b"")


def _webvtt(head: bytes) -> MediaType | None:
    return WEBVTT if _WEBVTT.match(head) else None


def _mp3(head: bytes) -> MediaType | None:
    return MP3 if _mpeg_audio(head, frames=2) else None


def _svg(head: bytes) -> MediaType | None:
    return SVG if _SVG.match(_as_text(head)) else None


def _id3_end(head: bytes) -> int | None:
    """Where an ID3v2 tag ends (its header, 3.1: four bytes of seven bits); None without one."""
    if len(head) < 10 or not head.startswith(b"ID3") or head[3] == 0xFF or max(head[6:10]) > 0x7F:
        return None
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return 10 + size + (10 if head[5] & 0x10 else 0)


def _mpeg_audio(head: bytes, *, frames: int) -> bool:
    """Whether so many MPEG audio frames stand one behind the other, after any padding of zeros."""
    at = len(head) - len(head.lstrip(b"\x00")) if frames == 1 else 0
    for _ in range(frames):
        length = mpeg_frame_length(head[at : at + 4])
        if length is None:
            return False
        at += length
    return True


def mpeg_frame_length(header: bytes) -> int | None:
    """The length in bytes of the MPEG audio frame with this header (four bytes); None where it is none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bitrate, rate = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or layer == 4 or bitrate in {0, 15} or rate == 3:
        return None
    bits = _BITRATES[version == 3, layer][bitrate - 1] * 1000
    samples = _SAMPLE_RATES[version][rate]
    padding = header[2] >> 1 & 1
    if layer == 1:
        return (12 * bits // samples + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // samples + padding


def _as_text(head: bytes) -> str:
    codec = "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    return head.decode(codec, "replace")


def suffix_of(content_type: str) -> str:
    """Return the suffix that files of this type usually have, with its dot; empty for an unknown type."""
    return _USUAL_SUFFIXES.get(content_type, "")
