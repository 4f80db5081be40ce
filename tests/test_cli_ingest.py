"""Documents come in from files and folders, and from a folder that is followed: each once, each whole."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from syndicate.cli.ingestion.document_files import Sign, documents
from syndicate.cli.ingestion.folder_watch import RESCAN, Settling
from syndicate.ingest.document_parser import MAX_DOCUMENT
from tests.support.shell import SEED, Running, Shell, a_page, demo, no_settings, prepared, started

__all__ = ["demo", "no_settings", "prepared"]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A house with nothing in it."""
    made = Shell(tmp_path / "var")
    made.good("init")
    return made


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def test_a_bad_document_stops_none_of_the_others(shell: Shell, inbox: Path) -> None:
    (inbox / "a.txt").write_text(a_page(1))
    (inbox / "b.txt").write_text("no page at all")
    (inbox / "c").mkdir()
    (inbox / "c" / "d.txt").write_text(a_page(2))
    (inbox / "e.bin").write_bytes(bytes(100))
    with (inbox / "f.txt").open("wb") as large:
        large.truncate(MAX_DOCUMENT + 1)
    outcome = shell("ingest", str(inbox), str(inbox / "missing.txt"), "--json")
    assert outcome.code == 1
    assert [(Path(one["path"]).name, one["action"]) for one in outcome.lines] == [
        ("a.txt", "created"),
        ("b.txt", "refused"),
        ("e.bin", "refused"),
        ("f.txt", "refused"),
        ("d.txt", "created"),
        ("missing.txt", "refused"),
    ]
    for one in outcome.lines:
        assert list(one) == ["path", "id", "version", "action", "faults", "notes"]
        assert all(list(fault) == ["code", "field", "line", "text"] for fault in one["faults"])
        assert bool(one["faults"]) == (one["action"] == "refused")
    codes = {Path(one["path"]).name: [fault["code"] for fault in one["faults"]] for one in outcome.lines}
    assert "published_missing" in codes["b.txt"]
    assert (codes["f.txt"], codes["missing.txt"]) == (["too_large"], ["file_missing"])
    refusals = [one for one in shell.good("trail", "list", "--json").lines if "refused" in one["kind"]]
    assert len(refusals) == 4


def test_a_note_names_its_code_field_and_line_for_programs(shell: Shell, inbox: Path) -> None:
    page = inbox / "a.txt"
    page.write_text(a_page(1).replace("湘湖边", "湘\ufffd边"), encoding="utf-8")
    (taken,) = shell.good("ingest", str(page), "--json").lines
    (note,) = [one for one in taken["notes"] if one["code"] == "characters_lost"]
    assert list(note) == ["code", "field", "line", "text"]
    assert (note["field"], note["line"]) == ("body", None)
    assert "[characters_lost]" in shell.good("ingest", str(page)).out


def test_the_same_again_is_unchanged_and_another_text_is_another_version(shell: Shell, inbox: Path) -> None:
    page = inbox / "a.txt"
    page.write_text(a_page(1))
    (first,) = shell.good("ingest", str(page), "--json").lines
    (second,) = shell.good("ingest", str(inbox), "--json").lines
    page.write_text(a_page(1, paragraphs=4))
    (third,) = shell.good("ingest", str(page), "--json").lines
    assert [(one["action"], one["version"]) for one in (first, second, third)] == [
        ("created", 1),
        ("unchanged", 1),
        ("updated", 2),
    ]
    assert first["id"] == third["id"]
    assert len(shell.good("item", "show", first["id"], "--version", "1", "--json").json["body"]) == 3


def ingest(shell: Shell, *words: str) -> list[tuple[str, str, int]]:
    """Each document's file name, what became of it, and the version that its item has now."""
    lines = shell.good("ingest", *words, "--json").lines
    return [(Path(one["path"]).name, one["action"], one["version"]) for one in lines]


def test_a_folder_that_is_ingested_again_is_not_parsed_and_writes_nothing(
    shell: Shell, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbox / "a.txt").write_text(a_page(1))
    (inbox / "b-corrected.txt").write_text(a_page(1, paragraphs=4))
    (inbox / "c.txt").write_text(a_page(2))
    assert ingest(shell, str(inbox)) == [
        ("a.txt", "created", 1),
        ("b-corrected.txt", "updated", 2),
        ("c.txt", "created", 1),
    ]
    before = contents(shell)
    again = [("a.txt", "unchanged", 2), ("b-corrected.txt", "unchanged", 2), ("c.txt", "unchanged", 1)]
    with monkeypatch.context() as patch:
        patch.setattr("syndicate.ingest.document_parser.parse", not_to_be_called)
        assert ingest(shell, str(inbox)) == again
        patch.chdir(inbox)
        assert ingest(shell, ".") == again
    kinds = [one["kind"] for one in shell.good("trail", "list", "--json").lines]
    assert kinds.count("item_ingested") == 3
    assert contents(shell) == before
    (inbox / "d.txt").write_text(a_page(3))
    assert ingest(shell, str(inbox)) == [*again, ("d.txt", "created", 1)]


