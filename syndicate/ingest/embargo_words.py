"""Tell whether a line is an embargo instruction (`禁发至…`, `Embargoed until …`), or may be one.

Three answers: the line is nothing but an instruction; a sentence in it may be one, and somebody must look;
or it only speaks of embargoes, as a story about trade or fishing does. Words are compared in lower case,
simplified characters and narrow forms.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

from syndicate.ingest.embargo_time import times_in
from syndicate.ingest.line_cache import cached, cached_with

_T: Final = "\u23f1"
"""Stands for a time in a text while its words are looked at."""
_SIMPLIFIED: Final = str.maketrans(
    "禁發佈時間點後請載開報號審準許條視頻圖稅會結佔為與於從級單媒體編輯記網絡電臺聯關門讀傳據規線間達應該須經術務將據",
    "禁发布时间点后请载开报号审准许条视频图税会结占为与于从级单媒体编辑记网络电台联关门读传据规线间达应该须经术务将据",
)
_TRADITIONAL: Final = re.compile(f"[{''.join(map(chr, _SIMPLIFIED))}]")
_LONGEST: Final = 120
_MOST_REST, _MOST_SHARE, _MOST_SHARE_UNTIMED, _MOST_SHARE_WEAK, _MOST_SHARE_PROSE = 8, 0.35, 0.25, 0.15, 0.2
"""Characters that are no word of an instruction which it may have nevertheless, and their shares."""


def _any(words: str) -> str:
    """A pattern that matches any of these words."""
    return f"(?:{'|'.join(words.split())})"


_PRESS: Final = _any(
    "发布 刊发 播发 刊播 刊登 刊载 见报 发稿 播出 推送 推发 发表 采用 上网 上稿 签发 编发 外传 外发"
    " 播报 对外发 发出 发(?![车展货放电动病生明现烧热言票挥育酵])"
)
_VERB: Final = _any(f"{_PRESS} 上线 公开 公布 传播 转发 报道 发送 披露 使用 采用 宣传 泄露 外泄")
_NOT: Final = (
    _any("勿 莫 不要 不得 不能 不可 不准 不许 不予 严禁 禁止 谢绝 暂不 暂缓 先不 先别 别 切忌")
    + "(?:提前|擅自|对外|私自|先行|要|得|再)*"
)
_IMPERATIVE: Final = "(?:请勿|切勿|千万别|请不要|务必不|请先不|请别|勿|严禁)(?:提前|擅自|对外|私自|先行)*"
_STORY: Final = (
    "(?:[本此该这](?:篇|条|组|件|则)?"
    + _any("稿件 稿子 稿 新闻 文章 文 消息 报道 通稿 视频 图片 材料 资料 条 篇")
    + "|稿件|通稿|全文)"
)
_OWN: Final = (
    "(?:[本此该这](?:篇|条|组|件|则)?(?:稿件|稿子|新闻稿|通稿|文稿|稿)"
    "|[本此](?:新闻|文章|文|消息|报道|视频|图片|材料|资料|条|篇)|通稿)"
)
"""The document itself. In a sentence of a story, `这条视频` is what the story is about."""
_OUT: Final = r"(?:releas\w*|publi(?:cation|sh\w*)|broadcast\w*|used?|using|distribut\w*|post(?:ed)?)"
_MAY: Final = "(?:方可|才可|才能|方能|再|可以|可|统一|予以|正式)"
_NEAR: Final = "[^。;!?]"

_STRONG: Final = re.compile(
    "|".join(
        (
            rf"禁发(?:时间|日期|期|令|截止|[至到于为:]|\s*{_T})",
            rf"(?:延时|延迟|延后|限时|定点){_PRESS}(?:时间)?\s*[:为至到于]?\s*{_T}",
            r"禁[播刊载](?:时间|日期|期限|[至到])",
            rf"(?:解禁|开禁)(?:时间|日期)\s*(?:[:至到为是于]|{_T})",
            rf"{_T}(?:之|以)?前{_NEAR}{{0,12}}{_NOT}{_NEAR}{{0,8}}{_PRESS}",
            rf"{_NOT}{_NEAR}{{0,6}}{_T}(?:之|以)?前{_NEAR}{{0,6}}{_PRESS}",
            rf"不得早于{_NEAR}{{0,6}}{_T}{_NEAR}{{0,4}}{_PRESS}",
            rf"早于{_NEAR}{{0,6}}{_T}{_NEAR}{{0,4}}{_NOT}{_NEAR}{{0,4}}{_PRESS}",
            rf"(?:请|务必|须){_NEAR}{{0,10}}{_T}(?:之|以)?后{_NEAR}{{0,8}}{_PRESS}",
            rf"{_T}(?:之|以)?后{_NEAR}{{0,4}}{_MAY}{{1,2}}{_NEAR}{{0,4}}{_PRESS}",
            rf"{_STORY}{_NEAR}{{0,24}}(?:{_NOT}{_NEAR}{{0,6}}{_VERB}|禁发|解禁|待发|缓发|压发|embargo)",
            rf"{_STORY}{_NEAR}{{0,16}}(?:统发|统一(?:对外)?{_PRESS}|勿提前)",
            rf"统发时间|统一{_PRESS}时间\s*(?:[:为是]|{_T})",
            rf"(?:{_NOT}{_NEAR}{{0,6}}{_VERB}|禁发){_STORY}",
            r"embargo(?:ed)?\s*(?:until|till|til|to\b|for\b|:|-|through|lift|end|expire|time|date)",
            rf"(?:under|strict(?:ly)?)\s+(?:strict\s+)?embargo(?:ed)?\s*(?:until|till|to|{_T})",
            r"strictly\s+embargoed",
            rf"not\s+(?:to\s+be\s+|for\s+){_OUT}\s+(?:or\s+\w+\s+)?(?:before|until|prior|till)",
            rf"(?:must|may|shall|should)\s+not\s+be\s+{_OUT}\s+(?:before|until|prior|till)",
            rf"(?:do\s+not|don't|must\s+not)\s+(?:publish|release|broadcast|distribute|post)\b{_NEAR}{{0,20}}(?:before|until|till|prior)",
            r"hold\s+(?:for\s+release|until|till|for\b)",
            rf"for\s+release\s+(?:(?:at|on|after|from)\s+)?{_T}",
        )
    )
)
_WEAK_TIMED: Final = re.compile(
    "|".join(
        (
            "解禁|开禁|(?:保密|封存)期?(?:限|截止)?(?:时间)?(?:至|到|:)|不得早于",
            rf"(?:定时|计划|预定|预约|拟定?|最早|可|待)(?:{_PRESS}|上线)(?:时间|日期)?",
            rf"[请限]{_NEAR}{{0,8}}{_T}(?!\s*(?:之|以)?前){_NEAR}{{0,6}}{_VERB}",
            rf"{_T}(?:之|以)?后{_NEAR}{{0,6}}{_PRESS}",
            rf"{_T}\s*(?:才能|才可|方可|方能|再){_NEAR}{{0,4}}{_PRESS}|统发|统一{_PRESS}",
            rf"(?:publish|release|post|use)\w*\s+(?:only\s+)?(?:after|on|from|at)\s+{_T}|not\s+before\s+{_T}",
            rf"(?:do\s+not|don't|must\s+not)\s+use\b{_NEAR}{{0,20}}(?:before|until|till|prior)",
        )
    )
)
"""Words of an instruction where a time stands with them."""
_WEAK: Final = re.compile(
    "|".join(
        (
            r"禁发|(?<![装势列])待发|缓发|压稿|压发|未解禁|(?:限时|预发|保密)稿",
            rf"{_NOT}{_NEAR}{{0,2}}{_VERB}",
            r"勿提前(?=$|[\s,。!)】])",
            rf"[等待候]{_NEAR}{{0,10}}(?:通知|指令|后{_NEAR}{{0,3}}{_VERB})",
            rf"后(?:方可|再|才能|才可){_VERB}",
            rf"(?:请|须|应){_NEAR}{{0,14}}后{_NEAR}{{0,4}}{_PRESS}",
            r"^\W*(?:撤稿|毙稿|(?:此|本)?稿?件?(?:作废|撤销)|慎发|缓播|不(?:宜)?公开|内部(?:参考|资料|稿件)|仅供内部.{0,6}|内参)\W*$",
            "(?:见报|刊发|刊出|播出)后(?:再|可)?(?:发|上网|推送|刊发|播发|上线)",
            r"embargo(?:ed)?\b|\bhold\b|do\s+not\s+(?:publish|release|distribute|broadcast|post)",
            r"not\s+for\s+(?:release|publication|broadcast|distribution)",
        )
    )
)
"""Words of an instruction where nearly nothing else stands with them."""
_NAMED: Final = re.compile(
    r"\W*(?:禁发|待发|缓发)的(?!\w*(?:稿|新闻|文章|报道|消息|视频|图片|材料))[^\W\d_]{2,8}\W*"
)
"""A name such as `禁发的电文` asks for nothing; one of the document itself, such as `禁发的稿件`, does."""
_ANOTHER: Final = re.compile(
    "[该这](?:篇|条|组|件|则)?(?:文章|文|消息|报道|新闻|视频|图片|材料|资料|条|篇)(?!稿)"
)
_FIRM: Final = re.compile(
    "|".join(
        (
            rf"禁发(?:时间|日期|期限|期|令|截止)*\s*[:至到于为是]*\s*{_T}",
            rf"(?:解禁|开禁)(?:时间|日期)\s*[:至到为是于]*\s*{_T}",
            rf"{_T}(?:之|以)?前{_NEAR}{{0,12}}{_IMPERATIVE}{_NEAR}{{0,8}}{_PRESS}",
            rf"{_IMPERATIVE}{_NEAR}{{0,6}}{_T}(?:之|以)?前{_NEAR}{{0,6}}{_PRESS}",
            rf"{_OWN}{_NEAR}{{0,24}}(?:{_NOT}{_NEAR}{{0,6}}{_VERB}|禁发|解禁|待发|缓发|压发|统发|勿提前|embargo)",
            rf"{_OWN}{_NEAR}{{0,16}}{_T}(?:之|以)?后{_NEAR}{{0,8}}{_PRESS}",
            rf"(?:{_NOT}{_NEAR}{{0,6}}{_VERB}|禁发){_OWN}",
            r"^\W*(?:strictly\s+|under\s+)?(?:strict\s+)?embargo(?:ed)?\b",
            rf"not\s+(?:to\s+be\s+|for\s+){_OUT}\s+(?:or\s+\w+\s+)?(?:before|until|prior|till)",
            r"(?:do\s+not|don't)\s+(?:publish|release|broadcast|distribute|post)\b",
            r"hold\s+for\s+release",
        )
    )
)
"""Words of an instruction also in a sentence that says more: its imperative, its label with a time, or the
document that it is about. A sentence about an embargo has none of them."""
_GATE: Final = re.compile(
    # Its first character alone, then the whole word from there: most characters begin none of them.
    rf"[发刊播载见推采上签编外报对出公传转披使宣泄禁稿解开统保封提通指早ehprbud](?<=(?={_VERB}|[禁稿]|解禁|开禁|统发|统一|保密|封存|提前|通知|指令|早于|embargo|\bhold\b|publi|releas|broadcast"
    r"|\bus(?:e|ed|ing)\b|distribut|post).)"
)
"""Words without which no text is an instruction: most are passed over by this alone."""
_OTHERS: Final = re.compile(
    r"(?:trade|arms|oil|weapons?|import|export|economic|grain|gas|food|fuel|military|naval|cuban?|us|u\.s\.|un|eu|russian|iranian)"
    r"\s+embargo(?:es|ed)?|embargo(?:es)?\s+(?:on|against|of)\b(?!\s*\u23f1)|贸易禁运|禁运"
)
"""Embargoes that a story is about."""
_NONE: Final = re.compile(
    r"(?:无|没有|不|未|取消|解除|非)(?:设|需)?禁发|禁发(?:时间|日期|期|要求)?\s*[:为]?\s*(?:无|没有|不限|/|-+)$"
    r"|禁发(?:(?:时间|日期|期|要求)\s*:?|:)\s*$|已(?:经)?解禁"
    r"|no\s+embargo|embargo(?:ed)?\s*(?:time|date)?\s*:?\s*(?:none|no|n/a|nil|lifted|expired|over|-)\s*\.?$"
    r"|not\s+(?:under\s+)?(?:an\s+)?embargo(?:ed)?\b|(?:for\s+)?immediate\s+release"
)
"""Says that there is no embargo (any more), or is a label without a value."""
_CREDIT: Final = re.compile(r"来源|作者|责编|编辑\s*:|(?<![止时划定约早])(?:发布|发表|更新)(?:时间|日期)")
"""A line that dates or credits the document says more than an instruction."""
_COPYRIGHT: Final = re.compile(r"转载|摘编|复制|镜像|版权|授权|书面|转贴|侵权")

_CHINESE: Final = (
    "禁发 禁播 禁刊 解禁 开禁 待发 缓发 压稿 禁令 保密 定时 计划 预定 预约 最早 时间 日期 期限 截止"
    " 截至 为止 时刻 内部 资料 各家 媒体 单位 编辑 记者 同志 同仁 部门 平台 网站 报纸 报社 新媒体"
    " 客户端 公众号 微信 微博 抖音 电视 电台 纸媒 网媒 网络 本网 本报 我网 我报 一律 统一 严格 遵守"
    " 遵照 按照 根据 注意 特别 提醒 提示 说明 备注 要求 重要 紧急 谢谢 感谢 配合 合作 理解 支持 状态"
    " 须知 必须 务必 应当 可以 方可 才可 才能 方能 即可 予以 正式 对外 提前 擅自 任何 形式 渠道 早于"
    " 届时 统发 北京时间 当天 同步 同时 首发 未经 见报 刊出 限时 预发 会议 活动 发布会 新闻发布会 仪式"
    " 大会 结束 开始 召开 开幕 闭幕 举行 通知 指令 审核 审定 审批 确认 批准 同意 领导 总编 值班 部领导"
    " 宣传部 撤稿 毙稿 作废 撤销 慎发 缓播 公开 参考 内参 仅供 延时 延迟 延后 定点 保密期"
)
_CHARACTERS: Final = (
    "请限日须需应望可再才在于待等候到至自从起前后之以的了会为是均都及和与或并不勿得要能稿时止整先网报台端电审定敬烦切已未仍还"
    "对新闻各"
)
_ENGLISH: Final = (
    "embargo embargoed until till til to for from before after prior not do don't please media only"
    " press all any this story item article report copy text is be the of at on and or a an time date"
    " lift lifts lifted end ends expire expires note notes editor editors attention website websites"
    " online print web must may will has by in local eds outlet outlets sharp hour hours hold strict"
    " strictly under news further notice queue"
)
_WORDS: Final = re.compile(
    "|".join(
        (
            _STORY,
            _NOT,
            _VERB,
            *sorted(_CHINESE.split(), key=len, reverse=True),
            f"[{_CHARACTERS}]",
            rf"\b(?:{_OUT}|{'|'.join(_ENGLISH.split())})\b",
        )
    )
)
_ORNAMENT: Final = re.compile("[●○■□◆◇▲△※★☆→*#|]+")
_BARE_LABEL: Final = re.compile(
    r"\W*(?:禁发|禁發|解禁|开禁|禁播|禁刊|embargo(?:ed)?)\s*"
    r"(?:时间|時間|日期|期限|期|截止|until|till|to|date|time)*\s*[:\uff1a]?\s*",
    re.IGNORECASE,
)
_LONGEST_LABEL: Final = 60
_SPOKEN_HOUR: Final = re.compile("([零〇一二两三四五六七八九十]{1,3})(?=[时点](?!之|候|间))")
_DIGITS: Final = {**{digit: value for value, digit in enumerate("零一二三四五六七八九")}, "〇": 0, "两": 2}
_LETTER: Final = re.compile(r"[^\W_]")
_SENTENCE: Final = re.compile(r"[^。;!?\n\uff01\uff1b\uff1f]{1,400}。?")

_LINKS: Final = (
    r"\s*(?:(?:until|till|til|to|for|release|time|date|is|will|be|lift(?:s|ed)?|ends?|expires?|at|on|under)\b"
    r"|[:-]|\s)*"
)
_LABEL: Final = (
    rf"(?:禁发|禁播|禁刊|禁止{_VERB}|解禁|开禁|保密|定时{_VERB}|{_VERB})(?:时间|日期|期限|期|截止|令|要求)*"
)
_REVERSED: Final = rf"\s*(?:起|之?前|(?:之|以)?后{_NEAR}{{0,6}}(?:{_NOT}|禁))"
_UNTIL: Final = re.compile(
    "|".join(
        (
            rf"{_LABEL}\s*[:为是至到于截止]*\s*{_T}(?!{_REVERSED})",
            rf"(?:至|到){_T}(?:止|为止)?{_NEAR}{{0,6}}(?:禁发|{_NOT})",
            rf"{_T}(?:之|以)?前{_NEAR}{{0,16}}(?:{_NOT}{_NEAR}{{0,8}}{_VERB}|禁发|禁止)",
            rf"{_NOT}{_NEAR}{{0,6}}{_T}(?:之|以)?前{_NEAR}{{0,6}}{_VERB}",
            rf"不得早于{_NEAR}{{0,6}}{_T}",
            rf"早于{_NEAR}{{0,6}}{_T}{_NEAR}{{0,4}}{_NOT}",
            rf"embargo(?:ed)?{_LINKS}{_T}",
            rf"(?:before|until|till|prior\s+to|earlier\s+than)\s+(?:the\s+)?{_T}",
            rf"{_OUT}\s*(?:time|date)?\s*:?\s*(?:(?:only|at|on|after|from)\s+)*{_T}",
        )
    )
)
"""Where the time that a mark stands for is the end of an embargo."""
_FROM: Final = re.compile(rf"{_T}(?:整|时)?(?:(?:之|以)?后|准时|起)?{_NEAR}{{0,8}}(?:{_VERB}|解禁|开禁)")
_FORBIDS: Final = re.compile(rf"{_NOT}|禁发|禁播|禁刊|\bnot\b|don't|不")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a text asks.

    Attributes:
        clear: it is nothing but an instruction; else it may be one.
        instant: until when, UTC; None where that is not certain.
        timed: whether it names a time at all.
    """

    clear: bool
    instant: datetime | None
    timed: bool


