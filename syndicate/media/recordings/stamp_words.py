"""The words of a stamp for the tags of sound and film: the same names in ID3, MP4 and Vorbis comments."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from syndicate.media.file_stamp import FileStamp

_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_URL_SIGNS: Final = ":/?#[]@!$&'()*+,;=%~"


def copyright_line(stamp: FileStamp) -> str:
    """The copyright notice with the attribution line in it."""
    return tag_text(stamp.rights)


def labelled(stamp: FileStamp) -> dict[str, str]:
    """What tags have no field of their own for: name in capitals and value, without what does not apply."""
    values = {
        "ATTRIBUTION": stamp.stamp,
        "CREDIT": stamp.credit,
        "SOURCE": stamp.source,
        "USAGETERMS": stamp.usage_terms,
        "WEBSTATEMENT": stamp.terms_url,
        "LICENSOR": stamp.licensor_name,
        "LICENSORURL": stamp.licensor_url,
        "DATAMINING": stamp.data_mining,
        "DIGITALSOURCETYPE": stamp.digital_source_type,
        "URI": stamp.uri,
        "ITEMVERSION": stamp.version,
    }
    return {name: text for name, value in values.items() if (text := tag_text(value))}


def tag_text(value: str | None) -> str:
    """A value without control characters: a NUL would end it, or part it in two."""
    return _CONTROLS.sub("", value or "").strip()


def ascii_url(address: str | None) -> str:
    """An address in ASCII, as ID3 wants it; empty for none."""
    return quote(tag_text(address), safe=_URL_SIGNS)


def published(stamp: FileStamp) -> str:
    """The time of publication in ISO 8601 with its offset; empty for none."""
    return "" if stamp.created is None else stamp.created.isoformat(timespec="seconds")
