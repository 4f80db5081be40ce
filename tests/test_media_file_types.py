"""The type of a media file comes from its bytes; a name that says something else is noted."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from syndicate.media import file_types
from syndicate.media.file_types import MediaType, file_type, head_type, name_note

MPEG_FRAME = b"\xff\xfb\x90\x00" + bytes(413)  # MPEG 1, layer III, 128 kbit/s, 44.1 kHz: 417 bytes
OGG_PAGE = b"OggS\x00\x02" + bytes(20) + b"\x01\x13"


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    content = b"ftyp" + major + bytes(4) + b"".join(compatible)
    return (4 + len(content)).to_bytes(4) + content + b"\x00\x00\x00\x08free"


STARTS: list[tuple[bytes, MediaType | None]] = [
    (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", file_types.JPEG),
    (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", file_types.PNG),
    (b"RIFF\x24\x00\x00\x00WEBPVP8 ", file_types.WEBP),
    (b"GIF89a\x01\x00", file_types.GIF),
    (b"II*\x00\x08\x00", file_types.TIFF),
    (b"MM\x00*\x00\x00", file_types.TIFF),
    (MPEG_FRAME * 2, file_types.MP3),
    (ftyp(b"M4A ", b"mp42", b"isom"), file_types.M4A),
    (ftyp(b"isom", b"iso2", b"mp41"), file_types.MP4),
    (ftyp(b"qt  "), file_types.QUICKTIME),
    (ftyp(b"heic", b"mif1"), file_types.HEIF),
    (ftyp(b"mif1", b"miaf", b"avif"), file_types.AVIF),
    (b"\x00\x00\x00\x08wide\x00\x00\x10\x00mdat", file_types.QUICKTIME),
    (OGG_PAGE + b"OpusHead\x01", file_types.OPUS),
    (OGG_PAGE + b"\x01vorbis", file_types.OGG),
    (OGG_PAGE + b"\x80theora", file_types.OGG_VIDEO),
    (b"fLaC\x00\x00\x00\x22", file_types.FLAC),
    (b"RIFF\x24\x00\x00\x00WAVEfmt ", file_types.WAV),
    (b"RF64\xff\xff\xff\xffWAVEds64", file_types.WAV),
    (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm\x42\x87\x81\x04", file_types.WEBM),
    (b"\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska\x42\x87\x81\x04", file_types.MATROSKA),
    (b"\xef\xbb\xbfWEBVTT\n\n00:00.000 --> 00:01.000\n", file_types.WEBVTT),
    (b"WEBVTT - \xe8\xae\xb2\xe8\xaf\x9d", file_types.WEBVTT),
    (b'<?xml version="1.0"?>\n<!-- a -->\n<!DOCTYPE svg [<!ENTITY a "b">]>\n<svg xmlns=', file_types.SVG),
    ("\ufeff<svg:svg xmlns:svg=".encode("utf-16-le"), file_types.SVG),
    (b"", None),
    (b"WEBVTTX", None),
    (b"\xff\xd8", None),
    (b"<script>alert(1)</script>", None),
    (b"#!/bin/sh\n", None),
    (b"<html><body><svg>", None),
    (b"MZ\x90\x00", None),
    (b"\xff\xfb\x90\x00" + bytes(40), None),
    (b"\xff" * 4096, None),
    (b"RIFF\x24\x00\x00\x00AVI LIST", None),
    (b"\x1a\x45\xdf\xa3\x42\x82\x84evil", None),
]


@pytest.mark.parametrize(("start", "found"), STARTS)
def test_the_first_bytes_say_what_a_file_is(start: bytes, found: MediaType | None) -> None:
    assert head_type(start) == found


@pytest.mark.parametrize(("start", "found"), STARTS)
def test_a_file_that_is_cut_anywhere_is_told_without_an_error(
    start: bytes, found: MediaType | None
) -> None:
    for end in range(min(len(start), 64)):
        head_type(start[:end])
        file_types.opened_file_type(io.BytesIO(start[:end]))


@pytest.mark.parametrize(
    ("behind", "found"), [(MPEG_FRAME, file_types.MP3), (b"fLaC\x00", file_types.FLAC)]
)
def test_what_stands_behind_an_id3_tag_of_two_gigabytes_decides(
    tmp_path: Path, behind: bytes, found: MediaType
) -> None:
    path, size = tmp_path / "long.mp3", (1 << 28) - 1
    with path.open("wb") as file:
        file.write(b"ID3\x04\x00\x00" + bytes([0x7F] * 4))
        file.seek(10 + size)  # a sparse file: no block of it is on the disk
        file.write(behind)
    assert file_type(path) == found


def test_an_id3_tag_without_sound_is_no_media_file(tmp_path: Path) -> None:
    path = tmp_path / "tag.mp3"
    path.write_bytes(b"ID3\x04\x00\x00\x00\x00\x00\x10" + bytes(16) + b"<script>")
    assert file_type(path) is None


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "照片", "照片.jfif"])
def test_a_name_that_fits_has_no_note(name: str) -> None:
    assert name_note(name, file_types.JPEG) is None


@pytest.mark.parametrize("name", ["a.png", "a.mp3", "a.php", "a.jpg.exe"])
def test_a_name_that_says_something_else_is_noted(name: str) -> None:
    note = name_note(name, file_types.JPEG)
    assert note is not None
    assert note.code == "media_name_differs"
    assert "image/jpeg" in note.text.zh
    assert Path(name).suffix in note.text.en
