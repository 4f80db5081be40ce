"""Take the files of media items in: inspect them, make their renditions, and keep all of them.

Every file is in the file store, whole and durable, before the item that names it is written. What is kept
of a document that is then refused is named by no item: `media collect` removes it.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from syndicate.errors import Fault, Faulty, NotStampable
from syndicate.ingest.draft import Parsed
from syndicate.ingest.media_references import MediaReference, not_looked_for
from syndicate.ingest.sidecar import Sidecar
from syndicate.language import Text
from syndicate.media.file_reading import inspect, make_renditions
from syndicate.media.file_stamp import FileStamp, caption_in, stamp_of
from syndicate.media.file_types import JPEG
from syndicate.media.file_writing import stamp_file
from syndicate.media.inspection import Inspected
from syndicate.media.pictures.line_font import VisibleLine
from syndicate.media.recordings.recording_limits import rendition_limits, stamping_limits
from syndicate.media.recordings.recording_renditions import make_transcript
from syndicate.media.visible_lines import VisibleLines
from syndicate.media.worker_pool import MediaWorkers
from syndicate.model.item import Item, tag_uri
from syndicate.model.media import Rendition, RenditionName, rendition_title
from syndicate.model.notes import Note, quoted
from syndicate.model.parties import Publisher
from syndicate.policy.scope import PUBLIC_RENDITIONS
from syndicate.services.newsroom.document_parsing import ParsedDocument, ParsedMedia
from syndicate.services.newsroom.media_items import (
    alone,
    medium_note,
    of_story,
    parsed_media,
)
from syndicate.store.files.file_faults import file_fault
from syndicate.store.files.file_store import FileStore, OnRead, StoredFile
from syndicate.store.files.stamped_files import StampedFiles


@dataclass(frozen=True, slots=True)
class _Kept:
    """A file in the store, and where it can be read until the intake is done with it."""

    rendition: Rendition
    path: Path


@dataclass(frozen=True, slots=True)
class _Taken:
    """An original with all that was made of it, the original first, and a folder for what is made next."""

    inspected: Inspected
    kept: tuple[_Kept, ...]
    scratch: Path

    @property
    def renditions(self) -> tuple[Rendition, ...]:
        """What is kept, without the sizes that it leaves with."""
        return tuple(one.rendition for one in self.kept)


@contextmanager
def _saying_that_a_disk_is_full(place: str) -> Iterator[None]:
    """Turn what a media worker hears of a full disk into a StoreFault; a scratch folder is at `place`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise file_fault(error, place) from error
        raise


