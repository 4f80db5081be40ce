"""Parse a document for ingest, under the newsroom's own rules."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import syndicate
from syndicate.errors import Fault, Faulty
from syndicate.language import Text
from syndicate.model.item import FileState, Item
from syndicate.model.notes import Note
from syndicate.model.parties import Publisher

if TYPE_CHECKING:
    from syndicate.ingest.draft import Parsed


@dataclass(frozen=True, slots=True)
class ParsingRules:
    """What parsing depends on beside the document.

    `refused_notes` are the codes of notes that refuse a document (the setting `ingest_refuse_notes`).
    """

    publisher: Publisher
    refused_notes: frozenset[str] = field(default_factory=frozenset)

    def file_states(self, files: Iterable[tuple[Path, bytes]]) -> list[FileState]:
        """The states of files that lie here and hold these bytes, as they are read by these rules."""
        rules = f"{syndicate.__version__}\0{self.publisher!r}\0{sorted(self.refused_notes)}"
        begun = hashlib.sha256(hashlib.sha256(rules.encode()).digest())
        found = []
        for place, data in files:
            digest = begun.copy()
            digest.update(data)
            found.append(FileState(hashlib.sha256(os.fsencode(place)).digest(), digest.digest()))
        return found


@dataclass(frozen=True, slots=True)
class UnparsedDocument:
    """The bytes of a document under its name, to be ingested at `at`."""

    name: str
    data: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class TakenBefore:
    """The content of a file that was taken in before as it is now; `item` is what it became, an outline."""

    item: Item


@dataclass(frozen=True, slots=True)
class ParsedMedia:
    """A picture, sound or film of a story: the item that it becomes if it is new, and its place there."""

    parsed: Parsed
    place: int
    caption: str | None
    alt: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document that was parsed at `at`: an item with all that goes with it, or every fault.

    Or nothing to parse. `file` is the file that it was read from, to be remembered once it is taken in.
    """

    name: str
    at: datetime
    content: Parsed | tuple[Fault, ...] | TakenBefore
    file: FileState | None = None
    media: tuple[ParsedMedia, ...] = ()


def parse_document(data: bytes, name: str, rules: ParsingRules, at: datetime) -> ParsedDocument:
    """Parse a document; it is refused also for every note that the rules refuse. Raises nothing.

    The note that its media are left out does not count yet: who looks for them, or does not, asks
    `refused_for_notes` after it.
    """
    # Imported with the first document: most commands read none, and the parsers take long to load.
    from syndicate.ingest.document_parser import parse
    from syndicate.ingest.media_references import not_looked_for

    try:
        parsed = parse(data, name=name, publisher=rules.publisher, now=at)
    except Faulty as refused:
        return ParsedDocument(name, at, refused.faults)
    notes = [note for note in parsed.notes if note not in not_looked_for(parsed.media)]
    return ParsedDocument(name, at, _refused_for(notes, rules) or parsed)


def refused_for_notes(document: ParsedDocument, rules: ParsingRules) -> ParsedDocument:
    """Refuse a document for every note that the rules refuse, those about its media among them."""
    if isinstance(document.content, tuple | TakenBefore):
        return document
    faults = _refused_for(document.content.notes, rules)
    return ParsedDocument(document.name, document.at, faults) if faults else document


def _refused_for(notes: Iterable[Note], rules: ParsingRules) -> tuple[Fault, ...]:
    return tuple(
        Fault(note.code, note.field, note.text, note.line)
        for note in notes
        if note.code in rules.refused_notes
    )


def parser_failed(name: str, at: datetime) -> ParsedDocument:
    """The result for a document that ended its parser's process twice."""
    said = Text(
        "解析这份文件时，解析进程两次异常退出，已退回；其余文件不受影响，请把文件交给技术人员",
        "its parser's process died twice over this document, which is refused; the others are not affected:"
        " give the document to whoever looks after the system",
    )
    return ParsedDocument(name, at, (Fault("parser_failed", "document", said),))
