"""Find the line of each value in a TOML text, for faults that name it.

The parser we use checks TOML and gives values, and forgets where they stood. This reads the same text a
second time, for places alone. It trusts the parser to have refused what is not TOML, and never fails.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

Where = tuple[str | int, ...]
"""Where a value stands: `("grant", 0, "outlets")`. Numbers count from 0."""

_TOKEN: Final = re.compile(
    r"""
      (?P<string> \"{3}(?:\\[\s\S]|[^\\])*?\"{3}\"{0,2} | '{3}[\s\S]*?'{3}'{0,2}
                | "(?:\\.|[^"\\\n])*" | '[^'\n]*' )
    | (?P<comment> \#[^\n]* )
    | (?P<newline> \n )
    | (?P<blank> [^\S\n]+ )
    | (?P<sign> [][{}=,.] )
    | (?P<word> [^\s][^\s\][{}=,.\#"']* )
    """,
    re.VERBOSE,
)
_DEEPEST: Final = 100
"""Nesting past this is not followed; the parser refuses it anyway."""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a TOML text: its `kind` is `string`, `comment`, `newline`, `blank`, `sign` or `word`.

    `line` counts from 1, `start` is the index of its first character in the text.
    """

    kind: str
    text: str
    line: int
    start: int


def lines_of(text: str) -> tuple[dict[Where, int], int | None]:
    """The 1-based line on which each value of a TOML text begins, tables and list elements included.

    Also the line of the first name that is said twice, None if none is.
    """
    reading = _Reading(text)
    reading.document()
    return reading.lines, reading.repeated


class _Reading:
    def __init__(self, text: str) -> None:
        self.tokens = list(tokens(text))
        self.at = 0
        self.lines: dict[Where, int] = {}
        self.repeated: int | None = None
        self.counts: dict[Where, int] = {}
        """How many `[[tables]]` each name has so far."""

    def document(self) -> None:
        here: Where = ()
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.text == "[":
                here = self._header()
            elif token.kind in {"word", "string"}:
                self._pair(here, 0)
            self._to_next_line()

    def _header(self) -> Where:
        first = self._take()
        second = self._peek()
        many = second is not None and second.text == "[" and second.start == first.start + 1
        if many:
            self._take()
        here: Where = ()
        names = self._names()
        for number, name in enumerate(names, start=1):
            here = (*here, name)
            if many and number == len(names):
                self.counts[here] = self.counts.get(here, 0) + 1
            self._mark(here, first.line)
            if here in self.counts:
                here = (*here, self.counts[here] - 1)
        self._mark(here, first.line)
        return here

    def _pair(self, here: Where, depth: int) -> None:
        line = self.tokens[self.at].line
        path = (*here, *self._names())
        if path in self.lines and self.repeated is None:
            self.repeated = line
        for end in range(len(here) + 1, len(path) + 1):
            self._mark(path[:end], line)
        if (token := self._peek()) is not None and token.text == "=":
            self._take()
            self._value(path, depth)

    def _value(self, path: Where, depth: int) -> None:
        token = self._peek()
        if token is None:
            return
        self._mark(path, token.line)
        if token.text not in {"[", "{"} or depth > _DEEPEST:
            while (
                token is not None and token.kind not in {"newline", "comment"} and token.text not in ",]}"
            ):
                self._take()
                token = self._peek()
            return
        close = "]" if self._take().text == "[" else "}"
        index = 0
        while (token := self._peek()) is not None and token.text != close:
            if token.text == ",":
                index += 1
                self._take()
            elif token.kind in {"newline", "comment"} or token.text in {"]", "}", "=", "."}:
                self._take()
            elif close == "]":
                self._value((*path, index), depth + 1)
            elif token.kind in {"word", "string"}:
                self._pair(path, depth + 1)
            else:
                self._take()
        if token is not None:
            self._take()

    def _names(self) -> list[str]:
        """A name, or several joined by points."""
        names = []
        while (token := self._peek()) is not None and (
            token.kind in {"word", "string"} or token.text == "."
        ):
            self._take()
            if token.text != ".":
                names.append(_name(token))
        return names

    def _mark(self, path: Where, line: int) -> None:
        self.lines.setdefault(path, line)

    def _peek(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _take(self) -> Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def _to_next_line(self) -> None:
        while (token := self._peek()) is not None:
            self._take()
            if token.kind == "newline":
                return


def tokens(text: str, *, blanks: bool = False) -> Iterator[Token]:
    """The tokens of a TOML text in order; runs of blanks are left out unless asked for. Never fails."""
    line = 1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "word"
        if blanks or kind != "blank":
            yield Token(kind, match.group(), line, match.start())
        line += match.group().count("\n")


def _name(token: Token) -> str:
    if token.kind == "word":
        return token.text
    try:
        return next(iter(tomllib.loads(f"{token.text} = 0")))
    except tomllib.TOMLDecodeError:
        return token.text
