"""Read a page without a known template by its layout: headline, date and source lines, article, the rest.

This is how a page saved as plain text is read, and an HTML page whose template we do not know.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from syndicate.errors import Fault
from syndicate.ingest.article_end import Article, ends_article, trimmed
from syndicate.ingest.dates import PRINTED
from syndicate.ingest.draft import Draft
from syndicate.ingest.furniture import FRAME, is_furniture, is_prose, is_sentence, names_more_pages
from syndicate.ingest.headings import with_headings
from syndicate.ingest.labels import (
    DATES,
    Label,
    Labelled,
    bare_name,
    best_date,
    credits_of,
    instant,
    is_byline,
    joined,
    labelled,
)
from syndicate.ingest.outlets import channel_of, is_breadcrumb, outlet_of
from syndicate.ingest.text import folded, words
from syndicate.language import Text
from syndicate.model.item import Block, BlockKind, ChannelId
from syndicate.model.notes import Note, quoted
from syndicate.model.parties import Publisher

_NAVIGATION: Final = words(
    "手机网 手机版 微信 微博 首页 登录 注册 客户端 无障碍 繁体 简体 English 打印 关闭 收藏 分享 大 中"
    " 小 搜索 设为首页 加入收藏 RSS 订阅 返回 更多 正文"
)
_SUBTITLE: Final = re.compile(
    r"\s*(?:[—–－\-]{2,}|——|[—–]).+|[(\uff08].{1,60}[)\uff09]|(?:副题|副标题|引题|肩题|主题|导读|摘要|核心提示|提要)\s?[:\uff1a].{1,300}"
)
_TAG: Final = re.compile(
    r"[\[【〔(\uff08<《].{1,20}[\]】〕)\uff09>》]|[#＃].{1,20}[#＃]|(?:图文|视频|组图|高清|独家|原创|要闻|头条|快讯|热点|新闻)"
)
_HIGHEST_HEAD: Final = 40
_LONGEST_VALUE: Final = 40
_LONGEST_DATED: Final = 60
_LONGEST_NAME: Final = 12


@dataclass(frozen=True, slots=True)
class PageLine:
    """One line of a page that has something on it, with its number in the file where lines have one."""

    block: Block
    number: int | None = None


@dataclass(slots=True)
class Head:
    """What stands above an article: lines of dates, sources and credits, headline candidates, the rest.

    Attributes:
        info: the lines of labels and dates that belong to the article.
        start: the place of the article's first line.
        headline: the headline's place; None where none was found.
        notes: what was passed over on the way and should be known.
    """

    info: list[Labelled]
    start: int
    headline: int | None
    notes: list[Note] = field(default_factory=list)
    number: int | None = None


def read(page: Sequence[PageLine], publisher: Publisher, *, headline: str = "", title: str = "") -> Draft:
    """The draft of a page. What it does not say stays empty.

    `headline` is known from elsewhere (an `h1`), where it is; `title` is the page's title, which tells a
    headline from a subtitle.
    """
    texts = [one.block.text if _is_line(one.block) else "" for one in page]
    found = _labelled(texts, publisher)
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
        faults=(*_date_faults(dated, published, head, page, texts), *pager),
        lines=tuple((one.number, one.block.text) for one in page),
    )


def _body(article: Article, head: Head, headline: str) -> tuple[Block, ...]:
    """The article's blocks; none where the page has neither a headline nor a line of labels."""
    return with_headings(article.body) if head.info or head.headline is not None or headline else ()


def _date_faults(
    dated: tuple[Label, re.Match[str]] | None,
    published: object,
    head: Head,
    page: Sequence[PageLine],
    texts: Sequence[str],
) -> tuple[Fault, ...]:
    if published is not None:
        return ()
    if dated is not None:
        number = next(
            (one.number for one, text in zip(page, texts, strict=True) if dated[1][0] in text), None
        )
        return (invalid_date(dated[1][0], number),)
    unread = next(
        (one.text for one in head.info if any(label in DATES and value for label, value in one.values)), ""
    )
    if unread:
        number = next((one.number for one, text in zip(page, texts, strict=True) if text == unread), None)
        return (invalid_date(unread, number),)
    return missing_date(page, texts)