@cached_with
def judge(text: str, zone: tzinfo) -> Judgement | None:
    """Read what one line or bracket asks; None where it asks for no embargo. A wall clock is of `zone`."""
    found = _whole(text, zone)
    if found is not None or (len(text) <= _LONGEST and not _GATE.search(_plain(text))):
        return found
    for one in _SENTENCE.finditer(text):
        plain = _plain(one[0])
        if not _GATE.search(plain):
            continue
        marked, instants = _marked(plain, zone)
        if _is_about_another(marked, timed=bool(instants)) or _NAMED.fullmatch(marked):
            continue
        alone = _STRONG.search(marked) and _is_only_instruction(marked, _MOST_SHARE)
        if (alone or _FIRM.search(marked)) and _may_ask(marked):
            return Judgement(False, None, bool(instants))
    return None


@cached_with
def _whole(text: str, zone: tzinfo) -> Judgement | None:
    """Read what a text asks that is nothing but an instruction; None for every other text."""
    plain = _plain(text) if len(text) <= _LONGEST else ""
    if not _GATE.search(plain):
        return None
    marked, instants = _marked(plain, zone)
    if not _may_ask(marked) or _NAMED.fullmatch(marked):
        return None
    timed, strong = bool(instants), _STRONG.search(marked) is not None
    if not (strong or _WEAK.search(marked) or (timed and _WEAK_TIMED.search(marked))):
        return None
    share = _MOST_SHARE if strong else _MOST_SHARE_WEAK if timed else _MOST_SHARE_UNTIMED
    if _is_about_another(marked, timed=timed):
        return None
    if all(_is_only_instruction(one[0], share) for one in _SENTENCE.finditer(marked)):
        return Judgement(True, _until(marked, instants), timed)
    return None


