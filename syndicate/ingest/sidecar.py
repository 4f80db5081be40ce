"""Read a sidecar (旁注文件): the TOML or JSON file beside a picture, sound or film that says what it is.

It says what the file itself does not: all its keys may be left out, and what it says counts before what is
inside the file. An unknown key may be a misspelt `embargo`, so it is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Annotated, Final

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo

from syndicate.characters import clean, line
from syndicate.decoding import decode
from syndicate.errors import Fault, Faulty
from syndicate.ingest.dates import rfc3339
from syndicate.ingest.draft import Draft
from syndicate.ingest.html_page import MOST_KEYWORDS
from syndicate.ingest.text import lines, paragraph
from syndicate.language import Text
from syndicate.model.item import ChannelId, Medium
from syndicate.model.parties import Publisher
from syndicate.strict_json import InvalidJson, read_object
from syndicate.toml_forms import Form, Written, fill, one_of, parse, wrong

LONGEST_CAPTION: Final = 5000
_LONGEST_LINE: Final = 500
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_TRANSCRIPT: Final = (".vtt", ".srt")
_LONGEST_NAME: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """What a sidecar says, cleaned.

    `draft` is the item as far as it is said: its body is the caption, `headline` and `source` are empty and
    `published` is None where they are not said. `credit` is whom it credits, `alt` describes the picture
    for who cannot see it, `transcript` is the name of a file in the same folder.
    """

    draft: Draft
    credit: str | None = None
    alt: str | None = None
    transcript: str | None = None


def sidecar_names(media_name: str) -> tuple[str, ...]:
    """The names that a sidecar of this file may have, best first: `a.mp3.toml`, `a.toml`, then `.json`."""
    stem = media_name.rpartition(".")[0] or media_name
    return (f"{media_name}.toml", f"{stem}.toml", f"{media_name}.json", f"{stem}.json")


def read_sidecar(data: bytes, *, name: str, medium: Medium, publisher: Publisher) -> Sidecar:
    """Read a sidecar; it is JSON where its name ends with `.json`. Raises Faulty with every fault."""
    text = decode(data)
    if isinstance(text, Fault):
        raise Faulty(name, [text])
    form = fill(_SidecarForm, _written(text, name), name, publisher)
    draft = Draft(
        headline=form.headline or "",
        published=form.published,
        source=form.source or "",
        byline=form.byline,
        editor=form.editor,
        body=tuple(paragraph(one) for one in lines(form.caption or "") if one),
        medium=medium,
        channel=None if form.channel is None else ChannelId(form.channel),
        language=form.language,
        keywords=tuple(dict.fromkeys(form.keywords)),
        embargo=form.embargo,
    )
    return Sidecar(draft=draft, credit=form.credit, alt=form.alt, transcript=form.transcript)


def _written(text: str, name: str) -> Written:
    if not name.lower().endswith(".json"):
        return parse(text, name)
    try:
        return Written(read_object(text.removeprefix("\ufeff")))
    except InvalidJson as error:
        faults = error.faults
    raise Faulty(name, faults)


def _line(text: str) -> str:
    found = line(text)
    if not found:
        raise wrong("blank", Text("没有内容；不需要就删去这一行", "this is empty: leave the key out"))
    if len(found) > _LONGEST_LINE:
        raise _too_long(len(found), _LONGEST_LINE)
    return found


def _caption(text: str) -> str:
    found = clean(text).strip()
    if len(found) > LONGEST_CAPTION:
        raise _too_long(len(found), LONGEST_CAPTION)
    return found


def _too_long(length: int, most: int) -> Exception:
    return wrong(
        "too_long", Text(f"有 {length} 个字，最多 {most} 个", f"{length} characters; at most {most}")
    )


def _instant(given: object) -> datetime:
    """A time with its offset: of TOML, or RFC 3339 in quotes."""
    expected = Text(
        "应为带时区的时间，如 2026-01-01T08:00:00+08:00",
        "expected a time such as 2026-01-01T08:00:00+08:00",
    )
    if isinstance(given, str):
        found = rfc3339(given)
        if found is None:
            raise wrong("time_invalid", expected)
        return found
    if isinstance(given, datetime) and given.tzinfo is None:
        raise wrong("naive_datetime", Text("时间没有写时区；", "a time without its offset; ") + expected)
    if isinstance(given, date | time) and not isinstance(given, datetime):
        raise wrong(
            "time_invalid", Text("日期和钟点都要写；", "both the day and the time are needed; ") + expected
        )
    found = rfc3339(given.isoformat()) if isinstance(given, datetime) else None
    if found is None:
        raise wrong("time_invalid", expected)
    return found


def _channel(word: str, info: ValidationInfo) -> str:
    publisher = info.context
    if not isinstance(publisher, Publisher):
        raise TypeError("a sidecar is read in the context of its publisher")
    names: dict[str, str] = {one.name: one.id for one in publisher.channels}
    return one_of(word, [one.id for one in publisher.channels], "unknown_channel", names)


def _language(tag: str) -> str:
    if _LANGUAGE.fullmatch(tag):
        return tag
    raise wrong("language_invalid", Text("应如 zh-CN", "expected a tag such as zh-CN"))


def _keywords(words: list[str]) -> list[str]:
    if len(words) > MOST_KEYWORDS:
        raise wrong("too_many", Text(f"最多 {MOST_KEYWORDS} 个", f"at most {MOST_KEYWORDS}"))
    return words


def _file_name(name: str) -> str:
    plain = name == line(name) and not re.search(r'[/\\:*?"<>|]', name) and not name.startswith(".")
    if not plain or len(name.encode()) > _LONGEST_NAME:
        said = Text("应为同一文件夹里的文件名，不带路径", "expected the name of a file in the same folder")
        raise wrong("file_name", said)
    if not name.lower().endswith(_TRANSCRIPT):
        raise wrong("file_name", Text("应为 .vtt 或 .srt 文件", "expected a .vtt or .srt file"))
    return name


_Line = Annotated[str, AfterValidator(_line)]
_Time = Annotated[datetime, PlainValidator(_instant)]


class _SidecarForm(Form):
    headline: _Line | None = None
    caption: Annotated[str, AfterValidator(_caption)] | None = None
    byline: _Line | None = None
    credit: _Line | None = None
    source: _Line | None = None
    editor: _Line | None = None
    published: _Time | None = None
    embargo: _Time | None = None
    channel: Annotated[str, AfterValidator(_channel)] | None = None
    language: Annotated[str, AfterValidator(_language)] | None = None
    keywords: Annotated[list[_Line], AfterValidator(_keywords)] = Field(default=[])
    alt: _Line | None = None
    transcript: Annotated[str, AfterValidator(_file_name)] | None = None


SIDECAR_KEYS: Final = tuple(_SidecarForm.model_fields)
"""Every key of a sidecar, in the order of its reference."""
