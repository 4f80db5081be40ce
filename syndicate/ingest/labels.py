"""Read the labels of a page: `来源:`, `作者:`, `发布时间:` and the like, with or without a colon."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from syndicate.ingest.dates import PRINTED, printed, rfc3339
from syndicate.ingest.furniture import FRAME, is_furniture, without_furniture
from syndicate.ingest.label_words import (
    DATES,
    LABEL,
    MAY_BE_LABEL,
    NAMES,
    Label,
    label_of,
    plain_credit,
    with_colons,
)
from syndicate.ingest.line_cache import cached

_BEHIND: Final = re.compile(f"{PRINTED.pattern}$")
_LONGEST: Final = 150
"""A longer line is a paragraph that happens to begin like a label."""
_LONGEST_NAME: Final = 40
_NO_NAME: Final = re.compile(r"[?？!！。…；;“”]")
_BRACKETS: Final = ("【】", "[]", "「」", "『』", "《》", "〈〉", "“”", "()", "（）", "〔〕", "<>")
_OPENING: Final = frozenset(pair[0] for pair in _BRACKETS)
_BYLINE_INSIDE: Final = re.compile(
    r"[\s(\uff08]+((?:本报|本网|本台)?(?:首席|见习|实习|特约)?(?:记者|通讯员|作者|责任编辑|责编|编辑|文\s?/|图\s?/|摄影).*)$"
)
_SLASHED: Final = re.compile(r"[文图摄]\s?[/／]")
_EDITS: Final = re.compile("责任编辑|责编|编辑")
_UNNAMED: Final = re.compile(r"^(?:作者|责任编辑|责编|编辑)\s{0,3}[:：]?\s{0,3}")
_EDITION: Final = re.compile(r"\s*[(\uff08]?第?\s?[A-Z]?\d{1,3}\s?版.*$")
_BYLINE: Final = re.compile(
    r"[■●◆□○]?\s?[(\uff08]?(?:(?:本报|本网|本台|首席|见习|实习|特约|全媒体)*(?:记者|通讯员|作者|撰文|摄影|编辑)|[文图摄](?=\s?[/／]))[\s/／:：|]{0,2}"
    r"[\u4e00-\u9fff·A-Za-z/／、\s:：]{2,60}[)\uff09]?"
)


_WAITING: Final = {
    "来源": Label.SOURCE,
    "來源": Label.SOURCE,
    "作者": Label.BYLINE,
    "发布时间": Label.PUBLISHED,
}
"""Labels that stand on a line of their own without a colon."""
_DIGIT: Final = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A line taken apart at its labels: what stands before the first, then each label with its value."""

    before: str
    values: tuple[tuple[Label, str], ...]
    text: str = ""

    def first(self, label: Label) -> str | None:
        """Return the first value of this label here that is not empty."""
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
            return _WAITING.get(self.text.strip(FRAME))
        label, value = self.values[-1]
        return label if not value.strip(FRAME) and label is not Label.OTHER else None

    def date(self) -> re.Match[str] | None:
        """Return the printed date by which this line dates an article; None where it has none."""
        found = self.dated()
        return None if found is None else found[1]

    def dated(self) -> tuple[Label, re.Match[str]] | None:
        """Return the date and its label; `WHEN` where it stands alone or beside a source.

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


@cached
def _date(text: str) -> re.Match[str] | None:
    """Match a text that is a date and nothing else, without brackets and buttons around it."""
    if not _DIGIT.search(text):
        return None
    bare = text.strip(FRAME)
    return PRINTED.fullmatch(bare) or PRINTED.fullmatch(without_furniture(bare).strip(FRAME))


def _is_value(label: Label, value: str) -> bool:
    if label in DATES:
        return _date(value) is not None
    if label in (Label.OTHER, Label.EVENT):
        return len(value) <= _LONGEST_NAME and not _NO_NAME.search(value)
    return is_name(value)


def is_name(value: str) -> bool:
    """Whether a label's value can be a name or a source: short, and no sentence."""
    return len(value) <= _LONGEST_NAME + 30 and not _NO_NAME.search(value)


