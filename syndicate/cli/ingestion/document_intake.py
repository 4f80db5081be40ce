"""Take documents in: read, parse ahead on several cores, write in groups, and report each one's result."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Final, TypeVar

from syndicate.cli.ingestion.document_files import read, shown
from syndicate.cli.ingestion.document_media import DocumentMedia, Watch, sidecars_beside
from syndicate.cli.ingestion.referenced_files import standing_alone
from syndicate.cli.ui.failures import faults_as_json
from syndicate.cli.ui.output import Output
from syndicate.errors import Faulty
from syndicate.language import Text
from syndicate.model.actors import Actor
from syndicate.model.item import FileState, medium_name
from syndicate.model.notes import NOTE_CODES
from syndicate.services.newsroom.document_decision import Action, Taken
from syndicate.services.newsroom.document_holds import Keep
from syndicate.services.newsroom.document_parsing import ParsedDocument, ParsingRules, UnparsedDocument
from syndicate.services.newsroom.parser_pool import InlineParser, ParserPool
from syndicate.wiring import Services

ACTIONS = {
    Action.CREATED: Text("新稿", "created"),
    Action.UPDATED: Text("更新", "updated"),
    Action.UNCHANGED: Text("未变", "unchanged"),
    Action.REFUSED: Text("退回", "refused"),
}
"""What became of a document, in words."""

T = TypeVar("T")

FEW: Final = 50
"""Documents below which no process is started: it would take longer than they do."""
_AT_ONCE: Final = 16
"""Documents that a process parses before it is asked again."""
_MOST_WRITTEN: Final = 200
_FIRST_WRITTEN: Final = 8
_LONGEST_WRITE: Final = 0.1
"""Seconds that a group's transaction should take at most: so long do other writers wait."""
_PAUSE: Final = 0.005
"""Seconds between two groups in which another process can take the lock that writers take turns by."""


