"""Labels of a page: `来源:`, `作者:`, `发布时间:` and their like, with or without a colon."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Final

from syndicate.ingest.dates import PRINTED, printed, rfc3339
from syndicate.ingest.furniture import FRAME, is_furniture, without_furniture


class Label(StrEnum):
    """What a label on a page announces."""

    SOURCE = "source"
    BYLINE = "byline"
    RESPONSIBLE = "responsible"
    EDITOR = "editor"
    PUBLISHED = "published"
    WHEN = "when"
    UPDATED = "updated"
    OTHER = "other"


DATES: Final = (Label.PUBLISHED, Label.WHEN, Label.UPDATED)
"""The labels of a date, in the order in which they date an article."""
NAMES: Final = (Label.SOURCE, Label.BYLINE, Label.RESPONSIBLE, Label.EDITOR)

_LISTED: Final = {
    Label.SOURCE: "内容来源 稿件来源 新闻来源 信息来源 文章来源 来源媒体 来源 稿源 出处 转载自"
    " 转自 摘自 稿件來源 新聞來源 內容來源 文章來源 來源",
    Label.BYLINE: "原作者 文章作者 本报作者 作者 撰稿 撰文 执笔 本报记者 首席记者 见习记者"
    " 实习记者 特约记者 通讯员 记者 記者",
    Label.RESPONSIBLE: "责任编辑 责任编缉 责编 責任編輯 責編",
    Label.EDITOR: "网络编辑 值班编辑 本期编辑 见习编辑 实习编辑 文字编辑 新媒体编辑 执行编辑 编辑 編輯",
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
        " 字体大小 字号 字体 分享到 分享至 分享 收藏 转发 点赞 校对 校审 审校 审核 复审 初审 终审"
        " 一审 二审 三审 一校 二校 三校 监审 监制 总监制"
        " 值班主任 值班总监 值班总编 统筹 策划 总策划 制作 制图 美编 版式 版面设计 摄影 图片来源"
        " 图片 视频 剪辑 配音 播音 主播 出品 出品人 关键词 关键字 主题词 标签"
        " 栏目 版次 版面 期号 編審 校對 審核 攝影"
    ),
}
_WORDS: Final = {word: label for label, words in _LISTED.items() for word in words.split()}
_COLON: Final = ":\uff1a\u2236\ufe30\ufe55"
_COLONS: Final = f"[{_COLON}]"
_SPACED: Final = {word: r"\s{0,2}".join(word) for word in sorted(_WORDS, key=len, reverse=True)}
_LABEL: Final = re.compile(
    f"((?:{'|'.join(_SPACED.values())})\\s?{_COLONS}"
    # Without a colon, only where what follows can be nothing else.
    r"|(?:发表于|发布于|刊发于|刊登于|更新于|發表於|發布於|发布时间|发布日期|发表时间|更新时间|發布時間)(?=\s*\d{4})"
    r"|(?:(?<=^)|(?<=[\s\d|｜\])】）]))(?:稿件来源|内容来源|来源|來源|稿源)(?=\s+\S)"
    r")\s?"
)
_SOURCES: Final = ("来源", "來源", "稿源")
_GLUED: Final = re.compile(rf"(?:(?<=^)|(?<=[\s\d|｜\])】）]))(来源|來源|稿源)(?=[^\s{_COLON}])")
_BARE: Final = re.compile(rf"\s|{_COLONS}")
_NO_COLON: Final = re.compile(rf".*{_COLONS}\s?$")
_BEHIND: Final = re.compile(f"{PRINTED.pattern}$")
_LONGEST: Final = 150
"""A longer line is a paragraph that happens to begin like a label."""
_LONGEST_NAME: Final = 40
_NO_NAME: Final = re.compile(r"[?？!！。…；;“”]")
_BRACKETS: Final = ("【】", "[]", "「」", "『』", "《》", "〈〉", "“”", "()", "（）", "〔〕", "<>")
_BYLINE_INSIDE: Final = re.compile(
    r"[\s(\uff08]+((?:本报|本网|本台)?(?:首席|见习|实习|特约)?(?:记者|通讯员|作者|编辑|文\s?/|图\s?/|摄影).*)$"
)
_BYLINE: Final = re.compile(
    r"[■●◆□○]?\s?[(\uff08]?(?:(?:本报|本网|本台|首席|见习|实习|特约|全媒体)*(?:记者|通讯员|作者|撰文|摄影|编辑)|[文图摄](?=\s?[/／]))[\s/／:：|]{0,2}"
    r"[\u4e00-\u9fff·A-Za-z/／、\s:：]{2,60}[)\uff09]?"
)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A line taken apart at its labels: what stands before the first, then each label with its value."""

    before: str
    values: tuple[tuple[Label, str], ...]
    text: str = ""

    def first(self, label: Label) -> str | None:
        """The first value that this label has here and that is not empty."""
        return next((value for one, value in self.values if one is label and value), None)

    @property
    def only_labels(self) -> bool:
        """Whether the line is nothing but labels with their values, and no sentence of a story.

        `时间:本周六` and `编辑:你怎么看?` are sentences; `2018-01-22 来源:…` begins with a date,
        which counts as a value.
        """
        if not self.values or (
            self.before and _date(self.before) is None and not is_furniture(self.before)
        ):
            return False
        return all(_is_value(label, value) for label, value in self.values)

    @property
    def waiting(self) -> Label | None:
        """The last label, where its value must stand on the next line."""
        if not self.values:
            return {
                "来源": Label.SOURCE,
                "來源": Label.SOURCE,
                "作者": Label.BYLINE,
                "发布时间": Label.PUBLISHED,
            }.get(self.text.strip(FRAME))
        label, value = self.values[-1]
        return label if not value.strip(FRAME) and label is not Label.OTHER else None

    def date(self) -> re.Match[str] | None:
        """The printed date by which this line dates an article; None where it has none."""
        found = self.dated()
        return None if found is None else found[1]

    def dated(self) -> tuple[Label, re.Match[str]] | None:
        """The date and the label that it stands under; `WHEN` where it stands alone or beside a source.

        `发布时间` goes before a date without a label, and that before `更新时间`.
        """
        found: list[tuple[Label, re.Match[str]]] = []
        if self.before and (match := _date(self.before)):
            found.append((Label.WHEN, match))
        for label, value in self.values:
            if label in DATES and (match := _date(value)):
                found.append((label, match))
            # `来源:萧山日报 2018年1月22日 8:1` is printed the other way round.
            elif label not in DATES and (match := _BEHIND.search(value.rstrip(FRAME))):
                found.append((Label.WHEN, match))
        return min(found, key=lambda one: DATES.index(one[0]), default=None)


