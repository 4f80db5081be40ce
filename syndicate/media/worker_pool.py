"""Read media files in processes with limits, so that no file harms the server.

A file that ends a process is refused, and the process is replaced. The processes have none of the server's
secrets: of the environment they get what a program needs to start.
"""

from __future__ import annotations

import os
import pickle
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable
from queue import LifoQueue
from typing import Final, ParamSpec, TypeVar

from syndicate.errors import SyndicateError
from syndicate.language import Text
from syndicate.media.worker_limits import WorkerLimits, too_costly, unreadable
from syndicate.media.worker_protocol import READY, Done, Failed, Job

_P = ParamSpec("_P")
_T = TypeVar("_T")

_MOST_JOBS: Final = 500
"""A process that has done so many is replaced: libraries give memory back to the system reluctantly."""
_PATIENCE: Final = 5.0
_DEAD: Final = (EOFError, OSError, pickle.UnpicklingError)
_ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "TZ", "VIRTUAL_ENV")


class MediaWorkerUnavailable(SyndicateError):
    """No process that reads media files can be started."""

    code = "media_worker_unavailable"


class MediaWorkers:
    """Up to `size` processes, each started when it is needed. Any thread may use it; calls block."""

    def __init__(self, size: int = 1, limits: WorkerLimits | None = None) -> None:
        self._limits = limits or WorkerLimits()
        self._idle: LifoQueue[_Worker | None] = LifoQueue()
        self._size = size
        for _ in range(size):
            self._idle.put(None)

    def run(self, name: str, function: Callable[_P, _T], /, *args: _P.args, **keywords: _P.kwargs) -> _T:
        """Call a function of a module in a process, under the limits of this pool.

        `name` is the file's for people. Raises what the function raises of SyndicateError and OSError,
        Faulty where the file needs too much or ends the process (`media_too_large`, `media_too_costly`,
        `media_unreadable`), MediaWorkerUnavailable.
        """
        return self.run_within(self._limits, name, function, *args, **keywords)

    def run_within(
        self,
        limits: WorkerLimits,
        name: str,
        function: Callable[_P, _T],
        /,
        *args: _P.args,
        **keywords: _P.kwargs,
    ) -> _T:
        """As `run`, under other limits."""
        job = Job(name, function, args, keywords, limits)
        worker = self._idle.get()
        try:
            for last in (False, True):
                worker = worker or _Worker()
                answer = worker.answer(job)
                if isinstance(answer, Failed):
                    raise answer.error
                if isinstance(answer, Done):
                    value: _T = answer.value
                    return value
                code = worker.end()
                worker = None
                if code == -signal.SIGXCPU:
                    raise too_costly(name)
                if last:
                    raise unreadable(name, _ending(code))
            raise AssertionError("unreachable")
        finally:
            if worker is not None and (worker.ended or worker.jobs >= _MOST_JOBS):
                worker.end()
                worker = None
            self._idle.put(worker)

    def close(self) -> None:
        """End all processes, each after the job that it has. Nothing may be run after it."""
        for _ in range(self._size):
            worker = self._idle.get()
            if worker is not None:
                worker.end()


class _Worker:
    """One process. It is used by one thread at a time."""

    def __init__(self) -> None:
        kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        # Not forked: the server has threads. In a session of its own, where no Ctrl-C reaches it, and which
        # ends as a whole, with every program that it started.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "syndicate.media.worker_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._asked, self._answers = self._process.stdin, self._process.stdout
        self.jobs = 0
        try:
            ready = pickle.load(self._answers)  # noqa: S301  (from our own process)
        except _DEAD:
            ready = None
        if ready != READY:
            self.end()
            raise MediaWorkerUnavailable(
                Text(
                    "无法启动媒体文件读取进程，请检查内存是否充足",
                    "no process that reads media files can be started: check the memory",
                )
            )

    @property
    def ended(self) -> bool:
        return self._process.returncode is not None

    def answer(self, job: Job) -> Done | Failed | None:
        """The answer; None where the process died over it. Raises Faulty where its time is up."""
        self.jobs += 1
        try:
            pickle.dump(job, self._asked, pickle.HIGHEST_PROTOCOL)
            self._asked.flush()
            with selectors.DefaultSelector() as selector:
                selector.register(self._answers, selectors.EVENT_READ)
                if not selector.select(job.limits.seconds):
                    raise too_costly(job.name)
            answer: Done | Failed = pickle.load(self._answers)  # noqa: S301  (from our own process)
        except _DEAD:
            return None
        except BaseException:
            self.end()  # its answer to this job must not be taken for that to the next
            raise
        return answer

    def end(self) -> int:
        """Kill it and what it started, wait for its end and close its pipes; its exit code. Idempotent."""
        if not self.ended:
            os.killpg(self._process.pid, signal.SIGKILL)  # not waited for yet: the id is still its own
            self._process.wait(_PATIENCE)
        for pipe in (self._asked, self._answers):
            try:
                pipe.close()
            except OSError:
                continue  # what was not written yet has no reader any more
        return self._process.returncode


def _ending(code: int) -> str:
    return signal.Signals(-code).name if -code in {*signal.Signals} else f"exit {code}"
