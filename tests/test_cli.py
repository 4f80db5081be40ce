"""The commands from outside: what they print for people and programs, what they refuse, how they exit."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from syndicate.cli.app import Given
from syndicate.cli.ui.failures import guarded
from syndicate.language import Lang
from tests.support.shell import PROJECT, SEED, Shell, demo, no_settings, prepared

__all__ = ["demo", "no_settings", "prepared"]


@pytest.fixture
def story(demo: Shell) -> str:
    """The id of the demonstration's article."""
    return str(demo.good("item", "list", "--json").json["id"])


def test_the_installed_command_and_the_module_are_the_same_program() -> None:
    (installed,) = [one for one in entry_points(group="console_scripts") if one.name == "syndicate"]
    done = subprocess.run(
        [sys.executable, "-m", "syndicate", "--version"],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=True,
    )
    assert installed.value == "syndicate.cli:main"
    assert done.stdout.startswith("syndicate, version ")


@pytest.mark.parametrize(
    "command",
    [
        "init", "serve", "ingest", "demo", "explain", "item list", "item show", "item export",
        "partner add", "partner list", "partner show", "partner suspend", "partner resume",
        "mandate add", "mandate list", "mandate end",
        "licence add", "licence list", "licence show", "licence end",
        "key issue", "key list", "key revoke",
        "signing-key list", "signing-key rotate", "signing-key retire", "trail list",
    ],
)  # fmt: skip
def test_every_command_has_help_in_both_languages_with_an_example(tmp_path: Path, command: str) -> None:
    said = Shell(tmp_path).good(*command.split(), "--help").out
    first = said.splitlines()[2]
    chinese, english = first.split(" · ", 1)
    assert any("\u4e00" <= char <= "\u9fff" for char in chinese)
    assert english.isascii()
    assert f"syndicate {command}" in said.partition("例 · Example:")[2] or command == "init"


@pytest.mark.parametrize("group", ["item", "partner", "mandate", "licence", "key", "signing-key", "trail"])
def test_every_group_of_commands_shows_an_example(tmp_path: Path, group: str) -> None:
    said = Shell(tmp_path).good(group, "--help").out
    assert f"syndicate {group} " in said.partition("例 · Example:")[2]


def test_values_that_were_typed_wrong_are_named_with_every_fault(demo: Shell) -> None:
    outcome = demo("partner", "add", "A b", "--name", "x", "--domain", "x", "--json")
    assert (outcome.code, outcome.json["error"]) == (2, "usage")
    assert [fault["field"] for fault in outcome.json["faults"]] == ["id", "domain[0]"]
    assert "未添加授权媒体：\n" in outcome.err
    assert "应在 1 至 1095 之间" in demo("key", "issue", "demo", "--days", "0").err
    assert "应不小于 1" in demo("item", "list", "--limit", "0").err
    assert "未签发密钥：\n" in demo("key", "issue", "demo", "--label", "a" * 101).err


