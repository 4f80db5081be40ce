"""Check that aiohttp has the internals that `connection`, `runner` and `responses` rely on.

The connection subclasses aiohttp's protocol and reads private attributes of it, which may change with any
minor release. pyproject.toml therefore pins the minor release; this module refuses another one at start
and names the internal that is missing, instead of failing at the first request.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Final

import aiohttp
from aiohttp import http_parser, streams, web, web_protocol

SERIES: Final = (3, 14)
"""The minor release of aiohttp that this server is written for."""
MINIMUM: Final = (3, 14, 5)
"""Older releases keep bad clients for ever."""

_PROTOCOL_ATTRIBUTES: Final = (
    "_close",
    "_current_request",
    "_force_close",
    "_loop",
    "_messages",
    "_next_keepalive_close_time",
    "_request_count",
    "_waiter",
)
_PROTOCOL_METHODS: Final = {
    "_process_keepalive": (),
    "connection_made": ("transport",),
    "data_received": ("data",),
    "finish_response": ("request", "resp", "start_time"),
    "handle_error": ("request", "status", "exc", "message"),
    "log_exception": (),
}


def version_of(text: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: (3, 14, 5) for `3.14.5`, (3, 15, 0) for `3.15.0rc1`."""
    numbers = []
    for part in text.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)


def version_is_supported(text: str) -> bool:
    """Whether this version of aiohttp is the one that the server is written for."""
    version = version_of(text)
    return version[:2] == SERIES and version >= MINIMUM


async def missing_internals() -> list[str]:
    """Return the names of internals that are missing or have another form; empty where all are there."""
    missing = []
    loop = asyncio.get_running_loop()
    server = web.Server(_never)
    protocol = web_protocol.RequestHandler(server, loop=loop)
    names = [name for name in _PROTOCOL_ATTRIBUTES if not hasattr(protocol, name)]
    missing += [f"RequestHandler.{name}" for name in names]
    for name, parameters in _PROTOCOL_METHODS.items():
        method = getattr(web_protocol.RequestHandler, name, None)
        if method is None or not set(parameters) <= set(inspect.signature(method).parameters):
            missing.append(f"RequestHandler.{name}({', '.join(parameters)})")
    missing += _missing_attributes(web.Server, ("connection_made", "connections"))
    missing += [] if hasattr(server, "_connections") else ["Server._connections"]
    missing += _missing_attributes(web.AppRunner, ("_make_server",))
    missing += _missing_attributes(web.Application, ("_handle", "_make_request"))
    missing += _missing_attributes(streams, ("EMPTY_PAYLOAD",))
    missing += _missing_attributes(web_protocol, ("RequestPayloadError",))
    missing += _missing_attributes(http_parser, ("HttpRequestParser", "HttpRequestParserPy"))
    response = web.StreamResponse()
    missing += [
        f"StreamResponse.{name}" for name in ("_keep_alive", "_eof_sent") if not hasattr(response, name)
    ]
    return missing


def installed_version() -> str:
    """Return the version of the installed aiohttp."""
    return aiohttp.__version__


async def _never(_request: web.BaseRequest) -> web.StreamResponse:
    raise web.HTTPNotFound


def _missing_attributes(owner: object, names: tuple[str, ...]) -> list[str]:
    label = getattr(owner, "__name__", str(owner))
    return [f"{label}.{name}" for name in names if not hasattr(owner, name)]