def asks_in_remark(text: str, zone: tzinfo) -> Judgement | None:
    """Read what a remark to editors asks: there, every word of an embargo counts."""
    found = judge(text, zone)
    if found is not None:
        return found
    for one in _SENTENCE.finditer(text):
        plain = _plain(one[0])
        if not _GATE.search(plain):
            continue
        marked, instants = _marked(plain, zone)
        asks = _STRONG.search(marked) or _WEAK.search(marked) or (instants and _WEAK_TIMED.search(marked))
        if asks and _may_ask(marked):
            return Judgement(False, None, bool(instants))
    return None


def is_instruction(text: str) -> bool:
    """Whether a line is nothing but an embargo instruction: no headline, and no part of a story."""
    return _whole(text, UTC) is not None


def joined_label(text: str, following: str) -> str | None:
    """A label above its time, as forms have it (`禁发时间`, then `2030-01-01 08:00`), as one line.

    None where the two lines are not that.
    """
    if len(text) > _LONGEST_LABEL or len(following) > _LONGEST_LABEL or not _BARE_LABEL.fullmatch(text):
        return None
    whole = text.rstrip(":\uff1a ") + ":" + following
    return whole if _marked(_plain(following), UTC)[1] and is_instruction(whole) else None


def instruction_lines(texts: Sequence[str]) -> frozenset[int]:
    """Return the indexes of lines that are only an embargo instruction, or its label and its time."""
    found = {place for place, text in enumerate(texts) if is_instruction(text)}
    for place in range(len(texts) - 1):
        if joined_label(texts[place], texts[place + 1]) is not None:
            found |= {place, place + 1}
    return frozenset(found)


