"""The commands that take media in and send them are killed again and again, while clients download.

No item ever names a file that is missing or torn, what was interrupted is completed by the next run, and
the trail has a line for every file of which a client saw a byte. `SYNDICATE_MEDIA_KILLS` says how often (4;
200 is what the release was tested with).
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.forked_commands import Child, Forge, forge
from tests.support.kill_harness import Mortal
from tests.support.media_kills import TAKEN, Downloads, furnished, hand_in, take_in
from tests.support.servers import free_port
from tests.support.shell import Shell

KILLS = int(os.environ.get("SYNDICATE_MEDIA_KILLS", "4"))
SEED = 9
_PATIENCE = 60.0


@dataclass
class Kills:
    """One house in which `ingest` and `serve` are killed in turns, while clients download."""

    shell: Shell
    forge: Forge
    server: Mortal
    clients: Downloads
    chance: random.Random
    folders: int = 0
    work: float = 0.0
    """Seconds that an ingest takes, as far as seen."""
    landed: Counter[str] = field(default_factory=Counter)
    """Where the kills landed."""
    completed: Counter[int] = field(default_factory=Counter)
    """How often an interrupted ingest had so many of three documents when the next run completed it."""

    def newsroom(self) -> Path:
        self.folders += 1
        return hand_in(self.shell.data.with_name("newsroom"), self.folders)

    def kill_ingest(self) -> None:
        """Kill one or two ingests of the same folder, at any moment from begin to end, then complete it."""
        folder, done = self.newsroom(), False
        for _ in range(min(2, self.left)):
            before = self._files()
            begun = time.monotonic()
            child = self._ingest(folder)
            child.wait(self.chance.uniform(0, self.work))
            done = child.end(signal.SIGKILL) != -signal.SIGKILL
            if done:
                self.work = (self.work + time.monotonic() - begun) / 2
                break
            self.work *= 1.02
            drafts = [*(self.shell.data / "media").rglob(".*.tmp")]
            self.landed[_moment(bool(drafts), self._files() > before)] += 1
        actions = take_in(self.shell.data, folder)
        assert not done or actions == ["unchanged"] * 3
        self.completed[actions.count("unchanged")] += 1

    def kill_server(self) -> None:
        """Kill the server while files leave, and now and then an ingest is at work."""
        folder = self.newsroom() if self.chance.random() < 0.5 else None
        seen = len(self.clients.received)
        ingest = None if folder is None else self._ingest(folder)
        until = time.monotonic() + _PATIENCE
        while len(self.clients.received) == seen:
            assert time.monotonic() < until, self.server.log.read_text()[-3000:]
            time.sleep(0.005)
        time.sleep(self.chance.uniform(0, 0.2))
        busy = self.clients.under_way
        self.server.die()
        if ingest is not None and folder is not None:
            assert ingest.wait(_PATIENCE)
            assert ingest.code == 0, _said(folder).read_text()
        self.server.live()
        self.landed["serve, while files left" if busy else "serve, between files"] += 1

    def _ingest(self, folder: Path) -> Child:
        words = ["--data", str(self.shell.data), "ingest", str(folder), "--json"]
        return self.forge.begin(words, _said(folder), _said(folder))

    @property
    def left(self) -> int:
        """How many kills are left."""
        return KILLS - sum(self.landed.values())

    def all_is_whole(self) -> None:
        """No item names a file that is missing or torn."""
        verified = self.shell.good("media", "verify", "--json").lines
        assert (verified[-1]["missing"], verified[-1]["damaged"]) == (0, 0), verified

    def _files(self) -> set[str]:
        return {one.name for one in (self.shell.data / "media" / "files").glob("??/*")}


def _said(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.said")


def _moment(draft: bool, added: bool) -> str:
    """What an ingest was doing when it was killed, as far as its files show."""
    if draft:
        return "ingest, while it wrote a file"
    return "ingest, after a file" if added else "ingest, before any file"


@pytest.mark.timeout(60 + 15 * KILLS)
def test_no_kill_leaves_a_torn_file_or_a_file_sent_without_its_line(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "var")
    port = free_port()
    clients = Downloads(port, furnished(shell))
    chance = random.Random(SEED)
    with forge() as made:
        server = Mortal(made, shell.data, port, chance, tmp_path / "serve.log")
        kills = Kills(shell, made, server, clients, chance)
        server.live()
        try:
            begun = time.monotonic()
            assert take_in(shell.data, kills.newsroom()) == ["created"] * 3
            kills.work = time.monotonic() - begun
            clients.look()
            assert {Path(one).suffix for one in clients.paths if one.startswith("/media/")} == {
                ".m4a",
                ".mp4",
            }
            clients.start(3, SEED)
            while kills.left:
                kills.kill_ingest()
                kills.all_is_whole()
                if kills.left:
                    kills.kill_server()
                    kills.all_is_whole()
                clients.look()
                print(KILLS - kills.left, dict(kills.landed), flush=True)
        finally:
            clients.stop()
            server.stop()
    assert clients.faults == []
    listed = shell.good("trail", "list", "--kind", "media_delivered", "--limit", "100000", "--json").lines
    lines = {one["request"]: one for one in listed}
    assert len(lines) == len(listed)
    for one in clients.received:
        assert (lines[one.name]["status"], lines[one.name]["sha256"]) == (one.status, one.sha256)
    assert {one["signed"] for one in listed} == {True, False}
    for medium, count in TAKEN.items():
        items = shell.good("item", "list", "--medium", medium, "--limit", "100000", "--json").lines
        assert len(items) == count * kills.folders
    shell.good("trail", "verify")
    print(
        f"{KILLS} kills: {dict(kills.landed)}; documents there before the completing run: "
        f"{dict(kills.completed)}; {kills.folders} folders, {len(clients.received)} answers, "
        f"{clients.cut} of them cut, {len(listed)} lines"
    )
