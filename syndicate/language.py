"""Texts for people in two languages, Chinese and English.

A sentence stands once, as a `Text` with both languages, at the place that says it, so neither can be
forgotten or grow old alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Lang(StrEnum):
    """A language of the interface."""

    ZH = "zh"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in both languages."""

    zh: str
    en: str

    def in_(self, lang: Lang) -> str:
        """The sentence in `lang`."""
        return self.zh if lang is Lang.ZH else self.en

    def __str__(self) -> str:
        return f"{self.zh} · {self.en}"

    def __add__(self, other: Text) -> Text:
        return Text(self.zh + other.zh, self.en + other.en)


def verbatim(word: str) -> Text:
    """A name or number that is the same in both languages."""
    return Text(word, word)


_UNITS: Final = ("B", "KB", "MB", "GB", "TB")


def size_text(size: int) -> str:
    """A number of bytes as people read it: `812 B`, `4.2 MB`."""
    amount, unit = float(size), 0
    while amount >= 1000 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{size:,} B" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"
