"""Every command that changes something leaves its actor in the trail: who, and by which way."""

from __future__ import annotations

import os
import pwd
import signal
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click
import pytest

from syndicate import clock as clocks
from syndicate import wiring
from syndicate.cli.app import Deferred
from syndicate.cli.app import syndicate as root
from syndicate.cli.ui.acting import login_name
from syndicate.clock import wall_clock
from syndicate.model.actors import SCHEDULER, Actor, Way, read_actor
from tests.support.shell import Shell, a_page, demo, no_settings, prepared, started
from tests.test_cli_rights import LICENCE

__all__ = ["demo", "no_settings", "prepared"]

MANDATE = (
    'number="HEAD-9"\nholder="萧山广电局"\noutlets=["radio"]\nmedia=["audio"]\nexclusive=true\n'
    "valid_from=2015-01-01\n"
)
READS = {
    "serve", "item list", "item show", "item recall-report", "partner list", "partner show",
    "mandate list", "licence list", "licence show", "licence diff", "licence try", "key list",
    "signing-key list", "explain", "media verify",
    "trail list", "trail verify", "trail prove", "trail export", "trail checkpoint", "trail check", "pull",
    "report usage", "report statement", "report takedowns", "clock show", "completion",
}  # fmt: skip
"""Commands that write no record of an act of staff."""


def leaves(group: click.Group, names: tuple[str, ...] = ()) -> Iterator[str]:
    for name, listed in group.commands.items():
        command = listed.load() if isinstance(listed, Deferred) else listed
        if isinstance(command, click.Group):
            yield from leaves(command, (*names, name))
        else:
            yield " ".join((*names, name))


class Acts:
    """Runs acts, each under a name of its own, and holds the trail against it."""

    def __init__(self, shell: Shell, folder: Path) -> None:
        self.shell, self.folder, self.done = shell, folder, set[str]()

    def act(self, command: str, *words: str, kinds: list[str], code: int = 0, way: Way = Way.CLI) -> str:
        """Run a command, and expect just these new kinds of records, all with its actor. Its stdout."""
        seen = self._newest()
        name = f"{command}-{len(self.done)}".replace(" ", "-")
        outcome = self.shell(*command.split(), *words, "--actor", name, "--json")
        assert outcome.code == code, outcome
        new = self.shell.good("trail", "list", "--after", str(seen), "--json").lines
        assert [one["kind"] for one in new] == kinds, command
        assert {one["actor"] for one in new} == {f"{way}:{name}"}, command
        self.done.add(command)
        return outcome.out

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def forget_a_file(self) -> None:
        """Leave an old media file that no item names."""
        forgotten = self.shell.data / "media" / "files" / "00" / ("0" * 64)
        forgotten.parent.mkdir(parents=True, exist_ok=True)
        forgotten.touch()
        os.utime(forgotten, (0, 0))

    def _newest(self) -> int:
        if not (self.shell.data / "syndicate.db").exists():
            return 0
        lines = self.shell.good("trail", "list", "--limit", "1", "--json").lines
        return lines[0]["seq"] if lines else 0


