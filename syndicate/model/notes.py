"""Notes: what ingest read with doubt or left out of a document, for staff to check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from syndicate.language import Lang, Text

_QUOTED: Final = 40

NOTE_CODES: Final = frozenset(
    {
        "associations_left_out",
        "caption_uncertain",
        "captions_left_out",
        "characters_lost",
        "created_without_zone",
        "credit_left_out",
        "embargo_unclear",
        "embargo_words",
        "end_left_out",
        "extraction_differs",
        "formulas_left_out",
        "frames_left_out",
        "headline_differs",
        "headline_uncertain",
        "media_codec_unusual",
        "media_first_frame",
        "media_fields_differ",
        "media_fields_unreadable",
        "media_left_out",
        "media_line_missing",
        "media_name_differs",
        "media_not_ours",
        "media_original_stays",
        "media_profile_left_out",
        "media_tools_missing",
        "media_type_differs",
        "published_differs",
        "published_in_future",
        "source_differs",
        "source_from_publisher",
        "source_not_ours",
        "struck_text_left_out",
        "subtitle_left_out",
        "table_spans_repeated",
    }
)
"""The codes of notes about documents; the setting `ingest_refuse_notes` takes each of them."""
ACTION_CODES: Final = frozenset({"embargoed", "superseded", "withheld"})
"""The codes of notes about what became of a document. They are not kept with the version."""


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

    def __post_init__(self) -> None:
        if self.code not in NOTE_CODES and self.code not in ACTION_CODES:
            raise ValueError(f"not a known code of a note: {self.code}")

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
