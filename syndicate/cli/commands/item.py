"""`item`: list the items, show one whole, and export one in a format."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import Final

import click

from syndicate.cli.app import Deferred, Group, acting, with_services
from syndicate.cli.ui import agreement_words
from syndicate.cli.ui.failures import Bilingual
from syndicate.cli.ui.hold_text import holds_as_json, item_state
from syndicate.cli.ui.output import Column, Output, iso
from syndicate.errors import NotLicensed, Unknown
from syndicate.formats import FORMATS
from syndicate.language import Text
from syndicate.model.item import Item, ItemId, Medium, medium_name, tag_uri
from syndicate.model.notes import Note
from syndicate.model.parties import PartnerId
from syndicate.model.rights import Use
from syndicate.store.protocol import Place
from syndicate.wiring import Services

_BATCH = 200


@click.group(cls=Group)
def item() -> None:
    """查看、扣发、更正和撤回稿件 · Show, hold, correct and recall items.

    \b
    例 · Example:
      syndicate item list --limit 20
    """


@item.command("list")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    metavar="N",
    help="最多几篇，从最新发布的起 · at most this many, newest publication first",
)
@click.option("--noted", is_flag=True, help="只列收稿时有提示的 · only those that ingest has notes on")
@click.option(
    "--medium",
    type=click.Choice([one.value for one in Medium]),
    help="只列这一类 · only items of this medium",
)
@with_services
async def list_(services: Services, voice: Output, limit: int, noted: bool, medium: str | None) -> None:
    """列出稿件，含来源不属本网的 · List items, also those of other sources.

    \b
    例 · Example:
      syndicate item list --limit 20
      syndicate item list --noted
      syndicate item list --medium picture
    """
    publisher, rows = services.settings.publisher, []
    of = None if medium is None else Medium(medium)
    async for one, notes in _newest(services, limit, noted=noted, medium=of):
        codes = list(dict.fromkeys(note.code for note in notes))
        voice.give({**_short(one, services), "notes": codes})
        if not voice.json:
            outlet = agreement_words.outlet_name(one.outlet, publisher).in_(voice.lang)
            state = item_state(one, services.clock(), voice)
            kind = medium_name(one.medium).in_(voice.lang)
            row = [one.id, str(one.version), voice.moment(one.published), outlet, kind, state]
            rows.append((*row, *([" ".join(codes)] if noted else []), one.headline))
    if voice.json:
        return
    voice.table(
        [
            Column(Text("编号", "id")),
            Column(Text("版本", "version")),
            Column(Text("发布时间", "published")),
            Column(Text("媒体", "outlet")),
            Column(Text("类型", "medium")),
            Column(Text("状态", "state")),
            *([Column(Text("提示", "notes"))] if noted else []),
            Column(Text("标题", "headline"), tight=False),
        ],
        rows,
        empty=Text("没有带提示的稿件", "no item has notes")
        if noted
        else Text("没有这一类稿件", "there is no item of this medium")
        if medium is not None
        else Text(
            "还没有稿件。用 syndicate ingest PATH 收稿",
            "there is no item yet; take some in: syndicate ingest PATH",
        ),
    )


@item.command()
@click.argument("id", metavar="ID")
@click.option("--version", type=click.IntRange(min=1), metavar="N", help="旧版本 · an earlier version")
@with_services
async def show(services: Services, voice: Output, id: str, version: int | None) -> None:
    """显示一篇稿件的全部内容 · Show one item with every field.

    \b
    例 · Example:
      syndicate item show 20180122-abcdefghij
    """
    # Here, not above: the list judges nothing.
    from syndicate.cli.ui.media_text import media_as_json, show_media, who_may_have

    one = await services.items.item(ItemId(id), version)
    notes = await services.items.notes(one)
    if voice.json:
        stories = await services.items.stories_with(one)
        media = media_as_json(one, stories, await who_may_have(services, one))
        said = [note.to_json(voice.lang) for note in notes]
        voice.give({**_whole(one, services), **media, "notes": said})
        return
    publisher = services.settings.publisher
    stories = await services.items.stories_with(one)
    who = await who_may_have(services, one)
    voice.say(one.headline + "\n")
    voice.record(
        [
            (Text("编号", "id"), f"{one.id} v{one.version}"),
            (Text("标识", "uri"), tag_uri(publisher.authority, one.id)),
            (Text("发布时间", "published"), voice.moment(one.published)),
            (Text("收稿时间", "ingested"), voice.moment(one.ingested)),
            (Text("来源", "source"), one.source),
            (Text("媒体", "outlet"), agreement_words.outlet_name(one.outlet, publisher).in_(voice.lang)),
            (Text("作者", "byline"), one.byline or ""),
            (Text("编辑", "editor"), one.editor or ""),
            (Text("频道", "channel"), agreement_words.channel_name(one.channel, publisher).in_(voice.lang)),
            (Text("类型", "medium"), medium_name(one.medium).in_(voice.lang)),
            (Text("首发地址", "address"), one.address or ""),
            (Text("关键词", "keywords"), " ".join(one.keywords)),
            (Text("状态", "state"), item_state(one, services.clock(), voice)),
            (Text("更正", "correction"), one.note or ""),
            (Text("署名", "credit"), one.credit or ""),
            (Text("替代文字", "alternative text"), one.alt or ""),
            (Text("文件名", "file name"), one.file_name or ""),
            (Text("摘要", "abstract"), one.abstract),
        ]
    )
    show_media(one, stories, who, voice)
    for note in notes:
        voice.say(Text("提示：", "note: ").in_(voice.lang) + note.in_(voice.lang))
    for block in one.body:
        voice.say(f"\n{'## ' if block.kind == 'heading' else ''}{block.text}")


@item.command()
@click.argument("id", metavar="ID")
@click.option("--as", "format", type=click.Choice(list(FORMATS)), required=True, help="格式 · format")
@click.option("--partner", metavar="P", help="按该授权媒体的协议输出 · as this partner's licence covers it")
@click.option(
    "--use", type=click.Choice([one.value for one in Use]), help="使用方式 · use; with --partner alone"
)
@with_services
async def export(
    services: Services, voice: Output, id: str, format: str, partner: str | None, use: str | None
) -> None:
    """导出一篇带来源标注的稿件 · Write one item, stamped, to standard output.

    不写 --partner 时，只有公众可得的标题和摘要。写给授权媒体的导出记入审计记录。

    Without --partner it is what the public may have: headline and abstract. What is written for a
    partner goes into the trail, like any delivery.

    \b
    例 · Example:
      syndicate item export 20180122-abcdefghij --as ninjs --partner zjol > story.json
    """
    if use is not None and partner is None:
        raise Bilingual(Text("--use 需与 --partner 同用", "--use goes with --partner"))
    wanted = None if use is None else Use(use)
    await services.items.item(ItemId(id))
    try:
        rendered = await services.delivery.export(
            acting(),
            ItemId(id),
            None if partner is None else PartnerId(partner),
            wanted,
            format,
            FORMATS[format].render,
        )
    except Unknown as unknown:
        if unknown.code == "unknown_partner":
            raise
        # An outsider is told that there is no such item; staff are told why.
        explained = Use.LINK if partner is None else wanted
        verdict = (await services.explanation.explain(partner or "public", ItemId(id), explained)).verdict
        from syndicate.policy import Refusal
        from syndicate.policy.reasons import REASONS

        if isinstance(verdict, Refusal):
            raise NotLicensed(verdict.reason.value, verdict.clause, REASONS[verdict.reason]) from None
        raise
    if voice.json:
        body = rendered.body.decode()
        voice.give({"id": id, "format": format, "content_type": rendered.content_type, "body": body})
    else:
        sys.stdout.buffer.write(rendered.body)
        sys.stdout.buffer.flush()


_HOLDS: Final = "syndicate.cli.commands.item_holds"

for _command in (
    Deferred("hold", f"{_HOLDS}:hold", "扣住稿件：禁发、独家或扣发 · Hold an item back."),
    Deferred("release", f"{_HOLDS}:release", "放行被扣住的稿件，立即生效 · Release a held item, at once."),
    Deferred(
        "correct",
        "syndicate.cli.commands.item_correct:correct",
        "更正稿件，生成新版本 · Correct an item: a new version with a note.",
    ),
    Deferred(
        "recall", f"{_HOLDS}:recall", "撤回稿件，立即停止提供 · Recall an item from everybody, at once."
    ),
    Deferred("reinstate", f"{_HOLDS}:reinstate", "恢复已撤回的稿件 · Reinstate a recalled item."),
    Deferred(
        "recall-report",
        f"{_HOLDS}:recall_report",
        "查看撤回进展：谁已确认撤下 · Show which partners acknowledged a recall.",
    ),
):
    item.add_command(_command)


async def _newest(
    services: Services, limit: int, *, noted: bool, medium: Medium | None
) -> AsyncIterator[tuple[Item, tuple[Note, ...]]]:
    """The newest items, `limit` at most, each with the notes of its newest version."""
    after: Place | None = None
    while limit > 0:
        batch = await services.items.items(
            after=after, limit=min(limit, _BATCH), noted=noted, medium=medium
        )
        notes = await services.items.newest_notes([one.id for one in batch])
        for one in batch:
            yield one, notes.get(one.id, ())
        if len(batch) < min(limit, _BATCH):
            return
        limit -= len(batch)
        after = Place(batch[-1].published, batch[-1].id)


def _short(one: Item, services: Services) -> dict[str, object]:
    return {
        "id": one.id,
        "version": one.version,
        "uri": tag_uri(services.settings.publisher.authority, one.id),
        "headline": one.headline,
        "published": iso(one.published),
        "source": one.source,
        "outlet": one.outlet,
        "channel": one.channel,
        "medium": one.medium.value,
        "ingested": iso(one.ingested),
        "note": one.note,
        **holds_as_json(one.holds, services.clock()),
    }


def _whole(one: Item, services: Services) -> dict[str, object]:
    return {
        **_short(one, services),
        "byline": one.byline,
        "editor": one.editor,
        "abstract": one.abstract,
        "body": [{"kind": block.kind.value, "text": block.text} for block in one.body],
        "address": one.address,
        "keywords": list(one.keywords),
        "language": one.language,
    }
