"""Validate the values of licence and mandate files: names, dates, durations, amounts.

Outlets, channels and partners are looked up in the pydantic context, a `KnownNames`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final

import isodate
from pydantic import AfterValidator, PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from syndicate.errors import Fault, Faulty
from syndicate.language import Text
from syndicate.model.item import Medium, medium_name
from syndicate.model.media import RenditionName, rendition_title
from syndicate.model.parties import Channel, Outlet, PartnerId, Publisher
from syndicate.model.rights import Use, use_name
from syndicate.toml_forms import one_of, wrong
from syndicate.toml_forms.keyboard_mistakes import date_hint

MAX_NUMBER_LENGTH: Final = 64
LONGEST_SPAN: Final = timedelta(days=36_525)
"""A hundred years: past this, adding a duration to a date of publication could overflow `datetime`."""
YEARS: Final = range(1900, 3000)
"""Years allowed in dates."""

_SPAN: Final = re.compile(
    r"-?P(?=[0-9T])(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+W)?(?:[0-9]+D)?"
    r"(?:T(?=[0-9])(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+S)?)?"
)

# Chinese names with the words that they stand for.
_USES: Final = {"其他方式复制发表": Use.COPY.value, **{use_name(use).zh: use.value for use in Use}}
_MEDIA: Final = {medium_name(medium).zh: medium.value for medium in Medium}
_RENDITIONS: Final = {rendition_title(name).zh: name.value for name in RenditionName}
_PERIODS: Final = {"日": "day", "月": "month"}


@dataclass(frozen=True, slots=True)
class KnownNames:
    """The names that an agreement may use: the publisher's outlets and channels, and its partners."""

    publisher: Publisher
    partners: Sequence[PartnerId] = ()


def _known_names(info: ValidationInfo) -> KnownNames:
    known = info.context
    if not isinstance(known, KnownNames):
        raise TypeError("an agreement is read in the context of KnownNames")
    return known


def _number(number: str) -> str:
    fits = 0 < len(number) <= MAX_NUMBER_LENGTH and number.isprintable() and number.strip() == number
    if fits and "#" not in number:
        return number
    raise wrong(
        "number_format",
        Text(
            f"编号应为 1 至 {MAX_NUMBER_LENGTH} 个可见字符，首尾无空格，不含 #（# 之后是条款号）",
            f"a number has 1 to {MAX_NUMBER_LENGTH} printable characters, no blank at either end and no #"
            " (which sets off the clause)",
        ),
    )


def _holder(holder: str) -> str:
    if holder.strip() == holder and holder.isprintable() and holder:
        return holder
    raise wrong("blank", Text("应写明权利人名称", "expected the name of the holder, in one line"))


def _partner(word: str, info: ValidationInfo) -> str:
    return one_of(word, _known_names(info).partners, "unknown_partner")


def _outlet(word: str, info: ValidationInfo) -> str:
    outlets = _known_names(info).publisher.outlets
    return one_of(word, [one.id for one in outlets], "unknown_outlet", _names(outlets))


def _channel(word: str, info: ValidationInfo) -> str:
    channels = _known_names(info).publisher.channels
    return one_of(word, [one.id for one in channels], "unknown_channel", _names(channels))


def _names(of: Iterable[Outlet | Channel]) -> dict[str, str]:
    """Chinese names with the ids that they stand for; a name shared by two is left out."""
    of = list(of)
    count = Counter(one.name for one in of)
    return {one.name: one.id for one in of if count[one.name] == 1}


def _medium(word: str) -> str:
    return one_of(word, [medium.value for medium in Medium], "unknown_medium", _MEDIA)


def _rendition(word: str) -> str:
    return one_of(word, [name.value for name in RenditionName], "unknown_rendition", _RENDITIONS)


def _use(word: str) -> str:
    return one_of(word, [use.value for use in Use], "unknown_use", _USES)


def _per(word: str) -> str:
    return one_of(word, list(_PERIODS.values()), "unknown_period", _PERIODS)


def _not_empty(words: list[str]) -> list[str]:
    if words:
        return words
    raise wrong(
        "empty",
        Text(
            "列表不能为空：没有写明的就是不授权",
            "the list may not be empty: what is not said is not granted",
        ),
    )


def _instant(given: object, info: ValidationInfo) -> datetime:
    """A date or an offset date-time of TOML, as a time in UTC."""
    expected = Text("应为日期（如 2026-01-01）", "expected a date (2026-01-01)") + Text(
        "或带时区的时间（如 2026-01-01T08:00:00+08:00），不加引号",
        " or a time with its offset (2026-01-01T08:00:00+08:00), without quotes",
    )
    if isinstance(given, time):
        raise wrong("local_time", Text("只有钟点，没有日期；", "a time of day without a date; ") + expected)
    if not isinstance(given, date):
        raise wrong("wrong_type", expected + (date_hint(given) if isinstance(given, str) else Text("", "")))
    if given.year not in YEARS:
        message = Text(
            f"年份应在 {YEARS[0]} 至 {YEARS[-1]} 之间", f"the year is not in {YEARS[0]}–{YEARS[-1]}"
        )
        raise wrong("out_of_range", message)
    if not isinstance(given, datetime):
        midnight = datetime(given.year, given.month, given.day, tzinfo=_known_names(info).publisher.zone)
        return midnight.astimezone(UTC)
    if given.tzinfo is None:
        raise wrong("naive_datetime", Text("时间没有写时区；", "a time without its offset; ") + expected)
    return given.astimezone(UTC)


