"""Several server processes on one database: the workers of one server, or nodes with a server each."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.raw_http import RequestContext, ask, log_lines, until
from tests.support.servers import ServerProcess, free_port, served


@dataclass
class Cluster:
    """Servers on one database, with so many worker processes in all."""

    servers: Sequence[ServerProcess]
    workers: int
    _turns: Iterator[ServerProcess] = field(init=False)

    def __post_init__(self) -> None:
        self._turns = itertools.cycle(self.servers)

    def port(self) -> int:
        """The port to ask next: the servers take turns, as behind a load balancer."""
        return next(self._turns).port

    def worker_of(self) -> dict[str, int]:
        """Which worker (process id) answered which request (its id), as far as the logs say."""
        lines = [line for server in self.servers for line in log_lines(server.log)]
        return {str(line["request_id"]): int(line["worker"]) for line in lines}

    def workers_of(self, asked: Sequence[RequestContext]) -> set[int]:
        """Which workers answered these."""
        names = {one.name for one in asked}
        until(lambda: names <= self.worker_of().keys(), 20, "every answer has its line in the log")
        whose = self.worker_of()
        return {whose[name] for name in names}

    def answers(self, path: str, **tokens: str) -> dict[str, set[tuple[int, str]]]:
        """Ask with each key, on new connections, until every worker has answered it: all answers."""
        asked: dict[str, list[RequestContext]] = {name: [] for name in tokens}
        with ThreadPoolExecutor(12) as pool:
            for _ in range(10):
                turns = [(name, self.port()) for name in tokens for _ in range(8 * self.workers)]
                answers = pool.map(lambda turn: ask(turn[1], path, tokens[turn[0]]), turns)
                for (name, _), one in zip(turns, answers, strict=True):
                    asked[name].append(one)
                if all(len(self.workers_of(found)) == self.workers for found in asked.values()):
                    return {
                        name: {(one.status, one.code) for one in found} for name, found in asked.items()
                    }
        raise AssertionError("one worker took every connection")


@contextmanager
def nodes_served(folders: Sequence[Path]) -> Iterator[Cluster]:
    """A server with one worker in each of these data folders, with the same settings."""
    base = {"SYNDICATE_BASE_URL": os.environ.get("SYNDICATE_BASE_URL", f"http://127.0.0.1:{free_port()}")}
    with ExitStack() as stack:
        servers = [stack.enter_context(served(folder, environ=base)) for folder in folders]
        yield Cluster(servers, len(servers))
