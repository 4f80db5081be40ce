"""Make the files that leave: kept files with the stamp inside, made once and kept while there is room."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from syndicate.media.file_stamp import file_stamp
from syndicate.media.file_types import WEBP
from syndicate.media.file_writing import STAMPING, stamp_as_webp, stamp_file
from syndicate.media.recordings.recording_limits import stamping_limits
from syndicate.media.visible_lines import VisibleLines
from syndicate.media.worker_pool import MediaWorkers
from syndicate.model.item import canonical_json
from syndicate.model.parties import Publisher
from syndicate.stamping import StampedItem, StampedRendition
from syndicate.store.files.file_store import FileStore
from syndicate.store.files.opened_file import OpenedFile
from syndicate.store.files.stamped_files import MadeForDelivery, StampedFiles

_log = structlog.get_logger("syndicate.services")


class StampedMedia:
    """Files with the stamp inside. One per worker; tasks may share it."""

    def __init__(
        self,
        files: FileStore,
        stamped: StampedFiles,
        workers: MediaWorkers,
        publisher: Publisher,
        lines: VisibleLines,
    ) -> None:
        self._files, self._stamped, self._workers = files, stamped, workers
        self._publisher, self._lines = publisher, lines

    async def file(
        self, item: StampedItem, rendition: StampedRendition, *, webp: bool = False
    ) -> MadeForDelivery:
        """Return the file of this rendition, open, with the item's stamp inside. The caller closes it.

        The same version of an item gives the same bytes by the same settings. With the visible line it is
        another file than without, and so it is as `webp`, which the rendition must have. Raises
        StoredFileMissing, StoredFileDamaged, NotStampable, StoreFault.
        """
        file = rendition.rendition
        stamp = file_stamp(item, file.name, self._publisher)
        line, drawn = await asyncio.to_thread(self._lines.named) if rendition.visible_line else (None, [])
        type_ = WEBP.content_type if webp else file.content_type
        parts = [STAMPING, file.sha256, type_, stamp.to_json(), *([drawn] if drawn else [])]
        key = canonical_json(parts).decode()
        name = f"{item.id} {file.name}"

        def make(source: OpenedFile, path: Path) -> None:
            limits = stamping_limits(source.size)
            if webp:
                self._workers.run_within(limits, name, stamp_as_webp, source.path, path, stamp)
                return
            self._workers.run_within(
                limits, name, stamp_file, source.path, path, file.content_type, stamp, line
            )
            size = path.stat().st_size
            if size != rendition.size:
                # Feeds say the size of ingest. The stamp has another length since: a setting in it changed.
                said = "base_url or [publisher] is not what it was at ingest"
                _log.warning("media_size_differs", file=name, said=rendition.size, size=size, why=said)

        return await self._stamped.get_from(self._files, file.sha256, key, make)
