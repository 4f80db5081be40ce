"""What the commands say: to people in their language, to programs in JSON, never mixed on one stream."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TextIO

from rich.cells import cell_len

from syndicate.language import Lang, Text


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table for people. `tight` columns are never wrapped: ids, numbers, times."""

    name: Text
    tight: bool = True


@dataclass(frozen=True, slots=True)
class Output:
    """How one run of a command speaks. With `json`, stdout is for programs and people read stderr."""

    lang: Lang
    json: bool
    zone: tzinfo | None = None

    def say(self, text: Text | str) -> None:
        """The answer, for people."""
        print(self._words(text), file=sys.stderr if self.json else sys.stdout, flush=True)

    def aside(self, text: Text | str) -> None:
        """What is good to know beside the answer, for people: always on stderr."""
        print(self._words(text), file=sys.stderr, flush=True)

    def give(self, value: object) -> None:
        """The answer, for programs: one JSON value on a line of its own. Nothing without `--json`."""
        if self.json:
            print(json.dumps(value, ensure_ascii=False), flush=True)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]], empty: Text) -> None:
        """A list for people; `empty` says what to do when there is nothing in it."""
        if not rows:
            self.say(empty)
            return
        names = [column.name.in_(self.lang) for column in columns]
        cells = [[printable(cell, lines=False) for cell in row] for row in rows]
        file = sys.stderr if self.json else sys.stdout
        if file.isatty():
            _draw(file, columns, names, cells)
        else:
            print("\n".join(_aligned([names, *cells])), file=file, flush=True)

    def record(self, fields: Sequence[tuple[Text, str]]) -> None:
        """One thing with its fields, for people."""
        names = [name.in_(self.lang) for name, _ in fields]
        widest = max(map(cell_len, names))
        for name, (_, value) in zip(names, fields, strict=True):
            self.say(f"{_padded(name, widest)}  {value or '–'}")

    def moment(self, at: datetime | None) -> str:
        """Format a time for people: in the publisher's zone, to the minute; empty for None."""
        return "" if at is None else at.astimezone(self.zone).strftime("%Y-%m-%d %H:%M")

    def exactly(self, at: datetime) -> str:
        """Format a time that somebody may have to wait for: to the second, with its offset."""
        local = at.astimezone(self.zone)
        offset = local.strftime("%z")
        return f"{local:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:5]}"

    def _words(self, text: Text | str) -> str:
        return printable(text.in_(self.lang) if isinstance(text, Text) else text)


def iso(at: datetime | None) -> str | None:
    """Format a time for programs: ISO 8601 with its offset."""
    return None if at is None else at.isoformat()


def printable(text: str, *, lines: bool = True) -> str:
    """The text without what could steer a terminal: control characters come out as escapes."""
    kept = "\n\t" if lines else ""
    return "".join(c if c.isprintable() or c in kept else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    # An ideographic space is not "printable" for Python, and quite at home in a headline.
    return character if character.isspace() and ord(character) > 0xA0 else repr(character)[1:-1]


def _draw(
    file: TextIO, columns: Sequence[Column], names: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    """Fit a table into the terminal."""
    # Here, not above: only a terminal needs rich, and it takes long to load.
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text as Styled

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column, name in zip(columns, names, strict=True):
        table.add_column(Styled(name), no_wrap=column.tight, overflow="fold")
    for row in rows:
        table.add_row(*(Styled(cell) for cell in row))
    Console(file=file, highlight=False, emoji=False).print(table)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))
