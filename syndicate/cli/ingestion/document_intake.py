"""Read and ingest one document at a time, and report the result of each."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from syndicate.cli.ingestion.document_files import read
from syndicate.cli.ui.failures import faults_as_json
from syndicate.cli.ui.output import Output
from syndicate.errors import Fault, Faulty
from syndicate.language import Text
from syndicate.model.actors import Actor
from syndicate.model.notes import NOTE_CODES
from syndicate.services.newsroom.item_service import Action, Keep, Taken
from syndicate.wiring import Services

ACTIONS = {
    Action.CREATED: Text("新稿", "created"),
    Action.UPDATED: Text("更新", "updated"),
    Action.UNCHANGED: Text("未变", "unchanged"),
    Action.REFUSED: Text("退回", "refused"),
}
"""What became of a document, in words."""


class Intake:
    """Takes documents in one by one, says what became of each, and counts."""

    def __init__(self, services: Services, voice: Output, actor: Actor, keep: Keep | None = None) -> None:
        self._services, self._voice, self._actor, self._keep = services, voice, actor, keep
        self.counts: Counter[Action] = Counter()
        self.noted: Counter[str] = Counter()
        self._with_notes = 0

    async def take(self, path: Path, name: str) -> None:
        """Read a file and take it in; one that cannot be read is a refused document."""
        try:
            data = await asyncio.to_thread(read, path)
        except Faulty as unread:
            await self.refuse(name, unread.faults)
            return
        await self.take_data(data, name)

    async def take_data(self, data: bytes, name: str) -> None:
        """Take in what was read."""
        self._tell(name, await self._services.items.take_in(self._actor, data, name, self._keep))

    async def refuse(self, name: str, faults: tuple[Fault, ...]) -> None:
        """Write down and tell that a document was refused."""
        self._tell(name, await self._services.items.refuse(self._actor, name, faults))

    def summary(self) -> Text:
        """How many became what, and how many have notes that are kept (`NOTE_CODES`), by code."""
        total = sum(self.counts.values())
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
            }
        )
        became = f"  {item.id} v{item.version}  " if item else "  "
        voice.say(ACTIONS[taken.action].in_(voice.lang) + became + " ".join(name.splitlines()))
        for fault in taken.faults:
            voice.say(f"    {fault.said(voice.lang)}")
        for note in taken.notes:
            voice.say(Text("    提示：", "    note: ").in_(voice.lang) + note.in_(voice.lang))
