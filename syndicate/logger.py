"""Loggers of structured events that load their library when something is first logged."""

from __future__ import annotations

from typing import Any


class Logger:
    """A structlog logger: `Logger("syndicate.store").error("event", key=value)` logs an event."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, level: str) -> Any:
        # Most commands log nothing, and structlog with what it imports takes a tenth of their start.
        import structlog

        return getattr(structlog.get_logger(self._name), level)
