"""The standards' kit (schemas and grammars), found by SYNDICATE_KIT, and the readers of this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import FormatChecker
from jsonschema.validators import validator_for
from referencing import Registry, Resource

READERS = Path(__file__).parent.parent / "readers"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")


def kit(path: str) -> Path:
    """A file of the kit; skips the test where there is no kit."""
    root = os.environ.get("SYNDICATE_KIT")
    if not root:
        pytest.skip("the standards' schemas; SYNDICATE_KIT names the folder, CI has it")
    return Path(root) / path


def program(name: str, install: str) -> str:
    """A program of this machine; skips the test where it is not installed."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: {install}")
    return found


def rss_parser() -> Path:
    """The folder of npm readers; skips the test where they are not installed."""
    if not (READERS / "node_modules" / "rss-parser").is_dir():
        pytest.skip("rss-parser is not installed: npm ci --prefix tests/readers")
    return READERS


def _is_moment(value: object) -> bool:
    if not isinstance(value, str):
        return True
    return bool(_MOMENT.fullmatch(value)) and datetime.fromisoformat(value).tzinfo is not None


def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or bool(_URI.fullmatch(value))


def _formats() -> FormatChecker:
    """Formats are not asserted by default, and the optional checkers are not installed: ours are strict."""
    checker = FormatChecker()
    checker.checks("date-time", raises=ValueError)(_is_moment)
    checker.checks("uri")(_is_uri)
    return checker


def faults(schema: str, document: object, *beside: str) -> list[str]:
    """What the kit's schema says against the document; `beside` are schemas that it refers to."""
    loaded = json.loads(kit(schema).read_text("utf-8"))
    registry: Registry[Any] = Registry()
    for path in beside:
        other = json.loads(kit(path).read_text("utf-8"))
        found = Resource.from_contents(other)
        names = {found.id() or path, (found.id() or path).removesuffix(".json")}
        registry = registry.with_resources((name, found) for name in sorted(names))
    validator = validator_for(loaded)(loaded, registry=registry, format_checker=_formats())
    return [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(document)]
