"""Processes that add files are killed again and again: no torn file is ever seen, and nothing is left over.

`SYNDICATE_FILE_KILLS` says how often (30; 200 is what the release was tested with).
"""

from __future__ import annotations

import asyncio
import hashlib
import multiprocessing
import os
import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from syndicate.store.files.folder_files import FolderFiles
from syndicate.store.files.stamped_files import StampedFiles
from tests.support.file_adders import add_for_ever, content_of

KILLS = int(os.environ.get("SYNDICATE_FILE_KILLS", "30"))


@dataclass
class Watcher:
    """Looks at every file that has its name, all the time; a torn one is remembered for good."""

    root: Path
    stop: threading.Event = field(default_factory=threading.Event)
    whole: set[tuple[str, int]] = field(default_factory=set)
    torn: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Look at each file once."""
        for path in [*self.root.glob("files/??/*"), *self.root.glob("stamped/??/*")]:
            with suppress(FileNotFoundError):  # the cache is bounded: a stamped file may go
                state = path.stat()
                if (path.name, state.st_ino) in self.whole:
                    continue
                content = path.read_bytes()
                if hashlib.sha256(content).hexdigest() == path.name.rpartition(".")[2]:
                    self.whole.add((path.name, state.st_ino))
                else:
                    self.torn.append(path.name)

    def watch(self) -> None:
        while not self.stop.is_set():
            self.look()


def test_no_torn_file_is_seen_however_often_its_writer_is_killed(tmp_path: Path) -> None:
    chance = random.Random(9)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.file_adders"])
    watcher = Watcher(tmp_path)
    watching = threading.Thread(target=watcher.watch)
    watching.start()
    interrupted = 0
    try:
        for kill in range(0, KILLS, 2):
            # Two at a time; they begin with the same files now and then.
            pair = [
                context.Process(
                    target=add_for_ever, args=(tmp_path, 100 * chance.randrange(kill + 1) + one)
                )
                for one in range(2)
            ]
            for process in pair:
                process.start()
            seen = len(watcher.whole)
            until = time.monotonic() + 30
            while len(watcher.whole) == seen:
                assert all(process.is_alive() for process in pair)
                assert time.monotonic() < until
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.05))
            for process in pair:
                process.kill()
            for process in pair:
                process.join()
                assert process.exitcode == -9
            drafts = [*tmp_path.glob("files/.*.tmp"), *tmp_path.glob("stamped/.making/*/*")]
            interrupted += bool(drafts)
    finally:
        watcher.stop.set()
        watching.join()
    watcher.look()
    assert watcher.torn == []
    assert len(watcher.whole) > KILLS
    assert interrupted >= KILLS / 8, "most were killed between two files"
    asyncio.run(nothing_is_left(tmp_path))


async def nothing_is_left(root: Path) -> None:
    """Whoever begins next removes what was half done, and goes on."""
    files, stamped = FolderFiles(root / "files"), StampedFiles(root / "stamped", 1)
    await files.check()
    await stamped.check()
    assert [*root.glob("files/.*.tmp"), *root.glob("stamped/.making/*/*")] == []
    (root / "one").write_bytes(content_of(3))
    added = await files.add(root / "one")
    await files.fetch(added.sha256, root / "copy")
    assert (root / "copy").read_bytes() == content_of(3)
    for one in [one async for one in files.list()]:
        assert await files.size(one.sha256) == one.size
    await stamped.close()
