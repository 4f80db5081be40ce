"""`item hold`, `release`, `recall`, `reinstate`: what becomes of an item once it is here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from syndicate.cli.app import Command, acting, with_services
from syndicate.cli.ui.failures import REFUSED, Bilingual
from syndicate.cli.ui.hold_text import NOTHING, hold_state, holds_as_json, left_text
from syndicate.cli.ui.output import Column, Output, iso
from syndicate.cli.ui.time_values import SPAN, TIME
from syndicate.cli.ui.trail_text import actor_text
from syndicate.language import Text
from syndicate.model.changes import ChangeEntry, Takedown
from syndicate.model.holds import RecallReason
from syndicate.model.item import ItemId, medium_name
from syndicate.model.parties import PartnerId
from syndicate.policy.reasons import RECALLS
from syndicate.wiring import Services

if TYPE_CHECKING:
    from syndicate.services.newsroom.hold_service import Held


@click.command(cls=Command)
@click.argument("id", metavar="ID")
@click.option("--embargo", metavar="TIME", type=TIME, help="禁发至此时 · nobody gets it before this time")
@click.option(
    "--exclusive", metavar="PARTNER", help="由该授权媒体独家，须同时写 --until · for it only; needs --until"
)
@click.option("--until", metavar="TIME", type=TIME, help="独家截止时间 · end of the exclusive")
@click.option("--withhold", is_flag=True, help="扣发，直至放行 · nobody gets it until it is released")
@click.option(
    "--alone", is_flag=True, help="只对稿件，不含随稿的图片和音视频 · the story only, not its media"
)
@with_services
async def hold(
    services: Services,
    voice: Output,
    id: str,
    embargo: datetime | None,
    exclusive: str | None,
    until: datetime | None,
    withhold: bool,
    alone: bool,
) -> None:
    """扣住稿件：禁发、独家或扣发 · Hold an item back.

    稿件扣住后，无权取得者查不到它；禁发期满自动放行。已取得稿件的授权媒体会收到撤下通知。
    随稿的图片和音视频一并扣住，其他稿件也在用的除外。

    A held item does not exist for anyone who may not have it. An embargo ends by itself. Partners that
    already have the item must remove it. Pictures, sound and film that came with it are held too, unless
    another story has them.

    \b
    例 · Example:
      syndicate item hold 20180122-abcdefghij --embargo "2026-12-01 08:00"
      syndicate item hold 20180122-abcdefghij --exclusive zjol --until 2026-12-02
      syndicate item hold 20180122-abcdefghij --withhold
    """
    if (embargo is not None) + (exclusive is not None) + withhold != 1:
        raise Bilingual(
            Text(
                "请写 --embargo、--exclusive、--withhold 中的一个",
                "say one of --embargo, --exclusive, --withhold",
            )
        )
    if (exclusive is not None) != (until is not None):
        raise Bilingual(
            Text("--exclusive 和 --until 须一起写", "--exclusive and --until go with each other")
        )
    if embargo is not None:
        held = await services.holds.embargo(acting(), ItemId(id), embargo, alone=alone)
    elif exclusive is not None and until is not None:
        held = await services.holds.exclusive(
            acting(), ItemId(id), PartnerId(exclusive), until, alone=alone
        )
    else:
        held = await services.holds.withhold(acting(), ItemId(id), alone=alone)
    _say(held, services, voice)


@click.command(cls=Command)
@click.argument("id", metavar="ID")
@click.option("--embargo", is_flag=True, help="只解除禁发 · the embargo only")
@click.option("--exclusive", is_flag=True, help="只解除独家 · the exclusive only")
@click.option("--withhold", is_flag=True, help="只解除扣发 · the withholding only")
@click.option(
    "--alone", is_flag=True, help="只对稿件，不含随稿的图片和音视频 · the story only, not its media"
)
@with_services
async def release(
    services: Services,
    voice: Output,
    id: str,
    embargo: bool,
    exclusive: bool,
    withhold: bool,
    alone: bool,
) -> None:
    """放行被扣住的稿件，立即生效 · Release a held item, at once.

    与它一并扣住的图片和音视频一并放行。 What was held with it is released with it.

    \b
    例 · Example:
      syndicate item release 20180122-abcdefghij
    """
    named = {"embargo": embargo, "exclusive": exclusive, "withheld": withhold}
    kinds = [kind for kind, wanted in named.items() if wanted] or list(named)
    _say(await services.holds.release(acting(), ItemId(id), kinds, alone=alone), services, voice)


@click.command(cls=Command)
@click.argument("id", metavar="ID")
@click.option(
    "--reason",
    required=True,
    type=click.Choice([one.value for one in RecallReason]),
    help="原因：编辑、版权、法律 · reason",
)
@click.option("--note", required=True, metavar="NOTE", help="给授权媒体的说明 · a note to the partners")
@click.option(
    "--deadline",
    default="2h",
    show_default=True,
    metavar="SPAN",
    type=SPAN,
    help="撤下期限 · time within which it must be removed",
)
@click.option(
    "--alone", is_flag=True, help="只对稿件，不含随稿的图片和音视频 · the story only, not its media"
)
@with_services
async def recall(
    services: Services,
    voice: Output,
    id: str,
    reason: str,
    note: str,
    deadline: timedelta,
    alone: bool,
) -> None:
    """撤回稿件，立即停止提供 · Recall an item from everybody, at once.

    稿件地址从此答 410，因法律原因撤回的答 451。
    取得过此稿的授权媒体各收到一条撤回通知，须在期限内撤下并确认。
    随稿的图片和音视频一并撤回，其他稿件也在用的除外。

    Its addresses answer 410, or 451 for a legal order. Each partner that received it must remove it
    within the deadline and acknowledge. Pictures, sound and film that came with it are recalled too,
    unless another story has them.

    \b
    例 · Example:
      syndicate item recall 20180122-abcdefghij --reason editorial --note "事实有误" --deadline 2h
    """
    held = await services.holds.recall(
        acting(), ItemId(id), RecallReason(reason), note, deadline, alone=alone
    )
    _say(held, services, voice)
    voice.aside(
        Text(
            f"查看进展：syndicate item recall-report {id}", f"follow it: syndicate item recall-report {id}"
        )
    )


@click.command(cls=Command)
@click.argument("id", metavar="ID")
@click.option(
    "--alone", is_flag=True, help="只对稿件，不含随稿的图片和音视频 · the story only, not its media"
)
@with_services
async def reinstate(services: Services, voice: Output, id: str, alone: bool) -> None:
    """恢复已撤回的稿件 · Reinstate a recalled item.

    与它一并撤回的图片和音视频一并恢复。 What was recalled with it is reinstated with it.

    \b
    例 · Example:
      syndicate item reinstate 20180122-abcdefghij
    """
    _say(await services.holds.reinstate(acting(), ItemId(id), alone=alone), services, voice)


@click.command("recall-report", cls=Command)
@click.argument("id", metavar="ID")
@with_services
async def recall_report(services: Services, voice: Output, id: str) -> int:
    """查看撤回进展：谁已确认撤下 · Show which partners acknowledged a recall.

    尚有未确认的，退出码为 1。 Exit code 1 while an acknowledgement is missing.

    \b
    例 · Example:
      syndicate item recall-report 20180122-abcdefghij
    """
    report, now = await services.holds.report(ItemId(id)), services.clock()
    recall = report.recall
    voice.give(
        {
            "id": id,
            "reason": recall.reason.value,
            "note": recall.note,
            "recalled": iso(recall.at),
            "actor": report.actor,
            "deadline": iso(recall.deadline),
            "complete": report.complete,
            "partners": [takedown(one, now) for one in report.takedowns],
            "media": [
                {"id": one.item.id, "partners": [takedown(told, now) for told in one.takedowns]}
                for one in report.media
            ],
        }
    )
    at = voice.moment(recall.at)
    voice.say(RECALLS[recall.reason] + Text(f"，{at}，", f", {at}, ") + actor_text(report.actor))
    if not voice.json:
        table(
            report.takedowns,
            now,
            voice,
            Text("没有授权媒体取得过此稿，无须确认", "no partner received it, so none has to confirm"),
        )
        for one in report.media:
            kind = medium_name(one.item.medium)
            voice.say(
                Text(f"一并撤回的{kind.zh} {one.item.id}：", f"{kind.en} recalled with it, {one.item.id}:")
            )
            table(one.takedowns, now, voice, Text("没有授权媒体取得过", "no partner received it"))
    told = [order for one in (report, *report.media) for order in one.takedowns]
    missing = len({order.entry.partner for order in told if order.acknowledged is None})
    if missing:
        who = "1 partner has" if missing == 1 else f"{missing} partners have"
        voice.say(Text(f"尚有 {missing} 家未确认。", f"{who} not confirmed removal."))
        return REFUSED
    if told:
        voice.say(Text("已全部确认。", "all partners have confirmed removal."))
    return 0


def takedown(one: Takedown, now: datetime) -> dict[str, object]:
    """An order to take down, for programs."""
    return {
        "partner": one.entry.partner,
        "item": one.entry.item,
        "version": one.entry.version,
        "action": one.entry.action.value,
        "reason": one.entry.reason,
        "clause": one.entry.clause,
        "change": one.entry.seq,
        "told": iso(one.entry.at),
        "deadline": iso(one.entry.deadline),
        "acknowledged": iso(one.acknowledged),
        "overdue": _late(one, now),
    }


def table(takedowns: Iterable[Takedown], now: datetime, voice: Output, empty: Text) -> None:
    """Orders to take down, for people."""
    voice.table(
        [
            Column(Text("授权媒体", "partner")),
            Column(Text("版本", "version")),
            Column(Text("序号", "change")),
            Column(Text("期限", "deadline")),
            Column(Text("确认", "acknowledged")),
            Column(Text("状态", "state")),
        ],
        [
            (
                one.entry.partner,
                str(one.entry.version),
                str(one.entry.seq),
                voice.moment(one.entry.deadline),
                voice.moment(one.acknowledged),
                _state(one, now).in_(voice.lang),
            )
            for one in takedowns
        ],
        empty=empty,
    )


def _late(one: Takedown, now: datetime) -> bool:
    return one.acknowledged is None and one.entry.deadline is not None and one.entry.deadline <= now


def _state(one: Takedown, now: datetime) -> Text:
    if one.acknowledged is not None:
        return Text("已撤下", "gone")
    return Text("逾期", "overdue") if _late(one, now) else Text("等待", "waiting")


def _say(held: Held, services: Services, voice: Output) -> None:
    """What holds the item and its media now, and from whom the act takes them."""
    now = services.clock()
    voice.give(
        {
            **_held(held, now),
            "media": [{**_held(one, now), "medium": one.item.medium.value} for one in held.media],
            "left": [
                {"id": one.item.id, "why": one.why.value, "stories": list(one.stories)} for one in held.left
            ],
            "stories": list(held.stories),
        }
    )
    one = held.item
    voice.say(Text(f"稿件 {one.id}：", f"item {one.id}: ") + _state_of(held, now, voice))
    for with_it in held.media:
        kind = medium_name(with_it.item.medium)
        named = Text(
            f"随稿{kind.zh} {with_it.item.id}：", f"{kind.en} {with_it.item.id}, which came with it: "
        )
        voice.say(named + _state_of(with_it, now, voice))
    for left in held.left:
        voice.say(left_text(left))
    if held.stories:
        ids = "、".join(held.stories), ", ".join(held.stories)
        voice.say(Text(f"所在稿件不受影响：{ids[0]}", f"the stories that show it go on: {ids[1]}"))


def _state_of(held: Held, now: datetime, voice: Output) -> Text:
    """What holds an item now, and which partners must take it down."""
    state = hold_state(held.item.holds, now, voice) or NOTHING.in_(voice.lang)
    said = Text(f"{state}。", f"{state}.")
    partners = [order.partner for order in held.orders]
    if partners:
        count = len(partners)
        zh, en = "、".join(partners), ", ".join(partners)
        said += Text(f"\n已要求 {count} 家授权媒体撤下：{zh}", f"\nmust take it down ({count}): {en}")
    return said


def _held(held: Held, now: datetime) -> dict[str, object]:
    one = held.item
    return {
        "id": one.id,
        "version": one.version,
        **holds_as_json(one.holds, now),
        "takedowns": [_order(order) for order in held.orders],
    }


def _order(order: ChangeEntry) -> dict[str, object]:
    return {
        "partner": order.partner,
        "action": order.action.value,
        "change": order.seq,
        "deadline": iso(order.deadline),
    }
