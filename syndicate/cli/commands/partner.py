"""`partner`: 授权媒体, the media that have a licence, or may get one."""

from __future__ import annotations

import click

from syndicate.cli.app import Group, acting, with_services
from syndicate.cli.ui import agreement_words
from syndicate.cli.ui.failures import typed
from syndicate.cli.ui.key_state import signers, state
from syndicate.cli.ui.output import Column, Output, iso
from syndicate.errors import Unknown
from syndicate.language import Text
from syndicate.model.parties import Partner, PartnerId
from syndicate.wiring import Services


@click.group(cls=Group)
def partner() -> None:
    """管理授权媒体 · Manage partners: media with a licence.

    \b
    例 · Example:
      syndicate partner add zjol --name 浙江在线 --domain zjol.com.cn
    """


@partner.command()
@click.argument("id", metavar="ID")
@click.option("--name", required=True, metavar="NAME", help="名称 · name")
@click.option(
    "--domain", "domains", multiple=True, metavar="D", help="域名，可多次 · a domain; may be repeated"
)
@with_services
async def add(services: Services, voice: Output, id: str, name: str, domains: tuple[str, ...]) -> None:
    """添加授权媒体 · Add a partner.

    \b
    例 · Example:
      syndicate partner add zjol --name 浙江在线 --domain zjol.com.cn
    """
    with typed(Text("未添加授权媒体", "no partner was added")):
        added = await services.rights.add_partner(acting(), id, name, domains)
    voice.give(_partner(added))
    voice.say(
        Text(f"已添加授权媒体 {added.id}（{added.name}）", f"added partner {added.id} ({added.name})")
    )
    voice.aside(
        Text(
            f"下一步：syndicate licence add FILE.toml，再 syndicate key issue {added.id}",
            f"next: syndicate licence add FILE.toml, then syndicate key issue {added.id}",
        )
    )


@partner.command("list")
@with_services
async def list_(services: Services, voice: Output) -> None:
    """列出授权媒体 · List partners.

    \b
    例 · Example:
      syndicate partner list --json
    """
    register = await services.rights.register()
    partners = sorted(register.partners.values(), key=lambda one: one.id)
    if voice.json:
        for one in partners:
            voice.give(_partner(one))
        return
    voice.table(
        [
            Column(Text("编号", "id")),
            Column(Text("名称", "name"), tight=False),
            Column(Text("状态", "state")),
            Column(Text("授权协议", "licences"), tight=False),
            Column(Text("域名", "domains"), tight=False),
        ],
        [
            (
                one.id,
                one.name,
                agreement_words.STATES[_state(one)].in_(voice.lang),
                " ".join(licence.number for licence in register.licences_of(one.id)),
                " ".join(one.domains),
            )
            for one in partners
        ],
        empty=Text(
            "还没有授权媒体。用 syndicate partner add ID --name NAME 添加",
            "there is no partner yet; add one: syndicate partner add ID --name NAME",
        ),
    )


@partner.command()
@click.argument("id", metavar="ID")
@with_services
async def show(services: Services, voice: Output, id: str) -> None:
    """显示授权媒体及其协议和密钥 · Show one partner with its licences and keys.

    \b
    例 · Example:
      syndicate partner show zjol
    """
    register, now = await services.rights.register(), services.clock()
    one = register.partners.get(PartnerId(id))
    if one is None:
        raise Unknown(Text("授权媒体", "partner"), id)
    licences = register.licences_of(one.id)
    ring = await signers(services, voice)
    live = [
        key
        for key in register.keys.values()
        if key.partner == one.id and state(key, now, ring) == "in_force"
    ]
    numbers = [licence.number for licence in licences]
    voice.give({**_partner(one), "licences": numbers, "live_keys": len(live)})
    voice.record(
        [
            (Text("编号", "id"), one.id),
            (Text("名称", "name"), one.name),
            (Text("状态", "state"), agreement_words.STATES[_state(one)].in_(voice.lang)),
            (Text("添加时间", "added"), voice.moment(one.added)),
            (Text("暂停时间", "suspended"), voice.moment(one.suspended)),
            (Text("域名", "domains"), " ".join(one.domains)),
            (Text("有效密钥", "live keys"), str(len(live))),
        ]
    )
    for licence in licences:
        standing = agreement_words.STATES[licence.window.state(now)].in_(voice.lang)
        heading = Text("授权协议", "licence").in_(voice.lang)
        voice.say(
            f"{heading} {licence.number}  {standing}  {agreement_words.period_text(licence.window, voice)}"
        )


@partner.command()
@click.argument("id", metavar="ID")
@with_services
async def suspend(services: Services, voice: Output, id: str) -> None:
    """暂停授权媒体，其密钥立即停用 · Suspend a partner, at once.

    \b
    例 · Example:
      syndicate partner suspend zjol
    """
    one = await services.rights.suspend(acting(), PartnerId(id))
    voice.give(_partner(one))
    voice.say(
        Text(
            f"已暂停 {one.id}：其全部密钥即刻不再有效；恢复用 syndicate partner resume {one.id}",
            f"{one.id} is suspended: none of its keys opens any more, "
            f"until: syndicate partner resume {one.id}",
        )
    )


@partner.command()
@click.argument("id", metavar="ID")
@with_services
async def resume(services: Services, voice: Output, id: str) -> None:
    """恢复被暂停的授权媒体 · Resume a suspended partner.

    \b
    例 · Example:
      syndicate partner resume zjol
    """
    one = await services.rights.resume(acting(), PartnerId(id))
    voice.give(_partner(one))
    voice.say(
        Text(
            f"已恢复 {one.id}：未撤销、未过期的密钥重新有效",
            f"{one.id} is back: its keys open again, unless revoked or expired",
        )
    )


def _state(one: Partner) -> str:
    return "active" if one.suspended is None else "suspended"


def _partner(one: Partner) -> dict[str, object]:
    return {
        "id": one.id,
        "name": one.name,
        "domains": list(one.domains),
        "state": _state(one),
        "added": iso(one.added),
        "suspended": iso(one.suspended),
    }
