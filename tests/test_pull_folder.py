"""A partner's folder survives whatever happens to it: kills, a full disk, two processes, other hands."""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from syndicate import durable_files
from syndicate.client.sync_state import decode_state
from tests.support.forked_commands import Forge, forge
from tests.support.kill_harness import must_be_new
from tests.support.shell import PROJECT, Cut, Outcome, no_settings
from tests.support.stub_publisher import Partner, Publishing, an_id, holding, partner, publishing

__all__ = ["no_settings", "partner"]


def ids(partner: Partner) -> set[str]:
    """The items that the folder has."""
    return {path.stem for path in partner.folder.glob("items/*.json")}


class Shears:
    """Ends the process before or after the n-th step that touches the disk, or when it saves a cursor.

    There is no power cut here: what is written is there for the next run, brought to the disk or not.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left, self.cursor = 10**9, 10**9
        monkeypatch.setattr(os, "fsync", self._counted(lambda handle: None))
        monkeypatch.setattr(os, "replace", self._counted(os.replace))
        monkeypatch.setattr(os, "unlink", self._counted(os.unlink))
        monkeypatch.setattr(durable_files, "syncfs", self._counted(lambda handle: None))

    def pull(self, partner: Partner, *words: str, step: int = 10**9, cursor: int = 10**9) -> Outcome:
        """One run that ends at this step, or before it saves a cursor beyond this one."""
        self.left, self.cursor = step, cursor
        before = ids(partner)
        outcome = partner.pull(*words)
        self.left, self.cursor = 10**9, 10**9
        must_be_new(outcome.lines, before)
        return outcome

    def _counted(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **more: Any) -> Any:
            self._tick(*args)
            done = step(*args, **more)
            self._tick()
            return done

        return counted

    def _tick(self, *args: Any) -> None:
        self.left -= 1
        if self.left <= 0 or (len(args) == 2 and Path(args[1]).name == "state" and self._beyond(args[0])):
            raise Cut

    def _beyond(self, draft: str) -> bool:
        return decode_state(Path(draft).read_bytes()).after > self.cursor


def a_busy_day(server: Publishing) -> set[int]:
    """Everything that can happen to items 0 to 7; what must be acknowledged."""
    server.put(0, 2)
    server.correct(1, 2, "更正")
    gone = {server.recall(2), server.withdraw(3), server.recall(4)}
    server.put(4, 2)
    server.put(6)
    server.put(7, lean=True)
    gone.add(server.withdraw(9))
    return gone


@pytest.mark.timeout(600)
def test_a_cut_at_any_step_leaves_nothing_behind_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shears = Shears(monkeypatch)
    first = tmp_path / "first"
    first.mkdir()
    with publishing() as server:
        for number in range(6):
            server.put(number)
        Partner.at(first, server).good()
        before = server.allowed
        gone = a_busy_day(server)
        may = {(id, version) for known in (before, server.allowed) for id, version in known.items()}
        for step in range(1, 10_000):
            root = tmp_path / str(step)
            shutil.copytree(first, root)
            one = Partner(root, server)
            server.acknowledged.clear()
            outcome = shears.pull(one, "--limit", "3", step=step)
            if outcome.code == 0:
                assert step > 50
                assert holding(one.folder) == server.allowed
                return
            for path in (one.folder / "items").glob("*.json"):
                assert (path.stem, int(json.loads(path.read_bytes())["version"])) in may
            assert shears.pull(one, "--limit", "3", "--verify").code == 0
            assert holding(one.folder) == server.allowed
            assert set(server.acknowledged) == gone
            assert list((one.folder / ".syndicate" / "aside").iterdir()) == []
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize("limit", ["1", "2", "100"])
def test_after_a_kill_no_smaller_page_ends_between_a_removal_and_what_came_back(
    partner: Partner, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    shears = Shears(monkeypatch)
    partner.server.put(1)
    partner.good()
    partner.server.recall(1)
    partner.server.put(1, 2)
    # The run is killed when it has told its page.
    assert results(shears.pull(partner, "--limit", "2", cursor=3)) == [
        ("recall", "removed"),
        ("put", "new"),
    ]
    assert ids(partner) == {an_id(1)}
    after = shears.pull(partner, "--limit", limit)
    assert results(after) == [("recall", "unchanged"), ("put", "unchanged")]
    assert holding(partner.folder) == partner.server.allowed


def test_after_two_kills_an_entry_that_was_undone_is_not_new_again(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    shears = Shears(monkeypatch)
    partner.server.put(1)
    assert results(shears.pull(partner, cursor=0)) == [("put", "new")]
    partner.server.recall(1)
    assert results(shears.pull(partner, cursor=0)) == [("put", "unchanged"), ("recall", "removed")]
    assert ids(partner) == set()
    partner.server.put(1)
    after = shears.pull(partner, "--limit", "1")
    assert results(after) == [("put", "absent"), ("recall", "absent"), ("put", "new")]
    assert holding(partner.folder) == partner.server.allowed


def test_a_state_of_an_earlier_release_goes_on(partner: Partner) -> None:
    partner.server.put(1)
    partner.good()
    state = partner.folder / ".syndicate" / "state"
    value = json.loads(state.read_bytes().partition(b"\n")[0])
    del value["begun"]
    line = json.dumps(value).encode()
    state.write_bytes(line + b"\n" + hashlib.sha256(line).hexdigest().encode() + b"\n")
    partner.server.put(2)
    assert partner.good() == [("put", an_id(2), "new")]


def results(outcome: Outcome) -> list[tuple[str, str]]:
    """(action, result) of every line."""
    return [(line["action"], line["result"]) for line in outcome.lines]


@pytest.mark.timeout(600)
def test_sigkill_at_random_moments_leaves_nothing_behind_and_loses_nothing(partner: Partner) -> None:
    chance, server = random.Random(20260105), partner.server
    expected: set[int] = set()
    with forge() as commands:
        for number in range(15):
            for id in chance.sample(range(30), 6):
                act = chance.choice(["put", "put", "lean", "recall", "withdraw"])
                if act in ("put", "lean"):
                    server.put(id, number + 1, lean=act == "lean")
                else:
                    expected.add(getattr(server, act)(id))
            before = ids(partner)
            run = killed(commands, partner, chance.randint(1, 9), chance.uniform(0, 0.03))
            must_be_new(run.lines, before)
    before = ids(partner)
    outcome = partner.pull("--verify")
    must_be_new(outcome.lines, before)
    assert outcome.code == 0
    assert holding(partner.folder) == server.allowed
    assert set(server.acknowledged) == expected


def killed(commands: Forge, partner: Partner, request_number: int, later: float) -> Outcome:
    """A run that is killed a little after this request, if it lives so long."""
    out, err = partner.root / "out", partner.root / "err"
    for file in (out, err):
        file.unlink(missing_ok=True)
    process = commands.begin([*partner.words, "--json", "--limit", "2"], out, err)
    left = request_number

    def count(request: web.Request) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            assert partner.server.loop is not None
            partner.server.loop.call_later(later, process.send, signal.SIGKILL)

    partner.server.before = count
    assert process.wait(60)
    partner.server.before = lambda request: None
    text = out.read_text(encoding="utf-8")
    assert process.code in (0, -signal.SIGKILL), err.read_text(encoding="utf-8")
    return Outcome(process.code, text[: text.rfind("\n") + 1], err.read_text(encoding="utf-8"))


def test_whoever_reads_a_file_while_it_is_replaced_reads_one_version_whole(partner: Partner) -> None:
    partner.server.put(1)
    partner.good()
    with (partner.folder / "items" / f"{an_id(1)}.json").open("rb") as reader:
        partner.server.put(1, 2)
        partner.good()
        assert json.loads(reader.read())["version"] == "1"


def test_one_process_at_a_time_keeps_a_folder(partner: Partner) -> None:
    partner.server.put(1)
    with partner.following() as running:
        running.wait_for("已同步")
        second = partner.pull()
        assert (second.code, second.json["error"]) == (1, "folder_in_use")
        running.stop(signal.SIGKILL)
    assert partner.good() == []


def spoil(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_state_with_any_byte_changed_is_refused_and_restart_mends_it(partner: Partner) -> None:
    partner.server.put(1)
    partner.good()
    state = partner.folder / ".syndicate" / "state"
    whole = state.read_bytes()
    for at in range(len(whole) - 1):
        state.write_bytes(whole)
        spoil(state, at)
        outcome = partner.pull()
        assert (outcome.code, outcome.json["error"]) == (1, "folder_damaged"), at
        assert "--restart" in outcome.err
    state.write_bytes(whole[:20])
    assert partner.pull().json["error"] == "folder_damaged"
    assert partner.good("--restart") == [("put", an_id(1), "unchanged")]


def test_a_state_of_another_release_is_refused(partner: Partner) -> None:
    partner.good()
    line = b'{"format": 2}'
    digest = hashlib.sha256(line).hexdigest().encode()
    (partner.folder / ".syndicate" / "state").write_bytes(line + b"\n" + digest + b"\n")
    assert "另一版客户端" in partner.pull().err


TAMPERED: dict[str, tuple[Callable[[Path], object], str, bool]] = {
    "a document changed": (lambda items: spoil(items / f"{an_id(1)}.json", 30), "changed", True),
    "a page changed": (lambda items: spoil(items / f"{an_id(1)}.html", 30), "changed", True),
    "a strange file": (lambda items: (items / "notes.txt").write_text("!"), "foreign", True),
    "a document gone": (lambda items: (items / f"{an_id(1)}.json").unlink(), "missing", False),
    "a page gone": (lambda items: (items / f"{an_id(1)}.html").unlink(), "missing", False),
    "an item of one's own": (
        lambda items: (items / f"{an_id(7)}.json").write_text("{}"),
        "unrecorded",
        False,
    ),
}


@pytest.mark.parametrize(("tamper", "code", "asked"), TAMPERED.values(), ids=TAMPERED)
def test_a_folder_that_other_hands_changed_is_told_and_restart_mends_it(
    partner: Partner, tamper: Callable[[Path], object], code: str, asked: bool
) -> None:
    partner.server.put(1)
    partner.server.put(2)
    partner.good("--verify")
    tamper(partner.folder / "items")
    if asked:
        assert partner.pull().code == 0
    outcome = partner.pull("--verify")
    assert (outcome.code, outcome.json["error"]) == (1, "folder_tampered")
    assert [fault["code"] for fault in outcome.json["faults"]] == [code]
    assert "--restart" in outcome.err
    if code == "foreign":
        (partner.folder / "items" / "notes.txt").unlink()
    partner.good("--restart", "--verify")


def test_a_folder_of_another_server_is_not_mixed_up(partner: Partner) -> None:
    partner.server.put(1)
    partner.good()
    with publishing() as other:
        other.put(2)
        moved = Partner(partner.root, other)
        outcome = moved.pull()
        assert (outcome.code, outcome.json["error"]) == (1, "folder_damaged")
        assert partner.server.address in outcome.err
        assert holding(partner.folder) == {an_id(1): 1}
        assert moved.good("--restart")[-1] == ("reset", an_id(1), "removed")


def test_items_that_lead_elsewhere_are_not_written_to(partner: Partner) -> None:
    partner.folder.mkdir()
    elsewhere = partner.root / "elsewhere"
    elsewhere.mkdir()
    (partner.folder / "items").symlink_to(elsewhere)
    partner.server.put(1)
    assert partner.pull().json["error"] == "folder_damaged"
    assert list(elsewhere.iterdir()) == []


def test_a_full_disk_is_told_and_leaves_nothing_half_written(partner: Partner) -> None:
    partner.server.put(1)
    partner.good()
    partner.server.put(2, descriptions=[{"role": "summary", "value": "长" * 40_000}])
    partner.server.put(3)
    partner.server.recall(1)

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    done = subprocess.run(
        [sys.executable, "-m", "syndicate", *partner.words, "--json"],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        preexec_fn=little_room,
        check=False,
        timeout=60,
    )
    assert (done.returncode, json.loads(done.stdout)["error"]) == (1, "disk_full"), done
    assert "磁盘已满" in done.stderr
    # What had to go is gone, although it came last in the page.
    assert not {an_id(1), an_id(2)} & {path.stem for path in (partner.folder / "items").iterdir()}
    assert list((partner.folder / ".syndicate" / "aside").iterdir()) == []
    assert partner.good("--verify") == [
        ("put", an_id(2), "new"),
        ("put", an_id(3), "new"),
        ("recall", an_id(1), "absent"),
    ]