def test_every_command_that_changes_something_leaves_its_actor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(tmp_path / "var")
    acts = Acts(shell, tmp_path)
    act = acts.act
    act("init", kinds=["signing_key_made"] * 2)
    act("demo", way=Way.DEMO, kinds=[
        "item_ingested", "mandate_added", "mandate_added", "partner_added", "licence_added", "key_issued",
    ])  # fmt: skip
    act("partner add", "hzw", "--name", "杭州网", kinds=["partner_added"])
    act("partner suspend", "hzw", kinds=["partner_suspended"])
    act("partner resume", "hzw", kinds=["partner_resumed"])
    act("mandate add", acts.file("m.toml", MANDATE), kinds=["mandate_added"])
    act("mandate end", "HEAD-9", kinds=["mandate_ended"])
    act("licence add", acts.file("l.toml", LICENCE), kinds=["licence_added"])
    act("licence end", "XSW-2026-017", kinds=["licence_ended"])
    act("key issue", "hzw", kinds=["key_issued"])
    act("key revoke", shell.good("key", "list", "hzw", "--json").json["jti"], kinds=["key_revoked"])
    old = shell.good("signing-key", "list", "--json").json["kid"]
    act("signing-key rotate", kinds=["signing_key_made"])
    act("signing-key retire", old, kinds=["key_revoked", "signing_key_retired"])
    act("trail key", "--rotate", kinds=["signing_key_made"])
    with monkeypatch.context() as encrypting:
        encrypting.setenv("SYNDICATE_KEY_ENCRYPTION_KEY", b64encode(os.urandom(32)).decode())
        act("signing-key wrap", kinds=["signing_keys_moved"])
        act("signing-key rewrap", kinds=["signing_keys_rewrapped"])
        act("signing-key unwrap", kinds=["signing_keys_moved"])
    act("ingest", acts.file("bad.txt", "无题"), kinds=["document_refused"], code=1)
    act("ingest", acts.file("1.txt", a_page(1)), kinds=["item_ingested"])
    act("ingest", "--withhold", acts.file("2.txt", a_page(2)), kinds=["item_ingested", "item_held"])
    story = next(
        one["id"] for one in shell.good("item", "list", "--json").lines if "第1件" in one["headline"]
    )
    seed = shell.good("demo", "--json").json["item"]
    act("item export", seed, "--as", "ninjs", "--partner", "demo", kinds=["item_delivered"])
    act("item hold", story, "--withhold", kinds=["item_held"])
    act("item release", story, kinds=["item_released"])
    better = acts.file("1b.txt", a_page(1, paragraphs=4))
    act("item correct", story, better, "--note", "补一段", kinds=["item_corrected"])
    # The order to the partner that has the item is the act of whoever recalls it.
    act("item recall", seed, "--reason", "editorial", "--note", "有误", kinds=[
        "item_recalled", "takedown_ordered",
    ])  # fmt: skip
    assert shell("item", "recall-report", seed, "--json").json["actor"].startswith("cli:item-recall-")
    act("item reinstate", seed, kinds=["item_reinstated"])
    acts.forget_a_file()
    act("media collect", kinds=["media_files_collected"])
    with monkeypatch.context() as wrong:
        ahead = lambda: wall_clock() + timedelta(days=3)  # noqa: E731
        wrong.setattr(wiring, "SteadyClock", lambda floor: clocks.SteadyClock(floor, ahead))
        shell.good("partner", "suspend", "hzw")
        seen = acts._newest()
    shell.good("clock", "accept", "--reason", "NTP", "--actor", "ops")
    (accepted,) = shell.good("trail", "list", "--after", str(seen), "--json").lines
    assert (accepted["kind"], accepted["actor"]) == ("clock_accepted", "cli:ops")
    assert acts.done | {"clock accept"} | READS == set(leaves(root)), (
        "a command that this test does not know"
    )
    shell.good("trail", "verify")


def test_the_name_comes_from_the_option_else_the_environment_else_the_system(
    demo: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def actor(*words: str) -> str:
        demo.good("partner", *words)
        return str(demo.good("trail", "list", "--limit", "1", "--json").json["actor"])

    monkeypatch.delenv("SUDO_USER", raising=False)
    assert actor("suspend", "demo") == f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
    monkeypatch.setenv("SUDO_USER", "sun")
    assert actor("resume", "demo") == "cli:sun"
    monkeypatch.setenv("SYNDICATE_ACTOR", "周喆")
    assert actor("suspend", "demo") == "cli:周喆"
    assert actor("resume", "demo", "--actor", "rights:wang") == "cli:rights:wang"
    assert "rights:wang（命令行）" in demo.good("trail", "list", "--limit", "1").out
    assert "rights:wang (command line)" in demo.good("trail", "list", "--limit", "1", "--lang", "en").out


@pytest.mark.parametrize("name", ["", " zhou", "two\nlines", "x" * 65])
def test_a_name_that_the_trail_does_not_take_is_wrong_usage_and_changes_nothing(
    demo: Shell, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = demo.good("trail", "list", "--json").out
    refused = demo("partner", "suspend", "demo", "--actor", name)
    assert (refused.code, "--actor" in refused.err) == (2, True)
    monkeypatch.setenv("SYNDICATE_ACTOR", name)
    assert "SYNDICATE_ACTOR" in demo("key", "issue", "demo").err
    assert demo.good("trail", "list", "--json").out == before


def test_a_watched_folder_is_a_way_of_its_own(demo: Shell, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "1.txt").write_text(a_page(1))
    words = ("ingest", "--watch", str(inbox), "--settle", "0.2", "--json", "--actor", "newsroom")
    with started(demo.data, *words) as running:
        assert running.line()["action"] == "created"
        assert running.stop(signal.SIGTERM) == 0
    newest = demo.good("trail", "list", "--limit", "1", "--json").json
    assert (newest["kind"], newest["actor"]) == ("item_ingested", "watch:newsroom")


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_294_000_000)
    assert login_name({}) == "uid-4294000000"
    assert login_name({"SUDO_USER": "bad\nname"}) == "uid-4294000000"


def test_actors_are_read_as_they_are_written_and_older_ones_stay_as_they_are() -> None:
    for way in Way:
        assert read_actor(str(Actor(way, "a:b 周"))) == Actor(way, "a:b 周")
    for other in ("staff", "system", "unknown", "zjol", "cli", "cli:", "cli: x", "fax:zhou"):
        assert read_actor(other) is None
    assert str(SCHEDULER) == "system:scheduler"
    with pytest.raises(ValueError, match="not an actor's name"):
        Actor(Way.CLI, "")
