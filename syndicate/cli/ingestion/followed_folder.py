"""Take in what arrives in folders that are followed: documents, with their media whenever these come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from syndicate.cli.ingestion.document_files import read, shown, sign_of
from syndicate.cli.ingestion.folder_watch import CannotWatch, Settling, being_written, whole_files
from syndicate.cli.ingestion.media_arrivals import MediaArrivals
from syndicate.cli.ui.failures import Bilingual
from syndicate.cli.ui.output import Output
from syndicate.errors import ClockAhead, Faulty, StoreBusy
from syndicate.language import Text

if TYPE_CHECKING:
    from syndicate.cli.ingestion.document_intake import Intake


class FollowedFolders:
    """Folders that are followed, and what is known of their files.

    `settle` is for how many seconds a file must have stood still to count as whole.
    """

    def __init__(
        self, voice: Output, folders: Sequence[Path], settle: float, clock: Callable[[], datetime]
    ) -> None:
        """Raises Bilingual for a file, CannotWatch for a folder that is not there."""
        for folder in folders:
            if folder.exists() and not folder.is_dir():
                raise Bilingual(
                    Text(f"--watch 只能用于文件夹：{folder}", f"--watch follows folders only: {folder}")
                )
            if not folder.is_dir():
                raise CannotWatch(Text(f"文件夹不存在：{folder}", f"there is no such folder: {folder}"))
        self._voice, self._settle, self._clock = voice, settle, clock
        self._named = {folder.resolve(): folder for folder in folders}
        self._settling = Settling(settle)
        self._arrivals = MediaArrivals(self._named)

    def names(self, document: Path, files: Iterable[Path]) -> None:
        """Hear that a document names these files, there or not."""
        states = {file: sign_of(file) if self.is_whole(file) else None for file in files}
        self._arrivals.names(document, states)

    def is_whole(self, file: Path) -> bool:
        """Whether the file has stood still for long enough, and nobody has it open for writing."""
        try:
            age = self._clock().timestamp() - file.stat().st_mtime
        except OSError:
            return False
        # A time of change that is still to come says nothing.
        return not 0 <= age < self._settle and not being_written(file)

    async def follow(self, intake: Intake, stop: asyncio.Event) -> None:
        """Take in what is there and what arrives, until `stop`. Raises CannotWatch."""
        async for files in whole_files(list(self._named.values()), self._settling, stop):
            documents, others = self._arrivals.split(files)
            await self._take(intake, documents)
            if others:
                await self._take_others(intake, others)

    async def _take_others(self, intake: Intake, files: Sequence[Path]) -> None:
        """Take in what media files and sidecars are due for, once the documents beside them are known."""
        settling, now = self._settling, asyncio.get_running_loop().time()
        found = self._arrivals.judge(files, now)
        for file in found.later:
            settling.postpone(file, now)
        for file in found.done:
            settling.finish(file)
        # What is not done is due by itself, when it is whole.
        again = [file for file in found.again if settling.is_done(file)]
        await self._take(intake, [*again, *found.refused], again=frozenset(again))
        batch = frozenset(files)
        for file in found.alone:
            if settling.stands(file) if file in batch else settling.is_done(file):
                try:
                    await intake.take_alone(file, self._shown(file))
                except (StoreBusy, ClockAhead) as later:
                    self._postpone(file, later)
                else:
                    settling.finish(file)

    async def _take(
        self, intake: Intake, files: Sequence[Path], again: frozenset[Path] = frozenset()
    ) -> None:
        """Take in documents that are whole, those that stayed so while they were read.

        `again` are those that were taken in before.
        """
        settling = self._settling
        documents: list[tuple[Path, str, bytes]] = []
        for file in files:
            name, before = self._shown(file), sign_of(file)
            try:
                data = await asyncio.to_thread(read, file)
            except Faulty as unread:
                if settling.stands(file):
                    await intake.refuse(name, unread)
                    settling.finish(file)
                continue
            if settling.stands(file) or (file in again and before == sign_of(file)):
                documents.append((file, name, data))
        if not documents:
            return
        try:
            await intake.take_data(documents)
        except (StoreBusy, ClockAhead) as later:
            for file, _, _ in documents:
                self._postpone(file, later)
            return
        for file, _, _ in documents:
            settling.finish(file)

    def _postpone(self, file: Path, later: StoreBusy | ClockAhead) -> None:
        name = self._shown(file)
        self._voice.aside(
            Text(f"{name}：", f"{name}: ") + later.text + Text("，稍后再试", "; trying again later")
        )
        self._settling.postpone(file, asyncio.get_running_loop().time())

    def _shown(self, file: Path) -> str:
        """The file under the name of the folder as it was given."""
        root = next((root for root in self._named if file.is_relative_to(root)), None)
        return shown(file if root is None else self._named[root] / file.relative_to(root))
