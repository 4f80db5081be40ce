"""Clean text of characters that nobody can read: controls, invisible and direction characters.

After this, text holds no character that XML 1.0 forbids, no control or direction character, no zero-width
character and no exotic blank; it is in Unicode's NFC form. Full-width punctuation stays as it was written.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_BREAKS: Final = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_BLANKS: Final = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_FORBIDDEN: Final = re.compile(
    "["
    "\x00-\x08\x0e-\x1f\x7f-\x9f"  # C0 and C1 controls, without tab and line feed
    "\ud800-\udfff"  # lone surrogates: JSON can spell them
    "\u00ad\u180e\u200b\u200c\u2060-\u2064\ufeff"  # invisible
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # direction
    "\ufdd0-\ufdef\ufff0-\ufffc\ufffe\uffff"  # no characters, and marks of annotations
    "\U000e0000-\U000e007f"  # invisible tags
    "]"
    # A joiner is kept between the parts of an emoji alone.
    "|(?<![\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d"
)
_UNCLEAN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ud800-\udfff"
    "\ufdd0-\ufdef\ufeff\ufff0-\ufffc\ufffe\uffff\U000e0000-\U000e007f]"
)
"""Every character that `_BREAKS`, `_BLANKS` or `_FORBIDDEN` may match: most texts have none of them."""


def clean(text: str) -> str:
    """Remove forbidden characters from the text; every line break is LF, every blank a space."""
    text = text.replace("\u3000", " ").replace("\xa0", " ")  # by far the commonest, and fast
    if not _UNCLEAN.search(text):
        return unicodedata.normalize("NFC", text)
    text = _BLANKS.sub(" ", _BREAKS.sub("\n", text))
    # A character taken out may leave two behind that belong together: compose last.
    return unicodedata.normalize("NFC", _FORBIDDEN.sub("", text) if _UNCLEAN.search(text) else text)


def line(text: str) -> str:
    """Clean the text and put it on one line: every run of blanks is one blank, none at the ends."""
    return " ".join(clean(text).split())
