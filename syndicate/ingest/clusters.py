"""Tells where a text may be cut: never inside an emoji, a flag or an accented letter.

A grapheme cluster is what a reader takes for one character (Unicode UAX #29). These are the rules of its
extended clusters, except that a prepended mark (Arabic, Indic) may be cut off from what follows it.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_ZWJ: Final = "\u200d"
_EXTEND: Final = frozenset("\u200c\u200d\uff9e\uff9f\u0e33\u0eb3")
"""Characters that belong to the one before, besides marks (categories Mn, Mc, Me) and skin tones."""
_VIRAMAS: Final = frozenset("\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d")
"""Marks that join two consonants of an Indic script (rule GB9c)."""


def is_boundary(text: str, at: int) -> bool:
    """Whether the text may be cut before the character at index `at`, from 0 to its length."""
    if at <= 0 or at >= len(text):
        return True
    before, after = text[at - 1], text[at]
    if before == "\r" and after == "\n":
        return False
    if _is_control(before) or _is_control(after):
        return True
    if _extends(after) or before == _ZWJ or _joins_hangul(before, after):
        return False
    if unicodedata.category(after) == "Lo" and _has_virama(text, at):
        return False
    return not (_is_regional(after) and _regionals_before(text, at) % 2)


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Zl", "Zp")


def _extends(character: str) -> bool:
    return (
        character in _EXTEND
        or unicodedata.category(character).startswith("M")
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
    )


def _has_virama(text: str, at: int) -> bool:
    """Whether a mark that joins consonants is among those before `at`."""
    while at > 0 and _extends(text[at - 1]):
        at -= 1
        if text[at] in _VIRAMAS:
            return True
    return False


def _is_regional(character: str) -> bool:
    """Whether the character is one half of a flag."""
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _regionals_before(text: str, at: int) -> int:
    start = at
    while start > 0 and _is_regional(text[start - 1]):
        start -= 1
    return at - start


def _joins_hangul(before: str, after: str) -> bool:
    """Whether two Hangul letters (jamo) or a syllable and a letter make one syllable (rules GB6 to GB8)."""
    leading = "\u1100" <= before <= "\u115f" or "\ua960" <= before <= "\ua97c"
    if leading:
        return (
            "\u1100" <= after <= "\u11a7" or "\ua960" <= after <= "\ua97c" or "\uac00" <= after <= "\ud7c6"
        )
    inside = "\u1160" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7fb"
    return inside and ("\u1160" <= after <= "\u11ff" or "\ud7b0" <= after <= "\ud7fb")
