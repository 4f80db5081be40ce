"""`item correct`: a new version of an item, with a note that travels with it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syndicate.cli.app import Command, acting, with_services
from syndicate.cli.ingestion.document_files import read
from syndicate.cli.ui.output import Output
from syndicate.language import Text
from syndicate.model.item import ItemId, medium_name
from syndicate.wiring import Services

if TYPE_CHECKING:
    from syndicate.services.newsroom.document_parsing import ParsedDocument


@click.command(cls=Command)
@click.argument("id", metavar="ID")
@click.argument("file", type=click.Path(allow_dash=True), metavar="FILE")
@click.option(
    "--note", required=True, metavar="NOTE", help="更正说明，随稿发出 · note that travels with the item"
)
@with_services
async def correct(services: Services, voice: Output, id: str, file: str, note: str) -> None:
    """更正稿件，生成新版本 · Correct an item: a new version with a note.

    稿件的图片和音视频以更正稿为准；纯文本的更正稿不改动它们。

    The item then has the media of the document; a plain text leaves it those that it has.

    \b
    例 · Example:
      syndicate item correct 20180122-abcdefghij 更正稿.txt --note "第三段的日期应为1月22日"
    """
    corrected = await services.items.correct_with(
        acting(), ItemId(id), await _document(services, file), note
    )
    after = corrected.item
    notes = await services.items.notes(after)
    voice.give(
        {
            "id": id,
            "version": after.version,
            "action": "corrected",
            "note": note,
            "notes": [one.to_json(voice.lang) for one in notes],
            "media_added": [one.id for one in corrected.added],
            "media_dropped": list(corrected.dropped),
        }
    )
    voice.say(
        Text(
            f"已更正 {id}，现为第 {after.version} 版；已取得旧版的授权媒体将收到更正。",
            f"{id} is corrected and is now version {after.version}. "
            "Partners that have an older version get the correction.",
        )
    )
    for one in corrected.added:
        kind = medium_name(one.medium)
        voice.say(Text(f"新增{kind.zh}：{one.id}", f"new {kind.en}: {one.id}"))
    for dropped in corrected.dropped:
        voice.say(
            Text(
                f"{dropped} 已不在稿件中，本身仍可供稿；停用：syndicate item recall {dropped}",
                f"{dropped} is no longer in the story and still available by itself; "
                f"to stop that: syndicate item recall {dropped}",
            )
        )
    for note_ in notes:
        voice.say(Text("提示：", "note: ").in_(voice.lang) + note_.in_(voice.lang))


async def _document(services: Services, file: str) -> ParsedDocument:
    """The document, with the media that it names beside it; from standard input it has none."""
    from syndicate.ingest.document_parser import MAX_DOCUMENT
    from syndicate.services.newsroom.document_parsing import parse_document, refused_for_notes

    data = sys.stdin.buffer.read(MAX_DOCUMENT + 1) if file == "-" else read(Path(file))
    name, at = "stdin" if file == "-" else file, services.clock()
    document = parse_document(data, name, services.items.rules, at)
    if file == "-":
        return refused_for_notes(document, services.items.rules)
    from syndicate.cli.ingestion.document_media import DocumentMedia

    return await DocumentMedia(services, [Path(file)]).with_media(document, Path(file))
