"""Build one block from each list, table or quote of a body."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from syndicate.model.item import Block, BlockKind

_MOST_SPANNED: Final = 50
_LETTERS: Final = 26
_MOST_LINES: Final = 3
"""A table with a cell of more lines is not data: it only lays out the page."""


@dataclass(slots=True)
class _Cell:
    """One cell of a row, one entry of a list, or the one part of a quote."""

    tag: str
    lines: list[Block] = field(default_factory=list)
    columns: int = 1
    rows: int = 1
    number: int | None = None

    @property
    def html(self) -> str:
        return f"<{self.tag}>{'<br>'.join(line.html for line in self.lines)}</{self.tag}>"

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)


class Group:
    """Collect the lines of one list, table or quote. What is nested in it becomes part of it."""

    def __init__(self, kind: BlockKind, tag: str, attributes: Mapping[str, str | None]) -> None:
        self.spanning_cells = 0
        self._attributes = attributes
        self._kind = kind
        self._tag = tag
        self._depth = 1
        self._nested = False
        self._rows: list[list[_Cell]] = []
        self._all: list[Block] = []

    @property
    def lines(self) -> int:
        """How many lines it has so far."""
        return len(self._all)

    def enter(self, tag: str, attributes: Mapping[str, str | None]) -> None:
        """Handle a start tag."""
        if tag == self._tag:
            self._depth += 1
            self._nested = True
        if tag == "tr" and self._kind is BlockKind.TABLE:
            self._rows.append([])
        elif tag in ("td", "th") and self._kind is BlockKind.TABLE and self._rows:
            cell = _Cell(tag, columns=_count(attributes, "colspan"), rows=_count(attributes, "rowspan"))
            self._rows[-1].append(cell)
        elif tag == "li" and self._kind is BlockKind.LIST:
            self._rows.append([_Cell("li", number=_number(attributes.get("value")))])

    def leave(self, tag: str) -> bool:
        """Handle an end tag; return True if it closes the group."""
        if tag == self._tag:
            self._depth -= 1
        return self._depth == 0

    def add(self, block: Block) -> None:
        """Append a line."""
        self._all.append(block)
        if self._kind is BlockKind.QUOTE or not self._rows or not self._rows[-1]:
            self._rows.append([_Cell("td" if self._kind is BlockKind.TABLE else "li")])
        self._rows[-1][-1].lines.append(block)

    def blocks(self) -> list[Block]:
        """Return the group as one block; a layout table returns its lines as separate blocks."""
        rows = [row for row in self._rows if any(cell.lines for cell in row)]
        if not rows:
            return []
        if self._kind is BlockKind.QUOTE:
            html, text = ("<br>".join(b.html for b in self._all), "\n".join(b.text for b in self._all))
            return [Block(self._kind, text, html)]
        if self._kind is BlockKind.LIST:
            return [self._list([row[0] for row in rows])]
        if self._nested or len(rows) < 2 or not _is_data_table(rows):
            return self._all
        rows = self._spread(rows)
        html = "".join(f"<tr>{''.join(cell.html for cell in row)}</tr>" for row in rows)
        text = "\n".join("\t".join(cell.text for cell in row) for row in rows)
        return [Block(self._kind, text, html)]

    def _spread(self, rows: list[list[_Cell]]) -> list[list[_Cell]]:
        """Repeat each spanning cell in each place that it covers, so that columns stay aligned."""
        grid: list[list[_Cell]] = []
        below: dict[int, tuple[int, _Cell]] = {}
        for row in rows:
            cells, waiting, column = [], list(row), 0
            while waiting or column in below:
                if column in below:
                    left, cell = below.pop(column)
                    if left > 1:
                        below[column] = (left - 1, cell)
                    cells.append(cell)
                    column += 1
                    continue
                cell = waiting.pop(0)
                self.spanning_cells += cell.columns > 1 or cell.rows > 1
                for _ in range(cell.columns):
                    if cell.rows > 1:
                        below[column] = (cell.rows - 1, cell)
                    cells.append(cell)
                    column += 1
            grid.append(cells)
        return grid

    def _list(self, entries: list[_Cell]) -> Block:
        """Build a list block; an `ol` gets its numbers as text."""
        if self._tag == "ol":
            step = -1 if "reversed" in self._attributes else 1
            start = _number(self._attributes.get("start"))
            number = start if start is not None else (len(entries) if step < 0 else 1)
            for entry in entries:
                number = entry.number if entry.number is not None else number
                first = entry.lines[0]
                said = f"{_numeral(number, self._attributes.get('type') or '1')}. "
                entry.lines[0] = Block(first.kind, said + first.text, said + first.html)
                number += step
        text = "\n".join(entry.text for entry in entries)
        return Block(self._kind, text, "".join(entry.html for entry in entries))


def _count(attributes: Mapping[str, str | None], name: str) -> int:
    """Return how many columns or rows a cell spans: 1 to 50."""
    number = _number(attributes.get(name))
    return min(max(number or 1, 1), _MOST_SPANNED)


def _number(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"-?\d{1,6}", text.strip()) else None


def _numeral(number: int, kind: str) -> str:
    """Write a list number as its `type` asks: `a` and `A` up to 26 as letters, all others in digits."""
    if kind in ("a", "A") and 1 <= number <= _LETTERS:
        return chr(ord(kind) + number - 1)
    return str(number)


def _is_data_table(rows: list[list[_Cell]]) -> bool:
    return max(map(len, rows)) > 1 and all(len(cell.lines) <= _MOST_LINES for row in rows for cell in row)
