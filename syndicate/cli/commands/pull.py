"""`pull`: mirror a partner's licensed items from the publisher's server into a local folder."""

from __future__ import annotations

import asyncio
import re
import signal
import stat
import time
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from syndicate.cli.app import Command, given
from syndicate.cli.ui.failures import REFUSED, TRY_LATER, Bilingual
from syndicate.cli.ui.output import Output
from syndicate.cli.ui.pull_progress import show_progress
from syndicate.language import Text, size_text

if TYPE_CHECKING:
    from yarl import URL

    from syndicate.client.offered_files import MediaChoice
    from syndicate.client.sync_outcomes import Ending, SyncOptions

_LARGEST_KEY: Final = 16_384
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@click.command(cls=Command)
@click.argument("url", metavar="URL")
@click.option(
    "--key-file",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="存放密钥的文件 · file with the key, and nothing else",
)
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="要同步的文件夹 · folder to keep in step",
)
@click.option("--follow", is_flag=True, help="持续同步，直到 SIGTERM · go on until SIGTERM")
@click.option(
    "--limit",
    type=click.IntRange(1, 500),
    default=200,
    show_default=True,
    metavar="N",
    help="每次读取的条数 · entries per request",
)
@click.option(
    "--restart",
    is_flag=True,
    help="从头核对一遍，不会丢失稿件 · start again from the beginning; no item is lost",
)
@click.option(
    "--accept-embargoes",
    is_flag=True,
    help="接受提前取得，承诺遵守禁发时间 · accept early access, and its embargo",
)
@click.option(
    "--renditions",
    metavar="NAME,…",
    help="取媒体稿件的哪些规格，或 all；默认取网页所用的 · files of media items to fetch, or all; "
    "default: what the page of the item shows",
)
@click.option("--no-media", is_flag=True, help="不取媒体文件 · fetch no files of media items")
@click.option("--verify", is_flag=True, help="逐字节核对文件夹 · compare every byte of the folder")
@click.option(
    "--patience",
    type=click.FloatRange(0, 86_400),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="不带 --follow 时最多等待服务器多久 · without --follow, how long to wait for the server",
)
def pull(
    url: str,
    key_file: Path,
    folder: Path,
    follow: bool,
    limit: int,
    restart: bool,
    accept_embargoes: bool,
    renditions: str | None,
    no_media: bool,
    verify: bool,
    patience: float,
) -> int:
    """让文件夹与授权稿件保持一致 · Keep a folder in step with a licence.

    供授权媒体使用：收新稿、换更正稿，取图片和音视频文件，移除被撤回和到期的稿件并确认。

    For partners: new items, corrections, files of pictures, sound and film; removes what is recalled or
    withdrawn, and acknowledges it.

    \b
    例 · Example:
      syndicate pull https://feeds.example.cn --key-file ~/xsw.key --to 稿件/
    """
    # Only this command needs the client: the others start faster without it.
    from syndicate.client.sync_outcomes import SyncOptions

    voice = given().voice()
    root = _address(url, voice)
    key = _key(key_file, voice)
    options = SyncOptions(
        limit=limit,
        follow=follow,
        verify=verify,
        accept_embargoes=accept_embargoes,
        patience=None if follow else patience,
    )
    return asyncio.run(_keep(root, key, folder, options, _choice(renditions, no_media), restart, voice))


async def _keep(
    root: URL,
    key: str,
    place: Path,
    options: SyncOptions,
    choice: MediaChoice,
    restart: bool,
    voice: Output,
) -> int:
    from syndicate.client.change_api import open_change_api
    from syndicate.client.folder import open_folder
    from syndicate.client.sync import Synchronizer
    from syndicate.client.sync_outcomes import Ending

    with (
        open_folder(place, str(root), restart=restart, choice=choice) as folder,
        show_progress(voice) as progress,
    ):
        async with open_change_api(root, key, options.patience, progress.on_wait) as sequence:
            synchronizer = Synchronizer(folder, sequence, options, progress, time.monotonic)
            ending = await _until_stopped(synchronizer.run())
        held, owed = len(folder.held()), len(folder.state.owed)
        waiting = len(folder.state.acks)
        files, size = folder.media.index.owed_sum()
    if ending is None:
        voice.aside(Text("已停止", "stopped"))
    voice.aside(progress.summary(held))
    if files:
        shown = size_text(size)
        voice.aside(
            Text(
                f"尚欠 {files} 个文件（{shown}），再次运行时继续",
                f"{files} files ({shown}) are still owed; the next run goes on",
            )
        )
    if ending is Ending.QUOTA:
        resets = synchronizer.quota_resets if owed else synchronizer.media.quota_resets
        return _come_back(voice, owed + files, resets)
    if owed:
        voice.aside(
            Text(f"尚欠 {owed} 篇，再次运行时继续", f"{owed} items are still owed; the next run goes on")
        )
    if waiting:
        voice.aside(
            Text(f"尚有 {waiting} 条回执未送达", f"{waiting} acknowledgements are still to be sent")
        )
    return 0 if ending is Ending.IN_STEP or (ending is None and options.follow) else REFUSED


