"""Fixtures that every test may use."""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import settings

from tests.support.databases import (
    bare_address,
    postgresql_address,
    postgresql_server,
    sqlite_address,
    sqlite_pattern,
    store_address,
)

__all__ = [
    "bare_address",
    "postgresql_address",
    "postgresql_server",
    "sqlite_address",
    "sqlite_pattern",
    "store_address",
]

# No test fails because a machine is slow.
settings.register_profile("syndicate", deadline=None)
settings.load_profile("syndicate")


def pytest_collection_finish() -> None:
    """Spare the collector what stays until the end: it would look through it all again and again."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Where everything should be installed (SYNDICATE_NO_SKIPS, set by CI), a skipped test is a failure."""
    skipped = len(terminalreporter.stats.get("skipped", []))
    if skipped and os.environ.get("SYNDICATE_NO_SKIPS"):
        terminalreporter.write_line(
            f"{skipped} skipped, and SYNDICATE_NO_SKIPS says that none may be", red=True
        )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Make the run fail for what the summary names."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("SYNDICATE_NO_SKIPS") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
