"""The Vorbis comments of a stamp, for Ogg Vorbis, Opus and FLAC; and those of others, read with limits."""

from __future__ import annotations

import io
from typing import Final

from mutagen import MutagenError
from mutagen.flac import VCFLACDict

from syndicate.media.file_stamp import FileStamp
from syndicate.media.recordings.stamp_words import copyright_line, labelled, published, tag_text

LARGEST: Final = 16 * 1024 * 1024
"""Bytes of all comments of a file, a cover picture among them."""
_MOST: Final = 10_000
_VENDOR: Final = "syndicate"
"""Stands in place of the name and version of the encoder: the same stamp gives the same bytes."""


class UnreadableComments(ValueError):
    """Comments that are damaged, or more than are read."""


def stamp_comments(stamp: FileStamp, *, framing: bool) -> bytes:
    """The comments of this stamp; `framing` for Ogg Vorbis alone, which ends them with a bit."""
    comments = VCFLACDict()
    comments.vendor = _VENDOR
    values = {
        "TITLE": stamp.headline,
        "ARTIST": stamp.byline,
        "DESCRIPTION": stamp.caption,
        "DATE": published(stamp),
        "COPYRIGHT": copyright_line(stamp),
        "LICENSE": stamp.terms_url,
        "ORGANIZATION": stamp.licensor_name or stamp.credit,
        "CONTACT": stamp.licensor_url,
        "COMMENT": stamp.stamp,
        **labelled(stamp),
    }
    for name, value in values.items():
        if text := tag_text(value):
            comments.append((name, text))
    return bytes(comments.write(framing=framing))


def read_comments(data: bytes) -> dict[str, list[str]]:
    """The comments in these bytes by their names in small letters. Raises UnreadableComments."""
    vendor = int.from_bytes(data[:4], "little")
    count = int.from_bytes(data[4 + vendor : 8 + vendor], "little")
    if len(data) > LARGEST or count > _MOST:
        raise UnreadableComments(f"{count} comments in {len(data)} bytes")
    comments = VCFLACDict()
    try:
        comments.load(io.BytesIO(data), framing=False)
    except MutagenError as error:
        raise UnreadableComments(str(error)) from None
    found: dict[str, list[str]] = {}
    for name, value in comments:
        found.setdefault(name.lower(), []).append(value)
    return found
