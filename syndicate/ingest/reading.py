"""A page read from top to bottom as a person would: navigation, headline, date line, article, the rest.

This is how a page saved as plain text is read, and an HTML page whose template we do not know.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from syndicate.errors import Fault
from syndicate.ingest.draft import Draft
from syndicate.ingest.headings import with_headings
from syndicate.ingest.labels import Label, Labelled, credits_of, labelled, moment
from syndicate.ingest.outlets import channel_of, is_breadcrumb
from syndicate.ingest.text import words
from syndicate.ingest.trimming import ends_article, trimmed
from syndicate.language import Text
from syndicate.model.item import Block, BlockKind, ChannelId
from syndicate.model.parties import Publisher

_NAVIGATION: Final = words(
    "手机网 手机版 微信 微博 首页 登录 注册 客户端 无障碍 繁体 简体 English 打印 关闭 收藏 分享 大 中"
    " 小 搜索 设为首页 加入收藏 RSS 订阅 返回 更多 正文"
)
_HIGHEST_DOUBT: Final = 40
_LABELLED: Final = 3


@dataclass(frozen=True, slots=True)
class PageLine:
    """One line of a page that has something on it, with its number in the file where lines have one."""

    block: Block
    number: int | None = None


def read(page: Sequence[PageLine], publisher: Publisher, *, labelled_only: bool = False) -> Draft:
    """The draft of a page. What it does not say stays empty.

    With `labelled_only`, a date counts only where a label on its line says what it is.
    """
    texts = [one.block.text if _is_line(one.block) else "" for one in page]
    taken = [labelled(text) for text in texts]
    place = _date_line(texts, taken, publisher, _LABELLED if labelled_only else 1)
    if place is None:
        return Draft(headline="", published=None, source="", byline=None, editor=None, body=())
    headline, above = _headline(texts, taken, place, publisher)
    start = place + 1
    while start < len(page) and (taken[start].only_labels or _is_navigation(texts[start], publisher)):
        start += 1
    article = trimmed([one.block for one in page[start:]], publisher)
    said = credits_of([taken[place], *taken[place + 1 : start], *above]) | article.credits
    dates = (one.date() for one in (taken[place], *taken[place + 1 : start], *above))
    date = next((found for found in dates if found), None)
    published = moment(date, publisher.zone)
    shown = date[0] if date else taken[place].before
    unclear = published is None and bool(shown)
    return Draft(
        headline=headline,
        published=published,
        source=said.source or "",
        byline=said.byline,
        editor=said.editor,
        body=with_headings(article.body),
        channel=_channel(texts[:start], publisher),
        faults=(invalid_date(shown, page[place].number),) if unclear else (),
    )


def invalid_date(found: str, number: int | None = None) -> Fault:
    """The fault of a date that names no moment."""
    return Fault(
        "published_invalid",
        "published",
        Text(
            f"“{found}”不是完整有效的时间；应为 2018年1月22日 8:1",
            f"'{found}' is no complete valid time; expected 2018年1月22日 8:1",
        ),
        number,
    )


def _is_line(block: Block) -> bool:
    return block.kind in (BlockKind.PARAGRAPH, BlockKind.HEADING)


def _date_line(
    texts: Sequence[str], taken: Sequence[Labelled], publisher: Publisher, least: int
) -> int | None:
    """The line that dates the article: of those above its end, the first that looks most like one."""
    best, place = least - 1, None
    for number, found in enumerate(taken):
        if ends_article(texts[number], publisher):
            break
        weight = _weight(found)
        if weight > best:
            best, place = weight, number
    return place


def _weight(found: Labelled) -> int:
    """How much a line looks like the date line. A bare date may be today's, in the page's head."""
    date = found.date()
    complete = date is not None and date[4] is not None
    source = any(label is Label.SOURCE for label, _ in found.values)
    if source and (date or not found.before or _like_a_date(found.before)):
        return 5 if date else 3
    if complete:
        return 4 if any(label is Label.WHEN for label, _ in found.values) else 2
    return 1 if date else 0


def _like_a_date(text: str) -> bool:
    return len(text) <= _HIGHEST_DOUBT and re.match(r"\d", text) is not None


def _headline(
    texts: Sequence[str], taken: Sequence[Labelled], place: int, publisher: Publisher
) -> tuple[str, list[Labelled]]:
    """The nearest line above that is a headline, and the lines of labels passed on the way."""
    above: list[Labelled] = []
    for number in range(place - 1, -1, -1):
        if taken[number].only_labels:
            above.append(taken[number])
        elif texts[number] and not _is_navigation(texts[number], publisher):
            return texts[number], above
    return "", above


def _is_navigation(text: str, publisher: Publisher) -> bool:
    """Whether every word of the line is one of the page's frame: a channel, a button, a breadcrumb."""
    if is_breadcrumb(text):
        return True
    frame = _NAVIGATION | {channel.name for channel in publisher.channels} | {publisher.name}
    return bool(text) and all(word in frame for word in re.split(r"[\s|·>›»\uff1e\uff5c]+", text) if word)


def _channel(texts: Sequence[str], publisher: Publisher) -> ChannelId | None:
    return next((channel_of(text, publisher) for text in texts if is_breadcrumb(text)), None)
