"""Read a ninjs 3.1 document (IPTC), from a newsroom system or from our own export."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from selectolax.lexbor import LexborHTMLParser

from syndicate.characters import line
from syndicate.errors import Fault
from syndicate.ingest.addresses import article
from syndicate.ingest.article_end import without_stamp
from syndicate.ingest.article_media import Pictured, as_it_is, media_of, with_captions_off
from syndicate.ingest.dates import rfc3339
from syndicate.ingest.draft import Draft
from syndicate.ingest.exported import without_additions
from syndicate.ingest.headings import with_headings
from syndicate.ingest.html_page import MOST_KEYWORDS, TOO_COMPLEX
from syndicate.ingest.identity import own_id
from syndicate.ingest.markup import Extract, blocks_of, too_many_tags
from syndicate.ingest.media_references import distinct
from syndicate.ingest.ninjs_media import NinjsMedia, media_in
from syndicate.ingest.properties import Properties
from syndicate.ingest.sourcing import channel_in, source_in
from syndicate.ingest.text import lines, paragraph
from syndicate.language import Text, verbatim
from syndicate.model.item import Medium
from syndicate.model.parties import Publisher
from syndicate.strict_json import InvalidJson, read_object

_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
_LONGEST_URI: Final = 500
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_HTML: Final = ("text/html", "application/xhtml+xml")
_PLAIN: Final = "text/plain"
_CREATED: Final = ("firstCreated", "contentCreated", "versionCreated")
"""Where the time of publication is looked for. All three are checked: one is as easily wrong as another."""
_MEDIA: Final = {medium.value: medium for medium in Medium}
_OF_ASSOCIATIONS: Final = ("name", "rel")
"""What an association has beside the properties of a document."""
_NO_PAGE: Final = Pictured(Extract([], ()), ())
_STATUSES: Final = ("", "usable")


def read_ninjs(text: str, publisher: Publisher) -> Draft | list[Fault]:
    """Read a ninjs document; return its draft, or the faults that keep it from being read."""
    try:
        value = read_object(text)
    except InvalidJson as error:
        return error.faults
    return _draft(Properties(value, []), publisher)


def _associated(document: Properties, publisher: Publisher) -> Draft:
    """Read what an association says of itself; what is associated with it is left out."""
    return _draft(document, publisher, associated=True)


def _draft(document: Properties, publisher: Publisher, *, associated: bool = False) -> Draft:
    document.refuse_unknown(_OF_ASSOCIATIONS if associated else ())
    _check_kind(document)
    uri = _uri(document, required=not associated)
    ours = uri is not None and own_id(uri, publisher) is not None
    headline = _headline(document)
    page = _body(document)
    body = with_headings(without_additions(page.extract.blocks, headline, publisher, ours=ours))
    inside, left_out = media_of(page, body, begin=0, end=len(page.extract.blocks))
    medium = _medium(document)
    media = NinjsMedia((), ())
    if not associated:
        media = media_in(document, medium, partial(_associated, publisher=publisher), publisher)
    outside = (replace(one, place=min(one.place, len(body))) for one in media.references)
    published, embargo = _published(document)
    summary = _first(document.objects("descriptions"), "summary")
    abstract = without_stamp(_plain(summary), publisher) if summary else ""
    return Draft(
        headline=headline,
        published=published,
        embargo=embargo,
        source=source_in(document, publisher),
        byline=document.text("by") or None,
        editor="、".join(_people(document, "editor")) or None,
        body=body,
        medium=medium,
        channel=channel_in(document, publisher),
        abstract=abstract or None,
        address=_address(document, uri, publisher),
        language=_language(document),
        keywords=_keywords(document),
        uri=uri,
        notes=(*page.extract.notes, *left_out, *media.notes),
        remarks=_remarks(document, ours=ours),
        faults=tuple(document.faults),
        media=distinct((*inside, *outside)),
        lines=page.lines if page.off else (),
    )


def _remarks(document: Properties, *, ours: bool) -> tuple[tuple[str, str], ...]:
    """Return remarks to editors; not the terms of use of our own export, which are our own words."""
    names = ("edNote", "slugline") if ours else ("edNote", "slugline", "usageTerms")
    return tuple((name, text) for name in names if (text := document.raw(name)))


def _check_kind(document: Properties) -> None:
    """Refuse what is another version, not for use, or not the whole text."""
    version = document.inner("standard").text("version")
    if version and not version.startswith("3."):
        said = Text(f"ninjs {version}；应为 3.1", f"ninjs {version}; expected 3.1")
        document.fault("unsupported_version", "standard.version", said)
    status = document.text("pubStatus")
    if status not in _STATUSES:
        said = Text(
            f"状态为 {status}，只收 usable；撤稿请用 item hold 或 item recall",
            f"it is {status}; only usable is taken in: withhold or recall with item hold or item recall",
        )
        document.fault("not_usable", "pubStatus", said)
    if document.text("representationType") not in ("", "full"):
        said = Text("只有部分内容，应为 full", "only a part of the item; expected full")
        document.fault("partial", "representationType", said)


def _uri(document: Properties, *, required: bool) -> str | None:
    uri = document.text("uri")
    if not uri and not required:
        return None
    if not uri:
        document.fault("uri_missing", "uri", Text("缺少 uri", "no uri; ninjs requires one"))
    elif len(uri) > _LONGEST_URI or not _URI.fullmatch(uri):
        document.fault("uri_invalid", "uri", Text("不是绝对 URI", "no absolute URI"))
    else:
        return uri
    return None


def _medium(document: Properties) -> Medium:
    """Return the item's medium; text where it does not say, since only its text is taken."""
    kind = document.text("type") or Medium.TEXT.value
    if kind in _MEDIA:
        return _MEDIA[kind]
    said = Text(f"不收 {kind} 类；应为 ", f"items of type {kind} are not taken; expected ")
    document.fault("medium_unsupported", "type", said + verbatim("text, picture, audio, video"))
    return Medium.TEXT


