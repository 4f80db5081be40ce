"""An HTML page of the site: by its template where we know it, else read from top to bottom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode

from syndicate.errors import Fault
from syndicate.ingest.addresses import absolute, article
from syndicate.ingest.draft import Draft
from syndicate.ingest.headings import with_headings
from syndicate.ingest.labels import Labelled, credits_of, labelled, moment
from syndicate.ingest.markup import blocks_of, too_many_tags
from syndicate.ingest.outlets import channel_of, is_breadcrumb
from syndicate.ingest.reading import PageLine, invalid_date, read
from syndicate.ingest.text import clean, line
from syndicate.ingest.trimming import trimmed
from syndicate.language import Text
from syndicate.model.item import Block, ChannelId
from syndicate.model.parties import Publisher

_SAVED_FROM: Final = re.compile(r"<!--\s*saved from url=(?:\(\d+\))?(\S{1,2000})\s*-->", re.IGNORECASE)
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_BETWEEN: Final = re.compile(r"[,、;|\uff0c\uff1b\uff5c]+")
_LONGEST_SOURCE: Final = 40
_MOST_PLACES: Final = 5
MOST_KEYWORDS: Final = 50
TOO_COMPLEX: Final = Fault(
    "too_complex",
    "document",
    Text("HTML 标签过多，不像一篇稿件", "too many HTML tags for one article"),
)


@dataclass(frozen=True, slots=True)
class Template:
    """Where a template of the site keeps its parts, as CSS selectors."""

    body: str
    headline: str
    when: str
    source: str
    credits: str


TEMPLATES: Final = (
    Template(".xs_content", ".con_title", ".time", ".confrom", ".con_edit"),
    Template(".thread-model-txt", ".article h2", ".publish-time", ".border", ".con_edit"),
)
_BREADCRUMB: Final = ".navigate .rute"


def read_page(text: str, publisher: Publisher) -> Draft | Fault:
    """The draft of an HTML page; a Fault where the page is not one that may be parsed."""
    if too_many_tags(text):
        return TOO_COMPLEX
    tree = LexborHTMLParser(text)
    address = _address(tree, text)
    base = _base(tree, address)
    root = tree.root
    whole = blocks_of(root, base)[0] if root is not None else []
    page = [PageLine(block) for block in whole]
    for template in TEMPLATES:
        container = tree.css_first(template.body)
        if container is not None:
            draft = _by_template(tree, container, template, base, publisher)
            draft = _completed(draft, read(page, publisher, labelled_only=True))
            break
    else:
        draft = read(page, publisher)
    return replace(
        draft,
        channel=_channel(tree, whole, publisher) or draft.channel,
        address=address,
        language=_language(tree),
        keywords=_keywords(tree),
    )


def _by_template(
    tree: LexborHTMLParser,
    container: LexborNode,
    template: Template,
    base: str | None,
    publisher: Publisher,
) -> Draft:
    blocks, notes = blocks_of(container, base)
    found = trimmed(blocks, publisher)
    whens = [labelled(text) for text in _texts(tree, template.when)]
    dates = [date for one in whens if (date := one.date())]
    sources = [labelled(text) for text in _texts(tree, template.source)]
    edits = [labelled(text) for text in _texts(tree, template.credits)]
    said = credits_of([*sources, *whens, *edits]) | found.credits
    published = moment(dates[0], publisher.zone) if dates else None
    shown = dates[0][0] if dates else next((one.before for one in whens if one.before), "")
    return Draft(
        headline=next((text for text in _texts(tree, template.headline) if text), ""),
        published=published,
        source=said.source or _bare(sources),
        byline=said.byline,
        editor=said.editor,
        body=with_headings(found.body),
        notes=notes,
        faults=(invalid_date(shown),) if shown and published is None else (),
    )


def _completed(draft: Draft, page: Draft) -> Draft:
    """What the template's places leave open, from labels elsewhere on the page, as in 2019."""
    dated = draft.published is not None or draft.faults
    return replace(
        draft,
        published=draft.published if dated else page.published,
        faults=draft.faults if dated else page.faults,
        source=draft.source or page.source,
    )


def _texts(tree: LexborHTMLParser, selector: str) -> list[str]:
    """What can be read in each of the first elements of the selector, on one line each."""
    nodes = tree.css(selector)[:_MOST_PLACES]
    return [line(" ".join(block.text for block in blocks_of(node, None)[0])) for node in nodes]


def _bare(sources: Sequence[Labelled]) -> str:
    """A source without its label: only where the place made for it says nothing else."""
    alone = sources[0].before if len(sources) == 1 and not sources[0].values else ""
    return alone if len(alone) <= _LONGEST_SOURCE else ""


def _attribute(tree: LexborHTMLParser, selector: str, name: str) -> str:
    node = tree.css_first(selector)
    return clean((node.attributes.get(name) or "") if node is not None else "").strip()


def _address(tree: LexborHTMLParser, text: str) -> str | None:
    """The page's own address: its canonical one, else its shared one, else where it was saved from."""
    saved = _SAVED_FROM.search(text, 0, 4000)
    candidates = (
        _attribute(tree, 'link[rel~="canonical" i]', "href"),
        _attribute(tree, 'meta[property="og:url" i]', "content"),
        saved[1] if saved else "",
    )
    return next((found for one in candidates if (found := article(one))), None)


def _base(tree: LexborHTMLParser, address: str | None) -> str | None:
    """What relative links are relative to; None where the page does not tell."""
    declared = _attribute(tree, "base[href]", "href")
    try:
        return absolute(urljoin(address or "", declared)) if declared else address
    except ValueError:
        return address


def _channel(tree: LexborHTMLParser, whole: Sequence[Block], publisher: Publisher) -> ChannelId | None:
    crumbs = [*_texts(tree, _BREADCRUMB), *(block.text for block in whole if is_breadcrumb(block.text))]
    return next((channel for one in crumbs if (channel := channel_of(one, publisher))), None)


def _language(tree: LexborHTMLParser) -> str | None:
    declared = _attribute(tree, "html[lang]", "lang")
    return declared if _LANGUAGE.fullmatch(declared) else None


def _keywords(tree: LexborHTMLParser) -> tuple[str, ...]:
    """The page's keywords in its order, each once; blanks part them only where no comma does."""
    said = line(_attribute(tree, 'meta[name="keywords" i]', "content"))
    words = _BETWEEN.split(said) if _BETWEEN.search(said) else said.split()
    return tuple(dict.fromkeys(word.strip() for word in words if word.strip()))[:MOST_KEYWORDS]