def test_what_init_makes_is_for_its_owner_alone_whatever_the_umask(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    before = os.umask(0)
    request.addfinalizer(lambda: os.umask(before))
    shell = Shell(tmp_path / "srv" / "var")
    shell.good("init")
    shell.good("demo")
    for path in (tmp_path / "srv", shell.data, shell.data / "keys"):
        assert path.stat().st_mode & 0o777 == 0o700
    with sqlite3.connect(shell.data / "syndicate.db") as line:
        line.execute("UPDATE syndicate_version SET version_num = version_num")
        line.commit()
        names = [path.name for path in shell.data.iterdir() if path.is_file()]
        assert {f"syndicate.db{end}" for end in ("", "-wal", "-shm", "-lock", "-notice")} <= set(names)
        assert {name: (shell.data / name).stat().st_mode & 0o777 for name in names} == dict.fromkeys(
            names, 0o600
        )
    line.close()


def test_init_leaves_the_mode_of_a_folder_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir(mode=0o750)
    Shell(tmp_path / "var").good("init")
    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o750


def test_init_makes_database_and_key_once(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "var")
    first, second = shell.good("init", "--json").json, shell.good("init", "--json").json
    assert first["database_made"]
    assert first["signing_key"]
    assert (second["database_made"], second["signing_key"]) == (False, None)
    assert (tmp_path / "var" / "keys" / f"{first['signing_key']}.pem").stat().st_mode & 0o777 == 0o600


def test_without_a_database_every_command_says_to_run_init(tmp_path: Path) -> None:
    for words in (
        ["item", "list"],
        ["partner", "list"],
        ["ingest", str(SEED)],
        ["serve"],
        ["trail", "list"],
    ):
        outcome = Shell(tmp_path / "var")(*words)
        assert outcome.code == 1
        assert "syndicate init" in outcome.err
    assert Shell(tmp_path / "var")("item", "list", "--json").json["error"] == "store_missing"
    assert not (tmp_path / "var").exists()


def test_a_database_from_a_newer_release_is_left_alone(demo: Shell) -> None:
    with sqlite3.connect(demo.data / "syndicate.db") as line:
        line.execute("UPDATE syndicate_version SET version_num = '9999'")
    line.close()
    for words in (["item", "list"], ["init"], ["serve"]):
        outcome = demo(*words, "--lang", "en")
        assert outcome.code == 1
        assert "newer release" in outcome.err


def test_a_data_folder_that_cannot_be_made_is_named_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    outcome = Shell(tmp_path / "file" / "var")("init")
    assert outcome.code == 1
    assert str(tmp_path / "file") in outcome.err
    assert "Traceback" not in outcome.err


def test_a_signing_key_that_others_can_read_stops_the_start(demo: Shell) -> None:
    (key,) = (demo.data / "keys").glob("*.pem")
    key.chmod(0o644)
    outcome = demo("serve")
    assert outcome.code == 1
    assert str(key) in outcome.err
    assert "chmod 600" in outcome.err


def test_faulty_settings_are_wrong_configuration_with_every_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "s.toml").write_text('base_url = "nowhere"\n[publisher]\nstmp = "x"\n')
    outcome = Shell(tmp_path / "var")("--config", str(tmp_path / "s.toml"), "item", "list", "--json")
    assert outcome.code == 2
    assert {(fault["field"], fault["line"]) for fault in outcome.json["faults"]} == {
        ("base_url", 1),
        ("publisher.stmp", 3),
    }
    monkeypatch.setenv("SYNDICATE_LANG", "fr")
    assert Shell(tmp_path / "var")("item", "list").code == 2


@pytest.mark.parametrize(
    "words",
    [
        ["nope"], ["item", "nope"], ["item", "list", "--nope"], ["item", "show"], ["partner", "add", "x"],
        ["item", "list", "--limit", "0"], ["item", "export", "x", "--as", "pdf"],
        ["--lang", "fr", "item", "list"],
        ["serve", "--port", "70000"], ["serve", "--workers", "0"], ["ingest"],
        ["trail", "list", "--after", "-1"],
        ["ingest", "--watch", str(SEED)], ["item", "export", "x", "--as", "rss", "--use", "link"],
        ["partner", "add", "A b", "--name", "x"], ["partner", "add", "x", "--name", "x", "--domain", "x"],
        ["mandate", "add", "/nonexistent.toml"], ["licence", "add", "/nonexistent.toml"],
        ["licence", "add", str(SEED.parent)],
        ["key", "issue", "demo", "--days", "0"], ["key", "issue", "demo", "--days", "1096"],
        ["key", "issue", "demo", "--label", "a" * 101],
        ["explain", "--partner", "demo", "--item", "x", "--use", "steal"],
        ["explain", "--partner", "demo", "--item", "x", "--use", "link", "--at", "2026-02-30 08:00"],
        ["explain", "--partner", "demo", "--item", "x", "--use", "link", "--at", "tomorrow"],
    ],
)  # fmt: skip
def test_wrong_usage_exits_with_2_and_says_what_is_wrong(demo: Shell, words: list[str]) -> None:
    outcome = demo(*words)
    assert outcome.code == 2
    assert "用法有误" in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["partner", "add", "demo", "--name", "x"], "duplicate_partner"),
        (["partner", "show", "nobody"], "not_found"),
        (["partner", "suspend", "nobody"], "not_found"),
        (["partner", "resume", "demo"], "conflict"),
        (["mandate", "end", "nope"], "not_found"),
        (["licence", "show", "nope"], "not_found"),
        (["licence", "end", "nope"], "not_found"),
        (["key", "issue", "nobody"], "not_found"),
        (["key", "list", "nobody"], "not_found"),
        (["key", "revoke", "nope"], "not_found"),
        (["signing-key", "retire", "-nope"], "not_found"),
        (["item", "show", "nope"], "not_found"),
        (["item", "export", "nope", "--as", "rss"], "not_found"),
        (["explain", "--partner", "nobody", "--item", "x", "--use", "link"], "not_found"),
        (["explain", "--partner", "demo", "--item", "nope", "--use", "link"], "not_found"),
        (["trail", "list", "--partner", "nobody"], "not_found"),
        (["trail", "list", "--item", "nope"], "not_found"),
    ],
)
def test_what_is_refused_exits_with_1_in_both_languages(demo: Shell, words: list[str], error: str) -> None:
    said, told = demo(*words, "--json"), demo(*words, "--json", "--lang", "en")
    assert (said.code, told.code) == (1, 1)
    assert said.json["error"] == told.json["error"] == error
    assert not said.json["text"].isascii()
    assert told.json["text"].isascii()


