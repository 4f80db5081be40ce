"""Where a page's article ends: at its credits, the related news, the rights notice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from syndicate.ingest.labels import Credits, Label, Labelled, credits_of, labelled
from syndicate.ingest.text import folded, line
from syndicate.model.item import Block
from syndicate.model.parties import Publisher

_END: Final = re.compile(
    r"(?:相关(?:新闻|报道|阅读|文章|稿件)|(?:热门|头条|视频|图片|精彩|猜你喜欢|编辑|今日)?推荐|推荐阅读|图片新闻"
    r"|热点新闻|热门新闻|新闻排行|.{0,12}版权声明|免责声明|(?:网友|新闻|我要)?评论|返回(?:首页|顶部)|关闭窗口"
    r"|[上下]一[篇条].{0,60})"
)
_FRAME: Final = " \t【】[]〔〕()\uff08\uff09<>《》»«›|:\uff1a·-—=*■●▲◆"
_ENDS: Final = frozenset({Label.BYLINE, Label.EDITOR, Label.RESPONSIBLE, Label.SOURCE})


@dataclass(frozen=True, slots=True)
class Article:
    """The article alone, and the credits that stood under it."""

    body: tuple[Block, ...]
    credits: Credits


def ends_article(text: str, publisher: Publisher) -> bool:
    """Whether a line of this text announces what follows the articles of the site."""
    return _END.fullmatch(text.strip(_FRAME)) is not None or _same(text, publisher.notice)


def is_stamp(text: str, publisher: Publisher) -> bool:
    """Whether the line is the publisher's stamp: ours to put on, never part of a story."""
    return _same(text, publisher.stamp)


def _same(text: str, words: str) -> bool:
    """Whether two texts are the same words; most lines are told apart by their length alone."""
    return len(text) <= 2 * len(words) and len(words) <= 2 * len(text) and folded(text) == folded(words)


def trimmed(blocks: Sequence[Block], publisher: Publisher) -> Article:
    """The blocks up to the article's end. Credits are read on until something else begins."""
    body: list[Block] = []
    said: list[Labelled] = []
    for block in blocks:
        if ends_article(block.text, publisher):
            break
        if is_stamp(block.text, publisher):
            said.append(Labelled("", ()))
            continue
        found = labelled(block.text)
        if not found.before and found.values and found.values[0][0] in _ENDS:
            said.append(found)
        elif not said:
            body.append(block)
        elif found.only_labels:
            said.append(found)
        else:
            break
    return Article(tuple(body), credits_of(said))


def without_stamp(text: str, publisher: Publisher) -> str:
    """The text without the stamp at its end, as our exports put it there."""
    stamp = line(publisher.stamp)
    while text.endswith(stamp):
        text = text.removesuffix(stamp).rstrip()
    return text
