"""Remove characters that XML or HTML cannot carry, so that one item cannot break a whole feed.

Text is cleaned at ingest; this keeps a feed whole even if an older release or a restored database let
something through.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from typing import Final
from urllib.parse import quote

_FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
"""What XML 1.0 (2.2) forbids, and what it and HTML ask writers to avoid: controls, noncharacters."""

_BREAKS: Final = re.compile("[\t\n\r\x85\u2028\u2029]+")
_ADDRESS: Final = ":/?#[]@!$&'()*+,;=%~"


def clean(text: str) -> str:
    """The text without characters that XML or HTML cannot carry; every line ends in LF."""
    if text.isprintable():  # nothing that is forbidden is, nor is CR: most texts need no more than a look
        return text
    return _FORBIDDEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """Clean text on one line, for headlines and fields. Blanks inside, also wide ones, stay as they are."""
    if text.isprintable():
        return text.strip()
    return _BREAKS.sub(" ", clean(text)).strip()


@lru_cache(maxsize=1_024)
def address(text: str) -> str:
    """A URL with every character that RFC 3986 does not allow percent-encoded."""
    return quote(clean(text).strip(), safe=_ADDRESS)


def as_html(text: str) -> str:
    """Clean text as HTML, for between tags and for attributes in double quotes."""
    return escape(clean(text), quote=True)
