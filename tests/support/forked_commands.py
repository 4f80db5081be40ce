"""Commands as processes of their own, begun in milliseconds: forked from one that has imported everything.

Only the second that Python takes to import the package is saved. Whoever is killed is a child of the
process here, which alone knows whether it is still there: nobody else's process can be hit.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

PROJECT = Path(__file__).parents[2]


@dataclass
class Child:
    """One command. `code` is its exit code, or minus the signal that ended it."""

    number: int
    said: Any
    ended: threading.Event = field(default_factory=threading.Event)
    code: int | None = None

    def wait(self, seconds: float) -> bool:
        """Whether it ended within so many seconds."""
        return self.ended.wait(seconds)

    def send(self, how: signal.Signals) -> None:
        """Send a signal, if it is still there."""
        self.said({"send": int(how), "number": self.number})

    def end(self, how: signal.Signals) -> int:
        """Send a signal, if it is still there, and wait; its exit code."""
        self.send(how)
        assert self.ended.wait(60)
        assert self.code is not None
        return self.code


class Forge:
    """Begins commands, from any thread."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._lock = threading.Lock()
        self._children: dict[int, Child] = {}
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def begin(self, words: list[str], out: Path, err: Path) -> Child:
        """A command of ours, with what it says in these files, line by line."""
        with self._lock:
            child = self._children[len(self._children)] = Child(len(self._children), self._say)
        self._say({"number": child.number, "words": words, "out": str(out), "err": str(err)})
        return child

    def close(self) -> None:
        """Whoever is left is killed."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._listener.join(60)

    def _say(self, what: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.write(json.dumps(what).encode() + b"\n")
            self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            number, code = json.loads(line)
            child = self._children[number]
            child.code = code
            child.ended.set()


@contextmanager
def forge() -> Iterator[Forge]:
    """A forge, for as long as the block runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.forked_commands"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=PROJECT,
    ) as process:
        made = Forge(process)
        try:
            yield made
        finally:
            made.close()


def _serve() -> None:
    """Fork a child for each command that stdin names; say on stdout which ended how. Until stdin ends."""
    told, teller = socket.socketpair()
    teller.setblocking(False)
    told.setblocking(False)
    signal.set_wakeup_fd(teller.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    there: dict[int, int] = {}
    rest = b""
    while True:
        ready, _, _ = select.select([0, told.fileno()], [], [])
        if told.fileno() in ready:
            told.recv(4096)
            _reap(there)
        if 0 not in ready:
            continue
        some = os.read(0, 65536)
        if not some:
            break
        *lines, rest = (rest + some).split(b"\n")
        for line in lines:
            asked = json.loads(line)
            if "words" not in asked:
                for pid in [pid for pid, number in there.items() if number == asked["number"]]:
                    os.kill(pid, asked["send"])
                continue
            pid = os.fork()
            if pid == 0:
                told.close()
                teller.close()
                _become(asked)
            there[pid] = asked["number"]
    for pid in there:
        os.kill(pid, signal.SIGKILL)


def _reap(there: dict[int, int]) -> None:
    while there:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        print(json.dumps([there.pop(pid), os.waitstatus_to_exitcode(status)]), flush=True)


def _become(asked: dict[str, Any]) -> NoReturn:
    """Be the command."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    code = 70
    try:
        for number, name in enumerate((os.devnull, asked["out"], asked["err"])):
            opened = os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(opened, number)
            os.close(opened)
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        code = main(asked["words"])
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001  (nothing of the forking process may go on in its child)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _import_everything() -> None:
    """Import what commands would import when they run, so that the forked ones begin at once."""
    for room in (access, cli, client, config, services, store, web):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if not module.name.startswith("syndicate.store.schema.migrations."):
                importlib.import_module(module.name)


if __name__ == "__main__":
    from syndicate import access, cli, client, config, services, store, web
    from syndicate.cli import main

    _import_everything()
    _serve()
