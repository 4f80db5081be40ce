"""`media`: check the files of pictures, sound and film, and remove those that no item names."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import click

from syndicate.cli.app import Group, acting, with_services
from syndicate.cli.ui.byte_progress import counting_bytes
from syndicate.cli.ui.failures import Bilingual
from syndicate.cli.ui.output import Output
from syndicate.cli.ui.time_values import SPAN
from syndicate.language import Text, size_text, verbatim
from syndicate.wiring import Services

if TYPE_CHECKING:
    from syndicate.services.newsroom.kept_files import FoundFile

_LEAST: Final = timedelta(hours=1)
"""An ingest that is at work adds its files before an item names them."""
_FINDINGS: Final = {
    "missing": Text("丢失", "missing"),
    "damaged": Text("损坏", "damaged"),
    "unnamed": Text("无稿件使用", "named by no item"),
}


@click.group(cls=Group)
def media() -> None:
    """核对和清理媒体文件 · Check and tidy the files of media.

    \b
    例 · Example:
      syndicate media verify
    """


@media.command()
@with_services
async def verify(services: Services, voice: Output) -> int:
    """逐字节核对每个媒体文件 · Read every file and compare it with its name.

    列出丢失、损坏和无稿件使用的文件；有丢失或损坏时退出码为 1。

    Lists missing and damaged files, and those that no item names. Exits with 1 for the first two.

    \b
    例 · Example:
      syndicate media verify
      syndicate media verify --json
    """
    counts = dict.fromkeys(_FINDINGS, 0)
    total = await services.kept_files.named_bytes()
    with counting_bytes(voice, total) as progress:
        async for found in services.kept_files.verify(progress):
            counts[found.finding] += 1
            _give(voice, found)
    voice.give({"bytes": total, **counts})
    faults = counts["missing"] + counts["damaged"]
    size, unnamed = size_text(total), counts["unnamed"]
    if faults:
        voice.say(
            Text(
                f"已核对 {size}：丢失 {counts['missing']} 个，损坏 {counts['damaged']} 个；"
                "请从备份恢复，或重新入库原件",
                f"{size} checked: {counts['missing']} missing, {counts['damaged']} damaged; restore them "
                "from the backup, or ingest the originals again",
            )
        )
    else:
        voice.say(Text(f"已核对 {size}，全部完好", f"{size} checked, all whole"))
    if unnamed:
        voice.aside(
            Text(
                f"{unnamed} 个文件无稿件使用：syndicate media collect 可清理",
                f"{unnamed} files are named by no item: `syndicate media collect` removes them",
            )
        )
    return 1 if faults else 0


@media.command()
@click.option(
    "--older",
    type=SPAN,
    default="1d",
    show_default=True,
    metavar="SPAN",
    help="只清理早于此时长入库的文件，至少 1h · only files added longer ago than this, 1h at least",
)
@click.option("--dry-run", is_flag=True, help="只说明，不清理 · say what would go, remove nothing")
@with_services
async def collect(services: Services, voice: Output, older: timedelta, dry_run: bool) -> None:
    """清理无稿件使用的媒体文件 · Remove the files that no version of any item names.

    正在收稿时也可运行：刚入库的文件不动。

    Safe while an ingest is at work: files that were added lately stay.

    \b
    例 · Example:
      syndicate media collect --dry-run
      syndicate media collect --older 7d
    """
    if older < _LEAST:
        said = Text(
            "--older 至少为 1h：收稿可能正在进行", "--older is 1h at least: an ingest may be at work"
        )
        raise Bilingual(said)
    done = await services.kept_files.collect(acting(), older, dry_run=dry_run)
    voice.give({"files": done.files, "bytes": done.bytes, "removed": not dry_run})
    size = size_text(done.bytes)
    if dry_run:
        voice.say(Text(f"可清理 {done.files} 个文件，共 {size}", f"{done.files} files would go, {size}"))
    else:
        voice.say(Text(f"已清理 {done.files} 个文件，共 {size}", f"{done.files} files removed, {size}"))


def _give(voice: Output, found: FoundFile) -> None:
    names = [
        {"item": name.item, "version": name.version, "rendition": name.rendition} for name in found.names
    ]
    voice.give({"sha256": found.sha256, "finding": found.finding, "size": found.size, "named_by": names})
    if found.finding != "unnamed":
        who = ", ".join(f"{name.item} v{name.version} {name.rendition}" for name in found.names)
        voice.say(_FINDINGS[found.finding] + verbatim(f" {found.sha256} {who}"))
