"""Commands as processes of their own, begun in milliseconds: forked from one that has imported everything.

Only the second and more that Python takes to import the package is saved. Each is entered as `python -m`
enters it, with its own arguments, environment, files and signals. Whoever is killed is a child of the
process here, which alone knows whether it is still there: nobody else's process can be hit.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, Protocol

PROJECT = Path(__file__).parents[2]
_PATIENCE = 60.0
_IMPORTED_LATE = (
    "encodings.idna",
    "rich.progress",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.dialects.sqlite.pysqlite",
)
"""What libraries and commands of ours import when they first need it."""


class Process(Protocol):
    """A command that was begun. `code` is its exit code, or minus the signal that ended it."""

    @property
    def pid(self) -> int: ...

    @property
    def code(self) -> int | None: ...

    def wait(self, seconds: float) -> bool:
        """Whether it ended within so many seconds."""

    def send(self, how: signal.Signals) -> None:
        """Send a signal, if it is still there."""

    def end(self, how: signal.Signals) -> int:
        """Send a signal, if it is still there, and wait; its exit code."""


@dataclass(eq=False)
class Child:
    """A command that was forked."""

    number: int
    said: Any
    pid: int = 0
    begun: threading.Event = field(default_factory=threading.Event)
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
        assert self.ended.wait(_PATIENCE)
        assert self.code is not None
        return self.code


@dataclass
class Fresh:
    """A command in a Python of its own, as a user starts it."""

    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def code(self) -> int | None:
        return self.process.poll()

    def wait(self, seconds: float) -> bool:
        """Whether it ended within so many seconds."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def send(self, how: signal.Signals) -> None:
        """Send a signal, if it is still there."""
        self.process.send_signal(how)

    def end(self, how: signal.Signals) -> int:
        """Send a signal, if it is still there, and wait; its exit code."""
        self.send(how)
        return self.process.wait(_PATIENCE)


class Forge:
    """Begins commands, from any thread."""

    def __init__(self) -> None:
        self._line, other = socket.socketpair()
        with other:
            # Pipes, since what Python takes for a file that can be sought is no pipe in the children.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.forked_commands", str(other.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=PROJECT,
                pass_fds=[other.fileno()],
            )
        self._lock = threading.Lock()
        self._beginning = threading.Lock()
        self._children: dict[int, Child] = {}
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def begin(
        self,
        words: list[str],
        out: Path | int,
        err: Path | int,
        *,
        stdin: int | None = None,
        environ: Mapping[str, str] | None = None,
        module: str = "syndicate",
    ) -> Child:
        """`python -m MODULE WORDS`, with what it says at the end of these files.

        Its environment is that of this process now, and `environ`.
        """
        with ExitStack() as stack:
            files = [_opened(stack, one) for one in (stdin, out, err)]
            with self._beginning:
                number = len(self._children)
                child = self._children[number] = Child(number, self._say)
                asked = {"number": number, "module": module, "words": words}
                self._say(asked | {"environ": {**os.environ, **(environ or {})}}, files)
                assert child.begun.wait(_PATIENCE), self._process.poll()
        return child

    def left(self) -> list[Child]:
        """Those that have not ended."""
        return [child for child in list(self._children.values()) if not child.ended.is_set()]

    def close(self) -> None:
        """Whoever is left is killed."""
        self._line.shutdown(socket.SHUT_WR)
        said, _ = self._process.communicate(timeout=_PATIENCE)
        sys.stderr.write(said.decode())
        self._listener.join(_PATIENCE)
        self._line.close()

    def _say(self, what: dict[str, Any], files: list[int] | None = None) -> None:
        said = json.dumps(what).encode() + b"\n"
        with self._lock:
            sent = socket.send_fds(self._line, [said], files) if files else 0
            self._line.sendall(said[sent:])

    def _listen(self) -> None:
        with self._line.makefile("rb") as heard:
            for line in heard:
                told = json.loads(line)
                child = self._children[told["number"]]
                if "pid" in told:
                    child.pid = told["pid"]
                    child.begun.set()
                else:
                    child.code = told["code"]
                    child.ended.set()


