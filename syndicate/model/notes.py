"""Notes: what ingest read with doubt or left out of a document, for staff to check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from syndicate.language import Lang, Text

_QUOTED = 40


@dataclass(frozen=True, slots=True)
class Note:
    """One remark about a document that was taken in.

    Attributes:
        code: stable, for programs and for the setting that turns notes into refusals.
        field: the field of the item that it is about (`headline`, `published`, `body` …).
        text: what was found and what to do, in both languages; quotes the line it is about.
        line: the line's number, from 1, where the document has lines; else None.
    """

    code: str
    field: str
    text: Text
    line: int | None = None

    def in_(self, lang: Lang) -> str:
        """The note as one line for people."""
        where = Text("", "") if self.line is None else Text(f"第 {self.line} 行：", f"line {self.line}: ")
        return f"{(where + self.text).in_(lang)} [{self.code}]"

    def to_json(self, lang: Lang) -> dict[str, Any]:
        """The note for programs: `{"code", "field", "line", "text"}`, its text in `lang`."""
        return {"code": self.code, "field": self.field, "line": self.line, "text": self.text.in_(lang)}


def quoted(text: str) -> str:
    """A line of a document, short enough to stand in a sentence."""
    return text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…"
