"""The papers are held to the code: what a reader looks up is there, and no link leads nowhere."""

from __future__ import annotations

import importlib
import importlib.util
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import get_args
from urllib.parse import unquote

import click
import pytest

from syndicate.agreements import read_licence, read_mandate
from syndicate.cli.app import Deferred
from syndicate.cli.app import syndicate as root
from syndicate.config import VARIABLES, load
from syndicate.config.settings_file import PublisherForm, SettingsForm
from syndicate.formats.registry import FORMATS
from syndicate.model.events import EVENTS
from syndicate.model.feeds import feeds_of
from syndicate.model.item import Medium
from syndicate.model.parties import PartnerId
from syndicate.model.rights import Use
from syndicate.policy.reasons import Reason
from syndicate.toml_forms import Form
from syndicate.web.routes import ROUTES
from syndicate.web.server.problems import PROBLEMS

PROJECT = Path(__file__).parent.parent
DOCS = PROJECT / "docs"
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PASSED_OVER = {"node_modules", ".venv", "golden", "build", "dist", "var"}


def _papers() -> Iterator[Path]:
    for path in sorted(PROJECT.rglob("*.md")):
        inside = path.relative_to(PROJECT).parts
        if not any(part in _PASSED_OVER or part.startswith(".") for part in inside):
            yield path


PAPERS = [str(path.relative_to(PROJECT)) for path in _papers()]


def _read(path: str) -> str:
    return (PROJECT / path).read_text(encoding="utf-8")


def _prose(text: str) -> str:
    """A paper without its code blocks."""
    return _FENCE.sub("", text)


def _headings(text: str) -> list[str]:
    return [found[2].replace("`", "") for found in _HEADING.finditer(_prose(text))]


def _first_cells(text: str, column: int = 1) -> list[str]:
    """What stands in backticks in this column of the tables, one word a row."""
    rows = (line.split("|") for line in _prose(text).splitlines() if line.startswith("|"))
    cells = (row[column] for row in rows if len(row) > column)
    return [found[1] for cell in cells if (found := re.fullmatch(r" `([^`]+)` ", cell))]


def _commands(group: click.Group, names: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    for name, listed in group.commands.items():
        command = listed.load() if isinstance(listed, Deferred) else listed
        if isinstance(command, click.Group):
            yield from _commands(command, (*names, name))
        else:
            yield " ".join((*names, name)), command


def _anchors(text: str) -> set[str]:
    """The anchors that headings get where these papers are read."""
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _headings(text))
    return {word.replace(" ", "-") for word in words}


@pytest.mark.parametrize("paper", PAPERS)
def test_every_link_leads_somewhere(paper: str) -> None:
    text = _read(paper)
    for link in _LINK.findall(_prose(text)):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = unquote(link).partition("#")
        target = (PROJECT / paper).parent / file if file else PROJECT / paper
        assert target.exists(), f"{paper}: {link}"
        if anchor:
            assert anchor in _anchors(target.read_text(encoding="utf-8")), f"{paper}: {link}"


def test_every_paper_in_docs_is_reached_from_the_index() -> None:
    index = {
        (folder / unquote(link)).resolve()
        for folder in (DOCS, DOCS / "zh")
        for link in _LINK.findall((folder / "README.md").read_text(encoding="utf-8"))
    }
    assert set(DOCS.rglob("*.md")) - {DOCS / "README.md"} <= index


def test_every_setting_has_a_heading_and_no_heading_is_of_a_setting_there_is_not() -> None:
    names = {*SettingsForm.model_fields} - {"publisher"}
    names |= {f"publisher.{name}" for name in PublisherForm.model_fields}
    assert set(_headings(_read("docs/reference/settings.md"))[1:]) == names | {"Environment only"}


def test_every_part_of_an_outlet_and_a_channel_is_named_under_its_setting() -> None:
    text = _read("docs/reference/settings.md")
    for name in ("outlet", "channel"):
        section = text.partition(f"## publisher.{name}\n")[2].partition("\n## ")[0]
        (form,) = get_args(PublisherForm.model_fields[name].annotation)
        assert issubclass(form, Form)
        assert set(form.model_fields) <= set(re.findall(r"`(\w+)`", section))


def test_every_environment_variable_is_named_under_its_setting() -> None:
    text = _read("docs/reference/settings.md")
    for variable, setting in VARIABLES.items():
        assert f"`{variable}`" in text.partition(f"## {setting}\n")[2].partition("\n## ")[0]