def not_to_be_called(*_: object, **__: object) -> None:
    raise AssertionError("it was parsed")


def test_a_file_that_was_changed_back_is_taken_in(shell: Shell, inbox: Path) -> None:
    page, first, second = inbox / "a.txt", a_page(1), a_page(1, paragraphs=4)
    found = []
    for text in (first, second, first, first):
        page.write_text(text)
        found += ingest(shell, str(inbox))
    assert [(action, version) for _, action, version in found] == [
        ("created", 1),
        ("updated", 2),
        ("updated", 3),
        ("unchanged", 3),
    ]


def test_a_file_is_parsed_again_where_the_outcome_may_be_another(
    shell: Shell, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbox / "a.txt").write_text(a_page(1))
    (inbox / "b-corrected.txt").write_text(a_page(1, paragraphs=4))
    ingest(shell, str(inbox))
    # Named itself: somebody wants this one.
    assert ingest(shell, str(inbox / "a.txt")) == [("a.txt", "updated", 3)]
    assert ingest(shell, str(inbox)) == [("a.txt", "unchanged", 3), ("b-corrected.txt", "unchanged", 3)]
    (id,) = {one["id"] for one in shell.good("ingest", str(inbox), "--withhold", "--json").lines}
    assert shell.good("item", "show", id, "--json").json["holds"] != {}
    with monkeypatch.context() as patch:
        patch.setattr("syndicate.__version__", "99.0")
        assert [action for _, action, _ in ingest(shell, str(inbox))] == ["updated", "updated"]
    moved = inbox.with_name("moved")
    inbox.rename(moved)
    assert [action for _, action, _ in ingest(shell, str(moved))] == ["updated", "updated"]


def test_a_refused_document_is_looked_at_each_time(shell: Shell, inbox: Path) -> None:
    (inbox / "a.txt").write_text("no page at all")
    for _ in range(2):
        (one,) = shell("ingest", str(inbox), "--json").lines
        assert one["action"] == "refused"
        assert one["faults"]


def test_results_are_said_in_the_language_that_is_asked(shell: Shell, inbox: Path) -> None:
    (inbox / "b.txt").write_text("nothing")
    chinese, english = shell("ingest", str(inbox)), shell("ingest", str(inbox), "--lang", "en")
    assert "退回" in chinese.out
    assert "共 1 份：退回 1" in chinese.err
    assert "refused" in english.out
    assert "1 in all: 1 refused" in english.err


def test_a_folder_without_documents_is_no_failure(shell: Shell, inbox: Path) -> None:
    assert "没有可收的文件" in shell.good("ingest", str(inbox)).err


def test_what_is_no_document_of_the_folder_is_passed_over(inbox: Path, tmp_path: Path) -> None:
    for name in (".hidden", "a.txt~", "a.tmp", "a.part", "A.TMP", ".git/x.txt", "b.txt", "sub/c.txt"):
        (inbox / name).parent.mkdir(exist_ok=True)
        (inbox / name).touch()
    outside = tmp_path / "outside.txt"
    outside.touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.txt").touch()
    (inbox / "leaves.txt").symlink_to(outside)
    (inbox / "folder").symlink_to(tmp_path / "elsewhere")
    (inbox / "stays.txt").symlink_to(inbox / "b.txt")
    (inbox / "broken.txt").symlink_to(inbox / "nowhere")
    (inbox / "round").symlink_to(inbox / "round")
    os.mkfifo(inbox / "pipe")
    found = [str(file.relative_to(inbox)) for file in documents(inbox)]
    assert found == ["b.txt", "stays.txt", "sub/c.txt"]


