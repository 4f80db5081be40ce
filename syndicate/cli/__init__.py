"""The command line: what staff do by hand and by script, from the first `init` to the daily `trail list`.

app            the options that every command has, and how a command is entered and left
command_table  every command by name, with the module that is imported when it is entered
commands/      one module for each command or group of commands
ingestion/     how `ingest` finds, reads and follows files
ui/            what people and programs read: tables, JSON, faults, times, both languages
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Sequence
from typing import Final

from syndicate.cli.app import Given, syndicate
from syndicate.cli.command_table import COMMANDS
from syndicate.cli.ui.failures import guarded

__all__ = ["main"]

_COLLECT_AFTER: Final = 100_000
"""New objects after which Python looks for garbage. Imports make a few hundred thousand that stay."""

for _command in COMMANDS:
    syndicate.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code: 0 done, 1 refused or partly failed, 2 wrong usage or settings."""
    gc.set_threshold(_COLLECT_AFTER, *gc.get_threshold()[1:])
    # At its end Python looks through every object twice for garbage; the process gives it all back anyway.
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    # Pydantic reads the metadata of every installed package to find plugins; we use none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    given = Given.at_first()
    words = list(sys.argv[1:] if arguments is None else arguments)
    return guarded(
        lambda: syndicate.main(words, prog_name="syndicate", obj=given, standalone_mode=False), given
    )