def missing_date(page: Sequence[PageLine], texts: Sequence[str]) -> tuple[Fault, ...]:
    """The fault of a page that is not dated, naming the line that comes nearest; none where none does."""
    for one, text in zip(page, texts, strict=True):
        near = PRINTED.search(text) or re.search(
            r"\d{4}\s?年|\d{1,2}月\d{1,2}日|\d{1,2}-\d{1,2}\s+\d{1,2}:\d\d|\d+\s?(?:小时|分钟|天)前|[今昨前]天|刚刚",
            text,
        )
        if near:
            return (
                Fault(
                    "published_missing",
                    "published",
                    Text(
                        f"没有发布时间；最接近的一行是“{quoted(text)}”，应为 发布时间:2018年1月22日 8:01",
                        f"no time of publication; the nearest line is “{quoted(text)}”, expected"
                        " 发布时间:2018年1月22日 8:01",
                    ),
                    one.number,
                ),
            )
    return ()


def invalid_date(found: str, number: int | None = None) -> Fault:
    """The fault of a date that names no instant."""
    return Fault(
        "published_invalid",
        "published",
        Text(
            f"“{quoted(found)}”不是完整有效的时间；应为 2018年1月22日 8:1",
            f"'{quoted(found)}' is no complete valid time; expected 2018年1月22日 8:1",
        ),
        number,
    )


def more_pages(page: Sequence[PageLine]) -> tuple[Fault, ...]:
    """The fault of a story of several pages, of which this document is one; empty where it is whole."""
    for one in page:
        text = one.block.text.replace("\n", " ")
        if names_more_pages(text):
            return (
                Fault(
                    "page_of_several",
                    "body",
                    Text(
                        f"“{quoted(text)}”：稿件分为多页，此文件只是其中一页；请合并全文后重新入库",
                        f"“{quoted(text)}”: the story has several pages and this document is one"
                        f" of them; join the"
                        " pages and take it in again",
                    ),
                    one.number,
                ),
            )
    return ()


def _labelled(texts: Sequence[str], publisher: Publisher) -> list[Labelled]:
    """Each line taken apart at its labels; a label whose value stands on the next line is joined"
    " with it."""
    found = [_with_source(labelled(text), publisher) for text in texts]
    for place in range(len(found) - 1):
        following = texts[place + 1]
        if (
            found[place].waiting is not None
            and following
            and len(following) <= _LONGEST_VALUE
            and not found[place + 1].values
            and not ends_article(following, publisher)
            and not is_sentence(following)
        ):
            whole = joined(found[place], following)
            if whole.only_labels:
                found[place] = whole
                found[place + 1] = Labelled("", ((Label.OTHER, ""),), following)
    return found


def _with_source(found: Labelled, publisher: Publisher) -> Labelled:
    """A line of a date and a source without a label, as `萧山日报 2018-01-22 08:01`, with its source named.

    Only an outlet of ours counts as a source without a label; another short word is passed over.
    """
    match = PRINTED.search(found.text) if not found.values and len(found.text) <= _LONGEST_DATED else None
    if match is None:
        return found
    rest = bare_name((found.text[: match.start()] + " " + found.text[match.end() :]).strip())
    if not rest or len(rest) > _LONGEST_NAME or is_sentence(rest) or is_furniture(rest):
        return found
    label = Label.SOURCE if outlet_of(rest, publisher) is not None else Label.OTHER
    return Labelled(match[0], ((label, rest),), found.text)


def _is_line(block: Block) -> bool:
    return block.kind in (BlockKind.PARAGRAPH, BlockKind.HEADING)


def head_of(
    page: Sequence[PageLine],
    texts: Sequence[str],
    found: Sequence[Labelled],
    publisher: Publisher,
    *,
    headline: str = "",
    title: str = "",
) -> Head:
    """Find the lines above the article. Lines of the article itself never date it."""
    end = _head_end(texts, found, publisher)
    place = _info_place(texts, found, end)
    known = _place_of(headline, texts)
    if place is None:
        return _head_without_info(page, texts, found, end, known, publisher)
    first, last = place, place
    while last + 1 < len(texts) and _beside(texts[last + 1], found[last + 1], publisher) and last + 1 < end:
        last += 1
    while (
        first > 0
        and _beside(texts[first - 1], found[first - 1], publisher)
        and not _is_today(found, first - 1, place)
    ):
        first -= 1
    head = Head(
        [
            one
            for one in found[first : last + 1]
            if one.only_labels or one.dated() or one.first(Label.SOURCE)
        ],
        last + 1,
        None,
    )
    head.number = page[place].number
    _bylines(head, texts[first : last + 1])
    if known is not None and known > last:
        head.headline, head.start = known, known + 1
        _skip(head, texts, found, publisher, end)
        return head
    _find_headline(head, page, texts, found, first, last, publisher, known=known, title=title)
    return head