def test_an_item_is_shown_with_exactly_the_fields_of_the_contract(demo: Shell, story: str) -> None:
    shown = demo.good("item", "show", story, "--json").json
    body = shown["body"]
    assert shown["headline"] == ("“2018 我们怎么干”系列报道之四——保障和改善民生 还有更多幸福事值得期待")
    assert shown["published"] == "2018-01-22T08:01:00+08:00"
    assert (shown["source"], shown["outlet"]) == ("萧山网-萧山日报", "daily")
    assert (shown["byline"], shown["editor"]) == ("首席记者 周喆", "桂信怡")
    assert (shown["medium"], shown["channel"], shown["version"]) == ("text", "news", 1)
    assert shown["uri"] == f"tag:xsnet.cn,2018-01-22:item:{story}"
    assert body[0]["text"].startswith("新年伊始")
    assert body[-1]["text"].endswith("共建共治共享的萧山样板。")
    assert [block["text"] for block in body if block["kind"] == "heading"] == [
        "深化“最多跑一次”改革", "加快社会事业发展", "加强和创新社会治理",
    ]  # fmt: skip
    assert len(body) == 18
    assert {"abstract", "address", "keywords", "ingested", "language"} <= set(shown)


def test_an_export_is_stamped_and_holds_no_more_than_its_reader_may_have(demo: Shell, story: str) -> None:
    stamp, secret = "稿件来源:萧山网", "共建共治共享的萧山样板"
    for format in ("ninjs", "html", "rss", "atom", "json"):
        public = demo.good("item", "export", story, "--as", format).out
        licensed = demo.good(
            "--actor", "wang", "item", "export", story, "--as", format, "--partner", "demo"
        ).out
        assert stamp in public
        assert stamp in licensed
        assert secret not in public
        assert secret in licensed
    lines = demo.good("trail", "list", "--item", story, "--json").lines
    exports = [one for one in lines if one["kind"] == "item_delivered"]
    assert len(exports) == 5
    assert {(one["actor"], one["partner"], one["clause"]) for one in exports} == {
        ("cli:wang", "demo", "XSW-DEMO-1#1")
    }
    demo.good("mandate", "end", "HEAD-DEMO-1")
    closed = demo("item", "export", story, "--as", "rss", "--json")
    assert (closed.code, closed.json["reason"]) == (1, "mandate_ended")


def test_empty_lists_say_what_to_do_next(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "var")
    shell.good("init")
    for thing, command in (
        ("partner", "partner add"),
        ("mandate", "mandate add"),
        ("licence", "licence add"),
        ("key", "key issue"),
        ("item", "ingest"),
    ):
        assert f"syndicate {command}" in shell.good(thing, "list").out
        assert f"syndicate {command}" in shell.good(thing, "list", "--lang", "en").out
        assert shell.good(thing, "list", "--json").out == ""


def test_options_for_all_stand_before_or_behind_the_command(demo: Shell) -> None:
    assert demo.good("--json", "partner", "list").json == demo.good("partner", "list", "--json").json
    assert (
        demo.good("--lang", "en", "partner", "list").out == demo.good("partner", "--lang", "en", "list").out
    )


def test_the_demonstration_reuses_what_it_made(demo: Shell) -> None:
    first, second = (demo.good("demo", "--message").out for _ in "ab")
    token = (demo.data / "demo.key").read_text().strip()
    assert first == second
    assert f"Authorization: Bearer {token}" in first
    assert (demo.data / "demo.key").stat().st_mode & 0o777 == 0o600
    assert sum(line.startswith("curl ") for line in first.splitlines()) == 3
    assert len(demo.good("key", "list", "--json").lines) == 1


def test_the_demonstration_shows_all_four_media(demo: Shell) -> None:
    first, second = (demo.good("demo", "--message", "--media").out for _ in "ab")
    assert first == second
    items = demo.good("item", "list", "--json").lines
    assert Counter(one["medium"] for one in items) == {"text": 2, "picture": 1, "audio": 1, "video": 1}
    assert {one["version"] for one in items} == {1}
    assert all(f"/items/{one['id']}\n" in first for one in items)
    assert "/feeds/audio.podcast.rss\n" in first
    (picture,) = (one["id"] for one in items if one["medium"] == "picture")
    assert f"/licensed/media/{picture}/original\n" in first
    story = next(one["id"] for one in items if "示范稿件" in one["headline"])
    assert picture in json.dumps(demo.good("item", "show", story, "--json").json["associations"])
    for one in items:
        demo.good("explain", "--partner", "demo", "--item", one["id"], "--use", "reprint")


