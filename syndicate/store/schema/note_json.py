"""Notes of ingest as the JSON text that a row keeps of them, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence

from syndicate.language import Text
from syndicate.model.item import canonical_json
from syndicate.model.notes import Note


def notes_text(notes: Sequence[Note]) -> str:
    """The notes as JSON text: a list of `{"code", "field", "line", "zh", "en"}`."""
    values = [
        {"code": one.code, "field": one.field, "line": one.line, "zh": one.text.zh, "en": one.text.en}
        for one in notes
    ]
    return canonical_json(values).decode()


def notes_from(text: str) -> tuple[Note, ...]:
    """The inverse of `notes_text`.

    Raises KeyError, TypeError or ValueError for text that `notes_text` did not write.
    """
    return tuple(
        Note(one["code"], one["field"], Text(one["zh"], one["en"]), one["line"]) for one in json.loads(text)
    )
