"""A thread that owns one SQLite connection and runs one function at a time on it.

A whole transaction is one function, so it costs one hop between the event loop and the thread.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import Any, Generic, TypeVar, cast

from syndicate.logger import Logger
from syndicate.store.faults import thread_died, translating_errors
from syndicate.store.sqlite.sqlite_connection import SqliteConnection

T = TypeVar("T")

_log = Logger("syndicate.store")
_numbers = itertools.count(1)


class Job(Generic[T]):
    """A function that the thread runs, and the task that waits for it."""

    def __init__(self, function: Callable[[SqliteConnection], T] | None, *, awaited: bool = True) -> None:
        self.function = function
        """None: close the connection and end."""
        self.awaited = awaited
        """Where nobody waits, an error ends the thread."""
        self.error: BaseException | None = None
        self._result: T | None = None
        self._finished = False
        self._loop = asyncio.get_running_loop()
        self._waiter = self._loop.create_future()
        self._context: Context = copy_context()

    async def done(self) -> asyncio.CancelledError | None:
        """Wait for the end, also when the caller is cancelled meanwhile: the cancellation is returned.

        What was begun is not left running behind a lock that was given up.
        """
        cancelled: asyncio.CancelledError | None = None
        while not self._finished:
            try:
                await self._waiter
            except asyncio.CancelledError as cancellation:
                cancelled = cancellation
                self._waiter = self._loop.create_future()
        return cancelled

    def result(self) -> T:
        """What the function returned; raises what it raised."""
        if self.error is not None:
            raise self.error
        return cast("T", self._result)

    def run(self, connection: SqliteConnection) -> None:
        """In the thread: call the function, in the context of who waits."""
        assert self.function is not None
        try:
            self._result = self._context.run(self.function, connection)
        except Exception as error:
            if not self.awaited:
                raise
            self.error = error

    def finish(self) -> None:
        """In the thread: wake who waits."""
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:
            # The loop was closed: nobody waits any more.
            if not self._loop.is_closed():
                raise

    def _wake(self) -> None:
        self._finished = True
        if not self._waiter.done():
            self._waiter.set_result(None)


class ConnectionThread:
    """Begins at the first call. Ends by `close`, or when anything breaks the thread itself.

    Then everyone who waits for it gets a StoreFault, and `ended` says that another one is needed.
    """

    def __init__(self, name: str, connect: Callable[[], SqliteConnection]) -> None:
        self._name = f"{name}-{next(_numbers)}"
        self._connect = connect
        self._jobs: deque[Job[Any]] = deque()
        """A job stays here until who waits for it was woken, so that none is lost with the thread."""
        self._wakeups: SimpleQueue[None] = SimpleQueue()
        """One for each job that was added."""
        self._lock = threading.Lock()
        """Between the end of the thread and who hands it one more job."""
        self._thread: threading.Thread | None = None
        self.ended = False

    async def call(self, function: Callable[[SqliteConnection], T]) -> T:
        """Run this in the thread. It is not cancelled: a cancellation comes through afterwards."""
        job = self.begin(function)
        cancelled = await job.done()
        if cancelled is not None:
            raise cancelled
        return job.result()

    def begin(self, function: Callable[[SqliteConnection], T] | None) -> Job[T]:
        """Hand a job to the thread, behind those that it has already. Wait for `Job.done`."""
        job = Job(function)
        if not self._put(job):
            raise thread_died()
        return job

    def post(self, function: Callable[[SqliteConnection], object]) -> None:
        """Run this in the thread before anything that is handed to it later; nobody waits for it.

        An error ends the thread, whose connection is then closed.
        """
        self._put(Job(function, awaited=False))

    async def close(self) -> None:
        """Close the connection after the jobs that wait, and end. Idempotent."""
        if self._thread is None:
            self.ended = True
            return
        job: Job[None] = Job(None)
        if not self._put(job):
            return
        cancelled = await job.done()
        self._thread.join()
        if cancelled is not None:
            raise cancelled

    def _put(self, job: Job[Any]) -> bool:
        """False where the thread has ended; its connection is closed then."""
        with self._lock:
            if self.ended:
                return False
            if self._thread is None:
                # A process that ends does not wait for it: what was not acknowledged is not there.
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                thread.start()  # where that fails, nothing is left waiting for it
                self._thread = thread
            self._jobs.append(job)
            self._wakeups.put(None)
        return True

    def _run(self) -> None:
        connection: SqliteConnection | None = None
        error: BaseException | None = None
        try:
            while True:
                self._wakeups.get()
                job = self._jobs[0]
                if job.function is None:
                    break
                if connection is None:
                    connection = self._open(job)
                if connection is not None:
                    job.run(connection)
                job.finish()
                self._jobs.popleft()
        except BaseException as fault:  # noqa: BLE001  (said below, and to everyone who waits)
            error = fault
        self._end(connection, error)

    def _open(self, job: Job[Any]) -> SqliteConnection | None:
        try:
            with translating_errors():
                return self._connect()
        except Exception as error:  # noqa: BLE001  (raised again where somebody waits for it)
            job.error = error
            return None

    def _end(self, connection: SqliteConnection | None, error: BaseException | None) -> None:
        """Close the connection before anyone who waits goes on: they may hold the write lock."""
        try:
            if connection is not None:
                connection.close()
        except Exception as fault:  # noqa: BLE001  (said; the thread ends all the same)
            _log.error("store_connection_not_closed", thread=self._name, exc_info=fault)
        with self._lock:
            self.ended = True
        for job in self._jobs:
            if job.function is not None and job.error is None:
                job.error = thread_died()
            job.finish()
        if error is not None:
            _log.error("store_thread_died", thread=self._name, exc_info=error)