def test_the_demonstration_names_no_media_that_nobody_may_have(demo: Shell) -> None:
    demo.good("demo", "--media")
    demo.good("mandate", "end", "HEAD-DEMO-2")
    demo.good("licence", "end", "XSW-DEMO-2")
    said = demo.good("demo", "--message", "--media").out
    assert "带图片的稿件" in said
    assert "视频" not in said
    assert "podcast" not in said
    assert "/licensed/media/" not in said


def test_a_demonstration_of_an_earlier_release_goes_on(tmp_path: Path) -> None:
    """Its mandates say nothing of previews."""
    shell = Shell(tmp_path / "var")
    shell.good("init")
    for name in ("mandate-daily.toml", "mandate-broadcast.toml"):
        said = (SEED.parent / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(re.sub("^public_preview.*\n", "", said, flags=re.M), encoding="utf-8")
        shell.good("mandate", "add", str(tmp_path / name))
    told = shell.good("demo", "--message", "--media").out
    assert "视频 · a film" in told
    assert "/licensed/media/" in told
    assert len(shell.good("mandate", "list", "--json").lines) == 2


def test_the_demonstration_issues_another_key_when_its_own_opens_no_more(demo: Shell) -> None:
    jti = demo.good("demo", "--json").json["jti"]
    demo.good("key", "revoke", jti)
    second = demo.good("demo", "--json").json["jti"]
    (demo.data / "demo.key").unlink()
    third = demo.good("demo", "--json").json["jti"]
    (demo.data / "demo.key").write_text("scribble")
    fourth = demo.good("demo", "--json").json["jti"]
    assert len({jti, second, third, fourth}) == 4


@pytest.mark.parametrize(
    ("words", "zh", "en"),
    [
        (("licence", "end", "XSW-DEMO-1"), "示范协议已终止", "the demonstration's licence has ended"),
        (
            ("mandate", "end", "HEAD-DEMO-1"),
            "示范的独家发布权已终止",
            "the demonstration's mandate has ended",
        ),
    ],
)
def test_the_demonstration_promises_nothing_that_was_ended(
    demo: Shell, words: tuple[str, ...], zh: str, en: str
) -> None:
    demo.good(*words)
    said = demo.good("demo", "--message").out
    assert zh in said
    assert en in said
    assert "SYNDICATE_DATA=" in said
    assert "Bearer" not in said


def test_the_demonstration_says_how_to_let_its_partner_in_again(demo: Shell) -> None:
    demo.good("partner", "suspend", "demo")
    said = demo.good("demo", "--message").out
    assert "syndicate partner resume demo" in said
    assert "Bearer" not in said


def test_the_demonstration_says_that_its_key_is_another_one(demo: Shell) -> None:
    assert "原密钥" not in demo.good("demo", "--message").out
    demo.good("key", "revoke", demo.good("demo", "--json").json["jti"])
    told = demo.good("demo", "--message")
    assert "原密钥已撤销" in told.out
    assert f"Bearer {(demo.data / 'demo.key').read_text().strip()}" in told.out
    assert told.err == "示范稿件：已收入（未变）\n"


def test_a_damaged_database_is_one_line_for_people(demo: Shell) -> None:
    (demo.data / "syndicate.db").write_bytes(b"no database at all" * 1000)
    outcome = demo("licence", "list", "--json")
    assert outcome.code == 1
    assert outcome.json["error"] == "store_damaged"
    assert "Traceback" not in outcome.err


def test_an_accident_is_one_line_and_a_traceback_only_on_demand(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble() -> None:
        raise RuntimeError("out of paper")

    assert guarded(stumble, Given(Lang.EN)) == 1
    assert capsys.readouterr().err == (
        "something unexpected happened: RuntimeError: out of paper. SYNDICATE_DEBUG=1 shows more\n"
    )
    monkeypatch.setenv("SYNDICATE_DEBUG", "1")
    assert guarded(stumble, Given(Lang.EN)) == 1
    assert "in stumble" in capsys.readouterr().err


def test_the_commands_work_on_both_databases(
    store_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNDICATE_DATABASE", store_address)
    shell = Shell(tmp_path / "var")
    made = shell.good("init", "--json").json
    assert "hush" not in json.dumps(made)
    story = shell.good("demo", "--json").json["item"]
    (taken,) = shell.good("ingest", str(SEED), "--json").lines
    assert (taken["id"], taken["action"]) == (story, "unchanged")
    said = shell.good("explain", "--partner", "demo", "--item", story, "--use", "reprint", "--json").json
    assert said["decision"] == "allow"
    assert len(shell.good("trail", "list", "--json").lines) == 8
