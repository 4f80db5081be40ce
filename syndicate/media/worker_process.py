"""The process that reads media files: it takes jobs on standard input, each under limits of its own.

It ends when its standard input does: also when whoever started it was killed.
"""

from __future__ import annotations

import errno
import os
import pickle
import resource
import signal
import sys
import time
import warnings

from syndicate.errors import SyndicateError
from syndicate.media.worker_limits import too_large, unreadable
from syndicate.media.worker_protocol import READY, Done, Failed, Job


def main() -> None:
    """Work until nobody asks any more."""
    # Whoever started it decides when it ends, also on Ctrl-C and where a service manager signals everybody.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    warnings.simplefilter("ignore")
    asked, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    _limit(resource.RLIMIT_CORE, 0)
    pickle.dump(READY, answers)
    answers.flush()
    silent = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silent, stream)  # what a library prints about a file is no answer, and no line for a log
    while True:
        try:
            job = pickle.load(asked)  # noqa: S301  (from the process that started this one)
        except EOFError:
            return
        pickle.dump(_done(job), answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()


def _done(job: Job) -> Done | Failed:
    limits = job.limits
    _limit(resource.RLIMIT_CPU, int(time.process_time()) + 1 + limits.cpu_seconds)
    _limit(resource.RLIMIT_FSIZE, limits.file_size)
    _limit(resource.RLIMIT_AS, limits.memory)
    try:
        return Done(job.function(*job.arguments, **job.keywords))
    except SyndicateError as error:
        return Failed(error)
    except MemoryError:
        return Failed(too_large(job.name))
    except OSError as error:
        if error.errno == errno.EFBIG:
            return Failed(too_large(job.name))
        if error.errno is None:  # a library's own: no call of the system failed
            return Failed(unreadable(job.name, type(error).__name__))
        return Failed(OSError(error.errno, os.strerror(error.errno), error.filename))
    except Exception as error:  # noqa: BLE001  (hostile files bring any error out of a library)
        return Failed(unreadable(job.name, type(error).__name__))
    finally:
        _limit(resource.RLIMIT_AS, resource.RLIM_INFINITY)


def _limit(kind: int, value: int) -> None:
    """Set a soft limit; the hard one stays, so that the next job can have another."""
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = hard if value == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, hard))


if __name__ == "__main__":
    main()
