"""Split the lines of a page at their labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from syndicate.ingest.article_end import ends_article
from syndicate.ingest.dates import PRINTED
from syndicate.ingest.furniture import is_furniture, is_sentence
from syndicate.ingest.label_words import Label
from syndicate.ingest.labels import Labelled, bare_name, joined, labelled
from syndicate.ingest.outlets import is_breadcrumb, outlet_of
from syndicate.ingest.text import words
from syndicate.model.item import Block
from syndicate.model.parties import Publisher

_NAVIGATION: Final = words(
    "手机网 手机版 微信 微博 首页 登录 注册 客户端 无障碍 繁体 简体 English 打印 关闭 收藏 分享 大 中"
    " 小 搜索 设为首页 加入收藏 RSS 订阅 返回 更多 正文"
)
_WORD: Final = re.compile(r"[^\s|·>›»\uff1e\uff5c]+")
_LONGEST_VALUE: Final = 40
_LONGEST_DATED: Final = 60
_LONGEST_NAME: Final = 12


@dataclass(frozen=True, slots=True)
class PageLine:
    """One line of a page that is not blank, with its line number where the file has lines."""

    block: Block
    number: int | None = None


def labelled_lines(texts: Sequence[str], publisher: Publisher) -> list[Labelled]:
    """Split each line at its labels; join a label with its value on the next line."""
    found = [_with_source(labelled(text), publisher) for text in texts]
    for place, text in enumerate(texts):
        if (
            len(text) <= _LONGEST_NAME
            and _beside_a_time(found, place)
            and outlet_of(text, publisher) is not None
        ):
            found[place] = Labelled("", ((Label.SOURCE, text),), text)
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


def _beside_a_time(found: Sequence[Labelled], place: int) -> bool:
    """Whether the line above or below is a date with its time of day, and nothing else."""
    return any(
        not one.values and (dated := one.dated()) is not None and dated[1]["hour"] is not None
        for one in (*found[max(place - 1, 0) : place], *found[place + 1 : place + 2])
    )


def _with_source(found: Labelled, publisher: Publisher) -> Labelled:
    """Read the source of a line with a date and no label, as `萧山日报 2018-01-22 08:01`.

    Only an outlet of ours counts as a source without a label; another short word is passed over.
    """
    if found.values and found.before and found.dated() and found.first(Label.SOURCE) is None:
        # `萧山电视台 播出时间:2018-01-22 18:30`
        name = bare_name(found.before)
        if len(name) <= _LONGEST_NAME and outlet_of(name, publisher) is not None:
            return Labelled("", ((Label.SOURCE, name), *found.values), found.text)
    match = PRINTED.search(found.text) if not found.values and len(found.text) <= _LONGEST_DATED else None
    if match is None:
        return found
    rest = bare_name((found.text[: match.start()] + " " + found.text[match.end() :]).strip())
    if not rest or len(rest) > _LONGEST_NAME or is_sentence(rest) or is_furniture(rest):
        return found
    label = Label.SOURCE if outlet_of(rest, publisher) is not None else Label.OTHER
    return Labelled(match[0], ((label, rest),), found.text)


def is_navigation(text: str, publisher: Publisher) -> bool:
    """Whether every word of the line is one of the page's frame: a channel, a button, a breadcrumb."""
    if is_breadcrumb(text):
        return True
    first = _WORD.search(text)
    if first is None:
        return bool(text)
    names = {publisher.name, *(channel.name for channel in publisher.channels)}
    if first[0] not in _NAVIGATION and first[0] not in names:
        return False
    return all(word in _NAVIGATION or word in names for word in _WORD.findall(text))