def _opened(stack: ExitStack, file: Path | int | None) -> int:
    """This file for a child; closed here once the child has it, unless it came open."""
    if isinstance(file, int):
        return file
    opened = os.open(file or os.devnull, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    stack.callback(os.close, opened)
    return opened


@cache
def shared_forge() -> Forge:
    """The forge of this process, which ends with it."""
    made = Forge()
    atexit.register(made.close)
    return made


@contextmanager
def forge() -> Iterator[Forge]:
    """The forge of this process; whoever was begun in the block and is left at its end is killed."""
    made = shared_forge()
    before = set(made.left())
    try:
        yield made
    finally:
        for child in set(made.left()) - before:
            child.end(signal.SIGKILL)


def begun(
    words: list[str],
    out: Path | int,
    err: Path | int,
    *,
    environ: Mapping[str, str] | None = None,
    fresh: bool = False,
) -> Process:
    """A command of ours that was begun: forked, or `fresh` in a Python of its own, as a user starts it."""
    if not fresh:
        return shared_forge().begin(words, out, err, environ=environ)
    with ExitStack() as stack:
        files = [_opened(stack, one) for one in (None, out, err)]
        return Fresh(
            subprocess.Popen(
                [sys.executable, "-m", "syndicate", *words],
                stdin=files[0],
                stdout=files[1],
                stderr=files[2],
                cwd=PROJECT,
                env={**os.environ, **(environ or {})},
            )
        )


class _Forking:
    """The process that is forked from: it has imported everything, and no threads."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._there: dict[int, int] = {}
        self._rest = b""
        self._files: list[int] = []

    def serve(self) -> None:
        """Fork a child for each command that is asked for; say which began and ended. Until nobody asks."""
        told, teller = socket.socketpair()
        teller.setblocking(False)
        told.setblocking(False)
        signal.set_wakeup_fd(teller.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while True:
            ready, _, _ = select.select([self._line, told], [], [])
            if told in ready:
                told.recv(4096)
                self._reap()
            if self._line in ready:
                some, files, _, _ = socket.recv_fds(self._line, 65536, 3)
                if not some:
                    break
                self._files += files
                *lines, self._rest = (self._rest + some).split(b"\n")
                for line in lines:
                    self._do(json.loads(line), (told, teller))
        for pid in self._there:
            os.kill(pid, signal.SIGKILL)

    def _do(self, asked: dict[str, Any], own: tuple[socket.socket, socket.socket]) -> None:
        if "send" in asked:
            for pid in [pid for pid, number in self._there.items() if number == asked["number"]]:
                os.kill(pid, asked["send"])
            return
        files, self._files = self._files, []
        importlib.import_module(asked["module"])
        pid = os.fork()
        if pid == 0:
            for line in (self._line, *own):
                line.close()
            _become(asked, files)
        for file in files:
            os.close(file)
        self._there[pid] = asked["number"]
        self._say(number=asked["number"], pid=pid)

    def _reap(self) -> None:
        while self._there:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._say(number=self._there.pop(pid), code=os.waitstatus_to_exitcode(status))

    def _say(self, **what: int) -> None:
        self._line.sendall(json.dumps(what).encode() + b"\n")


def _become(asked: dict[str, Any], files: list[int]) -> NoReturn:
    """Be the command."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    code: Any = 1
    try:
        for number, opened in enumerate(files):
            os.dup2(opened, number)
        for opened in files:
            os.close(opened)
        os.environ.clear()
        os.environ.update(asked["environ"])
        time.tzset()
        sys.argv[1:] = asked["words"]
        if not hasattr(sys.modules[asked["module"]], "__path__"):
            del sys.modules[asked["module"]]  # what it imports stays
        runpy.run_module(asked["module"], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:  # noqa: BLE001  (nothing of the forking process may go on in its child)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def _import_everything() -> None:
    """Import what commands would import when they run, so that the forked ones begin at once."""
    from syndicate import access, cli, client, config, formats, services, store, web

    for room in (access, cli, client, config, formats, services, store, web):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if not module.name.startswith("syndicate.store.schema.migrations."):
                importlib.import_module(module.name)
    for name in _IMPORTED_LATE:
        importlib.import_module(name)


if __name__ == "__main__":
    asks = socket.socket(fileno=int(sys.argv[1]))
    asks.set_inheritable(False)
    _import_everything()
    gc.collect()
    gc.freeze()
    _Forking(asks).serve()