def _choice(renditions: str | None, no_media: bool) -> MediaChoice:
    """Which files of media items are fetched. A name that there is not is wrong usage."""
    from syndicate.client.offered_files import NO_MEDIA, MediaChoice
    from syndicate.model.media import RenditionName

    if no_media and renditions is not None:
        raise Bilingual(
            Text("--renditions 和 --no-media 只能写一个", "give --renditions or --no-media, not both")
        )
    if no_media:
        return NO_MEDIA
    if renditions is None:
        return MediaChoice()
    if renditions == "all":
        return MediaChoice(frozenset(RenditionName))
    names = {name.strip() for name in renditions.split(",")}
    if unknown := sorted(names - set(RenditionName)):
        known = ", ".join(RenditionName)
        raise Bilingual(
            Text(
                f"--renditions：没有 {'、'.join(unknown)} 这样的规格；可用：{known}、all",
                f"--renditions: no rendition is named {', '.join(unknown)}; there are {known}, all",
            )
        )
    return MediaChoice(frozenset(map(RenditionName, names)))


def _come_back(voice: Output, owed: int, seconds: float | None) -> int:
    """Report how many items wait for the quota, and when to run again. Return the exit code."""
    at = None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)
    if at is None:
        when = Text(
            "服务器没有说明何时恢复，请稍后再运行", "the server does not say until when: run again later"
        )
    else:
        # Rounded up to a minute, so that whoever comes then does not come too early.
        shown = voice.moment(at + timedelta(seconds=59))
        when = Text(f"请在 {shown} 之后再运行", f"run again after {shown}")
    text = Text(
        f"配额已用完，还有 {owed} 篇没有取到；{when.zh}。撤稿不受配额影响",
        f"the quota is used up; items still to come: {owed}; {when.en}. Removals do not wait for it",
    )
    until = None if at is None else at.isoformat(timespec="seconds")
    voice.give({"error": "quota_exceeded", "text": text.in_(voice.lang), "owed": owed, "until": until})
    voice.aside(text)
    return TRY_LATER


async def _until_stopped(work: Coroutine[Any, Any, Ending]) -> Ending | None:
    """Return the result of the work; None where SIGINT or SIGTERM cancelled it."""
    task, loop = asyncio.ensure_future(work), asyncio.get_running_loop()
    stopped = asyncio.Event()

    def stop() -> None:
        stopped.set()
        task.cancel()

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        if not stopped.is_set():
            raise
        return None
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _address(url: str, voice: Output) -> URL:
    """Parse the server's address. Anything but a plain http or https address is a usage error."""
    from yarl import URL

    try:
        found = URL(url)
    except ValueError:
        found = URL()
    plain = found.scheme in {"http", "https"} and found.host
    if not plain or found.user or found.password or found.query_string or found.fragment:
        raise Bilingual(
            Text(
                "URL 应为服务器地址，例如 https://feeds.example.cn，不含账号、参数",
                "URL should be the server's address, like https://feeds.example.cn, without user or query",
            )
        )
    if found.scheme == "http" and found.host not in _LOOPBACK:
        voice.aside(
            Text(
                "注意：http 不加密，密钥可被窃听",
                "mind: http is not encrypted, and the key can be overheard",
            )
        )
    return found.with_path(found.path.rstrip("/") or "/")


def _key(file: Path, voice: Output) -> str:
    """Read the key. It is never shown; usage errors name the file alone."""
    try:
        with file.open("rb") as opened:
            data = opened.read(_LARGEST_KEY + 1)
        mode = file.stat().st_mode
    except OSError as error:
        why = error.strerror or str(error)
        raise Bilingual(Text(f"无法读取密钥文件 {file}：{why}", f"{file} cannot be read: {why}")) from None
    key = data.strip()
    if not re.fullmatch(rb"[\x21-\x7e]{1,%d}" % _LARGEST_KEY, key):
        raise Bilingual(
            Text(
                f"密钥文件 {file} 应只有一行密钥",
                f"{file} should hold one key on one line, and nothing else",
            )
        )
    if stat.S_IMODE(mode) & 0o077:
        voice.aside(
            Text(
                f"注意：其他用户可读取密钥文件，请执行 chmod 600 {file}",
                f"mind: other users can read the key file: chmod 600 {file}",
            )
        )
    return key.decode("ascii")
