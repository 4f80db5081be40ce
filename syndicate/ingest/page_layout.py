"""Read a page without a known template by its layout: headline, date and source lines, article, the rest.

This is how a page saved as plain text is read, and an HTML page whose template we do not know.
"""

from __future__ import annotations

from collections.abc import Sequence

from syndicate.ingest.article_end import Article, trimmed
from syndicate.ingest.draft import Draft
from syndicate.ingest.headings import with_headings
from syndicate.ingest.labels import (
    best_date,
    credits_of,
    instant,
)
from syndicate.ingest.outlets import channel_of, is_breadcrumb
from syndicate.ingest.page_faults import date_faults, more_pages
from syndicate.ingest.page_head import Head, head_of
from syndicate.ingest.page_lines import PageLine, labelled_lines
from syndicate.model.item import Block, BlockKind, ChannelId
from syndicate.model.parties import Publisher


def read(page: Sequence[PageLine], publisher: Publisher, *, headline: str = "", title: str = "") -> Draft:
    """The draft of a page. What it does not say stays empty.

    `headline` is known from elsewhere (an `h1`), where it is; `title` is the page's title, which tells a
    headline from a subtitle.
    """
    texts = [one.block.text if _is_line(one.block) else "" for one in page]
    found = labelled_lines(texts, publisher)
    head = head_of(page, texts, found, publisher, headline=headline, title=title)
    above = credits_of(head.info)
    article = trimmed(
        [one.block for one in page[head.start :]],
        publisher,
        head=above,
        numbers=[one.number for one in page[head.start :]],
    )
    pager = more_pages(page[head.start :])
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
        lines=tuple((one.number, one.block.text) for one in page),
    )


def _body(article: Article, head: Head, headline: str) -> tuple[Block, ...]:
    """The article's blocks; none where the page has neither a headline nor a line of labels."""
    return with_headings(article.body) if head.info or head.headline is not None or headline else ()


def _is_line(block: Block) -> bool:
    return block.kind in (BlockKind.PARAGRAPH, BlockKind.HEADING)


def _channel(texts: Sequence[str], publisher: Publisher) -> ChannelId | None:
    return next((channel_of(text, publisher) for text in texts if is_breadcrumb(text)), None)
