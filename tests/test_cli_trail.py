"""The trail as proof at the command line: for staff with a data folder, for outsiders with a key alone."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.shell import Outcome, Shell, no_settings

__all__ = ["no_settings"]


@dataclass(frozen=True)
class Outsider:
    """Somebody with a folder of their own, and the program."""

    folder: Path

    def check(self, file: str, *words: str, stdin: bytes = b"") -> Outcome:
        """`trail check` of a file in that folder, where no data of ours are."""
        path = file if file == "-" else str(self.folder / file)
        return Shell(self.folder / "nothing")("trail", "check", path, *words, stdin=stdin)

    def command(self, *words: str) -> Outcome:
        """The same as a process of its own, with nothing of ours in its surroundings."""
        done = subprocess.run(
            [sys.executable, "-m", "syndicate", "trail", "check", *words],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder)},
            capture_output=True,
            check=False,
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture(scope="module")
def six_lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with six lines in its trail, to copy."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("SYNDICATE_")]:
            patch.delenv(name)
        shell = Shell(tmp_path_factory.mktemp("six") / "var")
        shell.good("init")
        for partner in ("hzw", "daily"):
            shell.good("partner", "add", partner, "--name", "杭州网")
        for act in ("suspend", "resume"):
            shell.good("partner", act, "hzw")
    return shell.data


@pytest.fixture
def house(six_lines: Path, tmp_path: Path) -> Shell:
    """A house with six lines in its trail."""
    shutil.copytree(six_lines, tmp_path / "var")
    return Shell(tmp_path / "var")


@pytest.fixture
def outsider(tmp_path: Path) -> Outsider:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return Outsider(folder)


def test_a_proof_checks_in_an_empty_folder_with_nothing_but_the_key(
    house: Shell, outsider: Outsider
) -> None:
    proof = outsider.folder / "proof.json"
    house.good("trail", "prove", "3", "--to", str(proof))
    key = house.good("trail", "key").out.strip()
    shutil.rmtree(house.data)
    said = outsider.command("proof.json", "--key", key)
    assert (said.code, said.err) == (0, "")
    assert "属实：第 3 条" in said.out
    told = outsider.check("proof.json", "--key", key, "--json").json
    assert (told["whole"], told["first"], told["line"]["seq"], told["findings"]) == (True, 3, 3, [])
    assert [path.name for path in outsider.folder.iterdir()] == ["proof.json"]
    assert outsider.check("-", "--key", key, stdin=proof.read_bytes()).code == 0
    proof.write_bytes(proof.read_bytes().replace(b'"actor":"', b'"actor":"x'))
    changed = outsider.check("proof.json", "--key", key)
    assert (changed.code, "root_mismatch" in changed.out) == (1, True)


def test_an_export_checks_with_a_file_of_keys(house: Shell, outsider: Outsider) -> None:
    export, keys = outsider.folder / "trail.jsonl", outsider.folder / "keys.txt"
    written = house.good("trail", "export", "--from", "2", "--to", "5", "--out", str(export), "--json")
    assert written.json == {"path": str(export), "lines": 4}
    house.good("trail", "key", "--rotate")
    keys.write_text(house.good("trail", "key").out)
    assert len(keys.read_text().splitlines()) == 2
    good = outsider.check("trail.jsonl", "--key", str(keys), "--json")
    assert (good.code, good.json["first"], good.json["last"]) == (0, 2, 5)
    lines = export.read_bytes().splitlines(keepends=True)
    export.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    cut = outsider.check("trail.jsonl", "--key", str(keys), "--json")
    assert (cut.code, cut.json["whole"], cut.json["count"]) == (1, False, 1)
    assert cut.json["findings"][0]["field"] == "seq 3"


def test_standard_output_is_the_file(house: Shell, outsider: Outsider) -> None:
    key = house.good("trail", "key", "--json").json["key"]
    for words in (("prove", "1"), ("export",), ("export", "--from", "2000-01-01", "--to", "2999-01-01")):
        outcome = house.good("trail", *words)
        assert outcome.err == ""
        assert outsider.check("-", "--key", key, stdin=outcome.out.encode()).code == 0


@pytest.mark.parametrize("raw", [b"", b"\xff\x00garbage", b"{}"])
def test_what_is_no_proof_is_refused(outsider: Outsider, raw: bytes) -> None:
    (outsider.folder / "file").write_bytes(raw)
    key = "xsnet.cn/syndicate-trail+f67b8671+Adodn92igg/Tg+JOecRDezdNu76n294o4QOczAmIKx9J"
    outcome = outsider.check("file", "--key", key, "--json")
    assert (outcome.code, outcome.json["findings"][0]["code"]) == (1, "file_unknown")
    wrong = outsider.check("file", "--key", key[:-1], "--json")
    assert (wrong.code, wrong.json["faults"][0]["code"]) == (2, "key_invalid")
    (outsider.folder / "empty").write_bytes(b"\n")
    assert outsider.check("file", "--key", str(outsider.folder / "empty")).code == 2
    assert outsider.check("file").code == 2
    assert outsider.check("nowhere", "--key", key).code == 1


def test_checkpoints_are_printed_saved_and_grown_from(house: Shell, outsider: Outsider) -> None:
    saved = outsider.folder / "checkpoint.txt"
    first = house.good("trail", "checkpoint")
    saved.write_text(first.out)
    assert first.out.splitlines()[0] == "xsnet.cn/syndicate-trail"
    again = house.good("trail", "checkpoint", "--json")
    assert (again.json["new"], again.json["note"]) == (False, first.out)
    house.good("partner", "add", "zjol", "--name", "浙江在线")
    assert "尚无检查点" in house.good("trail", "verify").err
    growth = house.good("trail", "checkpoint", "--since", str(saved)).out
    key = house.good("trail", "key").out.strip()
    assert "只增不改" in outsider.check("-", "--key", key, stdin=growth.encode()).out
    verified = house.good("trail", "verify", "--checkpoint", str(saved), "--json").json
    assert (verified["whole"], verified["findings"]) == (True, [])
    assert verified["signed"] == verified["lines"] == again.json["size"] + 1
    saved.write_text("not a checkpoint")
    refused = house("trail", "verify", "--checkpoint", str(saved), "--json")
    assert (refused.code, refused.json["faults"][0]["code"]) == (1, "checkpoint_malformed")


def test_a_changed_line_is_named_and_nothing_is_proved_by_it(house: Shell, tmp_path: Path) -> None:
    house.good("trail", "checkpoint")
    database = sqlite3.connect(house.data / "syndicate.db")
    database.execute("DROP TRIGGER trail_no_update")
    database.execute("UPDATE trail SET actor = 'nobody' WHERE seq = 4")
    database.commit()
    database.close()
    found = house("trail", "verify", "--json")
    assert (found.code, found.json["whole"], found.json["count"]) == (1, False, 1)
    assert [(one["code"], one["field"]) for one in found.json["findings"]] == [("line_changed", "seq 4")]
    assert "seq 4" in house("trail", "verify").out
    out = tmp_path / "out.json"
    for words in (("prove", "4", "--to", str(out)), ("export", "--out", str(out))):
        refused = house("trail", *words, "--json")
        assert (refused.code, refused.json["error"]) == (1, "trail_broken")
    assert list(tmp_path.glob("*out.json*")) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["prove", "0"], 2),
        (["prove", "x"], 2),
        (["prove", "99999"], 1),
        (["export", "--from", "0"], 2),
        (["export", "--from", "yesterday"], 2),
        (["export", "--to", "2026-13-01T08:00:00"], 2),
        (["export", "--to", "99999"], 1),
        (["export", "--from", "3", "--to", "2"], 1),
        (["export", "--from", "2999-01-01"], 1),
        (["checkpoint", "--since", "/nonexistent/note"], 1),
    ],
)
def test_what_cannot_be_done_is_said(house: Shell, words: list[str], code: int) -> None:
    outcome = house("trail", *words, "--json")
    assert outcome.code == code
    assert json.loads(outcome.out.splitlines()[-1])["error"] in ("usage", "not_found", "system")
