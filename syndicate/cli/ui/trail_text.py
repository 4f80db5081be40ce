"""Records of the trail in words: who acted, what happened, and the fields of the event with local times."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from syndicate.cli.ui import agreement_words
from syndicate.cli.ui.decision_text import reason_text
from syndicate.cli.ui.output import Output
from syndicate.language import Text, verbatim
from syndicate.model.actors import SCHEDULER, UNKNOWN, Way, read_actor
from syndicate.model.changes import Action
from syndicate.model.holds import RecallReason
from syndicate.model.media import RenditionName, rendition_title
from syndicate.model.rights import Use
from syndicate.policy.reasons import RECALLS

KINDS: Final = {
    "item_ingested": Text("收稿", "item ingested"),
    "document_refused": Text("退回文件", "document refused"),
    "partner_added": Text("添加授权媒体", "partner added"),
    "partner_suspended": Text("暂停授权媒体", "partner suspended"),
    "partner_resumed": Text("恢复授权媒体", "partner resumed"),
    "mandate_added": Text("添加独家发布权", "mandate added"),
    "mandate_ended": Text("终止独家发布权", "mandate ended"),
    "licence_added": Text("添加授权协议", "licence added"),
    "licence_ended": Text("终止授权协议", "licence ended"),
    "key_issued": Text("签发密钥", "key issued"),
    "key_revoked": Text("撤销密钥", "key revoked"),
    "signing_key_made": Text("生成签名密钥", "signing key made"),
    "signing_key_adopted": Text("登记签名密钥", "signing key adopted"),
    "signing_key_retired": Text("停用签名密钥", "signing key retired"),
    "signing_keys_moved": Text("移动签名密钥", "signing keys moved"),
    "signing_keys_rewrapped": Text("重新加密签名密钥", "signing keys rewrapped"),
    "clock_accepted": Text("确认时钟", "clock accepted"),
    "media_files_collected": Text("清理媒体文件", "media files collected"),
    "edition_delivered": Text("发出订阅", "edition delivered"),
    "edition_polled": Text("查询订阅", "edition polled"),
    "item_delivered": Text("发出稿件", "item delivered"),
    "media_delivered": Text("发出媒体文件", "media file delivered"),
    "licence_shown": Text("查看协议", "licence shown"),
    "release_refused": Text("拒绝放行", "release refused"),
    "key_rejected": Text("拒绝密钥", "key rejected"),
    "item_held": Text("扣住稿件", "item held"),
    "item_released": Text("放行稿件", "item released"),
    "item_corrected": Text("更正稿件", "item corrected"),
    "item_recalled": Text("撤回稿件", "item recalled"),
    "item_reinstated": Text("恢复稿件", "item reinstated"),
    "embargo_acknowledged": Text("确认禁发", "embargo acknowledged"),
    "changes_delivered": Text("发出变更", "changes delivered"),
    "changes_acknowledged": Text("确认变更", "changes acknowledged"),
    "takedown_ordered": Text("要求撤下", "take-down ordered"),
    "takedown_overdue": Text("逾期未撤下", "take-down overdue"),
}
"""Every kind of event in words."""

_ACTORS: Final = {
    "staff": Text("本网", "staff"),
    "system": Text("系统", "system"),
    UNKNOWN: Text("不明", "unknown"),
}
"""Actors without a name. `staff` and `system` stand in records of 0.2.0 and earlier."""

_WAYS: Final = {
    Way.CLI: Text("命令行", "command line"),
    Way.DESK: Text("编辑部接口", "newsroom interface"),
    Way.CONSOLE: Text("控制台", "console"),
    Way.WATCH: Text("监看文件夹", "watched folder"),
    Way.DEMO: Text("示范", "demo"),
    Way.SYSTEM: Text("系统", "system"),
}

FIELDS: Final = {
    "item": Text("稿件", "item"),
    "version": Text("版本", "version"),
    "digest": Text("散列", "digest"),
    "document": Text("文件", "document"),
    "faults": Text("错误", "faults"),
    "partner": Text("授权媒体", "partner"),
    "mandate": Text("独家发布权", "mandate"),
    "licence": Text("授权协议", "licence"),
    "closes": Text("截止", "closes"),
    "jti": Text("密钥", "key"),
    "kid": Text("签名密钥", "signing key"),
    "expires": Text("到期", "expires"),
    "label": Text("备注", "label"),
    "rendition": Text("规格", "rendition"),
    "sha256": Text("文件的散列", "digest of the file"),
    "range": Text("所取范围", "range"),
    "signed": Text("签名地址", "signed address"),
    "visible_line": Text("可见标注", "visible line"),
    "type": Text("文件类型", "type of file"),
    "feed": Text("订阅源", "feed"),
    "format": Text("格式", "format"),
    "use": Text("使用方式", "use"),
    "edition": Text("清单", "edition"),
    "status": Text("状态码", "status"),
    "method": Text("请求方法", "method"),
    "request": Text("请求", "request"),
    "clause": Text("条款", "clause"),
    "subject": Text("所要", "asked for"),
    "reason": Text("原因", "reason"),
    "code": Text("代码", "code"),
    "detail": Text("说明", "detail"),
    "since": Text("始于", "since"),
    "times": Text("次数", "times"),
    "hold": Text("方式", "hold"),
    "holds": Text("解除", "lifted"),
    "until": Text("至", "until"),
    "note": Text("说明的散列", "digest of the note"),
    "deadline": Text("期限", "deadline"),
    "given": Text("已取得的媒体数", "partners who have it"),
    "after": Text("自序号", "after"),
    "next": Text("至序号", "up to"),
    "count": Text("条数", "entries"),
    "acknowledged": Text("确认的变更", "acknowledged"),
    "action": Text("动作", "action"),
    "change": Text("变更", "change"),
    "machine": Text("本机时间", "machine"),
    "newest_record": Text("最新记录", "newest record"),
    "to": Text("移至", "to"),
    "files": Text("文件数", "files"),
    "bytes": Text("字节数", "bytes"),
    "before": Text("早于", "from before"),
    "kek": Text("加密用的密钥", "key-encryption key"),
}
"""Every field of an event in words."""

_HOLDS: Final = {
    "embargo": Text("禁发", "embargo"),
    "exclusive": Text("独家", "exclusive"),
    "withheld": Text("扣发", "withheld"),
}
_ACTIONS: Final = {
    Action.PUT.value: Text("供稿", "put"),
    Action.CORRECT.value: Text("更正", "correct"),
    Action.RECALL.value: Text("撤回", "recall"),
    Action.WITHDRAW.value: Text("授权终止，撤下", "withdraw"),
    Action.EMBARGO.value: Text("禁发通知", "embargo"),
}
_SUBJECTS: Final = {"item": Text("稿件 ", "item "), "feed": Text("订阅源 ", "feed ")}
_INSTANTS: Final = frozenset(
    {"before", "closes", "expires", "until", "deadline", "machine", "newest_record", "since"}
)
_SHORT: Final = 16
"""Characters of a digest, of the 64, that people are shown: programs get all of it."""


def kind_text(kind: str) -> Text:
    """A kind of event in words; the kind itself where a later release wrote it."""
    return KINDS.get(kind, verbatim(kind))


def actor_text(actor: str) -> Text:
    """Return who acted and by which way, a partner by its id; what a later release wrote stays as it is."""
    known = read_actor(actor)
    if known is None:
        return _ACTORS.get(actor, verbatim(actor))
    if known == SCHEDULER:
        return Text("系统（定时任务）", "system (scheduler)")
    way = _WAYS[known.way]
    return Text(f"{known.name}（{way.zh}）", f"{known.name} ({way.en})")


def details(event: Mapping[str, Any], voice: Output) -> str:
    """The fields of an event that have a value, by name, in the language of the output."""
    separator = Text("；", "; ").in_(voice.lang)
    return separator.join(
        f"{FIELDS.get(name, verbatim(name)).in_(voice.lang)} {field_text(name, value, voice)}"
        for name, value in event.items()
        if value not in (None, "", [])
    )


def field_text(name: str, value: object, voice: Output) -> str:
    """One value for people: times in the publisher's zone, known words in the language of the output."""
    if isinstance(value, list):
        return Text("、", ", ").in_(voice.lang).join(field_text(name, one, voice) for one in value)
    if isinstance(value, bool):
        return (Text("是", "yes") if value else Text("否", "no")).in_(voice.lang)
    if not isinstance(value, str):
        return str(value)
    if name in _INSTANTS:
        with suppress(ValueError):
            at = datetime.fromisoformat(value)
            return voice.moment(at) if at.tzinfo is not None else value
    return _word(name, value).in_(voice.lang)


def _word(name: str, value: str) -> Text:
    match name:
        case "use" if value in set(Use):
            return agreement_words.uses([Use(value)])
        case "reason":
            if value in set(RecallReason):
                return RECALLS[RecallReason(value)]
            with suppress(KeyError):
                return reason_text(value)
        case "hold" | "holds":
            return _HOLDS.get(value, verbatim(value))
        case "rendition" if value in set(RenditionName):
            return rendition_title(RenditionName(value))
        case "action":
            return _ACTIONS.get(value, verbatim(value))
        case "subject":
            kind, _, id = value.partition(":")
            if kind in _SUBJECTS:
                return _SUBJECTS[kind] + verbatim(id)
        case _:
            pass
    return verbatim(f"{value[:_SHORT]}…" if len(value) == 64 else value)
