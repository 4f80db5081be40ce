"""A media file that needs too much, or ends the process that reads it, is refused; the others are read."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from syndicate.errors import Faulty, NotStampable
from syndicate.media.worker_limits import WorkerLimits
from syndicate.media.worker_pool import MediaWorkers, MediaWorkerUnavailable
from tests.support import worker_jobs

LIMITS = WorkerLimits(memory=1 << 30, cpu_seconds=1, seconds=60, file_size=1 << 20)


@pytest.fixture(scope="module")
def workers() -> Iterator[MediaWorkers]:
    pool = MediaWorkers(1, LIMITS)
    yield pool
    pool.close()


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(Faulty) as caught:
        call()
    (fault,) = caught.value.faults
    assert "a.jpg" in caught.value.text.zh
    assert fault.field == "file"
    return fault.code


def test_one_process_does_many_jobs(workers: MediaWorkers) -> None:
    assert [workers.run("a.jpg", worker_jobs.double, number) for number in range(5)] == [0, 2, 4, 6, 8]
    assert workers.run("a.jpg", worker_jobs.process) == workers.run("b.jpg", worker_jobs.process)
    assert workers.run("a.jpg", worker_jobs.process) != os.getpid()


def test_too_much_memory_is_refused_and_the_process_goes_on(workers: MediaWorkers) -> None:
    before = workers.run("a.jpg", worker_jobs.process)
    assert code_of(lambda: workers.run("a.jpg", worker_jobs.take_memory, 2 << 30)) == "media_too_large"
    assert workers.run("a.jpg", worker_jobs.take_memory, 1 << 20) == 1 << 20
    assert workers.run("a.jpg", worker_jobs.process) == before


def test_a_file_that_grows_past_the_limit_is_refused(workers: MediaWorkers, tmp_path: Path) -> None:
    workers.run("a.jpg", worker_jobs.write, tmp_path / "fits", 1 << 20)
    large = tmp_path / "large"
    assert (
        code_of(lambda: workers.run("a.jpg", worker_jobs.write, large, (1 << 20) + 1)) == "media_too_large"
    )


def test_too_much_processor_time_ends_the_process_and_the_next_job_is_done(workers: MediaWorkers) -> None:
    assert code_of(lambda: workers.run("a.jpg", worker_jobs.spin)) == "media_too_costly"
    assert workers.run("a.jpg", worker_jobs.double, 21) == 42


def test_a_job_that_waits_too_long_ends_with_the_program_that_it_started(
    workers: MediaWorkers, tmp_path: Path
) -> None:
    short, pipe = WorkerLimits(seconds=1.0), tmp_path / "pipe"
    os.mkfifo(pipe)
    said = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    code = code_of(lambda: workers.run_within(short, "a.jpg", worker_jobs.wait_for_a_program, pipe))
    assert code == "media_too_costly"
    os.set_blocking(said, True)
    with os.fdopen(said, "rb") as rest:
        assert rest.read() == b"1\n"  # and then its end: nobody holds the pipe open any more
    assert workers.run("a.jpg", worker_jobs.double, 21) == 42


def test_a_file_over_which_two_processes_die_is_refused(workers: MediaWorkers, tmp_path: Path) -> None:
    assert workers.run("a.jpg", worker_jobs.die, tmp_path / "once", 1) == 2
    assert (
        code_of(lambda: workers.run("a.jpg", worker_jobs.die, tmp_path / "twice", 2)) == "media_unreadable"
    )
    assert (tmp_path / "twice").read_text() == "xx"


def test_what_a_function_raises_comes_out_as_it_was(workers: MediaWorkers) -> None:
    assert code_of(lambda: workers.run("b.jpg", worker_jobs.refuse)) == "media_damaged"
    with pytest.raises(NotStampable) as caught:
        workers.run("a.jpg", worker_jobs.refuse_to_stamp)
    assert caught.value.why.en == "no room"
    assert "no room" in str(caught.value)
    with pytest.raises(OSError, match="No space left") as full:
        workers.run("a.jpg", worker_jobs.write_into_a_full_disk)
    assert full.value.errno == errno.ENOSPC


@pytest.mark.parametrize("job", [worker_jobs.fail, worker_jobs.fail_as_a_library])
def test_a_library_that_fails_refuses_the_file(workers: MediaWorkers, job: Callable[[], object]) -> None:
    assert code_of(lambda: workers.run("a.jpg", job)) == "media_unreadable"


def test_the_process_is_given_none_of_the_secrets_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    pool = MediaWorkers()
    try:
        assert "secret" not in pool.run("a.jpg", worker_jobs.environment).values()
    finally:
        pool.close()


def test_several_threads_share_a_pool() -> None:
    pool, together = MediaWorkers(2), threading.Barrier(4)

    def work(number: int) -> int:
        together.wait()
        return pool.run("a.jpg", worker_jobs.double, number)

    try:
        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(work, range(4))) == [0, 2, 4, 6]
    finally:
        pool.close()


def test_a_process_that_cannot_start_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    pool = MediaWorkers()
    with pytest.raises(MediaWorkerUnavailable):
        pool.run("a.jpg", worker_jobs.double, 1)
    pool.close()