class MediaIntake:
    """Takes files in. Raises StoreFault; a file that cannot be taken is a fault or a note, no exception."""

    def __init__(
        self,
        files: FileStore,
        stamped: StampedFiles,
        workers: MediaWorkers,
        publisher: Publisher,
        lines: VisibleLines,
        *,
        previews: bool = False,
    ) -> None:
        """`previews`: whether copies of low quality are made of sound and film."""
        self._files, self._stamped, self._workers = files, stamped, workers
        self._publisher, self._lines, self._previews = publisher, lines, previews

    async def with_media(
        self,
        document: ParsedDocument,
        found: Mapping[str, Path | Fault],
        on_read: OnRead | None = None,
    ) -> ParsedDocument:
        """Return the document with the media of its references, each ready to become an item.

        `found` has the file of each reference, or why there is none, by the reference's `source`. What
        cannot be taken is left out with a note: the story goes on without it. `on_read` hears how many
        bytes of the files were read.
        """
        parsed = document.content
        if not isinstance(parsed, Parsed) or not parsed.media:
            return document
        media: list[ParsedMedia] = []
        notes: list[Note] = []
        for number, reference in enumerate(parsed.media, start=1):
            where = found.get(reference.source, _MISSING)
            if isinstance(where, Fault):
                notes.append(_left_out(reference, where))
                continue
            try:
                media.append(await self._of_story(reference, number, where, parsed, document.at, on_read))
            except Faulty as refused:
                notes += [_left_out(reference, fault) for fault in refused.faults]
        others = (one for one in parsed.notes if one not in not_looked_for(parsed.media))
        content = replace(parsed, notes=(*others, *notes))
        return replace(document, content=content, media=tuple(media))

    async def standing_alone(
        self,
        path: Path,
        name: str,
        sidecar: Sidecar | None,
        at: datetime,
        transcript: Path | None = None,
        on_read: OnRead | None = None,
    ) -> ParsedDocument:
        """Return the document that a media file makes by itself, with its sidecar if it has one."""
        try:
            async with self._taken(path, name, transcript, on_read) as taken:
                draft = None if sidecar is None else sidecar.draft
                fields, notes = alone(sidecar, taken.inspected.fields, name=name, publisher=self._publisher)
                parsed = await self._sized(
                    parsed_media(
                        fields,
                        taken.inspected,
                        taken.renditions,
                        story=None,
                        draft=draft,
                        file_name=path.name,
                        publisher=self._publisher,
                        now=at,
                        notes=(*taken.inspected.notes, *notes),
                        embargo=None if draft is None else draft.embargo,
                    ),
                    taken,
                )
        except Faulty as refused:
            return ParsedDocument(name, at, refused.faults)
        return ParsedDocument(name, at, parsed)

    async def _of_story(
        self,
        reference: MediaReference,
        number: int,
        path: Path,
        story: Parsed,
        at: datetime,
        on_read: OnRead | None,
    ) -> ParsedMedia:
        async with self._taken(path, path.name, None, on_read) as taken:
            fields, notes = of_story(reference, number, taken.inspected.fields, story.item, self._publisher)
            differs = medium_note(reference, taken.inspected.type.medium or reference.medium)
            said = [*notes, *([differs] if differs is not None else [])]
            parsed = await self._sized(
                parsed_media(
                    fields,
                    taken.inspected,
                    taken.renditions,
                    story=story.item,
                    draft=reference.own,
                    file_name=path.name,
                    publisher=self._publisher,
                    now=at,
                    notes=(*taken.inspected.notes, *said),
                    embargo=story.embargo,
                    withhold=story.withhold,
                ),
                taken,
            )
        return ParsedMedia(parsed, reference.place, reference.caption, reference.alt)

    @asynccontextmanager
    async def _taken(
        self, path: Path, name: str, transcript: Path | None, on_read: OnRead | None
    ) -> AsyncIterator[_Taken]:
        """Keep the file and its renditions; they can be read until the end of the block. Raises Faulty."""
        original = await self._files.add(path, on_read)
        source = await self._stamped.kept(self._files, original.sha256)
        try:
            async with self._stamped.scratch() as scratch:
                with _saying_that_a_disk_is_full(self._stamped.place):
                    yield await self._made_of(original, source.path, name, transcript, scratch)
        finally:
            source.close()

    async def _made_of(
        self, original: StoredFile, source: Path, name: str, transcript: Path | None, scratch: Path
    ) -> _Taken:
        """Inspect the file, make its renditions in `scratch`, and keep them. Raises Faulty."""
        run = self._workers.run_within
        limits = rendition_limits(original.size, None, previews=False)
        inspected = await asyncio.to_thread(run, limits, name, inspect, source, name=name)
        limits = rendition_limits(original.size, inspected.duration, previews=self._previews)
        made = await asyncio.to_thread(
            run,
            limits,
            name,
            make_renditions,
            source,
            inspected,
            scratch,
            previews=self._previews,
        )
        if transcript is not None:
            words = transcript.name
            made.append(
                await asyncio.to_thread(
                    self._workers.run, words, make_transcript, transcript, scratch, name=words
                )
            )
        kept = [
            _Kept(
                Rendition(
                    name=RenditionName.ORIGINAL,
                    content_type=inspected.type.content_type,
                    size=original.size,
                    sha256=original.sha256,
                    width=inspected.width,
                    height=inspected.height,
                    duration=inspected.duration,
                ),
                source,
            )
        ]
        for one in made:
            stored = await self._files.add(one.path)
            rendition = Rendition(
                name=one.name,
                content_type=one.content_type,
                size=stored.size,
                sha256=stored.sha256,
                width=one.width,
                height=one.height,
                duration=one.duration,
            )
            kept.append(_Kept(rendition, one.path))
        return _Taken(inspected, tuple(kept), scratch)

    async def _sized(self, parsed: Parsed, taken: _Taken) -> Parsed:
        """The item with the sizes that its files leave with; one that cannot be stamped has none."""
        item, notes = parsed.item, [*parsed.notes]
        found = []
        for one in taken.kept:
            size: int | None = None
            try:
                stamp = self._stamp(item, one.rendition)
                size = await asyncio.to_thread(self._stamped_size, one, stamp, taken.scratch, None)
            except NotStampable as error:
                said = rendition_title(one.rendition.name) + Text("：", ": ") + error.text
                if all(note.code != "media_original_stays" for note in notes):
                    notes.append(Note("media_original_stays", "media", said))
            lined, why = await self._lined_size(item, one, taken.scratch)
            found.append(replace(one.rendition, stamped_size=size, lined_size=lined))
            if why is not None and all(note.code != "media_line_missing" for note in notes):
                notes.append(Note("media_line_missing", "media", why))
        return replace(parsed, item=replace(item, renditions=tuple(found)), notes=tuple(notes))

    def _stamp(self, item: Item, rendition: Rendition) -> FileStamp:
        """The stamp that the file leaves with. Another identity, if the item has one, is as long."""
        return stamp_of(
            self._publisher,
            uri=tag_uri(self._publisher.authority, item.id),
            headline=item.headline,
            caption=caption_in(rendition.name, item.body, item.abstract),
            alt=item.alt,
            byline=item.byline,
            source=item.source,
            published=item.published,
            digital_source_type=item.digital_source_type,
        )

    async def _lined_size(self, item: Item, kept: _Kept, scratch: Path) -> tuple[int | None, Text | None]:
        """The size of a small picture with the visible line; None where it is no such, or cannot have one.

        With the reason where the publisher wants a line on what the public gets, and it cannot be drawn.
        """
        rendition, wanted = kept.rendition, self._publisher.visible_line
        if rendition.name not in PUBLIC_RENDITIONS or rendition.content_type != JPEG.content_type:
            return None, None
        try:
            line = self._lines.line
            if line is None and not wanted:
                return None, None
            line = line or await asyncio.to_thread(self._lines.check)
            stamp = self._stamp(item, rendition)
            return await asyncio.to_thread(self._stamped_size, kept, stamp, scratch, line), None
        except NotStampable as error:
            return None, _LINE_MISSING + error.why if wanted else None

    def _stamped_size(self, kept: _Kept, stamp: FileStamp, scratch: Path, line: VisibleLine | None) -> int:
        """How many bytes the file has with its stamp inside; it is made for that and removed."""
        target, rendition = scratch / "stamped", kept.rendition
        limits = stamping_limits(rendition.size)
        try:
            self._workers.run_within(
                limits, rendition.name, stamp_file, kept.path, target, rendition.content_type, stamp, line
            )
            return target.stat().st_size
        finally:
            target.unlink(missing_ok=True)


def _left_out(reference: MediaReference, fault: Fault) -> Note:
    name = quoted(reference.source)
    said = Text(f"“{name}”未收入：", f"“{name}” was left out: ") + fault.text
    return Note("media_left_out", "media", said, reference.line)


_LINE_MISSING: Final = Text(
    "画不上可见的来源标注，公众看不到预览：",
    "the visible line cannot be drawn, so the public gets no preview: ",
)
_MISSING: Final = Fault("media_missing", "media", Text("没有这个文件", "there is no such file"))
