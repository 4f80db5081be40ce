"""The Chinese documents show what the commands really print: every session in them is run."""

from __future__ import annotations

import re

import pytest

from tests.support.doc_sessions import BEFORE, CHINESE, Session, check, prepared_session, values_that_differ

README = CHINESE.parent.parent / "README.zh-CN.md"


@pytest.mark.parametrize("name", BEFORE)
def test_every_session_prints_what_the_document_shows(name: str) -> None:
    with prepared_session(name) as session:
        check((CHINESE / name).read_text(encoding="utf-8"), session)
        assert {path.stat().st_mode & 0o777 for path in session.home.glob("*.key")} <= {0o600}


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_first_day_of_the_readme_goes_as_it_says(name: str) -> None:
    """Each command runs in the language that the block exports, and prints what is shown."""
    readme = (README.parent / name).read_text(encoding="utf-8")
    (first_day,) = (
        block for block in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) if "licence add" in block
    )
    shown = readme.partition(first_day)[2].partition("```text\n")[2].partition("```")[0].splitlines()
    with prepared_session("write-a-licence.md") as session, pytest.MonkeyPatch.context() as patch:
        for language in re.findall(r"SYNDICATE_LANG=(\w+)", first_day):
            patch.setenv("SYNDICATE_LANG", language)
        (toml,) = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
        (file,) = re.findall(r"licence add (\S+)", first_day)
        (session.folder / file).write_text(toml, encoding="utf-8")
        printed = {
            line: session.run(line) for line in first_day.splitlines() if line.startswith("syndicate")
        }
        (explained,) = (text for line, text in printed.items() if " explain " in line)
        assert values_that_differ(shown, explained) is not None, explained
        (listed,) = (text for line, text in printed.items() if " key list " in line)
        (jti,) = re.findall(r"^[0-9a-f]{32}", listed, re.MULTILINE)
        assert jti in session.run(f"syndicate key revoke {jti}")
        assert "没有" not in "".join(printed[line] for line in printed if not line.endswith("JTI"))
        _when_news_changes(readme, session)


def _when_news_changes(readme: str, session: Session) -> None:
    """Make the story that the document shows, and do with it what the document does."""
    (make,) = (block for block in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) if "<<'END'" in block)
    assert session.run(make) == ""
    commands = readme.partition(make)[2].partition("```sh\n")[2].partition("```")[0].splitlines()
    ingest, correct, recall, report = (line for line in commands if line.startswith("syndicate"))
    (item,) = re.findall(r"\b20261128-[a-z0-9]{10}\b", session.run(ingest))
    assert "2" in session.run(correct.replace("ID", item)).partition(item)[2]
    assert f"recall-report {item}" in session.run(recall.replace("ID", item))
    assert session.run(report.replace("ID", item)).count("\n") == 2


def test_every_chinese_document_is_run() -> None:
    assert {path.name for path in CHINESE.glob("*.md")} == {"README.md", *BEFORE}


def test_the_chinese_documents_use_full_width_punctuation() -> None:
    for path in (README, *CHINESE.glob("*.md")):
        text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        prose = re.sub(r"`[^`]*`|\]\([^)]*\)", "", text)
        assert not re.findall(r"[\u4e00-\u9fff][,:;!?()]|[,:;!?()][\u4e00-\u9fff]", prose), path
