"""Servers and partners that are killed in the middle, and what can be seen of where they were."""

from __future__ import annotations

import json
import random
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syndicate.client.sync_state import State, decode_state
from tests.support.forked_commands import Child, Forge
from tests.support.servers import listens

_PATIENCE = 60.0


@dataclass
class Mortal:
    """A server that is killed again and again, and begun again at once."""

    forge: Forge
    data: Path
    port: int
    chance: random.Random
    log: Path
    kills: list[float] = field(default_factory=list)
    """When it was killed, in seconds since the epoch."""
    _process: Child | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def live(self) -> float:
        """Begin, and wait until it is ready; how many seconds that took."""
        words = ["--data", str(self.data), "serve", "--host", "127.0.0.1", "--port", str(self.port)]
        begun = time.monotonic()
        self._process = self.forge.begin(words, self.log, self.log)
        while not listens(self.port):
            assert not self._process.wait(0.01), self.log.read_text()[-3000:]
            assert time.monotonic() - begun < _PATIENCE, self.log.read_text()[-3000:]
        # It listens once it is ready.
        with urllib.request.urlopen(f"{self.address}/readyz", timeout=5) as answer:
            assert answer.status == 200
        return time.monotonic() - begun

    def die(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        at = time.time()
        assert self._process.end(signal.SIGKILL) == -signal.SIGKILL, self.log.read_text()[-3000:]
        self.kills.append(at)

    def stop(self) -> None:
        """Let it end in order, if it is there."""
        if self._process is not None and not self._process.ended.is_set():
            assert self._process.end(signal.SIGTERM) == 0

    def die_often(self, times: int, progress: Callable[[], float]) -> None:
        """Be killed so many times, spread at random over all of `progress` (0 to 1); alive at the end."""
        for moment in sorted(self.chance.random() for _ in range(times)):
            took = self.live()
            while progress() < moment:
                time.sleep(0.01)
            # Traffic goes on: what is under way when it dies is anybody's guess.
            time.sleep(self.chance.uniform(0, took))
            self.die()
        self.live()


@dataclass(frozen=True)
class Run:
    """One run of `pull`: when, with which options, and what it said.

    `before` is which items the folder had when it began, `saved` what it knew of its progress at the end.
    """

    number: int
    options: tuple[str, ...]
    begun: float
    ended: float
    killed: bool
    where: str
    lines: tuple[dict[str, Any], ...]
    before: frozenset[str]
    saved: State | None

    def entries(self) -> Counter[tuple[str, int]]:
        """How often each entry is among the lines: the item's id and the number."""
        return Counter((line["id"], line["seq"]) for line in self.lines if line.get("seq") is not None)

    def may_say_again(self, id: str, seq: int) -> bool:
        """Whether a later run may come to this entry again: only if it had not saved that it is done."""
        return self.killed and (self.saved is None or seq > self.saved.after or id in self.saved.owed)


def must_be_new(lines: Iterable[dict[str, Any]], before: Iterable[str]) -> None:
    """An item is `new` only where the folder, which had these items before, does not have it then."""
    held = set(before)
    for line in lines:
        if line.get("result") == "new":
            assert line["id"] not in held, line
            held.add(line["id"])
        elif line.get("result") == "removed":
            held.discard(line["id"])


@dataclass
class Victim:
    """A partner whose `pull` is killed again and again."""

    name: str
    server: Mortal
    root: Path
    chance: random.Random
    restarts: bool
    """Whether it sometimes goes through everything from the beginning, which mends what was lost."""
    runs: list[Run] = field(default_factory=list)
    _start: float = 0.0
    _work: float = 0.0
    """Seconds that a run takes until its folder is open, and then to its end, as far as seen."""

    @property
    def folder(self) -> Path:
        return self.root / self.name

    @property
    def key(self) -> Path:
        return self.root / f"{self.name}.key"

    def pull(
        self,
        *options: str,
        early: float | None = None,
        late: float | None = None,
        touched: float | None = None,
    ) -> Run:
        """One run, killed `early` seconds after its begin, `late` seconds after its folder was open, or
        `touched` seconds after it first changed what is held; if it has not ended by itself."""
        number = len(self.runs)
        out, err = (self.root / f"{self.name}-{number}.{kind}" for kind in ("out", "err"))
        words = ["pull", self.server.address, "--key-file", str(self.key), "--to", str(self.folder)]
        held, before, begun = self.held(), self._opened(), time.time()
        process = self.server.forge.begin([*words, "--json", *options], out, err)
        if early is not None:
            process.wait(early)
        else:
            while self._opened() == before and not process.wait(0.005):
                assert time.time() - begun < _PATIENCE
            at_work = time.time()
            if touched is not None:
                self._until_touched(process, self._held_since())
                late = touched
            process.wait(_PATIENCE if late is None else late)
            if touched is None and not _waited(err):
                self._learn(at_work - begun, time.time() - at_work, process.ended.is_set())
        code = process.end(signal.SIGKILL)
        ended = time.time()
        said = out.read_text() if out.exists() else ""
        lines = tuple(json.loads(line) for line in said.splitlines(keepends=True) if line.endswith("\n"))
        killed = code == -signal.SIGKILL
        assert killed or code == 0, (self.name, number, options, code, said, err.read_text())
        where = self._where(begun, lines, err) if killed else "ended by itself"
        run = Run(number, options, begun, ended, killed, where, lines, held, self._state())
        self.runs.append(run)
        return run

    def die_often(self, times: int) -> None:
        """Be killed so many times, at moments spread over what a whole run takes."""
        self.pull()
        while self.deaths < times:
            kind, limit = self.chance.random(), str(self.chance.choice((3, 10, 100)))
            if kind < 0.1:
                self.pull("--limit", limit, early=self.chance.uniform(0, self._start))
            elif kind < 0.2 and self.restarts:
                self.pull("--restart", late=self.chance.uniform(0, 2 * self._work))
            elif kind < 0.35:
                self.pull("--limit", limit, "--follow", late=self.chance.uniform(0, 3 * self._work))
            elif kind < 0.65:
                self.pull("--limit", limit, touched=self.chance.uniform(0, 0.1 * self._work))
            else:
                self.pull("--limit", limit, late=self.chance.uniform(0, self._work))

    def _until_touched(self, process: Child, before: int) -> None:
        """Wait until the folder's items change; not longer than a whole run takes."""
        until = time.time() + 2 * self._work
        while self._held_since() == before and time.time() < until and not process.wait(0.002):
            pass

    def _held_since(self) -> int:
        """When what is held last changed, on the clock of the disk."""
        places = (
            self.folder / "items",
            self.folder / ".syndicate" / "held",
            self.folder / ".syndicate" / "aside",
        )
        return max(place.stat().st_mtime_ns for place in places)

    def _learn(self, start: float, work: float, whole: bool) -> None:
        """How long a run takes. The work of one that was killed is only known to take longer."""
        self._start = 0.8 * (self._start or start) + 0.2 * start
        if whole:
            self._work = (self._work + work) / 2 if self._work else work
        else:
            self._work *= 1.1

    def _opened(self) -> int:
        """When the folder was last opened or came further, on the clock of its disk; 0: never."""
        file = self.folder / ".syndicate" / "state"
        return file.stat().st_mtime_ns if file.exists() else 0

    @property
    def deaths(self) -> int:
        """How often it was killed."""
        return sum(run.killed for run in self.runs)

    def where(self) -> Counter[str]:
        """Where the kills landed."""
        return Counter(run.where for run in self.runs if run.killed)

    def held(self) -> frozenset[str]:
        """The ids of the items that the folder has."""
        return frozenset(path.stem for path in self.folder.glob("items/*.json"))

    def told(self) -> Counter[tuple[int, str, int]]:
        """How often each item was `new` for each entry; going through everything once more counts apart."""
        return Counter(
            (time_round, line["id"], line["seq"])
            for time_round, runs in enumerate(self.rounds())
            for run in runs
            for line in run.lines
            if line.get("result") == "new"
        )

    def rounds(self) -> list[list[Run]]:
        """The runs; each that goes through everything from the beginning begins a list of its own."""
        found: list[list[Run]] = [[]]
        for run in self.runs:
            if "--restart" in run.options:
                found.append([])
            found[-1].append(run)
        return found

    def _state(self) -> State | None:
        """What the folder knows of its progress; None before it was first opened."""
        file = self.folder / ".syndicate" / "state"
        return decode_state(file.read_bytes()) if file.exists() else None

    def _where(self, begun: float, lines: tuple[dict[str, Any], ...], err: Path) -> str:
        """What a run was doing when it was killed, as its folder shows."""
        own, items = self.folder / ".syndicate", self.folder / "items"
        if self._opened() < begun * 1e9:
            return "before it had opened the folder"
        state = self._state()
        assert state is not None
        through = "" if state.named is None else ", going through everything"
        return self._doing(state, own, items, lines, err) + through

    def _doing(
        self, state: State, own: Path, items: Path, lines: tuple[dict[str, Any], ...], err: Path
    ) -> str:
        if any((own / "aside").iterdir()):
            return "writing a file aside"
        names = Counter(path.stem for path in items.iterdir())
        names.update(path.name for path in (own / "held").iterdir())
        if set(names.values()) - {3}:
            return "between the files of an item"
        if max(place.stat().st_mtime_ns for place in (items, own / "held")) > self._opened():
            return "after effects, before the cursor"
        if state.acks:
            return "before acknowledging"
        if _waited(err):
            return "waiting for a dead server"
        if state.owed:
            return "while an item was owed"
        return "asking, after entries" if lines else "asking"


def _waited(err: Path) -> bool:
    """Whether the last that a run said was that the server is away."""
    said = err.read_text().splitlines() if err.exists() else []
    return bool(said) and ("无法连接" in said[-1] or "请稍候" in said[-1])
