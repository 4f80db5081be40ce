"""Read a page without a known template by its layout: headline, date and source lines, article, the rest.

A page saved as plain text is read like this, and an HTML page of an unknown template.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from syndicate.ingest.article_end import Article, trimmed
from syndicate.ingest.draft import Draft
from syndicate.ingest.embargo_words import instruction_lines
from syndicate.ingest.furniture import is_prose
from syndicate.ingest.headings import with_headings
from syndicate.ingest.labels import best_date, credits_of, instant, labelled
from syndicate.ingest.outlets import channel_of, is_breadcrumb
from syndicate.ingest.page_faults import date_faults, incomplete_text
from syndicate.ingest.page_head import Head, head_of
from syndicate.ingest.page_lines import PageLine, labelled_lines
from syndicate.model.item import Block, BlockKind, ChannelId
from syndicate.model.parties import Publisher

_BODY: Final = re.compile(
    r"^[\[【]?(?:(?:文章|新闻|稿件)?正文|(?:文章|新闻|稿件)内容)[\]】]?\s?[:\uff1a]\s?"
)
_LONGEST_INFO: Final = 150
_ENTRY: Final = re.compile(r"^(?:[•·*-]|\d{1,2}\.)\s")
_CELLS: Final = re.compile(r"(?:(?<=^)|(?<=\s))([\u4e00-\u9fff]{2,6})\t(\S)")
"""A row of two cells, the first of which may be a label without its colon."""
_HEADLINE: Final = re.compile(
    r"[\[【]?(?:新闻|文章|稿件|主)?(?:标\s{0,2}题|题\s{0,2}目|標\s{0,2}題)[\]】]?\s?[:\uff1a]\s?(.{1,300})"
)


def read(page: Sequence[PageLine], publisher: Publisher, *, headline: str = "", title: str = "") -> Draft:
    """Read a page. What it does not say stays empty.

    `headline` is known from elsewhere (an `h1`), where it is; `title` is the page's title, which tells a
    headline from a subtitle. Lines of embargo instructions are no part of head or article; they are in the
    draft's `lines`.
    """
    everything = tuple((one.number, one.block.text) for one in page)
    left_out = instruction_lines([one.block.text for one in page])
    page = [one for place, one in enumerate(page) if place not in left_out]
    texts = [_text(one.block) for one in page]
    if not headline:
        headline = _labelled_headline(texts)
    found = labelled_lines(texts, publisher)
    head = head_of(page, texts, found, publisher, headline=headline, title=title)
    above = credits_of(head.info)
    article = trimmed(
        [one.block for one in page[head.start :]],
        publisher,
        head=above,
        numbers=[one.number for one in page[head.start :]],
    )
    pager = incomplete_text(page[head.start :])
    said = above | article.credits
    dated = best_date(head.info) or best_date(article.trailing)
    published = instant(dated[1] if dated else None, publisher.zone)
    return Draft(
        headline=headline or (texts[head.headline] if head.headline is not None else ""),
        published=published,
        source=said.source or "",
        byline=said.byline,
        editor=said.editor,
        body=_body(article, head, headline),
        channel=_channel(texts[: head.start], publisher),
        notes=(*head.notes, *article.notes),
        faults=(*date_faults(dated, published, head.info, page, texts), *pager),
        lines=everything,
    )


def _labelled_headline(texts: list[str]) -> str:
    """Return a headline that a label names above any prose, as CMS exports write it, without the label."""
    for place, text in enumerate(texts):
        match = _HEADLINE.fullmatch(text)
        if match is not None:
            texts[place] = match[1]
            return match[1]
        if is_prose(text):
            break
    return ""


def _body(article: Article, head: Head, headline: str) -> tuple[Block, ...]:
    """Return the article's blocks; none where the page has neither a headline nor a line of labels."""
    body = _without_label(article.body) if head.headline is not None else article.body
    return with_headings(body) if head.info or head.headline is not None or headline else ()


def _without_label(body: tuple[Block, ...]) -> tuple[Block, ...]:
    """Remove the label that CMS exports write before the first word of a body."""
    if not body or _BODY.match(body[0].text) is None:
        return body
    first = replace(body[0], text=_BODY.sub("", body[0].text), html=_BODY.sub("", body[0].html))
    return (first, *body[1:]) if first.text else body[1:]


def _text(block: Block) -> str:
    """Return a block's line; of a list or table only where it is nothing but labels with their values."""
    if block.kind in (BlockKind.PARAGRAPH, BlockKind.HEADING):
        return block.text
    if block.kind is BlockKind.QUOTE or len(block.text) > _LONGEST_INFO:
        return ""
    text = " ".join(_ENTRY.sub("", one) for one in block.text.split("\n"))
    text = _CELLS.sub(r"\1:\2", text).replace("\t", " ")
    return text if labelled(text).only_labels else ""


def _channel(texts: Sequence[str], publisher: Publisher) -> ChannelId | None:
    return next((channel_of(text, publisher) for text in texts if is_breadcrumb(text)), None)
