"""The labels of a page: `来源:`, `作者:`, `编辑:` and their like, with whatever colon was at hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Final

from syndicate.ingest.dates import PRINTED, printed


class Label(StrEnum):
    """What a label on a page announces."""

    SOURCE = "source"
    BYLINE = "byline"
    RESPONSIBLE = "responsible"
    EDITOR = "editor"
    WHEN = "when"
    OTHER = "other"


_WORDS: Final = {
    "内容来源": Label.SOURCE,
    "稿件来源": Label.SOURCE,
    "新闻来源": Label.SOURCE,
    "信息来源": Label.SOURCE,
    "文章来源": Label.SOURCE,
    "来源": Label.SOURCE,
    "原作者": Label.BYLINE,
    "作者": Label.BYLINE,
    "责任编辑": Label.RESPONSIBLE,
    "责编": Label.RESPONSIBLE,
    "网络编辑": Label.EDITOR,
    "值班编辑": Label.EDITOR,
    "编辑": Label.EDITOR,
    "更新时间": Label.WHEN,
    "发布时间": Label.WHEN,
    "发表时间": Label.WHEN,
    "时间": Label.WHEN,
    "日期": Label.WHEN,
    "浏览次数": Label.OTHER,
    "点击数": Label.OTHER,
    "点击": Label.OTHER,
    "阅读": Label.OTHER,
    "字号": Label.OTHER,
    "字体": Label.OTHER,
    "分享到": Label.OTHER,
    "校对": Label.OTHER,
    "审核": Label.OTHER,
}
_LABEL: Final = re.compile(
    "("
    + "|".join(r"\s?".join(word) for word in sorted(_WORDS, key=len, reverse=True))
    + ")\\s?[:\uff1a\u2236\ufe30\ufe55]\\s?"
)
_BLANK: Final = re.compile(r"\s")
_BEHIND: Final = re.compile(f"{PRINTED.pattern}$")
_LONGEST: Final = 100
"""A longer line is a paragraph that happens to begin like a label."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A line taken apart at its labels: what stands before the first, then each label with its value."""

    before: str
    values: tuple[tuple[Label, str], ...]

    def first(self, label: Label) -> str | None:
        """The first value that this label has here and that is not empty."""
        return next((value for one, value in self.values if one is label and value), None)

    @property
    def only_labels(self) -> bool:
        """Whether the line is nothing but labels and values, and no sentence (`时间:本周六` is one)."""
        return (
            bool(self.values)
            and not self.before
            and all(one is not Label.WHEN or PRINTED.fullmatch(value) for one, value in self.values)
        )

    def date(self) -> re.Match[str] | None:
        """The printed date of the line, where it stands by itself: labelled, or before the first label."""
        if self.before:
            return PRINTED.fullmatch(self.before)
        whens = (PRINTED.fullmatch(value) for one, value in self.values if one is Label.WHEN)
        # `来源:萧山日报 2018年1月22日 8:1` is printed the other way round.
        behind = (_BEHIND.search(value) for one, value in self.values if one is Label.SOURCE)
        return next((found for found in (*whens, *behind) if found), None)


def labelled(line: str) -> Labelled:
    """Take a cleaned line apart. A line without a label is all `before`."""
    if len(line) > _LONGEST:
        return Labelled(line, ())
    parts = _LABEL.split(line)
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    return Labelled(
        parts[0].strip(), tuple((_WORDS[_BLANK.sub("", word)], value.strip()) for word, value in pairs)
    )


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


def credits_of(found: Iterable[Labelled]) -> Credits:
    """The first value of each kind; the responsible editor goes before any other editor."""
    first: dict[Label, str] = {}
    for one in found:
        for label, value in one.values:
            if value:
                first.setdefault(label, value)
    return Credits(_source(first), first.get(Label.BYLINE), _editor(first))


def _source(first: Mapping[Label, str]) -> str | None:
    """The source line, without a date that follows it on the same line."""
    return PRINTED.split(first.get(Label.SOURCE, ""), 1)[0].strip() or None


def _editor(first: Mapping[Label, str]) -> str | None:
    return first.get(Label.RESPONSIBLE) or first.get(Label.EDITOR)


def moment(found: re.Match[str] | None, zone: tzinfo) -> datetime | None:
    """The moment of a printed date that may be missing."""
    return None if found is None else printed(found, zone)
