"""The shape of the program: one name for each module, a sentence at its head, no module too long."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path
from statistics import median

PROJECT = Path(__file__).parent.parent
PROGRAM = PROJECT / "syndicate"

LONGEST_FILE = 400
"""Lines. A longer module holds more than one subject."""

TYPICAL_FILE = 150
"""Lines. Half of the modules are no longer than this."""

LONGEST_SUMMARY = 105
"""Characters: the first sentence of a module stands on one line."""

ONE_NAME_TWO_MODULES = {
    "clock": "`clock.py` is the server's clock; `cli/commands/clock.py` is the command of that name",
    "engine": "the same part for each database: `store/sqlite/` and `store/postgresql/`",
    "item": "`model/item.py` is the value; `cli/commands/item.py` is the command of that name",
}
"""Base names that two modules share, each with the reason why no other name would be better."""

NAMES_THAT_SAY_NOTHING = {"base", "common", "core", "helpers", "misc", "shared", "util", "utils"}

MODULES = sorted(PROGRAM.rglob("*.py"))


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _modules_of_a_name() -> dict[str, list[Path]]:
    named = defaultdict(list)
    for path in MODULES:
        if not path.stem.startswith("__"):
            named[path.stem].append(path)
    return named


def test_no_two_modules_share_a_base_name_without_a_reason() -> None:
    shared = {name for name, paths in _modules_of_a_name().items() if len(paths) > 1}
    assert shared == set(ONE_NAME_TWO_MODULES)


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert not NAMES_THAT_SAY_NOTHING & set(_modules_of_a_name())


def test_every_module_begins_with_one_short_sentence() -> None:
    for path in MODULES:
        summary, *rest = (ast.get_docstring(ast.parse(_read(path))) or "").splitlines() or [""]
        assert summary.endswith("."), f"{path}: no full stop at the end of the first line"
        assert len(summary) <= LONGEST_SUMMARY, f"{path}: {len(summary)} characters"
        assert not "".join(rest[:1]), f"{path}: no blank line after the first sentence"


def test_no_module_is_longer_than_a_reader_keeps_in_mind() -> None:
    lengths = {path: len(_read(path).splitlines()) for path in MODULES}
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}
    assert median(lengths.values()) <= TYPICAL_FILE


def test_every_part_that_a_package_lists_is_there() -> None:
    missing = []
    for path in (path for path in MODULES if path.name == "__init__.py"):
        docstring = ast.get_docstring(ast.parse(_read(path))) or ""
        for names in re.findall(r"^([a-z_]+(?:, [a-z_]+)*)  +\S", docstring, re.MULTILINE):
            parts = [path.parent / name for name in names.split(", ")]
            missing += [
                part for part in parts if not part.is_dir() and not part.with_suffix(".py").is_file()
            ]
    assert missing == []
