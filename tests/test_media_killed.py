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

from tests.support.forked_commands import Forge, forge
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

    def newsroom(self) -> Path:
        self.folders += 1
        return hand_in(self.shell.data.with_name("newsroom"), self.folders)

    def kill_ingest(self) -> None:
        """Begin ingests and kill one of them, at any moment from its begin to its end."""
        while True:
            folder, before = self.newsroom(), self._files()
            said = folder.with_name(f"{folder.name}.said")
            words = ["--data", str(self.shell.data), "ingest", str(folder), "--json"]
            begun = time.monotonic()
            child = self.forge.begin(words, said, said)
            child.wait(self.chance.uniform(0, self.work))
            killed = child.end(signal.SIGKILL) == -signal.SIGKILL
            self.work = 1.02 * self.work if killed else (self.work + time.monotonic() - begun) / 2
            drafts = [*(self.shell.data / "media").rglob(".*.tmp")]
            added = self._files() - before
            actions = take_in(self.shell.data, folder)
            if killed:
                known = actions.count("unchanged")
                self.landed[_moment(bool(drafts), len(added), known)] += 1
                return

    def kill_server(self) -> None:
        """Kill the server while an ingest is at work and files leave."""
        folder, seen = self.newsroom(), len(self.clients.received)
        said = folder.with_name(f"{folder.name}.said")
        words = ["--data", str(self.shell.data), "ingest", str(folder), "--json"]
        ingest = self.forge.begin(words, said, said)
        until = time.monotonic() + _PATIENCE
        while len(self.clients.received) == seen:
            assert time.monotonic() < until, self.server.log.read_text()[-3000:]
            time.sleep(0.005)
        time.sleep(self.chance.uniform(0, 0.2))
        cut = sum(not one.whole for one in self.clients.received)
        self.server.die()
        assert ingest.wait(_PATIENCE)
        assert ingest.code == 0, said.read_text()
        assert take_in(self.shell.data, folder) == ["unchanged"] * 3
        self.server.live()
        now = sum(not one.whole for one in self.clients.received)
        self.landed["serve, while files left" if now > cut else "serve, between files"] += 1

    def all_is_whole(self) -> None:
        """No item names a file that is missing or torn."""
        verified = self.shell.good("media", "verify", "--json").lines
        assert (verified[-1]["missing"], verified[-1]["damaged"]) == (0, 0), verified

    def _files(self) -> set[str]:
        return {one.name for one in (self.shell.data / "media").glob("??/*")}


def _moment(draft: bool, added: int, known: int) -> str:
    """What an ingest was doing when it was killed."""
    if draft:
        return "ingest, while it wrote a file"
    if known == 3:
        return "ingest, after all documents"
    if known:
        return "ingest, between two documents"
    return "ingest, after files, before documents" if added else "ingest, before any file"


def test_no_kill_leaves_a_torn_file_or_a_file_sent_without_its_line(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "var")
    port = free_port()
    clients = Downloads(port, furnished(shell))
    chance = random.Random(SEED)
    with forge() as made:
        server = Mortal(made, shell.data, port, chance, tmp_path / "serve.log")
        kills = Kills(shell, made, server, clients, chance)
        begun = time.monotonic()
        assert take_in(shell.data, kills.newsroom()) == ["created"] * 3
        kills.work = time.monotonic() - begun
        server.live()
        try:
            clients.look()
            assert {Path(one).suffix for one in clients.paths if one.startswith("/media/")} == {
                ".m4a",
                ".mp4",
            }
            clients.start(3, SEED)
            for kill in range(KILLS):
                if kill % 2:
                    kills.kill_server()
                else:
                    kills.kill_ingest()
                kills.all_is_whole()
                clients.look()
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
    assert sum(kills.landed.values()) == KILLS
    print(
        f"{KILLS} kills: {dict(kills.landed)}; {kills.folders} folders, {len(clients.received)} answers, "
        f"{sum(not one.whole for one in clients.received)} of them cut, {len(listed)} lines"
    )
