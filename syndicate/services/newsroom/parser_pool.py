"""Parse documents on several cores: a pool of processes, each replaced when it dies.

A document over which two processes died one after the other is refused (`parser_failed`), and the others
are parsed as if nothing had happened.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Final

from syndicate.errors import SyndicateError
from syndicate.language import Text
from syndicate.services.newsroom.document_parsing import (
    ParsedDocument,
    ParsingRules,
    UnparsedDocument,
    parse_document,
    parser_failed,
)
from syndicate.services.newsroom.parser_process import READY

_MOST_DEATHS: Final = 2
_PATIENCE: Final = 5.0
_DEAD: Final = (EOFError, OSError, pickle.UnpicklingError)


class ParserUnavailable(SyndicateError):
    """No process that parses documents can be started."""

    code = "parser_unavailable"


class ParserPool:
    """Parses lists of documents, each in one of `size` processes, started when they are needed."""

    def __init__(self, rules: ParsingRules, size: int) -> None:
        self._rules = rules
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="parser")
        self._idle: SimpleQueue[_Process | None] = SimpleQueue()
        self._running: set[_Process] = set()
        self._closed = False
        for _ in range(size):
            self._idle.put(None)

    @property
    def processes(self) -> list[int]:
        """The ids of the processes that are ready or parse."""
        return [one.pid for one in list(self._running)]

    def parse(self, documents: Sequence[UnparsedDocument]) -> asyncio.Future[list[ParsedDocument]]:
        """The documents parsed, in their order. Raises ParserUnavailable."""
        return asyncio.get_running_loop().run_in_executor(self._threads, self._parsed, documents)

    async def close(self) -> None:
        """End all processes; lists that are not parsed yet stay so."""
        self._closed = True
        for one in list(self._running):
            one.signal()  # who waits for its answers sees their end
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        for one in list(self._running):
            self._ended(one)

    def _parsed(self, documents: Sequence[UnparsedDocument]) -> list[ParsedDocument]:
        process, found, deaths = self._idle.get(), list[ParsedDocument](), 0
        try:
            while len(found) < len(documents) and not self._closed:
                process = process or self._started()
                rest = documents[len(found) :]
                new = process.parse(rest)
                found += new
                if len(new) == len(rest):
                    break
                self._ended(process)
                process = None
                deaths = 1 if new else deaths + 1
                if deaths == _MOST_DEATHS:
                    found.append(parser_failed(rest[len(new)].name, rest[len(new)].at))
                    deaths = 0
        finally:
            self._idle.put(process)
        return found

    def _started(self) -> _Process:
        process = _Process(self._rules)
        begun = process.begin()
        self._running.add(process)
        if self._closed or not begun:
            self._ended(process)
            raise ParserUnavailable(
                Text(
                    "无法启动解析进程，请检查内存是否充足",
                    "no parser's process can be started: check the memory",
                )
            )
        return process

    def _ended(self, process: _Process) -> None:
        process.kill()
        self._running.discard(process)


class InlineParser:
    """Parses documents in this process: what a few of them are done with before a process has started."""

    def __init__(self, rules: ParsingRules) -> None:
        self._rules = rules

    def parse(self, documents: Sequence[UnparsedDocument]) -> asyncio.Future[list[ParsedDocument]]:
        """The documents parsed, in their order."""
        parsed = asyncio.get_running_loop().create_future()
        parsed.set_result([parse_document(one.data, one.name, self._rules, one.at) for one in documents])
        return parsed

    async def close(self) -> None:
        """Nothing is left to end."""


class _Process:
    """One process that parses. It is used by one thread at a time."""

    def __init__(self, rules: ParsingRules) -> None:
        self._rules = rules
        # Not forked: this process has threads. With the same modules, and in a session of its own, where no
        # Ctrl-C reaches it.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "syndicate.services.newsroom.parser_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._asked, self._answers = self._process.stdin, self._process.stdout

    @property
    def pid(self) -> int:
        return self._process.pid

    def begin(self) -> bool:
        """Whether it has come up."""
        try:
            self._ask(self._rules)
            return bool(pickle.load(self._answers) == READY)  # noqa: S301  (from our own process)
        except _DEAD:
            return False

    def parse(self, documents: Sequence[UnparsedDocument]) -> list[ParsedDocument]:
        """The results for the first documents; fewer than asked for if it died over the next one."""
        found: list[ParsedDocument] = []
        try:
            self._ask(list(documents))
            while len(found) < len(documents):
                found.append(pickle.load(self._answers))  # noqa: S301  (from our own process)
        except _DEAD:
            return found
        return found

    def signal(self) -> None:
        """Kill it, from any thread."""
        self._process.kill()

    def kill(self) -> None:
        """Kill it, wait for its end and close its pipes. Idempotent."""
        self._process.kill()
        self._process.wait(_PATIENCE)
        for pipe in (self._asked, self._answers):
            try:
                pipe.close()
            except OSError:
                continue  # what was not written yet has no reader any more

    def _ask(self, value: object) -> None:
        pickle.dump(value, self._asked, pickle.HIGHEST_PROTOCOL)
        self._asked.flush()
