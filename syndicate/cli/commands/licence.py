"""`licence`: 授权协议, what each partner may do with which items, and until when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import click

from syndicate.cli.app import Group, acting, with_services
from syndicate.cli.commands import licence_diff, licence_try
from syndicate.cli.ui import agreement_words
from syndicate.cli.ui.agreement_file import document
from syndicate.cli.ui.output import Column, Output
from syndicate.cli.ui.overlap_text import overlap_as_json, overlaps_now, say_overlaps
from syndicate.language import Text
from syndicate.model.parties import Publisher
from syndicate.model.rights import Except, Grant, Licence
from syndicate.wiring import Services

_ALL = Text("全部", "all")


@click.group(cls=Group)
def licence() -> None:
    """管理授权协议 · Manage licences: dated agreements with partners.

    \b
    例 · Example:
      syndicate licence add XSW-2026-017.toml
    """


@licence.command()
@click.argument("file", type=click.Path(allow_dash=True), metavar="FILE.toml")
@with_services
async def add(services: Services, voice: Output, file: str) -> None:
    """添加授权协议（- 表示标准输入） · Add a licence; - reads standard input.

    与该媒体的另一份协议有重叠的，照样添加，并指出是哪几条。

    A licence that overlaps another of the partner is added too, and the clauses are named.

    \b
    例 · Example:
      syndicate licence add XSW-2026-017.toml
    """
    added = await services.rights.add_licence(acting(), *document(file))
    now, register = services.clock(), await services.rights.register()
    found = overlaps_now(added, register, now)
    voice.give({**_licence(added, now, services), "overlaps": [overlap_as_json(one) for one in found]})
    voice.say(
        Text(
            f"已添加授权协议 {added.number}，授权媒体 {added.partner}，条款 {len(added.grants)} 条",
            f"added licence {added.number} for partner {added.partner}, grants: {len(added.grants)}",
        )
    )
    say_overlaps(found, services.settings.publisher, voice)


@licence.command("list")
@with_services
async def list_(services: Services, voice: Output) -> None:
    """列出授权协议 · List licences.

    \b
    例 · Example:
      syndicate licence list
    """
    now, register = services.clock(), await services.rights.register()
    licences = sorted(
        (one for licences in register.licences.values() for one in licences), key=lambda one: one.number
    )
    if voice.json:
        for one in licences:
            voice.give(_licence(one, now, services))
        return
    voice.table(
        [
            Column(Text("编号", "number")),
            Column(Text("授权媒体", "partner")),
            Column(Text("状态", "state")),
            Column(Text("期限", "window")),
            Column(Text("条款", "grants")),
        ],
        [
            (
                one.number,
                one.partner,
                agreement_words.STATES[one.window.state(now)].in_(voice.lang),
                agreement_words.period_text(one.window, voice),
                str(len(one.grants)),
            )
            for one in licences
        ],
        empty=Text(
            "还没有授权协议。用 syndicate licence add FILE.toml 添加",
            "there is no licence yet; add one: syndicate licence add FILE.toml",
        ),
    )


@licence.command()
@click.argument("number", metavar="NUMBER")
@with_services
async def show(services: Services, voice: Output, number: str) -> None:
    """显示授权协议的条款和原文 · Show a licence's terms and its original text.

    \b
    例 · Example:
      syndicate licence show XSW-2026-017
    """
    one, text = await services.rights.licence(number)
    now = services.clock()
    if voice.json:
        voice.give({**_licence(one, now, services), "document": text})
        return
    state = agreement_words.STATES[one.window.state(now)].in_(voice.lang)
    voice.record(
        [
            (Text("授权协议", "licence"), f"{one.number}  {state}"),
            (Text("授权媒体", "partner"), one.partner),
            (Text("期限", "window"), agreement_words.period_text(one.window, voice)),
            *((name, said.in_(voice.lang)) for name, said in _duties(one)),
        ]
    )
    for grant in one.grants:
        voice.say("\n" + Text("授权条款 ", "grant ").in_(voice.lang) + grant.clause)
        voice.record(
            [(name, said.in_(voice.lang)) for name, said in _said(grant, services.settings.publisher)]
        )
    for exception in one.excepts:
        voice.say("\n" + Text("除外条款 ", "exception ").in_(voice.lang) + exception.clause)
        parts = _excepted(exception, services.settings.publisher)
        voice.record([(name, said.in_(voice.lang)) for name, said in parts])
    voice.say("\n" + Text("原文：", "The original text:").in_(voice.lang) + "\n")
    voice.say(text.rstrip("\n"))


@licence.command()
@click.argument("number", metavar="NUMBER")
@with_services
async def end(services: Services, voice: Output, number: str) -> None:
    """终止授权协议，立即生效 · End a licence, at once.

    \b
    例 · Example:
      syndicate licence end XSW-2026-017
    """
    ended = await services.rights.end_licence(acting(), number)
    now = services.clock()
    others = sorted(
        one.number
        for one in (await services.rights.register()).licences_of(ended.partner)
        if now in one.window
    )
    voice.give({**_licence(ended, now, services), "still_in_force": others})
    voice.say(
        Text(
            f"授权协议 {number} 已终止：授权媒体 {ended.partner} 即刻不能再凭它取得任何稿件。",
            f"licence {number} has ended: partner {ended.partner} gets nothing under it from now on.",
        )
    )
    if others:
        voice.say(
            Text(
                f"该媒体仍有效的协议：{'、'.join(others)}",
                f"its licences still in force: {', '.join(others)}",
            )
        )
    else:
        voice.say(Text("该媒体已没有其他有效的协议。", "it has no licence in force any more."))


for _command in (licence_diff.diff, licence_try.try_):
    licence.add_command(_command)


def _duties(one: Licence) -> Iterator[tuple[Text, Text]]:
    within = agreement_words.duration_text(one.takedown)
    yield (
        Text("撤稿时限", "takedown"),
        Text(f"接到撤稿通知后 {within.zh}内", f"within {within.en} of the order to remove an item"),
    )
    if one.suspend_overdue:
        yield Text("逾期未撤", "overdue"), Text("暂停该授权媒体", "the partner is suspended")


def _said(grant: Grant, publisher: Publisher) -> Iterator[tuple[Text, Text]]:
    yield Text("使用方式", "uses"), agreement_words.uses(grant.uses)
    yield Text("媒体", "outlets"), agreement_words.outlets(grant.outlets, publisher)
    yield Text("类型", "media"), agreement_words.media(grant.media)
    yield (
        Text("频道", "channels"),
        _ALL if grant.channels is None else agreement_words.channels(grant.channels, publisher),
    )
    yield Text("延迟", "delay"), agreement_words.duration_text(grant.delay)
    in_window = Text("发布于协议期限内的稿件", "what was published in the window")
    yield Text("回溯", "archive"), _span(grant.archive, in_window)
    yield Text("保留期限", "retain"), _span(grant.retain, Text("不限", "no limit"))
    yield Text("可修改文章", "may edit"), Text("是", "yes") if grant.may_edit else Text("否", "no")
    if grant.quota is not None:
        yield Text("配额", "quota"), agreement_words.quota(grant.quota.items, grant.quota.per)
    if grant.early:
        yield (
            Text("禁发期内提前取得", "early access"),
            Text("是，确认禁发后", "yes, to who acknowledges the embargo"),
        )
    if grant.renditions is not None:
        yield Text("文件规格", "renditions"), agreement_words.renditions(grant.renditions)
    if grant.visible_line:
        yield (
            Text("可见标注", "visible line"),
            Text("画在图片的预览上", "drawn on the previews of pictures"),
        )


def _excepted(one: Except, publisher: Publisher) -> Iterator[tuple[Text, Text]]:
    if one.uses is not None:
        yield Text("使用方式", "uses"), agreement_words.uses(one.uses)
    if one.outlets is not None:
        yield Text("媒体", "outlets"), agreement_words.outlets(one.outlets, publisher)
    if one.media is not None:
        yield Text("类型", "media"), agreement_words.media(one.media)
    if one.channels is not None:
        yield Text("频道", "channels"), agreement_words.channels(one.channels, publisher)


def _span(of: timedelta | None, unsaid: Text) -> Text:
    return unsaid if of is None else agreement_words.duration_text(of)


def _licence(one: Licence, now: datetime, services: Services) -> dict[str, object]:
    from syndicate.agreements.writer import written

    zone = services.settings.publisher.zone
    return {**written(one, zone), "state": one.window.state(now)}
