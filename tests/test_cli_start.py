"""What a command imports: help and completion no large library, each command only those that it uses."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import syndicate.cli.commands
from syndicate.cli import main
from syndicate.cli.app import Deferred
from syndicate.cli.app import syndicate as root
from syndicate.cli.command_table import COMMANDS
from tests.support.shell import PROJECT

LARGE = [
    "aiohttp", "alembic", "asyncpg", "cryptography", "feedgen", "jinja2", "jwt", "lxml", "nh3", "pydantic",
    "rich.console", "selectolax", "sqlalchemy", "sqlalchemy.dialects.postgresql",
    "sqlalchemy.ext.asyncio", "sqlalchemy.orm", "structlog", "tomlkit", "watchfiles", "yarl",
]  # fmt: skip
"""Libraries that take longer to import than everything that `--help` needs."""

PARTS = [
    "syndicate.ingest", "syndicate.model.events", "syndicate.policy", "syndicate.stamping",
    "syndicate.toml_forms.line_numbers", "syndicate.web",
]  # fmt: skip
"""Parts of our own that take long to import, for what a command at work does not use of them."""

REPORTER = """
import io, json, sys
from contextlib import redirect_stdout
from syndicate.cli import main

large, runs = json.load(sys.stdin)
found = {}
for words in runs:
    with redirect_stdout(io.StringIO()):
        code = main(words)
    loaded = [name for name in large if name in sys.modules]
    commands = [name for name in sys.modules if name.startswith("syndicate.cli.commands.")]
    found[" ".join(words)] = [code, loaded, commands]
print(json.dumps(found))
"""
"""Runs commands in one process; after each, its exit code, the large libraries and the command modules."""


AT_WORK = """
import io, json, os, sys
from contextlib import redirect_stderr, redirect_stdout
from syndicate.cli import main

