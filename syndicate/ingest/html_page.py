"""Read an HTML page: by its template where that is known, else by its layout and metadata."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Final, TypeAlias
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode

from syndicate.characters import clean, line
from syndicate.errors import Fault
from syndicate.ingest.addresses import absolute, article
from syndicate.ingest.article_end import trimmed
from syndicate.ingest.article_media import Pictured, as_it_is, media_of, with_captions_off
from syndicate.ingest.draft import Draft
from syndicate.ingest.embargo_words import is_instruction
from syndicate.ingest.furniture import is_furniture, is_sentence
from syndicate.ingest.headings import with_headings
from syndicate.ingest.label_words import Label
from syndicate.ingest.labels import Credits, Labelled, bare_name, best_date, credits_of, instant, labelled
from syndicate.ingest.markup import Extract, blocks_of, too_many_tags
from syndicate.ingest.metadata import Metadata, metadata_of
from syndicate.ingest.metadata_check import checked_headline, with_metadata
from syndicate.ingest.outlets import channel_of, is_breadcrumb
from syndicate.ingest.page_faults import incomplete_text, invalid_date
from syndicate.ingest.page_layout import read
from syndicate.ingest.page_lines import PageLine
from syndicate.ingest.second_opinion import second_opinion
from syndicate.ingest.text import folded
from syndicate.language import Text
from syndicate.model.item import Block, BlockKind, ChannelId
from syndicate.model.parties import Publisher

_SAVED_FROM: Final = re.compile(r"<!--\s*saved from url=(?:\(\d+\))?(\S{1,2000})\s*-->", re.IGNORECASE)
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_BETWEEN: Final = re.compile(r"[,、;|\uff0c\uff1b\uff5c]+")
_LONGEST_SOURCE: Final = 40
_MOST_PLACES: Final = 5
_LEAST_HIDDEN: Final = 60
"""Characters of hidden sentences below which they are a menu or a tip."""
MOST_KEYWORDS: Final = 50
TOO_COMPLEX: Final = Fault(
    "too_complex",
    "document",
    Text("HTML 标签过多，不像一篇稿件", "too many HTML tags for one article"),
)


@dataclass(frozen=True, slots=True)
class Template:
    """Where a template keeps its parts, as CSS selectors.

    `hidden` says that the template hides its article until a script has run, as WeChat's does.
    """

    body: str
    headline: str
    when: str
    source: str
    credits: str
    hidden: bool = False


TEMPLATES: Final = (
    Template(".xs_content", ".con_title", ".time", ".confrom", ".con_edit"),
    Template(".thread-model-txt", ".article h2", ".publish-time", ".border", ".con_edit"),
    Template(
        "#js_content",
        "#activity-name, .rich_media_title",
        "#publish_time, .rich_media_meta_list em",
        "#js_name, .rich_media_meta_nickname",
        "#js_author_name, .rich_media_meta_text",
        hidden=True,
    ),
)
CONTAINERS: Final = (
    '[itemprop="articleBody"]',
    ".TRS_Editor",
    "#ozoom",
    "#artibody",
    "#UCAP-CONTENT",
    ".article-content",
    "#article-content",
    ".article_content",
    "#articleContent",
    ".rm_txt_con",
    "#zoom",
)
"""Elements that hold an article and nothing else, on the systems most newsrooms use."""
_BREADCRUMB: Final = ".navigate .rute"
_Take: TypeAlias = Callable[[Extract], Pictured]
"""How captions are taken off the blocks of a page."""
_WECHAT_TIME: Final = re.compile(r"""\b(?:ct|createTime|create_time)\s*[=:]\s*["']?(\d{10})\b""")


def read_page(text: str, publisher: Publisher) -> Draft | Fault:
    """Read an HTML page; return a Fault where the page is not one that may be parsed.

    The evidence, strongest first: the places of a known template; labels that a reader sees; JSON-LD and
    meta elements; the layout. Where two disagree, the stronger counts and a note says so.
    """
    if too_many_tags(text):
        return TOO_COMPLEX
    tree = LexborHTMLParser(text)
    address = _address(tree, text)
    base = _base(tree, address)
    said = metadata_of(tree)
    root = tree.root
    whole = blocks_of(root, base) if root is not None else Extract([], ())
    draft = _draft(tree, base, whole, publisher, said, text, with_captions_off)
    if not draft.body and whole.media:
        # Pictures with nothing but their captions: these are the story.
        draft = _draft(tree, base, whole, publisher, said, text, as_it_is)
    draft = with_metadata(draft, said, publisher)
    return replace(
        draft,
        channel=_channel(tree, whole.blocks, publisher) or draft.channel,
        address=address,
        language=_language(tree),
        keywords=_keywords(tree),
        lines=with_captions_off(whole).lines,
    )


