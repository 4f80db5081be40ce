"""Find the head of a page: the lines of date, source and credits above its article, and the headline."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from syndicate.ingest.article_end import ends_article
from syndicate.ingest.dates import PRINTED
from syndicate.ingest.furniture import FRAME, is_furniture, is_prose, is_sentence
from syndicate.ingest.label_words import DATES, Label
from syndicate.ingest.labels import Labelled, best_date, is_byline, labelled
from syndicate.ingest.page_lines import PageLine, is_navigation
from syndicate.ingest.text import folded
from syndicate.language import Text
from syndicate.model.notes import Note, quoted
from syndicate.model.parties import Publisher

_SUBTITLE: Final = re.compile(
    r"\s*(?:[—–－\-]{2,}|——|[—–]|[●■◆▲►▶]).+|[(\uff08].{1,60}[)\uff09]|(?:副题|副标题|引题|肩题|主题|导读|摘要|核心提示|提要)\s?[:\uff1a].{1,300}"
)
_TAG: Final = re.compile(
    r"[\[【〔(\uff08<《].{1,20}[\]】〕)\uff09>》]|[#＃].{1,20}[#＃]|(?:第?\s?[A-Z]?\d{1,3}\s?版|版次|版面).{0,12}|(?:图文|视频|组图|高清|独家|原创|要闻|头条|快讯|热点|新闻)"
)
_HIGHEST_HEAD: Final = 40
_KICKER: Final = 6


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
        return _head_without_info(texts, end, known, publisher)
    first, last = place, place
    while last + 1 < end and _beside(texts[last + 1], found[last + 1], publisher):
        if _is_event(found[last + 1], found[first : last + 1]):
            break
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
    _find_headline(head, page, texts, found, first, publisher, known=known, title=title)
    return head


def _head_end(texts: Sequence[str], found: Sequence[Labelled], publisher: Publisher) -> int:
    """Find the first line of prose, or of what ends an article: no line from there on dates the page."""
    for place, text in enumerate(texts):
        if found[place].only_labels or is_navigation(text, publisher):
            continue
        ends = ends_article(text, publisher) and place > 0 and any(one.only_labels for one in found[:place])
        if ends or (is_prose(text) and text.endswith(("。", "”", "；", ";", "."))):
            return place
    return len(texts)


def _info_place(texts: Sequence[str], found: Sequence[Labelled], end: int) -> int | None:
    """Find the line that looks most like one that dates the article or names its source."""
    best, place = 0, None
    for number in range(end):
        weight = _weight(texts[number], found[number])
        if weight > best:
            best, place = weight, number
    return place


def _weight(text: str, found: Labelled) -> int:
    """Score how much a line looks like the date line. A bare date may be today's, in the page's head."""
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
        and not is_navigation(text, publisher)
        and (
            found.only_labels
            or found.dated() is not None
            or is_furniture(text)
            or is_byline(text)
            or _is_waiting(found)
        )
    )


def _is_event(one: Labelled, above: Sequence[Labelled]) -> bool:
    """Whether a line dates something in the story (`时间:2月5日 14:00`): the story has its date already."""
    labels = {label for label, _ in one.values}
    return bool(labels) and labels <= {Label.WHEN, Label.EVENT} and _has_time(best_date(above))


def _has_time(dated: tuple[Label, re.Match[str]] | None) -> bool:
    return dated is not None and dated[1]["hour"] is not None


def _is_waiting(found: Labelled) -> bool:
    return found.waiting is not None and not found.before


def _is_today(found: Sequence[Labelled], place: int, best: int) -> bool:
    """Whether the line is a bare date above the date line: the page's head shows today's."""
    return not found[place].values and found[place].dated() is not None and found[best].dated() is not None


def _bylines(head: Head, texts: Sequence[str]) -> None:
    """Take a line that names reporters as the byline where no label gives one."""
    for text in texts:
        if is_byline(text) and not labelled(text).values:
            head.info.append(Labelled("", ((Label.BYLINE, text.strip(FRAME)),), text))


def _find_headline(
    head: Head,
    page: Sequence[PageLine],
    texts: Sequence[str],
    found: Sequence[Labelled],
    first: int,
    publisher: Publisher,
    *,
    known: int | None,
    title: str,
) -> None:
    """Find the headline above the lines of date and source; below them where nothing stands above."""
    above = [
        place
        for place in range(first - 1, -1, -1)
        if texts[place]
        and not found[place].only_labels
        and not is_navigation(texts[place], publisher)
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
        head.headline = _without_kicker(plain, texts)
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
                    f"标题取“{quoted(texts[head.headline])}”，相邻的“{quoted(texts[other])}”未采用；如有误请改文件后重新收稿",
                    f"took “{quoted(texts[head.headline])}” as the headline and not"
                    f" “{quoted(texts[other])}” beside it;"
                    " change the document if that is wrong",
                ),
                page[other].number,
            )
        )


def _without_kicker(plain: Sequence[int], texts: Sequence[str]) -> int:
    """Return the nearest line above the date, or the next if the nearest is a word or two (`图片新闻`)."""
    nearest = plain[0]
    if len(plain) > 1 and nearest - plain[1] == 1 and len(texts[nearest]) <= _KICKER < len(texts[plain[1]]):
        return plain[1]
    return nearest


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
    """Make the note that a subtitle was left out."""
    return Note(
        "subtitle_left_out",
        "headline",
        Text(
            f"副题“{quoted(text)}”未收入标题；如需保留请写进标题",
            f"the subtitle “{quoted(text)}” is no part of the headline; write it into the headline"
            " to keep it",
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
    """Find a headline under the date, as some templates print it. It counts where text follows it."""
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
                    f"标题取日期行下方的“{quoted(texts[place])}”；如有误请改文件后重新收稿",
                    f"took “{quoted(texts[place])}” below the date line as the headline; change"
                    " the document if that is wrong",
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
    texts: Sequence[str],
    end: int,
    known: int | None,
    publisher: Publisher,
) -> Head:
    """Find the head of a page that has neither date nor source line above its article."""
    candidates = [
        place
        for place in range(end)
        if texts[place]
        and not is_navigation(texts[place], publisher)
        and not is_furniture(texts[place])
        and not is_sentence(texts[place])
        and not ends_article(texts[place], publisher)
    ]
    place = known if known is not None else next(iter(candidates), None)
    return Head([], 0 if place is None else place + 1, place)


def _place_of(headline: str, texts: Sequence[str]) -> int | None:
    """Return the index of the known headline; its last place above any prose."""
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
