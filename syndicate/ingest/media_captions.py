"""Read the captions and credits of pictures: what is said, who made it, who supplied it.

Only what is certain is read as a caption. Chinese sites write it in a paragraph under the picture:
`图为湘湖步道。记者 甲一 摄`, `（摄影：乙二）`, `图片来源：视觉中国`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from syndicate.ingest.line_cache import cached

_LONGEST: Final = 200
_LONGEST_CREDIT: Final = 60
_LONGEST_PERSON: Final = 3
_OPEN: Final = r"[(（\[【〔]"
_CLOSE: Final = r"[)）\]】〕]"
_NAME: Final = r"[\u4e00-\u9fff·A-Za-z.&@][\u4e00-\u9fff·A-Za-z0-9.&@_\-—]{0,29}"
_NAMES: Final = rf"{_NAME}(?:[\s、，,/／]{{1,3}}{_NAME}){{0,5}}"
_RANK: Final = (
    r"(?:首席|见习|实习|特约|特邀|签约|高级|资深|主任|前方|一线|摄影|文字|图片|视频|全媒体|新媒体|融媒体?"
    r"|驻[\u4e00-\u9fff]{1,4}?)"
)
"""What stands before `记者` and names no employer."""
_ROLE: Final = rf"{_RANK}*(?:记者|通讯员|摄影师)"
_ORGANISATION: Final = r"(?:本[报网台站社]|[\u4e00-\u9fffA-Za-z.&]{1,8}(?:社|网|报|台|客户端|中心|集团))"
_PEOPLE: Final = (
    rf"{_ORGANISATION}?{_ROLE}[\s:：]{{0,2}}[\u4e00-\u9fff·]{{2,6}}?"
    rf"(?:[\s、，,/／]{{1,3}}(?:{_ORGANISATION}?{_ROLE}\s?)?[\u4e00-\u9fff·]{{2,6}}?){{0,5}}"
)
_BEHIND: Final = re.compile(
    rf"(?P<open>{_OPEN})?\s*(?P<by>(?:本组|以上|文中)?(?:图片|照片|图|视频|音频)(?:均?由|均为|均)\s*)?"
    rf"(?:(?P<people>{_PEOPLE})\s*(?:文/)?(?:摄影报道|摄影|摄制|拍摄|航拍|摄|供图|提供图片|提供|制图|绘图|绘)"
    rf"|(?P<employed>{_ORGANISATION}[\s/／]{{1,2}}[\u4e00-\u9fff·]{{2,6}})\s*(?:摄影|摄)"
    rf"|(?P<supplier>{_NAMES}?)\s*(?P<supplied>供图|提供图片|图片提供|提供|(?<!供)图)"
    rf"|(?P<names>[\u4e00-\u9fff·A-Za-z]{{2,8}}?(?:[、/／]\s?[\u4e00-\u9fff·]{{2,4}}){{0,4}})(?:\s*(?<![拍航])摄|\s+(?:摄影|航拍|拍摄))"
    rf"|(?P<issued>[\u4e00-\u9fffA-Za-z]{{2,12}}?发\s?[(（][\u4e00-\u9fff·\s、]{{2,20}}?摄[)）])"
    rf")\s*(?P<close>{_CLOSE})?\s*[。.]?$"
)
_LABELLED: Final = re.compile(
    rf"(?:^|(?<=[\s。！？!?；;，,)）]))(?P<open>{_OPEN})?\s*(?:本组|以上|文中|文内)?"
    r"(?P<label>图片来源|照片来源|视频来源|音频来源|图片提供|照片提供|图片由|照片由|图源|图据|供图|摄影|攝影|拍摄|摄像|摄|图片|照片|图|制图|来源)"
    rf"\s?[:：/／丨|｜]\s?(?P<names>{_NAMES})\s*(?P<close>{_CLOSE})?\s*[。.]?$"
)
_AGENCY: Final = re.compile(
    rf"{_OPEN}\s*(?P<names>[^()（）\[\]【】〔〕]{{0,20}}?(?:新华社|中新社|中新网|视觉中国|人民视觉|图虫创意|东方\s?IC|IC\s?photo"
    rf"|CFP|VCG|GETTY(?:\s?IMAGES)?|法新社|路透社?|美联社|AFP|REUTERS|AP|全景网|摄图网|千图网))\s*{_CLOSE}\s*[。.]?$",
    re.IGNORECASE,
)
_MAY_END: Final = re.compile(
    rf"(?:[摄影供图提绘道拍制片])\s*{_CLOSE}{{0,2}}\s*[。.]?$|[由来源图据供影拍像摄片制提攝]\s?[:：/／丨|｜]"
)
"""What no credit is without."""
_AMONG: Final = re.compile(
    r"(?:^|(?<=[\s(（【，,；;|｜]))(?P<label>图片来源|照片来源|图片提供|图源|供图|摄影|攝影|图片|照片|图|摄)\s?[:：/／丨|｜]\s?(?P<names>[^\s:：，,；;)）】|｜]{2,20})"
)
_GROUP: Final = re.compile(r"[(（]?\s*(?:本组|以上|文中|文内|本文)(?:图片|照片|图)")
_SUPPLIED: Final = re.compile("来源|提供|由$|图源|图据|供图")
_SHORT: Final = re.compile("图片?|照片")
"""Labels that name a person or a supplier: a name of more than three characters counts as a supplier's."""
_STORY_TOO: Final = re.compile(
    r"(?:^|[\s(（])文\s?[/／丨|｜:：]|[文字][\s/／、&并+和]{0,3}(?:[图摄]|摄影)|图文|文图|报道(?!$)|编辑|责编|审核|校对|来源[:：].*(?:编辑|作者)"
)
_NAMES_SOURCE: Final = re.compile(r"\W*(?:本文|稿件|新闻|内容|信息|文章)?(?:来源|來源|稿源)")
"""How a story says where it comes from, which is not said of its picture."""
_BEGINS: Final = re.compile(
    r"\s*[(（\[【]?\s*(?:(?:[上下左右本]图|图片|图中|图)(?:为|是(?=.{0,12}(?:现场|资料|效果)))|图\s?[一二三四五六七八九十\d]{0,3}\s?[:：]"
    r"|(?:图片|照片|视频|音频)(?:说明|简介)\s?[:：]|图[说注释]\s?[:：]|[▲△↑]|资料(?:图|照)(?:片)?|效果图|示意图)"
)
_BEGINS_ABOVE: Final = re.compile(r"\s*[▼▽↓]")
_STOPS: Final = "。！？!?；;…”’」』)）】 "
_MARKS: Final = "▲△↑▼▽↓ "
_LABELS_CAPTION: Final = re.compile(r"^\s*(?:(?:图片|照片|视频|音频)(?:说明|简介)|图[说注释])\s?[:：]\s?")
_ORGANISED: Final = re.compile(rf"(?P<org>[\u4e00-\u9fffA-Za-z.&]{{2,12}}?)(?:{_ROLE})")
_ISSUED: Final = re.compile(r"(?P<org>[\u4e00-\u9fffA-Za-z]{2,12}?)(?:发|供)(?=\s|[(（]|$)")
_OURS: Final = re.compile(rf"[本我][报网台站社刊]{_RANK}*|{_RANK}+")
_PERSON: Final = re.compile(
    rf"(?:本[报网台站])?(?:{_ROLE})?[\s:：]*[\u4e00-\u9fff·]{{2,4}}(?:[\s、，,/／]{{1,3}}(?:{_ROLE})?[\s:：]*[\u4e00-\u9fff·]{{2,4}})*"
)
_SUPPLIER: Final = re.compile(
    r"[社网报台部局委办馆镇村校院会所站园厅处队司团](?:$|[\s、，,/／])|视觉|中国|中心|公司|集团|街道|学校|医院|图虫|图库|东方|全景|网络|网友|市民|读者|受访|家属|当事|截图"
    r"|资料|来源|官方|微博|微信|公众|客户|平台|通讯社|人民|摄图|千图|创意|站酷|华盖|澎湃|新华|央视|新京"
)
"""What is in the names of those who supply pictures, and in no reporter's."""