def _draft(
    tree: LexborHTMLParser,
    base: str | None,
    whole: Extract,
    publisher: Publisher,
    said: Metadata,
    text: str,
    take: _Take,
) -> Draft:
    """Read the page by its template, else by its layout."""
    page = take(whole)
    for template in TEMPLATES:
        container = tree.css_first(template.body)
        if container is not None:
            draft = _by_template(tree, container, template, base, publisher, text, take)
            return _completed(draft, _read_outside(page.extract, publisher, draft), said)
    return _without_template(tree, page, base, publisher, said, text, take)


def _by_template(
    tree: LexborHTMLParser,
    container: LexborNode,
    template: Template,
    base: str | None,
    publisher: Publisher,
    text: str,
    take: _Take,
) -> Draft:
    page = take(blocks_of(container, base, shown=template.hidden))
    extract = page.extract
    whens = [labelled(one) for one in _texts(tree, template.when)]
    sources = [labelled(one) for one in _texts(tree, template.source)]
    edits = [labelled(one) for one in _texts(tree, template.credits)]
    head = credits_of([*sources, *whens, *edits])
    found = trimmed(extract.blocks, publisher, container=True, head=head)
    credit = head | found.credits
    dated = best_date([*whens, *sources]) or best_date(edits)
    published = instant(dated[1] if dated else None, publisher.zone)
    if published is None and template.hidden and (stamp := _WECHAT_TIME.search(text)):
        published = datetime.fromtimestamp(int(stamp[1]), publisher.zone)
        published = published.replace(tzinfo=timezone(published.utcoffset() or timedelta(0)))
    shown = dated[1][0] if dated else next((one.text for one in whens if one.text), "")
    pages = incomplete_text([PageLine(block) for block in extract.blocks])
    faults = (*hidden_fault(extract, found.body), *pages)
    body = with_headings(found.body)
    media, left_out = media_of(page, body, begin=0, end=found.end)
    return Draft(
        headline=next((one for one in _texts(tree, template.headline) if one), ""),
        published=published,
        source=credit.source or _bare(sources),
        byline=credit.byline,
        editor=credit.editor,
        body=body,
        media=media,
        notes=(*extract.notes, *left_out, *found.notes),
        faults=(*((invalid_date(shown),) if shown and published is None else ()), *faults),
    )


def _read_outside(whole: Extract, publisher: Publisher, draft: Draft) -> Draft:
    """Read the labels outside the known places of a template, as pages of 2019 have them."""
    inside = {block.text for block in draft.body}
    outside = [PageLine(block) for block in whole.blocks if block.text not in inside]
    lines = [labelled(one.block.text) for one in outside if one.block.kind is not BlockKind.LIST]
    info = [one for one in lines if (one.only_labels and not one.before) or one.first(Label.SOURCE)]
    dated = best_date([one for one in info if one.values])
    credit = credits_of(info)
    published = instant(dated[1] if dated else None, publisher.zone)
    return Draft(
        headline="",
        published=published,
        source=credit.source or "",
        byline=None,
        editor=None,
        body=(),
        faults=((invalid_date(dated[1][0]),) if dated and published is None else ())
        + incomplete_text(outside),
    )


def _completed(draft: Draft, page: Draft, said: Metadata) -> Draft:
    """Fill what the template's places leave open, from labels elsewhere on the page, then from metadata."""
    dated = draft.published is not None or any(fault.field == "published" for fault in draft.faults)
    others = tuple(
        fault for fault in page.faults if fault.field != "published" and fault not in draft.faults
    )
    late = tuple(fault for fault in page.faults if fault.field == "published") if not dated else ()
    return replace(
        draft,
        headline=draft.headline or said.headline,
        published=draft.published if dated else page.published,
        faults=(*draft.faults, *late, *others),
        source=draft.source or page.source,
    )