def _after_opening(closes: datetime, info: ValidationInfo) -> datetime:
    opens = info.data.get("valid_from")
    if opens is not None and closes <= opens:
        raise wrong(
            "window_empty",
            Text(
                "截止时间应晚于 valid_from（截止当日不包含在内）",
                "this should be later than valid_from (the end itself is not included)",
            ),
        )
    return closes


def _span(given: object) -> timedelta:
    """An ISO 8601 duration of weeks, days, hours, minutes and seconds."""
    example = Text(
        "应为 ISO 8601 时长，如 PT30M、P90D、P2W", "expected a duration such as PT30M, P90D, P2W"
    )
    if not isinstance(given, str):
        raise wrong("wrong_type", example + Text("，加引号", ", in quotes"))
    if not _SPAN.fullmatch(given):
        raise wrong("bad_duration", example)
    try:
        span = isodate.parse_duration(given)
    except OverflowError:
        span = timedelta.max
    if not isinstance(span, timedelta) or re.search("[YM]", given.partition("T")[0]):
        raise wrong(
            "calendar_duration",
            Text("年和月长短不一，请改用周或天", "years and months differ in length: say weeks or days"),
        )
    if span > LONGEST_SPAN:
        days = LONGEST_SPAN.days
        raise wrong("too_long", Text(f"时长不能超过 {days} 天", f"a duration is at most {days} days"))
    if span < timedelta(0):
        raise wrong("negative_duration", Text("时长不能为负", "a duration may not be negative"))
    return span


def read_written_duration(word: str) -> timedelta:
    """Read a duration, zero included, as `writer.written` prints it."""
    return _span(word)


def read_span(word: str, field: str) -> timedelta:
    """Read a positive ISO 8601 duration from a command line. Raises Faulty naming `field`."""
    try:
        return _positive(_span(word))
    except PydanticCustomError as wrong_span:
        places = (wrong_span.context or {})["places"]
        faults = [Fault(wrong_span.type, field, text) for _, text in places]
    raise Faulty(field, faults)


def _positive(span: timedelta) -> timedelta:
    if span:
        return span
    raise wrong("zero_duration", Text("时长应大于零", "this duration must be more than nothing"))


def _after_delay(span: timedelta, info: ValidationInfo) -> timedelta:
    delay = info.data.get("delay")
    if delay is None or span > delay:
        return span
    raise wrong(
        "never_released",
        Text(
            "应长于 delay，否则任何稿件都永远不能放行",
            "this should be longer than the delay: no item could ever be released",
        ),
    )


def _overdue_action(word: str) -> str:
    return one_of(word, ["suspend"], "unknown_consequence", {"暂停": "suspend"})


def _on_a_preview(drawn: bool, info: ValidationInfo) -> bool:
    """Refuse a visible line in a grant that gives no preview of a picture."""
    media, renditions = info.data.get("media"), info.data.get("renditions")
    pictures = media is None or Medium.PICTURE.value in media
    if not drawn or (pictures and (renditions is None or RenditionName.PREVIEW.value in renditions)):
        return drawn
    raise wrong(
        "no_preview",
        Text(
            "可见标注画在图片的预览上：media 应含 picture，renditions 应含 preview（或不写）",
            "the line is drawn on previews of pictures: media should have picture, and renditions preview"
            " (or be left out)",
        ),
    )


def _amount(items: int) -> int:
    if items >= 1:
        return items
    raise wrong("out_of_range", Text("应至少为 1", "expected 1 or more"))


AgreementNumber = Annotated[str, AfterValidator(_number)]
Opens = Annotated[datetime, PlainValidator(_instant)]
Closes = Annotated[datetime, PlainValidator(_instant), AfterValidator(_after_opening)]
Delay = Annotated[timedelta, PlainValidator(_span)]
DurationAfterDelay = Annotated[
    timedelta, PlainValidator(_span), AfterValidator(_positive), AfterValidator(_after_delay)
]
Takedown = Annotated[timedelta, PlainValidator(_span), AfterValidator(_positive)]
OverdueAction = Annotated[str, AfterValidator(_overdue_action)]
Uses = Annotated[list[Annotated[str, AfterValidator(_use)]], AfterValidator(_not_empty)]
Outlets = Annotated[list[Annotated[str, AfterValidator(_outlet)]], AfterValidator(_not_empty)]
Media = Annotated[list[Annotated[str, AfterValidator(_medium)]], AfterValidator(_not_empty)]
Channels = Annotated[list[Annotated[str, AfterValidator(_channel)]], AfterValidator(_not_empty)]
Renditions = Annotated[list[Annotated[str, AfterValidator(_rendition)]], AfterValidator(_not_empty)]
VisibleLine = Annotated[bool, AfterValidator(_on_a_preview)]
Holder = Annotated[str, AfterValidator(_holder)]
Partner = Annotated[str, AfterValidator(_partner)]
Amount = Annotated[int, AfterValidator(_amount)]
Period = Annotated[str, AfterValidator(_per)]
