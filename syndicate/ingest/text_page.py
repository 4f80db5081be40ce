"""Read a page of the site that was saved as plain text."""

from __future__ import annotations

from syndicate.ingest.draft import Draft
from syndicate.ingest.page_layout import read
from syndicate.ingest.page_lines import PageLine
from syndicate.ingest.text import lines, paragraph
from syndicate.model.parties import Publisher


def read_text(text: str, publisher: Publisher) -> Draft:
    """Read a saved page; every line of the file that is not blank is a paragraph."""
    page = [PageLine(paragraph(one), number) for number, one in enumerate(lines(text), 1) if one]
    return read(page, publisher)
