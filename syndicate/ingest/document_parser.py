"""Parse one document: bytes become an item, or are refused with every fault."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from enum import Enum, auto
from typing import Final

from syndicate.decoding import decode
from syndicate.errors import Fault, Faulty
from syndicate.ingest.draft import Draft, Parsed, finish
from syndicate.ingest.html_page import read_page
from syndicate.ingest.mhtml import html_of_archive, is_archive
from syndicate.ingest.ninjs_document import read_ninjs
from syndicate.ingest.text_page import read_text
from syndicate.language import Text
from syndicate.model.parties import Publisher

MAX_DOCUMENT: Final = 10 * 1024 * 1024
"""Bytes. A page of the site has some 60,000."""

_SNIFF_CHARS: Final = 4096
_COMMENTS: Final = re.compile(r"(?:\s|<!--.*?-->)*", re.DOTALL)
_DECLARATION: Final = re.compile(r"<\?xml\b[^>]*\?>", re.IGNORECASE)
_HTML: Final = re.compile(
    r"<(?:!doctype\s+html(?:\s[^\[>]*)?>"
    r"|(?:html|head|body|meta|title|link|script|style|div|p|article|section|main|h[1-6]|table|span|br|a"
    r"|center|font|ul|img|iframe|svg|form|header|nav)\b)",
    re.IGNORECASE,
)
_MARKUP: Final = re.compile(r"<[!?/a-zA-Z]")
_HTML_INSIDE: Final = re.compile(r"<(?:html|body)[\s>]", re.IGNORECASE)


class _Kind(Enum):
    PLAIN = auto()
    PAGE = auto()
    NINJS = auto()
    OTHER = auto()


def parse(data: bytes, *, name: str, publisher: Publisher, now: datetime) -> Parsed:
    """Parse a document into an item taken in at `now`, an aware datetime.

    `name` is what people call the document, usually its path; a name ending in `.json` is read as ninjs
    whatever its content. Raises Faulty(name, faults), and nothing else, for whatever cannot become an item.
    """
    if len(data) > MAX_DOCUMENT:
        raise Faulty(name, [_too_large(len(data))])
    archive = html_of_archive(data) if is_archive(data) else None
    if isinstance(archive, Fault):
        raise Faulty(name, [archive])
    text = archive.html if archive is not None else decode(data)
    if isinstance(text, Fault):
        raise Faulty(name, [text])
    if not text.strip():
        raise Faulty(name, [Fault("empty", "document", Text("文件为空", "the document is empty"))])
    kind = _kind(text, name)
    draft = _read(text, kind, publisher)
    if isinstance(draft, list):
        raise Faulty(name, draft)
    if archive is not None and draft.address is None:
        draft = replace(draft, address=archive.address)
    parsed = finish(draft, name=name, publisher=publisher, now=now)
    return replace(parsed, plain=kind is _Kind.PLAIN)


def _read(text: str, kind: _Kind, publisher: Publisher) -> Draft | list[Fault]:
    match kind:
        case _Kind.PLAIN:
            return read_text(text, publisher)
        case _Kind.PAGE:
            page = read_page(text, publisher)
            return page if isinstance(page, Draft) else [page]
        case _Kind.NINJS:
            return read_ninjs(text, publisher)
        case _Kind.OTHER:
            return [_unsupported()]


def _kind(text: str, name: str) -> _Kind:
    """Tell the kind of document by how it begins. XML is told from HTML without being parsed."""
    start = text.lstrip("\ufeff \t\r\n\v\f\u3000")
    if name.lower().endswith(".json") or (start.startswith("{") and not start.startswith("{\\rtf")):
        return _Kind.NINJS
    if start.startswith("{\\rtf"):
        return _Kind.OTHER
    declaration = _DECLARATION.match(start)
    start = start[declaration.end() :] if declaration else start
    head = _COMMENTS.sub("", start[:_SNIFF_CHARS], count=1)
    if _HTML.match(head) and not (declaration and not _HTML_INSIDE.search(start[:_SNIFF_CHARS])):
        return _Kind.PAGE
    if declaration or _MARKUP.match(head):
        return _Kind.OTHER
    return _Kind.PAGE if _HTML_INSIDE.search(text[:_SNIFF_CHARS]) else _Kind.PLAIN


def _too_large(size: int) -> Fault:
    said = Text(
        f"有 {size} 字节，最多 {MAX_DOCUMENT} 字节", f"{size} bytes; at most {MAX_DOCUMENT} are taken"
    )
    return Fault("too_large", "document", said)


def _unsupported() -> Fault:
    said = Text(
        "不支持的文件类型；应为保存的网页（文本或 HTML）或 ninjs 3.1",
        "a kind of document that is not taken; expected a saved page (text or HTML) or ninjs 3.1",
    )
    return Fault("unsupported_kind", "document", said)