def test_a_pipe_is_refused_without_waiting_for_its_writer(shell: Shell, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (refused,) = shell("ingest", str(tmp_path / "pipe"), "--json").lines
    assert refused["faults"][0]["code"] == "not_a_file"


def test_a_name_that_is_not_unicode_is_ingested_under_an_escaped_one(shell: Shell, inbox: Path) -> None:
    (inbox / os.fsdecode(b"\xcf\xf4\xc9\xff.txt")).write_text(a_page(1))
    (inbox / "two\nlines\x1b[31m.txt").write_text(a_page(2))
    outcome = shell.good("ingest", str(inbox), "--json")
    assert sorted(Path(one["path"]).name for one in outcome.lines) == [
        "\\xcf\\xf4\\xc9\\xff.txt",
        "two\nlines\x1b[31m.txt",
    ]
    assert "\x1b" not in outcome.err


def test_a_file_is_whole_when_it_has_stood_still_and_is_due_once() -> None:
    settling = Settling(settle=2.0)
    file, early, late = Path("a.txt"), Sign(10, 1, 1), Sign(20, 2, 1)
    assert settling.look({file: early}, now=0.0) == []
    assert settling.look({file: late}, now=1.9) == []
    assert settling.look({file: late}, now=3.8) == []
    assert settling.look({file: late}, now=3.9) == [file]
    settling.postpone(file, now=3.9)
    assert settling.look({file: late}, now=5.8) == []
    assert settling.look({file: late}, now=5.9) == [file]
    settling.finish(file)
    assert settling.look({file: late}, now=99.0) == []
    assert settling.waiting() == []
    assert settling.look({file: early}, now=100.0) == []
    assert settling.look({file: None}, now=101.0) == []
    assert settling.waiting() == []
    settling.forget([file])
    assert settling.look({file: late}, now=102.0) == []
    assert settling.look({file: late}, now=104.0) == [file]


@contextmanager
def _following(shell: Shell, inbox: Path) -> Iterator[Running]:
    with started(shell.data, "ingest", "--watch", str(inbox), "--settle", "0.6", "--json") as running:
        running.wait_for("监看")
        yield running


def test_a_followed_folder_gives_each_document_once_and_whole(shell: Shell, inbox: Path) -> None:
    (inbox / "there.txt").write_text(a_page(1))
    with _following(shell, inbox) as running:
        first = running.line()
        assert (first["path"], first["action"]) == (str(inbox / "there.txt"), "created")
        # Still held open: longer than the settle time passes between its halves.
        page = a_page(2, paragraphs=6).encode()
        with (inbox / "slow.txt").open("wb") as slow:
            slow.write(page[: len(page) // 2])
            slow.flush()
            time.sleep(1.3)
            slow.write(page[len(page) // 2 :])
        # Opened and closed for each piece, as a copy over a network may.
        page = a_page(3, paragraphs=6).encode()
        for piece in range(4):
            with (inbox / "pieces.txt").open("ab") as pieces:
                pieces.write(page[len(page) * piece // 4 : len(page) * (piece + 1) // 4])
            time.sleep(0.25)
        (inbox / ".new").write_text(a_page(4))
        (inbox / ".new").rename(inbox / "renamed.txt")
        (inbox / "sub").mkdir()
        (inbox / "sub" / "deep.txt").write_text(a_page(5))
        begun = time.monotonic()
        taken = [running.line() for _ in range(4)]
        # Also what is in a folder that is new has come without a look at everything.
        assert time.monotonic() - begun < RESCAN / 2
        assert {one["action"] for one in taken} == {"created"}
        assert sorted(one["path"] for one in taken) == sorted(
            str(inbox / name) for name in ("slow.txt", "pieces.txt", "renamed.txt", "sub/deep.txt")
        )
        (inbox / "bad.txt").write_text("no page")
        assert running.line()["action"] == "refused"
        (inbox / "there.txt").write_text(a_page(1, paragraphs=5))
        again = running.line()
        assert (again["id"], again["action"], again["version"]) == (first["id"], "updated", 2)
        (inbox / "there.txt").touch()
        assert running.line()["action"] == "unchanged"
        assert running.stop(signal.SIGTERM) == 0, running.errors.read_text()
        assert list(running.lines()) == []
    for one in taken:
        expected = 3 if one["path"].endswith(("renamed.txt", "deep.txt")) else 6
        assert len(shell.good("item", "show", one["id"], "--json").json["body"]) == expected


def test_following_ends_on_ctrl_c_and_refuses_a_folder_that_is_not_there(shell: Shell, inbox: Path) -> None:
    assert shell("ingest", "--watch", str(inbox / "nowhere"), "--json").json["error"] == "cannot_watch"
    with _following(shell, inbox) as running:
        assert running.stop(signal.SIGINT) == 0


def contents(shell: Shell) -> list[list[tuple[object, ...]]]:
    """What the database holds of items, but for the times at which they came."""
    tables = (
        "SELECT id, version, outlet, channel, published, available, holds FROM items ORDER BY id",
        "SELECT item, version, content FROM versions ORDER BY item, version",
        "SELECT item, content FROM holds ORDER BY item, revision",
        "SELECT key, item FROM item_keys ORDER BY key",
        "SELECT item, version, content FROM notes ORDER BY item, version",
    )
    with closing(sqlite3.connect(shell.data / "syndicate.db")) as database:
        return [database.execute(query).fetchall() for query in tables]


def test_a_kill_in_the_middle_loses_nothing_and_the_next_run_completes(
    shell: Shell, inbox: Path, tmp_path: Path
) -> None:
    for number in range(200):
        (inbox / f"{number:03}.txt").write_text(a_page(number))
    with started(shell.data, "ingest", str(inbox), "--json") as running:
        told = [running.line() for _ in range(40)]
        running.stop(signal.SIGKILL)
        told += [json.loads(line) for line in running.lines() if line.endswith("}\n")]
    assert 40 <= len(told) < 200
    with sqlite3.connect(shell.data / "syndicate.db") as line:
        assert line.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    line.close()
    kept = {one["id"] for one in shell.good("item", "list", "--limit", "300", "--json").lines}
    assert {one["id"] for one in told} <= kept
    again = shell.good("ingest", str(inbox), "--json").lines
    assert {one["id"] for one in again if one["action"] == "unchanged"} == kept
    assert {one["action"] for one in again} == {"created", "unchanged"}
    items = shell.good("item", "list", "--limit", "300", "--json").lines
    assert len(items) == 200
    assert {one["version"] for one in items} == {1}
    kinds = [one["kind"] for one in shell.good("trail", "list", "--limit", "1000", "--json").lines]
    assert kinds.count("item_ingested") == 200
    assert shell.good("trail", "verify").code == 0
    whole = Shell(tmp_path / "whole")
    whole.good("init")
    whole.good("ingest", str(inbox))
    assert contents(shell) == contents(whole)


def test_ctrl_c_finishes_the_document_under_way_and_says_that_more_is_left(
    shell: Shell, inbox: Path
) -> None:
    for number in range(200):
        (inbox / f"{number:03}.txt").write_text(a_page(number))
    with started(shell.data, "ingest", str(inbox), "--json") as running:
        running.line()
        assert running.stop(signal.SIGINT) == 1
        told = 1 + len(list(running.lines()))
    assert told < 200
    assert "提前停止" in running.errors.read_text()
    assert len(shell.good("item", "list", "--limit", "300", "--json").lines) == told


def test_many_documents_have_their_results_in_the_order_of_names_and_a_rate_at_the_end(
    shell: Shell, inbox: Path
) -> None:
    for number in range(70):
        (inbox / f"{number:03}.txt").write_text("no page" if number % 9 == 4 else a_page(number))
    outcome = shell(
        "ingest", str(inbox), str(inbox / "none.txt"), "--workers", "2", "--json", "--lang", "en"
    )
    assert outcome.code == 1
    names = [Path(one["path"]).name for one in outcome.lines]
    assert names == [f"{number:03}.txt" for number in range(70)] + ["none.txt"]
    refused = [name for name, one in zip(names, outcome.lines, strict=True) if one["action"] == "refused"]
    assert refused == [f"{number:03}.txt" for number in range(4, 70, 9)] + ["none.txt"]
    recorded = shell.good("trail", "list", "--limit", "100", "--json").lines
    recorded.sort(key=lambda one: int(one["seq"]))
    assert [one["document"] for one in recorded if "document" in one] == [
        one["path"] for one in outcome.lines
    ]
    assert "documents a second" in outcome.err
    alone = shell("ingest", str(inbox), "--workers", "1", "--json")
    assert {one["action"] for one in alone.lines} == {"unchanged", "refused"}


def test_a_reader_that_has_seen_enough_is_no_accident(demo: Shell) -> None:
    script = f'{sys.executable} -m syndicate --data "{demo.data}" trail list --json | head -c 1'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "{"
    assert done.stderr == ""


def test_standard_input_and_a_plain_terminal_do_not_break_chinese(demo: Shell) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "syndicate", "--data", str(demo.data), "ingest", str(SEED)],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )
    assert done.returncode == 0
    assert "未变" in done.stdout.decode()