def _published(document: Properties) -> tuple[datetime | None, datetime | None]:
    """Return the time of first publication, and the end of its embargo if it names one."""
    found: dict[str, datetime] = {}
    for name in (*_CREATED, "embargoedUntil"):
        said = document.text(name)
        moment = rfc3339(said) if said else None
        if moment is not None:
            found[name] = moment
        elif said:
            expected = Text("应为带时区的 RFC 3339 时间", "expected an RFC 3339 time with an offset")
            code = "embargo_invalid" if name == "embargoedUntil" else "published_invalid"
            document.fault(code, name, Text(f"“{said[:60]}”：", f"'{said[:60]}': ") + expected)
    embargo = found.pop("embargoedUntil", None)
    return next((found[name] for name in _CREATED if name in found), None), embargo


def _headline(document: Properties) -> str:
    main = _first(document.objects("headlines"), "main")
    return (_plain(main) if main is not None else "") or document.text("title")


def _first(values: Sequence[Properties], role: str) -> Properties | None:
    """Return the value in this role, else the first."""
    return next((one for one in values if one.text("role") == role), next(iter(values), None))


def _plain(value: Properties) -> str:
    """Return a headline or description on one line, without its markup if it is HTML."""
    if value.text("contentType") not in _HTML:
        return value.text("value")
    return line(" ".join(block.text for block in _blocks(value).extract.blocks))


def _body(document: Properties) -> Pictured:
    """Return the main body, as HTML where there is a choice."""
    bodies = document.objects("bodies")
    mains = [one for one in bodies if one.text("role") in ("", "main")] or bodies
    if not mains:
        return _NO_PAGE
    html = next((one for one in mains if one.text("contentType") in _HTML), None)
    plain = next((one for one in mains if one.text("contentType") in ("", _PLAIN)), None)
    chosen = html or plain
    if chosen is None:
        said = Text("正文格式应为 text/html 或 text/plain", "expected text/html or text/plain")
        document.fault("body_unsupported", "body", said)
        return _NO_PAGE
    return _blocks(chosen)


def _blocks(value: Properties) -> Pictured:
    raw = value.raw("value")
    if value.text("contentType") not in _HTML:
        return as_it_is(Extract([paragraph(one) for one in lines(raw) if one], ()))
    if too_many_tags(raw):
        value.fault(TOO_COMPLEX.code, "value", TOO_COMPLEX.text)
        return _NO_PAGE
    root = LexborHTMLParser(raw).root
    if root is None:
        return _NO_PAGE
    found = blocks_of(root, None)
    return with_captions_off(found)


def _people(document: Properties, rel: str) -> list[str]:
    return [
        name for one in document.objects("people") if one.text("rel") == rel and (name := one.text("name"))
    ]


def _address(document: Properties, uri: str | None, publisher: Publisher) -> str | None:
    """Return the address of first publication: another id that is a web address, else the URI if it is one.

    Our own page of the item is no place of first publication: an export names it for want of one.
    """
    candidates = [one.text("value") for one in document.objects("altIds")] + [uri or ""]
    found = (article(one) for one in candidates)
    return next((one for one in found if one and not one.startswith(f"{publisher.base_url}/items/")), None)


def _language(document: Properties) -> str | None:
    said = document.text("language")
    if said and not _LANGUAGE.fullmatch(said):
        document.fault("language_invalid", "language", Text("应如 zh-CN", "expected a tag such as zh-CN"))
    return said or None


def _keywords(document: Properties) -> tuple[str, ...]:
    named = [one.text("name") for one in document.objects("subjects") if one.text("rel") != "channel"]
    return tuple(dict.fromkeys(word for word in [*document.texts("keywords"), *named] if word))[
        :MOST_KEYWORDS
    ]
