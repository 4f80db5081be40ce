"""`ingest`: documents from the newsroom become items; one result for each, and none stops the others."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syndicate.cli.app import Command, acting, with_services
from syndicate.cli.ingestion.document_files import Found, shown
from syndicate.cli.ui.failures import REFUSED, Bilingual, WrongSettings
from syndicate.cli.ui.output import Output
from syndicate.cli.ui.time_values import TIME
from syndicate.errors import Faulty, NotStampable
from syndicate.language import Text
from syndicate.model.actors import Way
from syndicate.wiring import Services

if TYPE_CHECKING:
    from syndicate.cli.ingestion.document_intake import Intake
    from syndicate.cli.ingestion.followed_folder import FollowedFolders

_MOST_WORKERS = 64


@click.command(cls=Command)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--watch", is_flag=True, help="收完后继续监看文件夹 · then keep watching the folder")
@click.option(
    "--settle",
    type=click.FloatRange(0.1, 3600),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="监看时，文件多久不变才算写完 · how long a file must stay unchanged to count as complete",
)
@click.option(
    "--embargo",
    metavar="TIME",
    type=TIME,
    help="收稿即禁发至此时 · embargo from the start until this time",
)
@click.option(
    "--withhold", is_flag=True, help="收稿即扣发，直至放行 · withhold from the start until released"
)
@click.option(
    "--workers",
    type=click.IntRange(1, _MOST_WORKERS),
    default=None,
    metavar="N",
    help="解析进程数，默认等于处理器核数 · processes that parse, one for each core unless said",
)
@with_services
async def ingest(
    services: Services,
    voice: Output,
    paths: tuple[Path, ...],
    watch: bool,
    settle: float,
    embargo: datetime | None,
    withhold: bool,
    workers: int | None,
) -> int:
    """收稿，可指定文件或文件夹 · Ingest files and folders.

    每份文件一个结果；有一份退回，退出码即为 1。

    One result for each document; exit code 1 if any was refused.

    \b
    例 · Example:
      syndicate ingest 稿件/
      syndicate ingest --workers 8 /srv/archive
      syndicate ingest --watch /srv/newsroom/out
      syndicate ingest --embargo "2026-12-01 08:00" 通稿.txt
    """
    # Here, not above: help and completion need no reader of documents.
    from syndicate.cli.ingestion.document_intake import Intake
    from syndicate.cli.ingestion.followed_folder import FollowedFolders
    from syndicate.cli.ingestion.ingest_progress import IngestProgress
    from syndicate.services.newsroom.document_decision import Action
    from syndicate.services.newsroom.document_holds import Keep

    if embargo is not None and embargo <= services.clock():
        raise Bilingual(
            Text("--embargo 的时间已经过去，应为将来的时间", "--embargo has passed: say a time to come")
        )
    await _check_line(services, voice)
    actor = acting(Way.WATCH if watch else Way.CLI)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    keep = Keep(embargo, withhold)
    followed = FollowedFolders(voice, paths, settle, services.clock) if watch else None
    intake = Intake(services, voice, actor, keep, workers or min(cores, _MOST_WORKERS), paths, followed)
    progress = IngestProgress(voice, paths, lambda: intake.done, lambda: intake.bytes_read)
    async with _told_to_stop() as stop:
        if followed is not None:
            return await _follow(intake, followed, voice, paths, stop)
        async with progress.shown():
            found = Found(paths)
            await intake.take_all(found.documents(), stop)
            await intake.take_media(found.media, found.sidecars, stop)
    if stop.is_set():
        voice.aside(Text("提前停止，其余文件未处理", "stopped before the end: the rest was not looked at"))
    voice.aside(intake.summary())
    rate = progress.rate()
    if rate is not None:
        voice.aside(rate)
    return REFUSED if intake.counts[Action.REFUSED] or stop.is_set() else 0


async def _check_line(services: Services, voice: Output) -> None:
    """Raise WrongSettings where the settings ask for a visible line that cannot be drawn.

    Where licences alone ask for it, say that what comes now will have no preview for them.
    """
    if services.settings.asks_for_line:
        from syndicate.services.delivery.line_check import check_line_of_settings

        try:
            await asyncio.to_thread(check_line_of_settings, services.visible_lines, services.settings)
        except Faulty as faulty:
            raise WrongSettings(faulty) from None
        return
    licences = (await services.store.register()).licences_with_line(services.clock())
    if licences:
        try:
            await asyncio.to_thread(services.visible_lines.check)
        except NotStampable as error:
            voice.aside(
                Text(
                    f"协议 {'、'.join(licences)} 要求预览带可见标注，但画不上：新收的图片不给它们预览。",
                    f"licences {', '.join(licences)} ask for a visible line, which cannot be drawn: "
                    "pictures that come now have no preview for them. ",
                )
                + error.why
            )


async def _follow(
    intake: Intake, followed: FollowedFolders, voice: Output, folders: Sequence[Path], stop: asyncio.Event
) -> int:
    said = "、".join(map(shown, folders)), ", ".join(map(shown, folders))
    voice.aside(Text(f"监看 {said[0]}，按 Ctrl-C 结束", f"following {said[1]}; Ctrl-C ends it"))
    try:
        await followed.follow(intake, stop)
    finally:
        await intake.close()
    voice.aside(intake.summary())
    return 0


@asynccontextmanager
async def _told_to_stop() -> AsyncIterator[asyncio.Event]:
    """An event that SIGINT or SIGTERM sets: the group under way is finished first."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
