"""Number requests: the id that the answer, the log and the trail share.

An id is 64 random bits in hexadecimal, so that nobody can guess another's. The kernel's random bytes are
read for many ids at once, since reading them costs more than the rest of a small answer.
"""

from __future__ import annotations

import os

_ID_BYTES = 8
_BATCH = 512

_ready: list[str] = []


def new_request_id() -> str:
    """Return 16 hexadecimal digits that were never returned before."""
    if not _ready:
        digits = os.urandom(_ID_BYTES * _BATCH).hex()
        _ready.extend(digits[at : at + 2 * _ID_BYTES] for at in range(0, len(digits), 2 * _ID_BYTES))
    return _ready.pop()


# A child must not give out the ids that its parent has ready.
os.register_at_fork(after_in_child=_ready.clear)
