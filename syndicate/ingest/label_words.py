"""List the label words of a page (`来源`, `作者`, `发布时间` …) and what each announces."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class Label(StrEnum):
    """What a label on a page announces."""

    SOURCE = "source"
    BYLINE = "byline"
    RESPONSIBLE = "responsible"
    EDITOR = "editor"
    PUBLISHED = "published"
    WHEN = "when"
    UPDATED = "updated"
    EVENT = "event"
    OTHER = "other"


DATES: Final = (Label.PUBLISHED, Label.WHEN, Label.UPDATED)
"""The labels of a date, in the order in which they date an article."""
NAMES: Final = (Label.SOURCE, Label.BYLINE, Label.RESPONSIBLE, Label.EDITOR)

_LISTED: Final = {
    Label.SOURCE: "本文来源 内容来源 稿件来源 新闻来源 信息来源 文章来源 来源媒体 来源 稿源 出处 转载自"
    " 转自 摘自 稿件來源 新聞來源 內容來源 文章來源 來源",
    Label.BYLINE: "原作者 文章作者 本报作者 本文作者 作者 撰稿 撰文 执笔 本报记者 首席记者 见习记者"
    " 实习记者 特约记者 通讯员 记者 記者",
    Label.RESPONSIBLE: "本文责任编辑 本文责编 责任编辑 责任编缉 责编 責任編輯 責編",
    Label.EDITOR: "本文编辑 网络编辑 值班编辑 本期编辑 见习编辑 实习编辑 文字编辑 新媒体编辑"
    " 执行编辑 编辑 編輯",
    Label.PUBLISHED: (
        "发布时间 发布日期 发表时间 发表日期 发稿时间 发稿日期 刊发时间 刊发日期 刊登时间 刊登日期"
        " 上传时间 播出时间 发表于 发布于 刊发于 刊登于"
        " 發布時間 發佈時間 發表時間 發布日期 發佈日期 發表於 發布於"
    ),
    Label.WHEN: "时间 日期 時間",
    Label.UPDATED: "最后更新时间 最后更新 更新时间 更新日期 修改时间 最后修改 更新于 更新時間 修改於",
    Label.OTHER: (
        "浏览次数 浏览量 浏览数 浏览 点击次数 点击量 点击数 点击率 点击 阅读次数 阅读量 阅读数"
        " 阅读 评论数 评论量 评论 跟帖 人气 播放量 播放次数"
        " 发布人 发布者 发布 录入 上传者 信息员 查看 回复 原标题 原题 字体大小 字号 字体 分享到"
        " 分享至 分享 收藏 转发 点赞 校对 校审"
        " 审校 审核 复审 初审 终审"
        " 一审 二审 三审 一校 二校 三校 监审 监制 总监制"
        " 值班主任 值班总监 值班总编辑 值班总编 值班编委 值班编审 值班领导 责任校对 责任美编"
        " 美术编辑 编委 主编 副主编 总编辑 编校 终校 编发 签发 审签 供稿 供图 技术支持 统筹 策划"
        " 总策划 制作 制图 美编 版式 版面设计 摄影 图片来源"
        " 图片 视频 剪辑 配音 播音 主播 出品 出品人 关键词 关键字 主题词 标签"
        " 栏目 版次 版面 期号 編審 校對 審核 攝影"
    ),
}
_WORDS: Final = {word: label for label, words in _LISTED.items() for word in words.split()}
_COLON: Final = ":\uff1a\u2236\ufe30\ufe55"
_COLONS: Final = f"[{_COLON}]"
_SPACED: Final = {word: r"\s{0,2}".join(word) for word in sorted(_WORDS, key=len, reverse=True)}
LABEL: Final = re.compile(
    # What follows begins with one of these characters: most places of a text are passed over by this alone.
    f"(?=[{''.join(sorted({word[0] for word in _WORDS}))}發]|(?<![\u4e00-\u9fff])[\u4e00-\u9fff])"
    f"((?:{'|'.join(_SPACED.values())})\\s?{_COLONS}"
    # Without a colon, only where what follows can be nothing else.
    r"|(?:发表于|发布于|刊发于|刊登于|更新于|發表於|發布於|发布时间|发布日期|发表时间|更新时间|發布時間)(?=\s*\d{4})"
    r"|(?:(?<=^)|(?<=[\s\d|｜\])】）]))(?:稿件来源|内容来源|来源|來源|稿源)(?=\s+\S)"
    r"|(?<![\u4e00-\u9fff])[\u4e00-\u9fff]{1,4}(?:时间|日期|時間)\s?" + _COLONS + r")\s?"
)
MAY_BE_LABEL: Final = re.compile(
    f"[{_COLON}发刊更發来來稿](?<=(?={_COLONS}|(?:发表|发布|刊发|刊登|更新)(?:于|时间|日期)|發表於|發布於|發布時間|[来來稿][源]).)"
)
"""What no match of `LABEL` is without."""
_UPDATES: Final = re.compile("更新|修改|编辑|更改|變更|修訂|修订")
_PUBLISHES: Final = re.compile(
    "发布|发表|首发|刊发|刊登|上传|录入|创建|播出|发稿|入库|见报|出版|推送|發|上線|上线"
)
_SOURCES: Final = ("来源", "來源", "稿源")
_GLUED: Final = re.compile(rf"(?:(?<=^)|(?<=[\s\d|｜\])】）]))(来源|來源|稿源)(?=[^\s{_COLON}])")
_BARE: Final = re.compile(rf"\s|{_COLONS}")
_OTHER_ROLES: Final = (
    "摄影 校对 审核 复审 初审 终审 一审 二审 三审 监制 制图 视频 统筹 策划 值班编委 剪辑 配音"
)
_ROLES: Final = "|".join(
    sorted(
        (
            *(word for label in NAMES for word in _LISTED[label].split()),
            *_OTHER_ROLES.split(),
        ),
        key=len,
        reverse=True,
    )
)
_BAR: Final = re.compile(
    rf"(?:(?<=^)|(?<=[\s|｜丨\])】）]))({_ROLES}|[文图](?=\s?[丨|｜︱]))\s?[丨|｜/／︱]\s?(?=[\u4e00-\u9fffA-Za-z《【“])"
)
_BARS: Final = re.compile("[丨|｜/／︱]")
_SHORT: Final = {"文": "撰文", "图": "摄影"}
_PLAIN: Final = re.compile(
    rf"(?:(?:{_ROLES})\s{{1,3}}(?:[\u4e00-\u9fff·]{{2,4}}[\s、,，/|｜丨;；]*){{1,4}}){{1,4}}"
)
_ROLE: Final = re.compile(rf"({_ROLES})\s{{1,3}}")
_LONGEST_PLAIN: Final = 60


def label_of(word: str) -> Label:
    """Return what a label's word means; a time of neither publication nor change is an event's."""
    word = _BARE.sub("", word)
    if word in _WORDS:
        return _WORDS[word]
    if _UPDATES.search(word):
        return Label.UPDATED
    return Label.PUBLISHED if _PUBLISHES.search(word) else Label.EVENT


def with_colons(text: str, *, dated: bool) -> str:
    """Put a colon behind the labels of a line: `编辑丨乙二`, and `来源萧山日报` in a line that is dated."""
    if _BARS.search(text):
        text = _BAR.sub(lambda found: f"{_SHORT.get(found[1], found[1])}:", text)
    if (
        dated
        and any(word in text for word in _SOURCES)
        and not any(f"{word}{colon}" in text for word in _SOURCES for colon in _COLON)
    ):
        text = _GLUED.sub(r"\1: ", text)
    return text


def plain_credit(text: str) -> str | None:
    """Put a colon behind each role of a line where it is nothing but roles and names, as `责编 戊五`."""
    if len(text) > _LONGEST_PLAIN or not _PLAIN.fullmatch(text):
        return None
    return _ROLE.sub(r"\1:", text)