@cached
def labelled(line: str) -> Labelled:
    """Split a cleaned line at its labels. A line without a label is all `before`."""
    if len(line) > _LONGEST:
        return Labelled(line, (), line)
    bare = line
    for pair in _BRACKETS if bare[:1] in _OPENING else ():
        if bare.startswith(pair[0]) and bare.endswith(pair[1]) and pair[0] not in bare[1:]:
            bare = bare[1:-1].strip()
    bare = with_colons(bare, dated=PRINTED.search(bare) is not None)
    parts = LABEL.split(bare) if MAY_BE_LABEL.search(bare) else [bare]
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    values = tuple((label_of(word), value.strip().rstrip("|｜,，;；/ ").strip()) for word, value in pairs)
    return Labelled(parts[0].strip().rstrip("|｜").strip() if values else line, values, line)


@cached
def credit_line(text: str) -> Labelled:
    """Split a line under an article at its labels, and at roles without a colon (`(责编 戊五)`)."""
    bare = text.strip(FRAME)
    found = labelled(text if text.startswith("【") or bare == text else bare)
    plain = plain_credit(bare)
    if found.values:
        return found
    if _SLASHED.match(bare) and is_byline(bare):
        return Labelled("", ((Label.BYLINE, bare),), text)
    if plain is None:
        return found
    found = labelled(plain)
    if all(label is Label.BYLINE for label, _ in found.values):
        return Labelled("", ((Label.BYLINE, bare),), text)
    return Labelled(found.before, found.values, text)


def joined(found: Labelled, value: str) -> Labelled:
    """Add the value of the last label, which stood on the next line."""
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
    """An item's source line, author and editor as labels give them; None where they do not."""

    source: str | None = None
    byline: str | None = None
    editor: str | None = None

    def __or__(self, other: Credits) -> Credits:
        """Fill what is None from `other`."""
        return Credits(
            self.source or other.source, self.byline or other.byline, self.editor or other.editor
        )


NOBODY: Final = Credits()
"""Credits of which every one is missing."""


def credits_of(found: Iterable[Labelled]) -> Credits:
    """Return the first value of each kind; the responsible editor goes before any other editor."""
    first: dict[Label, str] = {}
    reporters: list[str] = []
    for one in found:
        for label, value in one.values:
            name = bare_name(value)
            if label is Label.BYLINE and name and is_name(name):
                reporters.append(name)
            if label in NAMES and name and is_name(name):
                first.setdefault(label, name)
    if reporters:
        first[Label.BYLINE] = " ".join(
            name
            for place, name in enumerate(reporters)
            if not any(
                name in other for other in (*reporters[:place], *reporters[place + 1 :]) if other != name
            )
            and name not in reporters[:place]
        )
    source = first.get(Label.SOURCE, "")
    inside = _BYLINE_INSIDE.search(source)
    if inside is not None:
        first[Label.SOURCE] = bare_name(source[: inside.start()])
        plain = plain_credit(bare_name(inside[1]))
        roles = labelled(plain).values if plain else ()
        if len({label for label, _ in roles}) > 1:
            for label, name in roles:
                first.setdefault(label, name)
        else:
            label = Label.EDITOR if _EDITS.match(inside[1]) else Label.BYLINE
            first.setdefault(label, _UNNAMED.sub("", bare_name(inside[1])))
    elif source:
        first[Label.SOURCE] = _EDITION.sub("", source).strip()
    return Credits(_source(first), first.get(Label.BYLINE), _editor(first))


def bare_name(value: str) -> str:
    """Remove what stands around a name or source: a date, buttons, brackets around it or left over."""
    if len(value) > _LONGEST:
        return value.strip()
    value = (
        PRINTED.split(value, 1)[0].strip()
        if not PRINTED.match(value)
        else PRINTED.sub("", value, count=1).strip()
    )
    before = None
    while value != before:
        before = value
        value = without_furniture(value).strip(" |｜丨︱/,，;；·-—")
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
    """Return the date of the article: by its label, then the one with a time of day, then the first."""
    found = [one for line in lines if (one := line.dated()) is not None]
    return min(found, key=lambda one: (DATES.index(one[0]), one[1]["hour"] is None), default=None)


def instant(found: re.Match[str] | None, zone: tzinfo) -> datetime | None:
    """Return the instant of a printed date, or None for none; in the zone unless it carries an offset."""
    if found is None:
        return None
    return rfc3339(found[0]) or printed(found, zone)