large, runs = json.load(sys.stdin)
for words in runs:
    child = os.fork()
    if child == 0:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            code = main(words)
        print(json.dumps([code, [name for name in large if name in sys.modules]]), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""
"""Runs each command in a process that has only the command line imported; its exit code and libraries."""

DATABASE = {"pydantic", "sqlalchemy"}
EVENTS = {"syndicate.model.events"}
POLICY = {"syndicate.policy"}
USED = {
    ("item", "list"): DATABASE,
    ("partner", "list"): DATABASE | EVENTS,
    ("trail", "list"): DATABASE | EVENTS | POLICY,
    ("explain", "--partner", "public", "--item", "20260105-abcdefghij", "--use", "reprint"): DATABASE
    | EVENTS
    | POLICY
    | {"syndicate.stamping"},
    # Which keys work depends on the signing keys.
    ("key", "list"): DATABASE | EVENTS | {"cryptography", "jwt"},
    ("ingest", "a.txt"): DATABASE | EVENTS | {"nh3", "selectolax", "syndicate.ingest"},
    ("pull", "http://127.0.0.1:9", "--patience", "0", "--key-file", "key", "--to", "copy"): {
        "aiohttp", "pydantic", "yarl",
    },
}  # fmt: skip
"""The large libraries, and the parts of our own, that a command may import when it is run."""


def _paths(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command and every group."""
    for name, command in group.commands.items():
        yield (*path, name)
        loaded = _loaded(command)
        if isinstance(loaded, click.Group):
            yield from _paths(loaded, (*path, name))


def _loaded(command: click.Command) -> click.Command:
    return command.load() if isinstance(command, Deferred) else command


@pytest.fixture(scope="module")
def imported() -> dict[str, tuple[int, list[str], list[str]]]:
    """What `--help` of everything leaves imported, in one process, the least first."""
    runs = [["--version"], ["--help"], *([*path, "--help"] for path in _paths(root))]
    done = subprocess.run(
        [sys.executable, "-c", REPORTER],
        input=json.dumps([LARGE, runs]),
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=True,
    )
    return {words: tuple(what) for words, what in json.loads(done.stdout).items()}


def test_help_of_every_command_imports_no_large_library(
    imported: dict[str, tuple[int, list[str], list[str]]],
) -> None:
    assert {words: loaded for words, (_, loaded, _) in imported.items() if loaded} == {}
    assert {code for code, _, _ in imported.values()} == {0}


def test_the_list_of_commands_imports_no_command(
    imported: dict[str, tuple[int, list[str], list[str]]],
) -> None:
    assert imported["--version"][2] == []
    assert imported["--help"][2] == []
    assert imported["init --help"][2] == ["syndicate.cli.commands.init_serve"]


@pytest.fixture(scope="module")
def at_work(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], tuple[int, set[str]]]:
    """What each command of `USED` returns and imports, in a house that has just been made."""
    place = tmp_path_factory.mktemp("house")
    (place / "a.txt").write_text("湘湖\n\n2026年1月5日 8:00来源:萧山日报\n\n  湘湖水质向好。\n")
    (place / "key").write_text("a.b.c")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SYNDICATE")}
    environ["PYTHONPATH"] = str(PROJECT)
    program = [sys.executable, "-m", "syndicate", "init"]
    subprocess.run(program, cwd=place, env=environ, capture_output=True, check=True)
    done = subprocess.run(
        [sys.executable, "-c", AT_WORK],
        input=json.dumps([LARGE + PARTS, list(USED)]),
        capture_output=True,
        text=True,
        cwd=place,
        env=environ,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return {words: (code, set(loaded)) for words, (code, loaded) in zip(USED, answers, strict=True)}


@pytest.mark.parametrize("words", USED, ids=lambda words: " ".join(words[:2]))
def test_a_command_at_work_imports_only_what_it_uses(
    words: tuple[str, ...], at_work: dict[tuple[str, ...], tuple[int, set[str]]]
) -> None:
    code, loaded = at_work[words]
    # There is no such item, partner and server; the libraries are loaded all the same.
    assert code == (1 if words[0] in ("explain", "pull") else 0)
    assert loaded <= USED[words]


def test_whoever_names_a_command_knows_its_own_first_line_of_help() -> None:
    groups = [group for group in map(_loaded, COMMANDS) if isinstance(group, click.Group)]
    named = [*COMMANDS, *(command for group in groups for command in group.commands.values())]
    for deferred in named:
        if not isinstance(deferred, Deferred):
            continue
        command = deferred.load()
        assert deferred.name == command.name
        assert command.help is not None
        assert deferred.help == command.help.splitlines()[0]
        assert deferred.get_short_help_str(200) == command.get_short_help_str(200)


def test_every_command_of_every_module_is_reached_from_the_table() -> None:
    written = {
        value
        for module in pkgutil.iter_modules(syndicate.cli.commands.__path__, "syndicate.cli.commands.")
        for value in vars(importlib.import_module(module.name)).values()
        if isinstance(value, click.Command) and not isinstance(value, Deferred)
    }
    reached: set[click.Command] = set()
    for deferred in COMMANDS:
        command = deferred.load()
        reached |= {
            command,
            *(map(_loaded, command.commands.values()) if isinstance(command, click.Group) else ()),
        }
    assert written == reached
    assert list(root.commands.values()) == list(COMMANDS)


def test_an_unknown_command_is_refused_with_a_likely_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lang", "en", "license", "list"]) == 2
    assert "licence" in capsys.readouterr().err


def _complete(words: list[str], cursor: int) -> subprocess.CompletedProcess[str]:
    """What a completion script of bash asks: the words so far, and which of them is under the cursor."""
    asked = {
        "_SYNDICATE_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(cursor),
    }
    return subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "syndicate"],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=os.environ | asked,
        check=True,
    )


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["syndicate", "lic"], "plain,licence"),
        (["syndicate", "licence", "sh"], "plain,show"),
        (["syndicate", "trail", "list", "--be"], "plain,--before"),
        (["syndicate", "explain", "--use", "rep"], "plain,reprint\nplain,repost"),
        (["syndicate", "licence", "add", "XSW"], "file,XSW"),
    ],
)
def test_completion_answers_and_imports_no_large_library(words: list[str], offered: str) -> None:
    answer = _complete(words, len(words) - 1)
    assert answer.stdout.strip() == offered
    imports = {line.rpartition("|")[2].strip() for line in answer.stderr.splitlines()}
    assert "click" in imports
    assert not imports & set(LARGE)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_of_each_shell_is_printed(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_SYNDICATE_COMPLETE={shell}_complete" in script
    assert main(["--json", "completion", shell]) == 0
    assert json.loads(capsys.readouterr().out) == {"shell": shell, "script": script}


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_with_the_script(tmp_path: Path) -> None:
    program = tmp_path / "syndicate"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m syndicate "$@"\n')
    program.chmod(0o755)
    script = subprocess.run([program, "completion", "bash"], capture_output=True, cwd=PROJECT, check=True)
    (tmp_path / "script").write_bytes(script.stdout)
    tab = (
        f'source "{tmp_path}/script"; COMP_WORDS=(syndicate item re); COMP_CWORD=2; '
        f'_syndicate_completion "{program}"; echo "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(["bash", "-c", tab], capture_output=True, text=True, cwd=PROJECT, check=True)
    assert done.stdout.split() == ["release", "recall", "reinstate", "recall-report"]
