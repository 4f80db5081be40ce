"""The command line for tests: `Shell` enters it as the installed command does, `Running` is a process."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import pytest

from syndicate.cli import main
from tests.support.forked_commands import Process, begun

PROJECT = Path(__file__).parents[2]
SEED = PROJECT / "syndicate" / "demo" / "seed.txt"
_PATIENCE = 60.0


class Cut(BaseException):
    """Raised where a test ends a command in this process as SIGKILL would."""


@dataclass(frozen=True)
class Outcome:
    """What one run of the command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value on stdout."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """A JSON value for each line of stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Shell:
    """Runs commands on one data folder, in this process: a second and more is saved for each."""

    data: Path

    def __call__(self, *words: str, stdin: bytes = b"") -> Outcome:
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in "ab")
        before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
        try:
            with redirect_stdout(out), redirect_stderr(err):
                code = main(["--data", str(self.data), *words])
        except Cut:
            code = -signal.SIGKILL
        finally:
            sys.stdin = before
        return Outcome(code, _text(out), _text(err))

    def good(self, *words: str, stdin: bytes = b"") -> Outcome:
        """Run a command that must be done."""
        outcome = self(*words, stdin=stdin)
        assert outcome.code == 0, outcome
        return outcome


def _text(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of whoever runs the tests are not ours."""
    for name in [name for name in os.environ if name.startswith("SYNDICATE_") and name != "SYNDICATE_KIT"]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the demonstration in it, to copy."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("SYNDICATE_")]:
            patch.delenv(name)
        data = tmp_path_factory.mktemp("prepared") / "var"
        Shell(data).good("demo")
    return data


@pytest.fixture
def demo(prepared: Path, tmp_path: Path) -> Shell:
    """A house with the demonstration: an article, its mandates, the partner `demo` with licence and key."""
    data = tmp_path / "var"
    shutil.copytree(prepared, data)
    return Shell(data)


@dataclass
class Running:
    """The command as a process of its own."""

    process: Process
    out: TextIO
    errors: Path

    def lines(self) -> Iterator[str]:
        """What it prints, line by line, until it ends."""
        # Not `yield from`: who stops reading would close the pipe, and the next word would end the process.
        while line := self.out.readline():
            yield line

    def line(self) -> Any:
        """The next line, as JSON."""
        line = self.out.readline()
        assert line, self.errors.read_text()
        return json.loads(line)

    def wait_for(self, words: str) -> None:
        """Until it has said this on stderr."""
        deadline = time.monotonic() + _PATIENCE
        while words not in self.errors.read_text():
            assert self.process.code is None, self.errors.read_text()
            assert time.monotonic() < deadline, self.errors.read_text()
            time.sleep(0.02)

    def stop(self, how: signal.Signals) -> int:
        """Send a signal and wait; the exit code."""
        return self.process.end(how)


@contextmanager
def started(data: Path, *words: str, fresh: bool = False) -> Iterator[Running]:
    """A command, begun; killed at the end if it is still there.

    `fresh` in a Python of its own, as a user starts it, and not forked from one that is warm.
    """
    errors = data.parent / "stderr"
    errors.write_text("")
    reading, writing = os.pipe()
    with os.fdopen(reading) as out:
        try:
            process = begun(["--data", str(data), *words], writing, errors, fresh=fresh)
        finally:
            os.close(writing)
        try:
            yield Running(process, out, errors)
        finally:
            process.end(signal.SIGKILL)


def a_page(number: int, paragraphs: int = 3) -> str:
    """A saved page of the newspaper, unlike every other number's."""
    body = "\n\n".join(
        f"  第{number}篇的第{n}段,说的是湘湖边的新鲜事,到这里为止。" for n in range(paragraphs)
    )
    head = f"湘湖边的第{number}件新鲜事\n\n2026年1月5日 8:{number % 60:02}来源:萧山网-萧山日报"
    return f"{head}\n\n{body}\n\n编辑:桂信怡\n"