class Intake:
    """Takes documents in, reports what became of each in their order, and counts."""

    def __init__(
        self,
        services: Services,
        voice: Output,
        actor: Actor,
        keep: Keep | None = None,
        workers: int = 1,
        named: Collection[Path] = (),
        watch: Watch | None = None,
    ) -> None:
        """`named` are what somebody named: files in it are taken in though they were before.

        `watch` knows the files of a followed folder.
        """
        self._services, self._voice, self._actor, self._keep = services, voice, actor, keep
        self._named = frozenset(named)
        self._media = DocumentMedia(services, named, watch, self._read_on)
        self._workers = workers
        self._parser: ParserPool | InlineParser = InlineParser(services.items.rules)
        self._group = _FIRST_WRITTEN
        self.counts: Counter[Action] = Counter()
        self.noted: Counter[str] = Counter()
        self._with_notes = 0
        self.bytes_read = 0

    @property
    def done(self) -> int:
        """How many documents have a result."""
        return sum(self.counts.values())

    async def take_all(self, files: Iterable[Path], stop: asyncio.Event) -> None:
        """Take in these files until `stop`; a result is reported once its group is durable."""
        files = iter(files)
        first = list(islice(files, FEW))
        if len(first) == FEW:
            self._begin_pool()
        waiting = deque[asyncio.Future[list[ParsedDocument]]]()
        try:
            await self._take(_chunks(chain(first, files), _AT_ONCE), waiting, stop)
        finally:
            for one in waiting:
                one.cancel()
            await self.close()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def take_media(
        self, media: Sequence[Path], sidecars: Sequence[Path], stop: asyncio.Event
    ) -> None:
        """Take in those of these media files that no document named, each with its sidecar."""
        for file in standing_alone(media, self._media.referenced, sidecars):
            if stop.is_set():
                return
            beside = sidecars or await asyncio.to_thread(sidecars_beside, file)
            await self._taken([await self._media.standing_alone(file, shown(file), beside)])

    async def take_alone(self, file: Path, name: str) -> None:
        """Take in one media file with its sidecar. Raises StoreBusy, ClockAhead with nothing taken in."""
        beside = await asyncio.to_thread(sidecars_beside, file)
        await self._taken([await self._media.standing_alone(file, name, beside)])

    async def _take(
        self,
        chunks: Iterator[list[Path]],
        waiting: deque[asyncio.Future[list[ParsedDocument]]],
        stop: asyncio.Event,
    ) -> None:
        """Parse ahead and write what is ready, in the order of the files. `waiting` is being parsed."""
        ready = deque[ParsedDocument]()
        while not stop.is_set():
            # What is looked ahead is bounded: a folder of any length takes the same memory.
            while len(waiting) < 2 * self._workers + 1 and (chunk := next(chunks, None)):
                waiting.append(asyncio.ensure_future(self._parsed(chunk)))
            while waiting and (waiting[0].done() or not ready) and len(ready) < self._group:
                ready += await waiting.popleft()
            if not ready:
                return
            await self._write([ready.popleft() for _ in range(min(len(ready), self._group))])

    async def take_data(self, documents: Sequence[tuple[Path, str, bytes]]) -> None:
        """Take in what was read of these files, in one group, by these names.

        Raises StoreBusy and ClockAhead with nothing taken in.
        """
        at = self._services.clock()
        parser = self._parser
        if len(documents) >= FEW:
            parser = self._begin_pool()
        elif isinstance(parser, ParserPool):
            await self.close()
            parser = self._parser
        parts = (self._parsed_by(parser, part, at) for part in _chunks(documents, _AT_ONCE))
        await self._taken([one for part in await asyncio.gather(*parts) for one in part])

    def _read_on(self, size: int) -> None:
        self.bytes_read += size

    async def refuse(self, name: str, unread: Faulty) -> None:
        """Write down and report that a document was refused."""
        await self._taken([ParsedDocument(name, self._services.clock(), unread.faults)])

    async def close(self) -> None:
        """End the processes that parse."""
        await self._parser.close()
        self._parser = InlineParser(self._services.items.rules)

    def _begin_pool(self) -> ParserPool | InlineParser:
        if self._workers > 1 and not isinstance(self._parser, ParserPool):
            self._parser = ParserPool(self._services.items.rules, self._workers)
        return self._parser

    async def _parsed(self, files: Sequence[Path]) -> list[ParsedDocument]:
        """Read and parse these files; one that cannot be read is a refused document in its place."""
        at = self._services.clock()
        read_ones = await asyncio.to_thread(lambda: [_read(file) for file in files])
        return await self._parsed_by(self._parser, read_ones, at)

    async def _parsed_by(
        self,
        parser: ParserPool | InlineParser,
        documents: Sequence[tuple[Path, str, bytes | Faulty]],
        at: datetime,
    ) -> list[ParsedDocument]:
        """Parse what was read, and nothing that was taken in before as it is; all in their order."""
        items = self._services.items
        files = await asyncio.to_thread(_states, items.rules, documents)
        asked = [state for file, state in files.items() if file not in self._named]
        # A hold that is asked for now may be new also where the document is not.
        known = await items.taken_before(asked) if asked and self._keep in (None, Keep()) else {}
        self._read_on(sum(len(data) for _, _, data in documents if isinstance(data, bytes)))
        given = [
            UnparsedDocument(name, data, at)
            for file, name, data in documents
            if isinstance(data, bytes) and files[file] not in known
        ]
        parsed = iter(await parser.parse(given) if given else ())
        found = []
        for file, name, data in documents:
            if isinstance(data, Faulty):
                found.append(ParsedDocument(name, at, data.faults))
            elif files[file] in known:
                found.append(ParsedDocument(name, at, known[files[file]]))
            else:
                found.append(await self._media.with_media(replace(next(parsed), file=files[file]), file))
        return found

    async def _write(self, group: list[ParsedDocument]) -> None:
        """Write a group, and make the next one as large as fits into the time for one."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await self._taken(group)
        seconds = loop.time() - begun
        fitting = int(len(group) * _LONGEST_WRITE / max(seconds, 1e-6))
        self._group = max(1, min(2 * self._group, fitting, _MOST_WRITTEN))
        await asyncio.sleep(_PAUSE)

    async def _taken(self, group: list[ParsedDocument]) -> None:
        results = await self._services.items.take_in_group(self._actor, group, self._keep)
        for document, taken in zip(group, results, strict=True):
            self._tell(document.name, taken)

    def summary(self) -> Text:
        """How many became what, and how many have notes that are kept (`NOTE_CODES`), by code."""
        total = self.done
        if not total:
            return Text("没有可收的文件", "there was no document to take in")
        said = Text(f"共 {total} 份：", f"{total} in all: ")
        parts = [(ACTIONS[action], count) for action, count in sorted(self.counts.items())]
        zh = "，".join(f"{name.zh} {count}" for name, count in parts)
        said += Text(zh, ", ".join(f"{count} {name.en}" for name, count in parts))
        if not self.noted:
            return said
        codes = sorted(self.noted.items(), key=lambda pair: (-pair[1], pair[0]))
        zh = "，".join(f"{code} {count}" for code, count in codes)
        en = ", ".join(f"{count} {code}" for code, count in codes)
        return said + Text(
            f"\n有提示 {self._with_notes} 份：{zh}；用 syndicate item list --noted 查看",
            f"\n{self._with_notes} with notes: {en}; list them with syndicate item list --noted",
        )

    def _tell(self, name: str, taken: Taken) -> None:
        """One line about one document."""
        self.counts[taken.action] += 1
        # What became of a document (`ACTION_CODES`) is not kept, and `item list --noted` does not find it.
        kept = {note.code for note in taken.notes} & NOTE_CODES
        self.noted.update(kept)
        self._with_notes += bool(kept)
        voice, item = self._voice, taken.item
        voice.give(
            {
                "path": name,
                "id": item.id if item else None,
                "version": item.version if item else None,
                "action": taken.action.value,
                "faults": faults_as_json(taken.faults, voice.lang),
                "notes": [note.to_json(voice.lang) for note in taken.notes],
                **({"media": [_media_as_json(one) for one in taken.media]} if taken.media else {}),
            }
        )
        became = f"  {item.id} v{item.version}  " if item else "  "
        voice.say(ACTIONS[taken.action].in_(voice.lang) + became + " ".join(name.splitlines()))
        for one in taken.media:
            if one.item is not None:
                kind = medium_name(one.item.medium).in_(voice.lang)
                name = one.item.file_name or ""
                voice.say(f"    {kind}  {ACTIONS[one.action].in_(voice.lang)}  {one.item.id}  {name}")
        for fault in taken.faults:
            voice.say(f"    {fault.said(voice.lang)}")
        for note in taken.notes:
            voice.say(Text("    提示：", "    note: ").in_(voice.lang) + note.in_(voice.lang))


def _states(
    rules: ParsingRules, documents: Iterable[tuple[Path, str, bytes | Faulty]]
) -> dict[Path, FileState]:
    read_ones = [(file, data) for file, _, data in documents if isinstance(data, bytes)]
    states = rules.file_states((file.absolute(), data) for file, data in read_ones)
    return {file: state for (file, _), state in zip(read_ones, states, strict=True)}


def _media_as_json(taken: Taken) -> dict[str, object]:
    """What became of one picture, sound or film of a document."""
    item = taken.item
    return {
        "id": item.id if item else None,
        "version": item.version if item else None,
        "action": taken.action.value,
        "medium": item.medium.value if item else None,
        "file": item.file_name if item else None,
    }


def _read(file: Path) -> tuple[Path, str, bytes | Faulty]:
    try:
        return file, shown(file), read(file)
    except Faulty as unread:
        return file, shown(file), unread


def _chunks(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """The values in lists of this size, the last one shorter."""
    values = iter(values)
    while chunk := list(islice(values, size)):
        yield chunk
