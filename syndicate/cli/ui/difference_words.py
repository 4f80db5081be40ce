"""The differences between two licences in words: where, what it was and is, and what that does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from syndicate.agreements.comparison import Difference, Effect, Part
from syndicate.agreements.field_types import read_written_duration
from syndicate.agreements.writer import span
from syndicate.cli.ui import agreement_words
from syndicate.cli.ui.output import Output
from syndicate.language import Text, verbatim
from syndicate.model.item import Medium
from syndicate.model.media import RenditionName
from syndicate.model.parties import Publisher
from syndicate.model.rights import Use

_FIELDS = {
    "partner": Text("授权媒体", "partner"),
    "valid_from": Text("生效", "valid from"),
    "valid_until": Text("截止", "valid until"),
    "takedown": Text("撤稿时限", "takedown"),
    "overdue": Text("逾期未撤", "overdue"),
    "grants": Text("条款顺序", "order of grants"),
    "uses": Text("使用方式", "uses"),
    "outlets": Text("媒体", "outlets"),
    "media": Text("类型", "media"),
    "channels": Text("频道", "channels"),
    "delay": Text("延迟", "delay"),
    "archive": Text("回溯", "archive"),
    "retain": Text("保留期限", "retain"),
    "may_edit": Text("可修改文章", "may edit"),
    "quota": Text("配额", "quota"),
    "early": Text("禁发期内提前取得", "early access"),
    "renditions": Text("文件规格", "renditions"),
    "visible_line": Text("预览带可见标注", "visible line on previews"),
}
_UNSAID = {
    "overdue": Text("只作记录", "only recorded"),
    "channels": Text("全部", "all"),
    "archive": Text("发布于协议期限内的稿件", "what was published in the window"),
    "retain": Text("不限", "no limit"),
    "quota": Text("不限", "no limit"),
    "renditions": Text("全部", "all"),
}
_NOTHING = span(timedelta(0))
_WHATEVER = Text("不论", "whatever")
_EFFECTS = {
    Effect.WIDENS: Text("放宽", "widens"),
    Effect.NARROWS: Text("收紧", "narrows"),
    Effect.BOTH: Text("变动", "changes"),
}


def difference_as_json(one: Difference) -> dict[str, object]:
    """One difference for programs."""
    return {
        "part": one.part.value,
        "field": one.field,
        "old_clause": one.old_clause,
        "new_clause": one.new_clause,
        "was": one.was,
        "now": one.now,
        "effect": one.effect.value,
    }


def difference_text(one: Difference, publisher: Publisher, voice: Output) -> Text:
    """One difference as a line: where, what it was and is, and what that does."""
    name = {
        Part.LICENCE: Text("协议", "licence"),
        Part.GRANT: Text("授权条款", "grant"),
        Part.EXCEPT: Text("除外条款", "exception"),
    }[one.part]
    clauses = " → ".join(clause for clause in (one.old_clause, one.new_clause) if clause is not None)
    where = name + verbatim(f" {clauses}" if clauses else "")
    effect = Text("〔", " [") + _EFFECTS[one.effect] + Text("〕", "]")
    if one.field == one.part.value:
        gone = one.now is None
        come = Text("：删去 ", ": removed, ") if gone else Text("：新增 ", ": added, ")
        return where + come + _whole(one.was if gone else one.now, one.part, publisher, voice) + effect
    was, now = (_value(one.field, value, one.part, publisher, voice) for value in (one.was, one.now))
    return (
        where + Text("：", ": ") + _FIELDS[one.field] + verbatim(" ") + was + verbatim(" → ") + now + effect
    )


def _whole(values: dict[str, Any], part: Part, publisher: Publisher, voice: Output) -> Text:
    """A grant or exception in one line: what it names, and its limits where it has any."""
    said = Text("", "")
    for field, value in values.items():
        if field != "clause" and value not in (None, False, _NOTHING):
            words = _FIELDS[field] + verbatim(" ") + _value(field, value, part, publisher, voice)
            said = words if not said.zh else said + Text("；", "; ") + words
    return said


def _value(  # noqa: PLR0911, PLR0912 - one return for each field
    field: str, value: Any, part: Part, publisher: Publisher, voice: Output
) -> Text:
    """A value of the file in words."""
    if value is None:
        return _WHATEVER if part is Part.EXCEPT else _UNSAID.get(field, verbatim("–"))
    match field:
        case "uses":
            return agreement_words.uses(map(Use, value))
        case "media":
            return agreement_words.media(map(Medium, value))
        case "renditions":
            return agreement_words.renditions(map(RenditionName, value))
        case "outlets":
            return agreement_words.outlets(value, publisher)
        case "channels":
            return agreement_words.channels(value, publisher)
        case "quota":
            return agreement_words.quota(value["items"], value["per"])
        case "overdue":
            return Text("暂停该授权媒体", "the partner is suspended")
        case "grants":
            return _list(value)
        case _ if isinstance(value, bool):
            return Text("是", "yes") if value else Text("否", "no")
        case "takedown" | "delay" | "archive" | "retain":
            return agreement_words.duration_text(read_written_duration(value))
        case "valid_from" | "valid_until":
            return verbatim(voice.moment(datetime.fromisoformat(value)))
        case _:
            return verbatim(str(value))


def _list(names: Sequence[str]) -> Text:
    return agreement_words.listed(map(verbatim, names))
