"""Enter the command in a process that may write less than it wants.

ROOM is the most bytes that a file may have, as on a disk that fills up. POWERLESS makes root a user to whom
modes of files apply.
"""

from __future__ import annotations

import ctypes
import os
import resource
import runpy

_CAPABILITIES_VERSION_3 = 0x2008_0522
_OVERRIDE = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""


def _give_up_power() -> None:
    """Drop what lets root read and write whatever the modes of files say (capset(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()
    if libc.capget(header, sets):
        raise OSError(ctypes.get_errno(), "capget")
    for number in range(3):
        sets[number] &= ~_OVERRIDE
    if libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), "capset")


if __name__ == "__main__":
    if room := os.environ.pop("ROOM", ""):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(room), int(room)))
    if os.environ.pop("POWERLESS", ""):
        _give_up_power()
    runpy.run_module("syndicate", run_name="__main__", alter_sys=True)
