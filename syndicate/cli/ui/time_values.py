"""Moments and spans as they are typed on the command line: with their offset, or refused."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from syndicate.agreements.vocabulary import read_span
from syndicate.cli.ui.failures import Bilingual, typed
from syndicate.language import Text


def moment(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:
    """`moment_of` for an option that may be left out."""
    return None if value is None else moment_of(param.opts[0], value)


def moment_of(name: str, value: str) -> datetime:
    """A moment with its offset; one without could mean two. A usage error names the option."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise Bilingual(
            Text(
                f"{name} {value!r} 不是时间，应如 2026-01-01T08:00:00+08:00",
                f"{name} {value!r} is no time; expected e.g. 2026-01-01T08:00:00+08:00",
            )
        ) from None
    if at.tzinfo is None:
        raise Bilingual(
            Text(
                f"{name} {value!r} 没有写时区，应如 2026-01-01T08:00:00+08:00",
                f"{name} {value!r} has no offset; expected e.g. 2026-01-01T08:00:00+08:00",
            )
        )
    return at


def span(ctx: click.Context, param: click.Parameter, value: str) -> timedelta:
    """A span such as P30D or PT2H, as licences write it. A usage error names the option."""
    name = param.opts[0]
    with typed(Text(f"{name} {value!r} 不可用", f"{name} {value!r} cannot be used")):
        return read_span(value, name)
