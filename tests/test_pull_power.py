"""The power fails at any step of `pull`: nothing that was said is undone, nothing is torn."""

from __future__ import annotations

import json
import os
import random
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from syndicate import durable_files
from tests.support.kill_harness import must_be_new
from tests.support.shell import Cut, Outcome
from tests.support.shell import no_settings as no_settings
from tests.support.stub_publisher import Partner, an_id, holding, publishing


class Disk:
    """A disk that forgets what was not brought to it when its power fails.

    A file written since the last sync is then empty. Of the names changed in each folder since its last
    sync, the first few are there, and the rest are as they were.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, at_once: bool) -> None:
        self._lock = threading.RLock()
        self._written: set[int] = set()
        self._names: list[tuple[Path, bytes | None]] = []
        self.left = 10**9
        self._open, self._replace, self._unlink, self._fsync = os.open, os.replace, os.unlink, os.fsync
        for name in ("replace", "unlink", "fsync"):
            monkeypatch.setattr(os, name, self._step(getattr(self, name)))
        monkeypatch.setattr(os, "open", self.open)
        monkeypatch.setattr(durable_files, "syncs_at_once", lambda _: at_once)
        monkeypatch.setattr(durable_files, "syncfs", self._step(self.syncfs))

    def _step(self, work: Callable[..., None]) -> Callable[..., None]:
        def step(*args: Any, **more: Any) -> None:
            with self._lock:
                self.left -= 1
                if self.left <= 0:
                    raise Cut
                work(*args, **more)

        return step

    def open(self, path: Any, flags: int, *rest: Any, **more: Any) -> int:
        handle = self._open(path, flags, *rest, **more)
        if flags & os.O_CREAT and str(path).endswith(durable_files.DRAFT):
            with self._lock:
                self._written.add(os.fstat(handle).st_ino)
        return handle

    def replace(self, draft: Any, path: Any) -> None:
        self._names.append((Path(path), _bytes(Path(path))))
        self._replace(draft, path)

    def unlink(self, path: Any, **more: Any) -> None:
        before = _bytes(Path(path))
        self._unlink(path, **more)
        self._names.append((Path(path), before))

    def fsync(self, handle: int) -> None:
        """A file's content; or the names in a folder."""
        self._written.discard(os.fstat(handle).st_ino)
        place = Path(f"/proc/self/fd/{handle}").readlink()
        self._names = [one for one in self._names if one[0].parent.resolve() != place]

    def syncfs(self, handle: int) -> None:
        assert os.fstat(handle)
        self._written.clear()
        self._names.clear()

    def pull(self, partner: Partner, *words: str, step: int = 10**9) -> Outcome:
        """One run; the power fails before this step."""
        self._written.clear()
        self._names.clear()
        self.left = step
        outcome = partner.pull(*words)
        self.left = 10**9
        return outcome

    def fail(self, chance: random.Random, folder: Path) -> None:
        """Leave in the folder what is on the disk."""
        kept = {place: chance.random() for place in sorted({path.parent for path, _ in self._names})}
        for place, share in kept.items():
            here = [one for one in self._names if one[0].parent == place]
            for path, before in reversed(here[round(share * len(here)) :]):
                path.unlink(missing_ok=True)
                if before is not None:
                    path.write_bytes(before)
        for path in folder.rglob("*"):
            if path.is_file() and path.stat().st_ino in self._written:
                os.truncate(path, 0)


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


@pytest.mark.timeout(300)
@pytest.mark.parametrize("at_once", [True, False], ids=["one syncfs a page", "an fsync of each file"])
def test_a_power_cut_at_any_step_undoes_nothing_that_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    first = tmp_path / "first"
    first.mkdir()
    with publishing() as server:
        for number in range(6):
            server.put(number)
        Partner.at(first, server).good()
        before = server.allowed
        server.put(0, 2)
        server.correct(1, 2, "更正")
        gone = {server.recall(2): an_id(2), server.withdraw(3): an_id(3)}
        for number in range(6, 13):
            server.put(number)
        server.put(13, lean=True)
        may = {(id, version) for known in (before, server.allowed) for id, version in known.items()}
        # In the slower way every third step is enough: the two differ in how contents reach the disk.
        for step in range(1, 10_000, 1 if at_once else 3):
            root = tmp_path / str(step)
            shutil.copytree(first, root)
            partner, server.acknowledged[:] = Partner(root, server), []
            with monkeypatch.context() as patch:
                disk = Disk(patch, at_once=at_once)
                cut = disk.pull(partner, "--limit", "9", step=step)
            if cut.code == 0:
                assert step > 30
                return
            disk.fail(random.Random(step), partner.folder)
            held = {
                (path.stem, int(json.loads(path.read_bytes())["version"]))
                for path in (partner.folder / "items").glob("*.json")
            }
            assert held <= may
            said = {line["id"]: line for line in cut.lines if line["result"] in ("new", "replaced")}
            assert {(id, line["version"]) for id, line in said.items()} <= held
            assert not {gone[seq] for seq in server.acknowledged} & {id for id, _ in held}
            after = partner.pull("--limit", "9", "--verify")
            assert after.code == 0, (step, after)
            assert holding(partner.folder) == server.allowed
            assert set(server.acknowledged) == set(gone)
            must_be_new(after.lines, {id for id, _ in held})
            assert not {(line["id"], line["seq"]) for line in after.lines if line["result"] == "new"} & {
                (line["id"], line["seq"]) for line in said.values()
            }
    raise AssertionError("it never came to its end")
