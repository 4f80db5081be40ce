"""Write one line of a body as safe HTML: text, links and emphasis only.

Markup is not copied but written anew from a closed list, and then sanitised by nh3 as a second check.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Final, NamedTuple

import nh3

from syndicate.characters import clean
from syndicate.ingest.line_cache import cached

MARKS: Final = {"b": "strong", "strong": "strong", "i": "em", "em": "em", "sub": "sub", "sup": "sup"}
"""Emphasis tags that are kept → the tag that is written."""
_ORDER: Final = ("strong", "em", "sub", "sup")
_BLANKS: Final = re.compile(r"\s+")
_SPECIAL: Final = re.compile("[&<>]")
_WIDE: Final = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
_FOLD: Final = re.compile(f"(?<=[{_WIDE}])[ \t]*\n\\s*(?=[{_WIDE}])")
_SANITIZER: Final = nh3.Cleaner(
    tags={"a", "strong", "em", "sub", "sup"},
    attributes={"a": {"href"}},
    url_schemes={"http", "https"},
    url_relative="deny",
    link_rel=None,
)


_RAISED: Final = str.maketrans("0123456789+-=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ")
_LOWERED: Final = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")


class Run(NamedTuple):
    """A piece of text with the same marks, and the address it links to."""

    text: str
    marks: frozenset[str]
    href: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line as plain text, and as HTML."""

    text: str
    html: str


def unfolded(text: str) -> str:
    """Clean HTML text, and remove line breaks of the file between wide (East Asian) characters."""
    text = clean(text)
    return _FOLD.sub("", text) if "\n" in text.strip() else text


def line_of(runs: Sequence[Run]) -> Line | None:
    """Join the runs to one line, blanks collapsed across them; None if nothing is left to read."""
    if len(runs) == 1 and not runs[0].marks and runs[0].href is None:
        return _plain_line(" ".join(runs[0].text.split()))
    tidy: list[Run] = []
    before = " "
    for run in runs:
        text = _BLANKS.sub(" ", run.text)
        if before.endswith(" "):
            text = text.removeprefix(" ")
        if text:
            before = text
            tidy.append(Run(text, run.marks, run.href))
    while tidy and not tidy[-1].text.rstrip():
        tidy.pop()
    if not tidy:
        return None
    tidy[-1] = Run(tidy[-1].text.rstrip(), tidy[-1].marks, tidy[-1].href)
    if not any(run.marks or run.href is not None for run in tidy):
        return _plain_line("".join(run.text for run in tidy))
    return Line("".join(map(_plain, tidy)), _sanitized(_markup(tidy)))


def _plain_line(text: str) -> Line | None:
    """Make a line of cleaned text without marks and links; None of an empty one."""
    if not text:
        return None
    # Text without these three characters is HTML already, and the sanitizer gives it back as it is.
    return Line(text, _sanitized(escape(text, quote=False)) if _SPECIAL.search(text) else text)


@cached
def _sanitized(html: str) -> str:
    return _SANITIZER.clean(html)


def _plain(run: Run) -> str:
    """Return the run as plain text; raised and lowered digits stay so, or 10 to the 4 would read 104."""
    if "sup" in run.marks and all(ord(one) in _RAISED for one in run.text):
        return run.text.translate(_RAISED)
    if "sub" in run.marks and all(ord(one) in _LOWERED for one in run.text):
        return run.text.translate(_LOWERED)
    return run.text


def _markup(runs: Sequence[Run]) -> str:
    """Write the runs as HTML: a link outside, emphasis inside, neighbours under the same marks together."""
    written = ""
    for href, linked in groupby(runs, key=lambda run: run.href):
        inside = ""
        for marks, marked in groupby(linked, key=lambda run: run.marks):
            text = escape("".join(run.text for run in marked), quote=False)
            names = [name for name in _ORDER if name in marks]
            opened = "".join(f"<{name}>" for name in names)
            closed = "".join(f"</{name}>" for name in reversed(names))
            inside += opened + text + closed
        written += inside if href is None else f'<a href="{escape(href)}">{inside}</a>'
    return written
