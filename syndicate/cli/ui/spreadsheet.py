"""Tables that are safe to open in a spreadsheet: whatever somebody called themselves, no formula runs.

CSV (RFC 4180) in UTF-8 with a byte order mark, by which Excel knows Chinese; lines end in CR LF. Texts
stand in quotes; numbers do not, and stay numbers. A text that a spreadsheet could take for a formula gets
an apostrophe before it, which says that it is a text; so does the part of a text behind a sign that some
spreadsheets divide cells at.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

_FORMULAS: Final = frozenset("=+-@\N{MINUS SIGN}")
"""What a formula begins with, once wide and small forms are made plain."""
_BREAKS: Final = frozenset("\t\r\n")
_QUOTES: Final = frozenset("\"'`´„‚「」『』〝〞＂＇｀")
_UNSEEN: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that nobody sees, though they count as such."""
_DIVIDED: Final = re.compile(r"(?<=[;\t\r\n])[^;\t\r\n]+")


def csv_bytes(rows: Iterable[Sequence[str | int]]) -> bytes:
    """The rows as a file; the first is the header."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerows([cell if isinstance(cell, int) else harmless(cell) for cell in row] for row in rows)
    # A text from a file's name may hold what UTF-8 cannot say.
    return out.getvalue().encode("utf-8-sig", errors="backslashreplace")


def harmless(text: str) -> str:
    """The text as a cell in which nothing runs: itself, or with an apostrophe before what could."""
    inside = _DIVIDED.sub(lambda part: _marked(part[0]), text)
    return f"'{inside}" if runs(text) else inside


def runs(text: str) -> bool:
    """Return whether a spreadsheet could take the text for a formula.

    Such a text begins with `=`, `+`, `-`, `@`, a tab or a line break, plain or full-width, behind any
    blanks, quotes and invisible characters.
    """
    for sign in text:
        if sign in _BREAKS or unicodedata.normalize("NFKC", sign)[:1] in _FORMULAS:
            return True
        if not _passed_over(sign):
            return False
    return False


def _marked(part: str) -> str:
    return f"'{part}" if runs(part) else part


def _passed_over(sign: str) -> bool:
    if sign.isspace() or not sign.isprintable() or sign in _QUOTES or sign in _UNSEEN:
        return True
    return unicodedata.category(sign) in ("Mn", "Me", "Pi", "Pf")
