"""The whole way: our server and our client as processes, and a folder that is what the server says."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.servers import free_port, served
from tests.support.shell import Outcome, Shell, a_page, demo, no_settings, prepared, started
from tests.support.stub_publisher import STAMP

__all__ = ["demo", "no_settings", "prepared"]


def taken_in(shell: Shell, numbers: Sequence[int]) -> list[str]:
    """Pages of the newspaper, taken in: their ids."""
    ids = []
    for number in numbers:
        file = shell.data.parent / f"{number}.txt"
        file.write_text(a_page(number))
        ids.append(shell.good("ingest", str(file), "--json").lines[0]["id"])
    return ids


def words(shell: Shell, address: str) -> list[str]:
    key = shell.data / "demo.key"
    return ["pull", address, "--key-file", str(key), "--to", str(shell.data.parent / "copy"), "--json"]


def results(outcome: Outcome) -> dict[str, tuple[str, str]]:
    assert outcome.code == 0, outcome
    return {line["id"]: (line["action"], line["result"]) for line in outcome.lines}


def held(shell: Shell) -> set[str]:
    items = shell.data.parent / "copy" / "items"
    names = {path.stem for path in items.iterdir()}
    for id in names:
        assert (items / f"{id}.json").exists()
        assert (items / f"{id}.html").exists()
    return names


def page(shell: Shell, id: str) -> str:
    return (shell.data.parent / "copy" / "items" / f"{id}.html").read_text()


def test_a_story_is_put_corrected_recalled_reinstated_and_withdrawn(demo: Shell) -> None:
    first, second = taken_in(demo, [1, 2])
    with served(demo.data) as server:
        pull = words(demo, server.address)
        told = results(demo(*pull, "--limit", "1"))
        assert (told[first], told[second]) == (("put", "new"), ("put", "new"))
        assert STAMP in page(demo, first)
        assert results(demo(*pull)) == {}

        corrected = demo.data.parent / "corrected.txt"
        corrected.write_text(a_page(1, paragraphs=4))
        demo.good("item", "correct", first, str(corrected), "--note", "第二段的数字有误")
        assert results(demo(*pull)) == {first: ("correct", "replaced")}
        assert "第二段的数字有误" in page(demo, first)

        demo.good("item", "recall", first, "--reason", "editorial", "--note", "事实有误")
        report = demo("item", "recall-report", first, "--lang", "en")
        assert report.code == 1
        assert report.out.endswith("1 partner has not confirmed removal.\n")
        assert results(demo(*pull)) == {first: ("recall", "removed")}
        report = demo("item", "recall-report", first, "--lang", "en")
        assert report.code == 0
        assert report.out.endswith("all partners have confirmed removal.\n")
        assert first not in held(demo)

        demo.good("item", "reinstate", first)
        assert results(demo(*pull, "--verify")) == {first: ("put", "new")}

        licences = demo.good("licence", "list", "--json").lines
        for licence in licences:
            demo.good("licence", "end", licence["number"])
        assert set(results(demo(*pull)).values()) == {("withdraw", "removed")}
        assert held(demo) == set()


def test_whoever_follows_hears_of_a_recall_at_once(demo: Shell) -> None:
    (id,) = taken_in(demo, [1])
    with (
        served(demo.data) as server,
        started(demo.data, *words(demo, server.address), "--follow") as running,
    ):
        while running.line()["id"] != id:
            pass
        demo.good("item", "recall", id, "--reason", "legal", "--note", "法院裁定")
        line = running.line()
        assert (line["action"], line["id"], line["result"]) == ("recall", id, "removed")
        assert running.stop(signal.SIGTERM) == 0
    assert id not in held(demo)


def test_a_key_that_was_revoked_ends_it(demo: Shell) -> None:
    with served(demo.data) as server:
        pull = words(demo, server.address)
        assert demo(*pull).code == 0
        for key in demo.good("key", "list", "demo", "--json").lines:
            demo.good("key", "revoke", key["jti"])
        outcome = demo(*pull)
        assert (outcome.code, outcome.json["error"]) == (1, "key_revoked")


def test_a_restored_backup_takes_back_what_it_does_not_know(
    demo: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    port = free_port()
    monkeypatch.setattr("tests.support.servers.free_port", lambda: port)
    (kept,) = taken_in(demo, [1])
    with served(demo.data) as server:
        pull = words(demo, server.address)
        demo.good(*pull)
    shutil.copytree(demo.data, tmp_path / "backup")
    (lost,) = taken_in(demo, [2])
    with served(demo.data):
        assert results(demo(*pull)) == {lost: ("put", "new")}
    shutil.rmtree(demo.data)
    shutil.copytree(tmp_path / "backup", demo.data)
    with served(demo.data):
        told = results(demo(*pull))
    assert (told[kept], told[lost]) == (("put", "unchanged"), ("reset", "removed"))
    state = (demo.data.parent / "copy" / ".syndicate" / "state").read_bytes().splitlines()[0]
    assert json.loads(state)["named"] is None
