"""What would change a no: for every reason of the policy, what to wait for, or what to agree on.

The match is closed, so a new reason cannot be added without an answer here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, assert_never

from syndicate.cli.ui import agreement_words
from syndicate.cli.ui.output import Output
from syndicate.language import Text, verbatim
from syndicate.model.item import Item, medium_name
from syndicate.model.parties import Publisher
from syndicate.model.register import Register
from syndicate.model.rights import Clause, Grant, Use, Window
from syndicate.policy import Refusal
from syndicate.policy.reasons import Reason


@dataclass(frozen=True, slots=True)
class Case:
    """What was asked: may `partner` (`public` for the public) have `item` for `use` at `at`?"""

    item: Item
    partner: str
    use: Use
    at: datetime
    register: Register
    publisher: Publisher


_AboutAgreement = Literal[
    Reason.NO_MANDATE,
    Reason.MANDATE_ENDED,
    Reason.MANDATE_NOT_BEGUN,
    Reason.SUMMARY_ONLY,
    Reason.SUSPENDED,
    Reason.NO_LICENCE,
    Reason.LICENCE_ENDED,
    Reason.LICENCE_NOT_BEGUN,
    Reason.EXCEPTED,
]
_AboutGrant = Literal[
    Reason.USE_NOT_GRANTED,
    Reason.OUTLET_NOT_GRANTED,
    Reason.MEDIUM_NOT_GRANTED,
    Reason.CHANNEL_NOT_GRANTED,
    Reason.RENDITION_NOT_GRANTED,
    Reason.OUTSIDE_ARCHIVE,
    Reason.RETENTION_ENDED,
    Reason.DELAYED,
]


def changes(refusal: Refusal, case: Case, voice: Output) -> list[Text]:
    """Each thing that alone or with others would turn the refusal, nearest at hand first."""
    item, clause = case.item, refusal.clause or Clause()
    match refusal.reason:
        case Reason.NOT_OURS:
            return [
                Text(
                    f"来源“{item.source}”不属于任何一家本网媒体，只有本网媒体的稿件可以授权。"
                    "若确属本网媒体，请在设置中为该媒体加入这一来源，再收一次此稿",
                    f'the source "{item.source}" is none of our outlets, and only their work is ours to '
                    "license; if it is one of ours after all, add this source line to the outlet in the "
                    "settings and ingest the document again",
                )
            ]
        case Reason.NOT_PUBLISHED:
            return [_wait(item.published, voice, Text("发布", "it is published"))]
        case Reason.WITHHELD:
            return [_lift(item, Text("解除扣发", "release it"), "withhold")]
        case Reason.EMBARGOED:
            embargo = item.holds.embargo
            early = Text(
                "或一条 early = true 的授权条款，并由该媒体确认遵守禁发时间",
                "or a grant with early = true, and the partner's promise to keep the embargo",
            )
            ends = Text("禁发期满", "its embargo ends")
            waits = [] if embargo is None else [_wait(embargo.until, voice, ends)]
            return [*waits, _lift(item, Text("解除禁发", "lift the embargo"), "embargo"), early]
        case Reason.EXCLUSIVE:
            exclusive = item.holds.exclusive
            waits = []
            if exclusive is not None:
                whose = exclusive.partner
                ends = Text(f"授权媒体 {whose} 的独家期满", f"the exclusive of partner {whose} ends")
                waits = [_wait(exclusive.until, voice, ends)]
            return [*waits, _lift(item, Text("解除独家", "end the exclusive"), "exclusive")]
        case Reason.EMBARGO_UNACKNOWLEDGED:
            return [
                Text(
                    "该媒体在变更序列中确认这一禁发通知：POST /licensed/changes/ack",
                    "the partner acknowledges the embargo in its change sequence: "
                    "POST /licensed/changes/ack",
                )
            ]
        case Reason.RECALLED:
            command = f"syndicate item reinstate {item.id}"
            return [Text(f"恢复已撤回的稿件：{command}", f"take the recall back: {command}")]
        case reason:
            return _agreement_changes(reason, clause, case, voice)


def _agreement_changes(
    reason: _AboutAgreement | _AboutGrant, clause: Clause, case: Case, voice: Output
) -> list[Text]:
    """What would turn a refusal for want of a mandate, a licence or a grant, or by an exception."""
    item, use = case.item, case.use.value
    match reason:
        case Reason.NO_MANDATE | Reason.MANDATE_ENDED:
            covers = f"outlets={item.outlet}, media={item.medium.value}"
            return [
                Text(
                    f"需要一份有效的独家发布权，包含 {covers}：syndicate mandate add FILE.toml",
                    f"a mandate in force is needed with {covers}: syndicate mandate add FILE.toml",
                )
            ]
        case Reason.MANDATE_NOT_BEGUN:
            opens = _window(case.register, clause).opens
            return [_wait(opens, voice, Text(f"独家发布权 {clause} 生效", f"mandate {clause} begins"))]
        case Reason.SUMMARY_ONLY:
            return [
                agreement_words.PUBLIC_MAY,
                Text(
                    f"全文需要一份授权协议，其条款包含 uses={use}",
                    f"the full text takes a licence with a grant for uses={use}",
                ),
            ]
        case Reason.SUSPENDED:
            command = f"syndicate partner resume {case.partner}"
            return [Text(f"恢复该授权媒体：{command}", f"let the partner in again: {command}")]
        case Reason.NO_LICENCE | Reason.LICENCE_ENDED:
            return [
                Text("需要一份有效的授权协议，条款为 ", "a licence in force is needed with the grant ")
                + _grant(case)
                + Text("：", ": ")
                + verbatim("syndicate licence add FILE.toml")
            ]
        case Reason.LICENCE_NOT_BEGUN:
            opens = _window(case.register, clause).opens
            return [_wait(opens, voice, Text(f"授权协议 {clause} 生效", f"licence {clause} begins"))]
        case Reason.EXCEPTED:
            number = clause.agreement
            return [
                Text(
                    f"除外条款 {clause} 优先于一切授权条款；需终止协议 {number}，"
                    "并另签一份不含此除外条款的协议",
                    f"the exception {clause} beats every grant; end licence {number} and "
                    "agree on one without this exception",
                )
            ]
        case about_grant:
            return _grant_changes(about_grant, clause, case, voice)


def _grant_changes(reason: _AboutGrant, clause: Clause, case: Case, voice: Output) -> list[Text]:
    """What would turn a refusal because the partner's grants do not reach so far."""
    item = case.item
    match reason:
        case Reason.USE_NOT_GRANTED:
            said = agreement_words.uses([case.use])
            return [_needed(f"uses={case.use.value}", said, clause)]
        case Reason.OUTLET_NOT_GRANTED:
            said = agreement_words.outlet_name(item.outlet, case.publisher)
            return [_needed(f"outlet={item.outlet}", said, clause)]
        case Reason.MEDIUM_NOT_GRANTED:
            return [_needed(f"media={item.medium.value}", medium_name(item.medium), clause)]
        case Reason.CHANNEL_NOT_GRANTED:
            said = agreement_words.channel_name(item.channel, case.publisher)
            return [_needed(f"channel={item.channel}", said, clause)]
        case Reason.RENDITION_NOT_GRANTED:
            said = Text(
                f"条款 {clause} 的 renditions 中加上这一规格",
                f"this rendition among those of the grant {clause}",
            )
            return [said]
        case Reason.OUTSIDE_ARCHIVE:
            return [_longer("archive", item, case.at, clause)]
        case Reason.RETENTION_ENDED:
            return [_longer("retain", item, case.at, clause)]
        case Reason.DELAYED:
            grant = _clause(case.register, clause)
            passed = item.available + grant.delay
            delay = agreement_words.duration_text(grant.delay)
            return [
                _wait(
                    passed, voice, Text(f"条款 {clause} 的延迟期满", f"the delay of {clause} has passed")
                ),
                Text(
                    f"或一条 delay 短于 {delay.zh}的条款",
                    f"or a grant with a delay shorter than {delay.en}",
                ),
            ]
    assert_never(reason)