def _head_end(texts: Sequence[str], found: Sequence[Labelled], publisher: Publisher) -> int:
    """The first line of prose, or of what ends an article: no line from there on dates the page."""
    for place, text in enumerate(texts):
        if found[place].only_labels or _is_navigation(text, publisher):
            continue
        ends = ends_article(text, publisher) and place > 0 and any(one.only_labels for one in found[:place])
        if ends or (is_prose(text) and text.endswith(("。", "”", "；", ";", "."))):
            return place
    return len(texts)


def _info_place(texts: Sequence[str], found: Sequence[Labelled], end: int) -> int | None:
    """The line that looks most like the one that dates the article or names its source."""
    best, place = 0, None
    for number in range(end):
        weight = _weight(texts[number], found[number])
        if weight > best:
            best, place = weight, number
    return place


def _weight(text: str, found: Labelled) -> int:
    """How much a line looks like the date line. A bare date may be today's, in the page's head."""
    if not text:
        return 0
    dated = found.dated()
    complete = dated is not None and dated[1]["hour"] is not None
    source = any(label is Label.SOURCE for label, _ in found.values)
    if source and found.only_labels:
        return 6 if complete else 5 if dated else 4
    if source and found.before and len(found.before) <= _HIGHEST_HEAD and not is_sentence(found.before):
        return 5 if re.match(r"\d", found.before) else 3
    if dated is not None and (found.only_labels or not found.values):
        if dated[0] is Label.PUBLISHED:
            return 5 if complete else 4
        return 3 if complete else 1
    if found.only_labels and any(label in DATES and value for label, value in found.values):
        return 1
    return 0


def _beside(text: str, found: Labelled, publisher: Publisher) -> bool:
    """Whether a line may stand among those of date and source: labels, dates, bylines, buttons."""
    return (
        bool(text)
        and not _is_navigation(text, publisher)
        and (
            found.only_labels
            or found.dated() is not None
            or is_furniture(text)
            or is_byline(text)
            or _is_waiting(found)
        )
    )


def _is_waiting(found: Labelled) -> bool:
    return found.waiting is not None and not found.before


def _is_today(found: Sequence[Labelled], place: int, best: int) -> bool:
    """Whether the line is a bare date above the date line: the page's head shows today's."""
    return not found[place].values and found[place].dated() is not None and found[best].dated() is not None


def _bylines(head: Head, texts: Sequence[str]) -> None:
    """A line that names reporters is the byline where no label gives one."""
    for text in texts:
        if is_byline(text) and not labelled(text).values:
            head.info.append(Labelled("", ((Label.BYLINE, text.strip(FRAME)),), text))


def _find_headline(
    head: Head,
    page: Sequence[PageLine],
    texts: Sequence[str],
    found: Sequence[Labelled],
    first: int,
    last: int,
    publisher: Publisher,
    *,
    known: int | None,
    title: str,
) -> None:
    """The headline above the lines of date and source; below them where nothing stands above."""
    above = [
        place
        for place in range(first - 1, -1, -1)
        if texts[place]
        and not found[place].only_labels
        and not _is_navigation(texts[place], publisher)
        and not is_furniture(texts[place])
        and not _bare_date(texts[place])
        and not is_byline(texts[place])
    ]
    _bylines(head, texts[max(first - 3, 0) : first])
    plain = [
        place
        for place in above
        if not _SUBTITLE.fullmatch(texts[place]) and not _TAG.fullmatch(texts[place])
    ]
    titled = [place for place in plain if title and _of_title(texts[place], title)]
    if known is not None:
        head.headline = known
    elif titled:
        head.headline = titled[0]
    elif plain:
        head.headline = plain[0]
    elif above:
        head.headline = above[-1]
    else:
        _headline_below(head, page, texts, found, publisher)
        return
    _note_subtitles(head, page, texts, above)
    beside = [place for place in plain if place != head.headline and abs(place - head.headline) == 1]
    if known is None and not titled and beside:
        other = beside[0]
        head.notes.append(
            Note(
                "headline_uncertain",
                "headline",
                Text(
                    f"标题取“{quoted(texts[head.headline])}”，相邻的“{quoted(texts[other])}”未采用；如有误请改文件后重新入库",
                    f"took “{quoted(texts[head.headline])}” as the headline and not"
                    f" “{quoted(texts[other])}” beside it;"
                    " change the document if that is wrong",
                ),
                page[other].number,
            )
        )