@cached
def _plain(text: str) -> str:
    """Convert the text to one form: lower case, simplified characters, narrow forms, hours in digits."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    if _TRADITIONAL.search(plain):
        plain = plain.translate(_SIMPLIFIED)
    # NFKC leaves the ideographic full stop; the other marks become narrow.
    plain = _ORNAMENT.sub(" ", plain).replace("\u2019", "'")
    return _SPOKEN_HOUR.sub(_hour_in_digits, plain)


def _marked(plain: str, zone: tzinfo) -> tuple[str, list[datetime | None]]:
    """Replace each time in the text by a mark; return the text and the times in order."""
    found = times_in(plain, zone)
    parts, place = [], 0
    for one in found:
        parts += [plain[place : one.start], _T]
        place = one.end
    marked = "".join([*parts, plain[place:]])
    return _OTHERS.sub(" ", marked), [one.instant for one in found]


def _hour_in_digits(found: re.Match[str]) -> str:
    """`二十` as `20`; what is no hour stays as it is."""
    tens, ten, ones = found[1].rpartition("十")
    digits = [_DIGITS.get(one) for one in (tens or "一" if ten else "零", ones or "零")]
    if None in digits:
        return found[0]
    hour = (digits[0] or 0) * 10 + (digits[1] or 0)
    return str(hour) if hour <= 24 else found[0]


def _may_ask(marked: str) -> bool:
    """Whether the words are none of those that deny an embargo or state a copyright."""
    if _COPYRIGHT.search(marked) and not re.search("禁发|embargo", marked):
        return False
    return _NONE.search(marked) is None


def _is_about_another(marked: str, *, timed: bool) -> bool:
    """Whether it warns readers of something else: `该消息未经证实，请勿转发`."""
    named = _ANOTHER.search(marked) is not None
    return named and not timed and not re.search("禁发|解禁|embargo|媒体|网站", marked)


def _is_only_instruction(marked: str, share: float) -> bool:
    """Whether at most this share of the letters is in words that no instruction has; of prose, less."""
    if marked.endswith("。"):
        share = min(share, _MOST_SHARE_PROSE)
    if _CREDIT.search(marked):
        return False
    letters = len(_LETTER.findall(marked))
    rest = len(_LETTER.findall(_WORDS.sub(" ", marked)))
    return rest <= _MOST_REST and rest <= letters * share


def _until(marked: str, instants: list[datetime | None]) -> datetime | None:
    """The one instant that the instruction names as the end of the embargo; None where that is in doubt."""
    if len(instants) != 1 or instants[0] is None:
        return None
    if _UNTIL.search(marked):
        return instants[0]
    return instants[0] if _FROM.search(marked) and not _FORBIDS.search(marked) else None
