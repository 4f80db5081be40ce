"""Extract the page and its files from an MHTML archive (RFC 2557), a web page saved as one file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import Final
from urllib.parse import unquote, urljoin

from syndicate.decoding import decode, decode_declared
from syndicate.errors import Fault
from syndicate.ingest.addresses import article
from syndicate.language import Text

_HEAD: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:[A-Za-z][A-Za-z0-9-]{0,40}:[^\n]*\r?\n(?:["
    rb" \t][^\n]*\r?\n)*)*?(?:MIME-Version|Content-Type|"
    rb"Content-Transfer-Encoding):",
    re.IGNORECASE,
)


_PAGES: Final = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True, slots=True)
class Archive:
    """The page that an archive was saved from. `address` is where, if the archive says so."""

    html: str
    address: str | None


def is_archive(data: bytes) -> bool:
    """Whether the bytes begin like a mail message with a body, which is how MHTML begins."""
    return _HEAD.match(data[:4096]) is not None


def html_of_archive(data: bytes) -> Archive | Fault:
    """Return the archive's first HTML part, decoded; a Fault where there is none that can be read."""
    message = message_from_bytes(data.lstrip(b"\xef\xbb\xbf \t\r\n"))
    part = next(
        (one for one in message.walk() if one.get_content_type() in _PAGES),
        None,
    )
    payload = part.get_payload(decode=True) if part is not None else None
    if part is None or not isinstance(payload, bytes) or not payload.strip():
        return Fault(
            "archive_without_page",
            "document",
            Text(
                "MHTML 文件里没有网页；请另存为 HTML", "the MHTML file holds no web page; save it as HTML"
            ),
        )
    charset = part.get_content_charset()
    text = decode_declared(payload, charset) if charset else decode(payload)
    if isinstance(text, Fault):
        return text
    return Archive(text, _address(message, part))


def files_of_archive(data: bytes, sources: Iterable[str]) -> dict[str, bytes]:
    """Return the bytes of each source (`MediaReference.source`) that the archive holds as a part.

    A part is known by its `Content-Location`, as it stands or against that of the page, or by its
    `Content-ID` (`cid:`); RFC 2557, section 8.
    """
    message = message_from_bytes(data.lstrip(b"\xef\xbb\xbf \t\r\n"))
    parts: dict[str, Message] = {}
    page = ""
    for part in message.walk():
        if part.is_multipart():
            continue
        location = _header(part, "Content-Location")
        if not page and part.get_content_type() in _PAGES:
            page = location
        if location:
            parts.setdefault(_spelling(location, ""), part)
        if named := _header(part, "Content-ID"):
            parts.setdefault(f"cid:{unquote(named.strip('<>'))}", part)
    base = page or _header(message, "Snapshot-Content-Location")
    found = {}
    for source in sources:
        chosen = parts.get(_spelling(source, "")) or parts.get(_spelling(source, base))
        payload = chosen.get_payload(decode=True) if chosen is not None else None
        if isinstance(payload, bytes) and payload:
            found[source] = payload
    return found


def _header(part: Message, name: str) -> str:
    value = part.get(name)
    return "".join(str(value).split()) if value else ""


def _spelling(address: str, base: str) -> str:
    """One spelling of an address, resolved against the base where it is relative."""
    try:
        return unquote(urljoin(base, address).partition("#")[0])
    except ValueError:
        return unquote(address)


def _address(message: Message, part: Message) -> str | None:
    said = (message.get("Snapshot-Content-Location"), part.get("Content-Location"))
    return next((found for one in said if (found := article(str(one) if one else None))), None)