def _note_subtitles(
    head: Head, page: Sequence[PageLine], texts: Sequence[str], above: Sequence[int]
) -> None:
    """Note the subtitles near the headline: the item has no field for them."""
    assert head.headline is not None
    for place in sorted(above):
        near = place > head.headline or head.headline - place <= 2
        if place != head.headline and near and _SUBTITLE.fullmatch(texts[place]):
            head.notes.append(subtitle_note(texts[place], page[place].number))


def subtitle_note(text: str, number: int | None) -> Note:
    """The note that a subtitle was left out."""
    return Note(
        "subtitle_left_out",
        "headline",
        Text(
            f"副题“{quoted(text)}”未收入标题；如需保留请写进标题",
            f"the subtitle “{quoted(text)}” is no part of the headline; write it into the headline"
            f" to keep it",
        ),
        number,
    )


def _headline_below(
    head: Head,
    page: Sequence[PageLine],
    texts: Sequence[str],
    found: Sequence[Labelled],
    publisher: Publisher,
) -> None:
    """Some templates print the headline under the date. It counts where text follows it."""
    place = head.start
    if (
        place + 1 < len(texts)
        and texts[place]
        and not is_sentence(texts[place])
        and not ends_article(texts[place], publisher)
    ):
        head.headline, head.start = place, place + 1
        _skip(head, texts, found, publisher, len(texts))
        head.notes.append(
            Note(
                "headline_uncertain",
                "headline",
                Text(
                    f"标题取日期行下方的“{quoted(texts[place])}”；如有误请改文件后重新入库",
                    f"took “{quoted(texts[place])}” below the date line as the headline; change"
                    f" the document if that"
                    " is wrong",
                ),
                page[place].number,
            )
        )


def _skip(
    head: Head, texts: Sequence[str], found: Sequence[Labelled], publisher: Publisher, end: int
) -> None:
    """Take the lines of labels and buttons that follow into the head."""
    while head.start < min(end, len(texts)) and _beside(texts[head.start], found[head.start], publisher):
        if found[head.start].only_labels:
            head.info.append(found[head.start])
        head.start += 1


def _head_without_info(
    page: Sequence[PageLine],
    texts: Sequence[str],
    found: Sequence[Labelled],
    end: int,
    known: int | None,
    publisher: Publisher,
) -> Head:
    """The head of a page that has neither date nor source line above its article."""
    candidates = [
        place
        for place in range(end)
        if texts[place]
        and not _is_navigation(texts[place], publisher)
        and not is_furniture(texts[place])
        and not is_sentence(texts[place])
        and not ends_article(texts[place], publisher)
    ]
    place = known if known is not None else next(iter(candidates), None)
    return Head([], 0 if place is None else place + 1, place)


def _place_of(headline: str, texts: Sequence[str]) -> int | None:
    """Where the known headline stands; its last place above any prose."""
    wanted = folded(headline) if headline else ""
    found = None
    for place, text in enumerate(texts):
        if wanted and folded(text) == wanted:
            found = place
        elif is_prose(text) and found is not None:
            break
    return found


def _of_title(text: str, title: str) -> bool:
    return len(text) >= 4 and folded(title).startswith(folded(text))


def _bare_date(text: str) -> bool:
    return PRINTED.fullmatch(text.strip(FRAME)) is not None


def _is_navigation(text: str, publisher: Publisher) -> bool:
    """Whether every word of the line is one of the page's frame: a channel, a button, a breadcrumb."""
    if is_breadcrumb(text):
        return True
    frame = _NAVIGATION | {channel.name for channel in publisher.channels} | {publisher.name}
    return bool(text) and all(word in frame for word in re.split(r"[\s|·>›»\uff1e\uff5c]+", text) if word)


def _channel(texts: Sequence[str], publisher: Publisher) -> ChannelId | None:
    return next((channel_of(text, publisher) for text in texts if is_breadcrumb(text)), None)