def _date(text: str) -> re.Match[str] | None:
    """The date that the text is, brackets and buttons around it aside."""
    bare = text.strip(FRAME)
    return PRINTED.fullmatch(bare) or PRINTED.fullmatch(without_furniture(bare).strip(FRAME))


def _is_value(label: Label, value: str) -> bool:
    if label in DATES:
        return _date(value) is not None
    if label is Label.OTHER:
        return len(value) <= _LONGEST_NAME and not _NO_NAME.search(value)
    return is_name(value)


def is_name(value: str) -> bool:
    """Whether a label's value can be a name or a source: short, and no sentence."""
    return len(value) <= _LONGEST_NAME + 30 and not _NO_NAME.search(value)


def labelled(line: str) -> Labelled:
    """Take a cleaned line apart. A line without a label is all `before`."""
    if len(line) > _LONGEST:
        return Labelled(line, (), line)
    bare = line
    for pair in _BRACKETS:
        if bare.startswith(pair[0]) and bare.endswith(pair[1]) and pair[0] not in bare[1:]:
            bare = bare[1:-1].strip()
    if PRINTED.search(bare) and not any(f"{word}{colon}" in bare for word in _SOURCES for colon in _COLON):
        bare = _GLUED.sub(r"\1: ", bare)
    parts = _LABEL.split(bare)
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    values = tuple(
        (_WORDS[_BARE.sub("", word)], value.strip().rstrip("|｜,，;；/ ").strip()) for word, value in pairs
    )
    return Labelled(parts[0].strip().rstrip("|｜").strip() if values else line, values, line)