def test_every_problem_has_its_row_with_its_status() -> None:
    text = _read("docs/reference/http.md")
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", text, re.MULTILINE)
    assert {code: int(status) for status, code in rows} == {
        code: problem.status.value for code, problem in PROBLEMS.items()
    }
    assert len(rows) == len(PROBLEMS)


def test_every_route_is_in_the_reference() -> None:
    text = _read("docs/reference/http.md")
    for route in ROUTES:
        path = re.sub(r"\{(\w+):(?:[^{}]|\{[^{}]*\})*\}", r"{\1}", route.path)
        path = path.replace(".{format}", ".rss").replace("{item}", "{id}")
        assert f"`{route.method} {path}`" in text, path


def test_every_kind_of_event_has_its_row_with_its_fields() -> None:
    text = _read("docs/reference/trail-events.md")
    assert _first_cells(text) == list(EVENTS)
    for kind, event in EVENTS.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{kind}` |"))
        named = re.findall(r"`(\w+)`", row.rsplit("|", 2)[1])
        assert {field.name for field in fields(event)} <= set(named), kind


def test_every_reason_has_its_row_in_the_order_of_the_policy() -> None:
    assert _first_cells(_read("docs/reference/refusal-reasons.md")) == [reason.value for reason in Reason]


def test_every_command_has_its_heading_and_every_option_is_named() -> None:
    text = _read("docs/reference/commands.md")
    known = dict(_commands(root))
    assert set(_headings(text)[1:]) - {"Options of every command", "Times and spans", "Exit codes"} == set(
        known
    )
    common = text.partition("## Times and spans")[0]
    for name, command in known.items():
        section = text.partition(f"## `{name}`\n")[2].partition("\n## ")[0]
        for option in command.params:
            if isinstance(option, click.Option) and option.opts[0] not in ("--help", "-h"):
                named = common if getattr(option, "hidden", False) else section
                assert option.opts[0] in named, f"{name} {option.opts[0]}"


def test_every_command_that_a_paper_shows_exists() -> None:
    known = dict(_commands(root))
    options = r"(?: --(?:lang|config|data) \S+| --json)*"
    shown = re.compile(rf"(?:^|\$\(|; )(?:\S*/)?syndicate{options} ([a-z][a-z-]*)(?: ([a-z]+))?")
    for paper in PAPERS:
        for language, block in _FENCE.findall(_read(paper)):
            for line in block.splitlines() if language == "sh" else ():
                found = shown.search(line)
                if found is not None:
                    assert found[1] in known or f"{found[1]} {found[2]}" in known, f"{paper}: {line}"


_IN_CHINESE = {
    "docs/README.md": "docs/zh/README.md",
    "docs/how-to/ingest-from-the-newsroom.md": "docs/zh/ingest-from-the-newsroom.md",
    "docs/how-to/integrate-as-a-partner.md": "docs/zh/integrate-as-a-partner.md",
    "docs/how-to/keep-an-embargo.md": "docs/zh/hold-and-recall.md#禁发",
    "docs/how-to/recall-an-item.md": "docs/zh/hold-and-recall.md#撤稿",
}
"""Where the Chinese README leads instead of an English document."""


def _code(text: str) -> list[tuple[str, str]]:
    """The code blocks, without comments and the output's language; of output only that there is some."""
    return [
        (
            language,
            "" if language == "text" else re.sub(r"^# .*\n|SYNDICATE_LANG=en ", "", code, flags=re.M),
        )
        for language, code in _FENCE.findall(text)
    ]


def test_no_document_has_a_key_written_into_the_checkout() -> None:
    """A file that a key is written to or read from is outside the checkout, or ignored by git."""
    for paper in PAPERS:
        for language, block in _FENCE.findall(_read(paper)):
            for line in block.splitlines() if language in ("sh", "console") else ():
                for target in re.findall(r"(?:(?<![0-9=])>+|--key-file|--out|chmod 600) *([^ &|)]+)", line):
                    if "key" in line.lower() and "trail key" not in line:
                        assert target.startswith(("var/", "~/", "/")), f"{paper}: {line}"
                if "key issue" in line and ">" in line:
                    assert "(umask 077; " in line, f"{paper}: {line}"


def test_the_readme_says_the_same_in_both_languages() -> None:
    english, chinese = _read("README.md"), _read("README.zh-CN.md")
    assert _code(chinese) == _code(english)
    levels = [[len(found[1]) for found in _HEADING.finditer(_prose(text))] for text in (english, chinese)]
    assert levels[0] == levels[1]
    links = [set(_LINK.findall(text)) - {"README.md", "README.zh-CN.md"} for text in (english, chinese)]
    assert {_IN_CHINESE.get(link, link) for link in links[0]} == links[1]


def test_the_licence_and_the_mandate_that_the_papers_show_are_read() -> None:
    publisher = load(None, {}).publisher
    partners = [PartnerId("zjol")]
    for paper in ("README.md", "docs/how-to/write-a-licence.md"):
        (shown,) = (block for language, block in _FENCE.findall(_read(paper)) if language == "toml")
        licence = read_licence(shown, name=paper, publisher=publisher, partners=partners)
        assert licence.number == "XSW-2026-017"
    (shown,) = (
        block
        for language, block in _FENCE.findall(_read("docs/reference/mandate-file.md"))
        if language == "toml"
    )
    assert read_mandate(shown, name="mandate", publisher=publisher).holder == "萧山日报社"


def test_every_word_of_a_licence_is_in_its_reference() -> None:
    text = _read("docs/reference/licence-file.md")
    for word in (*Use, *Medium):
        assert f"`{word.value}`" in text


def test_the_reference_names_every_feed_that_is_no_channel_or_outlet() -> None:
    publisher = load(None, {}).publisher
    own = {one.id for one in publisher.outlets} | {one.id for one in publisher.channels} - {"video"}
    text = _read("docs/reference/http.md")
    assert all(f"`{feed}`" in text for feed in set(feeds_of(publisher)) - own)


def test_every_output_format_has_its_row_with_its_media_type() -> None:
    text = (DOCS / "reference" / "formats.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| `([^`|]+/[^`|]+)` \|", text, re.MULTILINE)
    assert [media_type for _, media_type in rows] == [one.media_type for one in FORMATS.values()]
    for (name, _), one in zip(rows, FORMATS.values(), strict=True):
        assert name.startswith(one.name) or one.id == "html"


def test_the_changelog_speaks_of_this_release() -> None:
    version = tomllib.loads(_read("pyproject.toml"))["project"]["version"]
    assert f"## [{version}]" in _read("CHANGELOG.md")


def test_the_deployment_files_name_the_image_by_this_release() -> None:
    version = tomllib.loads(_read("pyproject.toml"))["project"]["version"]
    files = [path for path in (PROJECT / "deploy").rglob("*") if path.is_file()]
    named = [
        tag for path in files for tag in re.findall(r"\bsyndicate:(\d+\.\d[\w.]*)", path.read_text("utf-8"))
    ]
    assert len(named) >= 5
    assert set(named) == {version}


def test_the_licence_is_the_one_that_the_package_declares() -> None:
    declared = tomllib.loads(_read("pyproject.toml"))["project"]["license"]
    words = " ".join(_read("LICENSE").split())
    assert declared == "Apache-2.0"
    assert words.startswith("Apache License Version 2.0, January 2004")
    assert "END OF TERMS AND CONDITIONS" in words


_TOP = {path.stem for path in (PROJECT / "syndicate").iterdir() if path.name != "demo"}


def _named(paper: str) -> Iterator[str]:
    """What stands in backticks in the prose of a paper."""
    yield from re.findall(r"`([^`\n]+)`", _prose(_read(paper)))


@pytest.mark.parametrize("paper", PAPERS)
def test_every_path_that_a_paper_names_exists(paper: str) -> None:
    for name in _named(paper):
        if re.fullmatch(r"(syndicate|tests|docs|deploy|\.ci)/[\w./-]*", name):
            assert (PROJECT / name).exists(), f"{paper}: {name}"
        elif re.fullmatch(r"[\w/-]+\.py", name):
            found = {*PROJECT.glob(f"syndicate/**/{name}"), *PROJECT.glob(f"tests/**/{name}")}
            assert len(found) == 1, f"{paper}: {name}"


@pytest.mark.parametrize("paper", PAPERS)
def test_every_function_and_class_that_a_paper_names_exists(paper: str) -> None:
    for name in _named(paper):
        package, _, rest = name.removesuffix("()").removeprefix("syndicate.").partition(".")
        if package in _TOP and re.fullmatch(r"\w+(\.\w+)*", rest) and rest != "toml":
            assert _resolved(f"syndicate.{package}", rest.split(".")), f"{paper}: {name}"


def _resolved(module: str, rest: list[str]) -> bool:
    """Whether there is such a module, or such a name in one."""
    found: object = importlib.import_module(module)
    for name in rest:
        if hasattr(found, name):
            found = getattr(found, name)
        elif isinstance(found, ModuleType) and importlib.util.find_spec(f"{found.__name__}.{name}"):
            found = importlib.import_module(f"{found.__name__}.{name}")
        else:
            return False
    return True