@dataclass(frozen=True, slots=True)
class Caption:
    """What a caption says; None where it does not. `credit` and `byline` are as in `MediaReference`."""

    text: str | None
    credit: str | None
    byline: str | None


def read_caption(said: str) -> Caption:
    """Read the words of a caption that is known to be one."""
    said = said.strip(_MARKS).strip()
    said = _LABELS_CAPTION.sub("", said)
    text, credit, byline = _without_credit(said)
    return Caption(text or None, credit, byline)


@cached
def is_caption(said: str) -> bool:
    """Whether a line under a picture can be nothing but its caption or credit."""
    if len(said) > _LONGEST or _NAMES_SOURCE.match(said) or _STORY_TOO.search(said[-_LONGEST_CREDIT:]):
        return False
    if _BEGINS.match(said):
        return True
    if len(said) > _LONGEST_CREDIT and _AGENCY.search(said):
        return False  # A paragraph of an agency's report ends in the same way.
    text, credit, byline = _without_credit(said)
    return (credit or byline) is not None and text != said


def is_caption_above(said: str) -> bool:
    """Whether a line above a picture is its caption: `▼湘湖步道`."""
    return len(said) <= _LONGEST and _BEGINS_ABOVE.match(said) is not None


def is_credit(said: str) -> bool:
    """Whether a line is the credit of pictures and nothing else."""
    if len(said) > _LONGEST_CREDIT or _NAMES_SOURCE.match(said) or _STORY_TOO.search(said):
        return False
    text, credit, byline = _without_credit(said)
    return not text and (credit or byline) is not None


