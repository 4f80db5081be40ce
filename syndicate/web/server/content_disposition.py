"""Write the header Content-Disposition with names in any script (RFC 6266, RFC 8187)."""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import quote

_LONGEST: Final = 80
"""Characters of a name without its suffix."""
_LONGEST_BYTES: Final = 180
"""Bytes of a name in UTF-8 without its suffix: file systems take 255 with it."""
_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9]{1,8}")
_UNSAFE: Final = re.compile(r'[\\/:*?"<>|%;]+')
_ATTR_CHARS: Final = "!#$&+-.^_`|~"
"""Besides letters and digits, what stands for itself in an extended value (RFC 8187, section 3.2.1)."""


def content_disposition(name: str, suffix: str, *, attachment: bool = True) -> str:
    """Return the header's value for a file of this name, without its suffix (`.jpg`), as people read it.

    What no file system or header takes is replaced: control and direction characters, separators of paths.
    Clients that know only ASCII get the ASCII of the name, or `file`.
    """
    if suffix and not _SUFFIX.fullmatch(suffix):
        raise ValueError("a suffix is a point and up to eight letters and digits")
    stem = _clean(name) or "file"
    ascii_stem = "".join(one for one in unicodedata.normalize("NFKD", stem) if " " <= one <= "~")
    plain = (_UNSAFE.sub("-", ascii_stem).strip(" .-_") or "file") + suffix
    kind = "attachment" if attachment else "inline"
    value = f'{kind}; filename="{plain}"'
    whole = stem + suffix
    return value if whole == plain else f"{value}; filename*=UTF-8''{quote(whole, safe=_ATTR_CHARS)}"


def _clean(name: str) -> str:
    kept = "".join(
        " " if one.isspace() else one
        for one in unicodedata.normalize("NFC", name)
        if one.isspace() or unicodedata.category(one)[0] != "C"
    )
    kept = " ".join(_UNSAFE.sub("-", kept).split())[:_LONGEST]
    while len(kept.encode()) > _LONGEST_BYTES:
        kept = kept[:-1]
    return kept.strip(" .")
