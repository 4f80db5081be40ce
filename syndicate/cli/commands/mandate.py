"""`mandate`: 独家发布权, the head agreements without which nothing is released."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import click

from syndicate.cli.app import Group, acting, with_services
from syndicate.cli.ui import agreement_words
from syndicate.cli.ui.agreement_file import document
from syndicate.cli.ui.output import Column, Output
from syndicate.language import Text
from syndicate.model.item import Medium, OutletId, medium_name
from syndicate.model.parties import Publisher
from syndicate.model.register import Register
from syndicate.model.rights import Mandate
from syndicate.wiring import Services


@click.group(cls=Group)
def mandate() -> None:
    """管理独家发布权 · Manage mandates: head agreements with owners.

    \b
    例 · Example:
      syndicate mandate add mandate-daily.toml
    """


@mandate.command()
@click.argument("file", type=click.Path(allow_dash=True), metavar="FILE.toml")
@with_services
async def add(services: Services, voice: Output, file: str) -> None:
    """添加独家发布权（- 表示标准输入） · Add a mandate; - reads standard input.

    \b
    例 · Example:
      syndicate mandate add mandate-daily.toml
    """
    added = await services.rights.add_mandate(acting(), *document(file))
    voice.give(_mandate(added, services.clock(), services))
    publisher = services.settings.publisher
    covers = (
        agreement_words.outlets(added.outlets, publisher)
        + Text("：", ": ")
        + agreement_words.media(added.media)
    )
    voice.say(Text(f"已添加独家发布权 {added.number}，", f"added mandate {added.number}, ") + covers)


@mandate.command("list")
@with_services
async def list_(services: Services, voice: Output) -> None:
    """列出独家发布权 · List mandates.

    \b
    例 · Example:
      syndicate mandate list
    """
    now, publisher = services.clock(), services.settings.publisher
    mandates = (await services.rights.register()).mandates
    if voice.json:
        for one in mandates:
            voice.give(_mandate(one, now, services))
        return
    voice.table(
        [
            Column(Text("编号", "number")),
            Column(Text("权利人", "holder"), tight=False),
            Column(Text("媒体", "outlets"), tight=False),
            Column(Text("类型", "media"), tight=False),
            Column(Text("状态", "state")),
            Column(Text("期限", "window")),
        ],
        [
            (
                one.number,
                one.holder,
                agreement_words.outlets(one.outlets, publisher).in_(voice.lang),
                agreement_words.media(one.media).in_(voice.lang),
                agreement_words.STATES[one.window.state(now)].in_(voice.lang),
                agreement_words.period_text(one.window, voice),
            )
            for one in mandates
        ],
        empty=Text(
            "还没有独家发布权，任何稿件都不会放行。用 syndicate mandate add FILE.toml 添加",
            "there is no mandate yet, so nothing is released; add one: syndicate mandate add FILE.toml",
        ),
    )


@mandate.command()
@click.argument("number", metavar="NUMBER")
@with_services
async def end(services: Services, voice: Output, number: str) -> None:
    """终止独家发布权，立即生效 · End a mandate, at once.

    \b
    例 · Example:
      syndicate mandate end HEAD-2015-1
    """
    ended = await services.rights.end_mandate(acting(), number)
    register, now = await services.rights.register(), services.clock()
    closed, licences = what_closed(ended, register, now)
    voice.give(
        {
            **_mandate(ended, now, services),
            "closes": [{"outlet": outlet, "medium": medium.value} for outlet, medium in closed],
            "licences": licences,
        }
    )
    voice.say(Text(f"独家发布权 {number} 已终止。", f"mandate {number} has ended."))
    if ended.window.opens == ended.window.closes:
        voice.say(Text("它尚未生效，以后也不会生效。", "it had not begun, and never will."))
    elif not closed:
        voice.say(Text("其范围仍由其他独家发布权覆盖。", "other mandates still cover all that it covered."))
    else:
        _say_closed(closed, licences, services.settings.publisher, voice)


def _say_closed(
    closed: list[tuple[OutletId, Medium]], licences: list[str], publisher: Publisher, voice: Output
) -> None:
    names = agreement_words.listed(
        agreement_words.outlet_name(outlet, publisher) + Text("·", " ") + medium_name(medium)
        for outlet, medium in closed
    )
    voice.say(Text("即刻不再向任何人放行：", "from now on released to nobody: ") + names + Text("。", "."))
    if licences:
        said = Text("受影响的授权协议：", "licences that rested on it: ")
        voice.say(said + Text("、".join(licences), ", ".join(licences)))


def what_closed(
    ended: Mandate, register: Register, now: datetime
) -> tuple[list[tuple[OutletId, Medium]], list[str]]:
    """What nobody may have any more because the mandate ended, and the licences in force that gave it."""
    covered = set(_covers(one for one in register.mandates if now in one.window))
    begun = ended.window.opens != ended.window.closes
    closed = sorted(set(_covers([ended])) - covered) if begun else []
    licences = sorted(
        licence.number
        for licences in register.licences.values()
        for licence in licences
        if now in licence.window
        and any(o in g.outlets and m in g.media for g in licence.grants for o, m in closed)
    )
    return closed, licences


def _covers(mandates: Iterable[Mandate]) -> Iterable[tuple[OutletId, Medium]]:
    return ((outlet, medium) for one in mandates for outlet in one.outlets for medium in one.media)


def _mandate(one: Mandate, now: datetime, services: Services) -> dict[str, object]:
    from syndicate.agreements.writer import written_mandate

    zone = services.settings.publisher.zone
    return {**written_mandate(one, zone), "state": one.window.state(now)}