def is_group_credit(said: str) -> bool:
    """Whether a line credits all pictures of a story and says nothing else: `本组图片由 记者 甲一 摄`."""
    return len(said) <= _LONGEST_CREDIT and _GROUP.match(said) is not None and is_credit(said)


def photo_credit(said: str) -> Caption | None:
    """Read who made or supplied the pictures from a line of credits, as `文/甲一 图/视觉中国`."""
    if len(said) > _LONGEST_CREDIT:
        return None
    found = _AMONG.search(said)
    if found is None:
        return None
    return Caption(None, *_labelled(found))


def _without_credit(said: str) -> tuple[str, str | None, str | None]:
    """Take the credit off the end of a caption: the rest, who supplied it, who made it."""
    tail = said[-_LONGEST_CREDIT - 40 :]
    head = said[: len(said) - len(tail)]
    if (named := _AGENCY.search(tail)) is not None:
        return (head + tail[: named.start()]).strip(" ，,"), named["names"], named["names"]
    if not _MAY_END.search(tail):
        return said, None, None
    found = next((one for one in _LABELLED.finditer(tail) if _is_bracketed(one)), None)
    if found is not None:
        credit, byline = _labelled(found)
        return (head + tail[: found.start()]).strip(" ，,"), credit, byline
    for start in _starts(tail):
        found = _BEHIND.match(tail, start)
        if found is None or not _is_bracketed(found):
            continue
        before = (head + tail[:start]).strip(" ，,")
        if found["supplied"] in ("图", "提供") and not _is_of_picture(found):
            continue
        names = (
            found["people"]
            or found["employed"]
            or found["supplier"]
            or found["names"]
            or found["issued"]
            or ""
        ).strip()
        if names:
            return before, *_who(names, supplied=(found["supplier"] or found["employed"]) is not None)
    return said, None, None


def _starts(tail: str) -> Iterator[int]:
    """Where a credit may begin: at the start, at a bracket, behind a stop or a blank."""
    yield from (
        place
        for place, one in enumerate(tail)
        if one in "(（[【〔" or not place or tail[place - 1] in _STOPS
    )


def _is_bracketed(found: re.Match[str]) -> bool:
    """Whether a credit has both of its brackets, or none."""
    return bool(found["open"]) == bool(found["close"])


def _labelled(found: re.Match[str]) -> tuple[str | None, str | None]:
    """Tell who supplied and who made a picture, from a name behind a label."""
    names = found["names"].strip()
    doubted = _SHORT.fullmatch(found["label"]) is not None and len(names) > _LONGEST_PERSON
    return _who(names, supplied=doubted or _SUPPLIED.search(found["label"]) is not None)


def _is_of_picture(found: re.Match[str]) -> bool:
    """Whether `提供` and `图` are said of the picture: `(…提供)`, `图片由…提供`, `视觉中国 图`."""
    if found["open"] or found["by"]:
        return True
    return found["supplied"] == "图" and _SUPPLIER.search(found["supplier"]) is not None


def _who(names: str, *, supplied: bool) -> tuple[str | None, str | None]:
    """Tell who supplied a picture and who made it. A name that may be a supplier's counts as one."""
    names = names.strip(" 、，,/／")
    organised = _ORGANISED.match(names) or _ISSUED.match(names)
    if organised is not None:
        return (None if _OURS.fullmatch(organised["org"]) else organised["org"]), names
    if not supplied and _PERSON.fullmatch(names) and not _SUPPLIER.search(names):
        return None, names
    return names, None