def _wait(until: datetime, voice: Output, what: Text) -> Text:
    time = voice.exactly(until)
    return Text(f"等到 {time} {what.zh}", f"wait until {time}, when {what.en}")


def _lift(item: Item, what: Text, hold: str) -> Text:
    # Not without the option: that would lift every other hold of the item too.
    command = f"syndicate item release {item.id} --{hold}"
    return Text(f"由本网{what.zh}：{command}", f"or staff {what.en}: {command}")


def _needed(part: str, said: Text, nearest: str) -> Text:
    return Text(
        f"需要一条包含 {part}（{said.zh}）的授权条款（最接近的是 {nearest}）",
        f"a grant with {part} ({said.en}) is needed (the nearest is {nearest})",
    )


def _longer(part: str, item: Item, at: datetime, nearest: str) -> Text:
    # A span must be longer than the item's age: the time at which it runs out is not in it.
    days = (at - item.published) // timedelta(days=1) + 1
    return Text(
        f"需要一条 {part} 不少于 P{days}D 的授权条款（最接近的是 {nearest}）",
        f"a grant with {part} of P{days}D at least is needed (the nearest is {nearest})",
    )


def _grant(case: Case) -> Text:
    item = case.item
    return verbatim(
        f"uses={case.use.value}, outlets={item.outlet}, media={item.medium.value}, channels={item.channel}"
    )


def _window(register: Register, number: str) -> Window:
    windows = {one.number: one.window for one in register.mandates}
    windows |= {one.number: one.window for licences in register.licences.values() for one in licences}
    return windows[number]


def _clause(register: Register, clause: str) -> Grant:
    return next(
        grant
        for licences in register.licences.values()
        for licence in licences
        for grant in licence.grants
        if grant.clause == clause
    )
