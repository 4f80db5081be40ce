"""`trail`: 审计记录, what staff and partners did, line by line."""

from __future__ import annotations

import click

from syndicate.cli.app import Group, with_services
from syndicate.cli.commands import trail_check, trail_proofs
from syndicate.cli.ui.output import Column, Output, iso
from syndicate.errors import Unknown
from syndicate.language import Text
from syndicate.model.item import ItemId
from syndicate.model.parties import PartnerId
from syndicate.model.records import Line, event_fields
from syndicate.wiring import Services

KINDS = {
    "item_ingested": Text("收稿", "item ingested"),
    "document_refused": Text("拒收文件", "document refused"),
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
    "signing_key_retired": Text("停用签名密钥", "signing key retired"),
    "clock_accepted": Text("确认时钟", "clock accepted"),
    "edition_delivered": Text("发出订阅", "edition delivered"),
    "item_delivered": Text("发出稿件", "item delivered"),
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

_SHORT = 16
"""Characters of a digest, of the 64, that people are shown: programs get all of it."""


@click.group(cls=Group)
def trail() -> None:
    """审计记录 · The trail.

    \b
    例 · Example:
      syndicate trail list --partner zjol
    """


@trail.command("list")
@click.option(
    "--after",
    type=click.IntRange(min=0),
    default=0,
    metavar="SEQ",
    help="从此序号之后 · after this line",
)
@click.option("--partner", metavar="P", help="只看该授权媒体 · about this partner alone")
@click.option("--item", metavar="ID", help="只看该稿件 · about this item alone")
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=100,
    show_default=True,
    metavar="N",
    help="最多几条 · at most this many",
)
@with_services
async def list_(
    services: Services, voice: Output, after: int, partner: str | None, item: str | None, limit: int
) -> None:
    """列出审计记录，按序号 · Lines of the trail, in order.

    \b
    例 · Example:
      syndicate trail list --partner zjol --after 120
    """
    if partner is not None and PartnerId(partner) not in (await services.rights.register()).partners:
        raise Unknown(Text("授权媒体", "partner"), partner)
    if item is not None:
        await services.items.item(ItemId(item))
    lines = await services.store.lines(
        after=after,
        limit=limit,
        partner=None if partner is None else PartnerId(partner),
        item=None if item is None else ItemId(item),
    )
    if voice.json:
        for line in lines:
            voice.give(_line(line))
        return
    voice.table(
        [
            Column(Text("序号", "seq")),
            Column(Text("时间", "time")),
            Column(Text("何人", "who")),
            Column(Text("何事", "what")),
            Column(Text("详情", "details"), tight=False),
        ],
        [_row(line, voice) for line in lines],
        empty=Text("没有符合条件的记录", "there is no such line"),
    )
    if len(lines) == limit:
        last = lines[-1].seq
        voice.aside(Text(f"后面的记录：--after {last}", f"what comes after these: --after {last}"))


for _command in (
    trail_proofs.verify,
    trail_proofs.prove,
    trail_proofs.export,
    trail_proofs.checkpoint,
    trail_proofs.key,
    trail_check.check,
):
    trail.add_command(_command)


def _line(line: Line) -> dict[str, object]:
    entry = line.entry
    about: dict[str, object] = {"seq": line.seq, "at": iso(entry.at), "actor": entry.actor}
    return {**about, "kind": entry.event.kind, **event_fields(entry.event)}


def _row(line: Line, voice: Output) -> tuple[str, ...]:
    entry = line.entry
    details = " ".join(
        f"{name}={_short(value)}" for name, value in event_fields(entry.event).items() if value
    )
    kind = KINDS[entry.event.kind].in_(voice.lang)
    return str(line.seq), voice.moment(entry.at), entry.actor, kind, details


def _short(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    said = str(value)
    return f"{said[:_SHORT]}…" if len(said) == 64 else said