def joined(found: Labelled, value: str) -> Labelled:
    """The line with the value of its last label, which stood on the next line."""
    label = found.waiting
    if label is None:
        return found
    values = (*found.values[:-1], (label, value)) if found.values else ((label, value),)
    return Labelled(found.before if found.values else "", values, f"{found.text} {value}")


def is_byline(text: str) -> bool:
    """Whether the whole line names reporters: `记者 甲一 通讯员 乙二`, `文/甲一 图/乙二`."""
    return len(text) <= _LONGEST_NAME and _BYLINE.fullmatch(text) is not None and not _NO_NAME.search(text)


@dataclass(frozen=True, slots=True)
class Credits:
    """What labels say about an item: its source line, its author, its editor; None where silent."""

    source: str | None = None
    byline: str | None = None
    editor: str | None = None

    def __or__(self, other: Credits) -> Credits:
        """These, and from `other` what these leave open."""
        return Credits(
            self.source or other.source, self.byline or other.byline, self.editor or other.editor
        )


NOBODY: Final = Credits()
"""Credits of which every one is missing."""


def credits_of(found: Iterable[Labelled]) -> Credits:
    """The first value of each kind; the responsible editor goes before any other editor."""
    first: dict[Label, str] = {}
    reporters: list[str] = []
    for one in found:
        for label, value in one.values:
            name = bare_name(value)
            if label is Label.BYLINE and name and is_name(name):
                reporters.append(name)
            if label in NAMES and name and is_name(name):
                first.setdefault(label, name)
    source = first.get(Label.SOURCE, "")
    inside = _BYLINE_INSIDE.search(source)
    if inside is not None:
        first[Label.SOURCE] = bare_name(source[: inside.start()])
        first.setdefault(Label.BYLINE, bare_name(inside[1]))
    return Credits(_source(first), first.get(Label.BYLINE), _editor(first))


def bare_name(value: str) -> str:
    """A name or source without what decorates it: a date, buttons, brackets around it or left over."""
    value = (
        PRINTED.split(value, 1)[0].strip()
        if not PRINTED.match(value)
        else PRINTED.sub("", value, count=1).strip()
    )
    before = None
    while value != before:
        before = value
        value = without_furniture(value).strip(" |｜/,，;；·-—")
        for opening, closing in _BRACKETS:
            if value.startswith(opening) and value.endswith(closing):
                value = value[1:-1].strip()
            elif value.endswith(opening) or (value.endswith(closing) and opening not in value):
                value = value[:-1].strip()
            elif value.startswith(closing) or (value.startswith(opening) and closing not in value):
                value = value[1:].strip()
    return value


def _source(first: Mapping[Label, str]) -> str | None:
    return first.get(Label.SOURCE) or None


def _editor(first: Mapping[Label, str]) -> str | None:
    return first.get(Label.RESPONSIBLE) or first.get(Label.EDITOR)


def best_date(lines: Sequence[Labelled]) -> tuple[Label, re.Match[str]] | None:
    """The date that dates the article: by its label, then the one with a time of day, then the first."""
    found = [one for line in lines if (one := line.dated()) is not None]
    return min(found, key=lambda one: (DATES.index(one[0]), one[1]["hour"] is None), default=None)


def instant(found: re.Match[str] | None, zone: tzinfo) -> datetime | None:
    """The instant of a printed date that may be missing, in the zone unless it carries an offset."""
    if found is None:
        return None
    return rfc3339(found[0]) or printed(found, zone)