def _without_template(
    tree: LexborHTMLParser,
    page: Pictured,
    base: str | None,
    publisher: Publisher,
    said: Metadata,
    text: str,
    take: _Take,
) -> Draft:
    """Read a page of an unknown template: by its layout, and its container if that has a known name."""
    headline, notes = checked_headline(_texts(tree, "h1"), said)
    whole = page.extract
    lines = [PageLine(block) for block in whole.blocks]
    draft = read(lines, publisher, headline=headline, title=said.title or said.headline)
    container = next((node for name in CONTAINERS if (node := tree.css_first(name)) is not None), None)
    inner = take(blocks_of(container, base)) if container is not None else None
    extract = inner.extract if inner is not None else None
    if (
        inner is not None
        and extract is not None
        and any(is_sentence(block.text) for block in extract.blocks)
    ):
        inside = (
            read([PageLine(block) for block in extract.blocks], publisher) if not draft.source else None
        )
        story = _without_head(extract.blocks, draft)
        found = trimmed(
            story,
            publisher,
            container=True,
            head=Credits(draft.source or None, draft.byline, draft.editor),
        )
        credit = found.credits
        body = with_headings(found.body)
        above = len(extract.blocks) - len(story)
        media, left_out = media_of(inner, body, begin=above, end=above + found.end)
        return replace(
            draft,
            source=draft.source or (credit.source or "") or (inside.source if inside else ""),
            byline=draft.byline or credit.byline,
            editor=draft.editor or credit.editor,
            body=body,
            media=media,
            notes=(
                *notes,
                *(note for note in draft.notes if note.field != "body"),
                *extract.notes,
                *left_out,
                *found.notes,
            ),
            faults=(*draft.faults, *hidden_fault(extract, found.body)),
        )
    media, left_out = media_of(page, draft.body, begin=_below(draft.headline, whole.blocks))
    return replace(
        draft,
        media=media,
        notes=(*notes, *draft.notes, *whole.notes, *left_out, *second_opinion(text, draft.body, page.off)),
        faults=(*draft.faults, *hidden_fault(whole, draft.body)),
    )


def _below(headline: str, blocks: Sequence[Block]) -> int | None:
    """Return the place below the headline; None where the page does not show it as a line."""
    wanted = folded(headline)
    return next((place + 1 for place, block in enumerate(blocks) if folded(block.text) == wanted), None)


def _without_head(blocks: list[Block], draft: Draft) -> list[Block]:
    """Remove a headline and lines of labels at the top of the container's blocks."""
    start = 0
    for block in blocks:
        one = labelled(block.text)
        if (
            folded(block.text) != folded(draft.headline)
            and not one.only_labels
            and not is_furniture(block.text)
            and not is_instruction(block.text)
        ):
            break
        start += 1
    return blocks[start:]


def hidden_fault(extract: Extract, body: Sequence[Block]) -> tuple[Fault, ...]:
    """Return a fault where the hidden text of a page is large against the shown text; else nothing."""
    shown = sum(len(block.text) for block in body)
    if extract.hidden < _LEAST_HIDDEN or extract.hidden * 2 < shown:
        return ()
    return (
        Fault(
            "hidden_text",
            "body",
            Text(
                f"页面隐藏了 {extract.hidden} 字的正文，只显示 {shown} 字；请展开全文后重新保存",
                f"the page hides {extract.hidden} characters of text and shows {shown}; expand the"
                " article and save it again",
            ),
        ),
    )


def _texts(tree: LexborHTMLParser, selector: str) -> list[str]:
    """Return the readable text of each of the first elements of the selector, on one line each."""
    nodes = tree.css(selector)[:_MOST_PLACES]
    return [
        line(" ".join(block.text for block in blocks_of(node, None, shown=True).blocks)) for node in nodes
    ]


def _bare(sources: Sequence[Labelled]) -> str:
    """Return a source without a label: only where its place says nothing else."""
    alone = bare_name(sources[0].before) if sources and not sources[0].values else ""
    return alone if len(alone) <= _LONGEST_SOURCE else ""


def _attribute(tree: LexborHTMLParser, selector: str, name: str) -> str:
    node = tree.css_first(selector)
    return clean((node.attributes.get(name) or "") if node is not None else "").strip()


def _address(tree: LexborHTMLParser, text: str) -> str | None:
    """Return the page's own address: canonical, else shared, else where it was saved from."""
    saved = _SAVED_FROM.search(text, 0, 4000)
    candidates = (
        _attribute(tree, 'link[rel~="canonical" i]', "href"),
        _attribute(tree, 'meta[property="og:url" i]', "content"),
        saved[1] if saved else "",
    )
    return next((found for one in candidates if (found := article(one))), None)


def _base(tree: LexborHTMLParser, address: str | None) -> str | None:
    """Return the base address of relative links; None where the page does not give it."""
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
    """Return the page's keywords in order, each once; blanks separate them only where no comma does."""
    said = line(_attribute(tree, 'meta[name="keywords" i]', "content"))
    words = _BETWEEN.split(said) if _BETWEEN.search(said) else said.split()
    return tuple(dict.fromkeys(word.strip() for word in words if word.strip()))[:MOST_KEYWORDS]
