"""`key issue --letter`: a partner that does what the letter says has its items."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import served
from tests.support.shell import Shell, demo, no_settings, prepared

__all__ = ["demo", "no_settings", "prepared"]

STAMP = "稿件来源:萧山网"


def commands(letter: str) -> list[str]:
    """The lines that a partner copies into its shell."""
    return [line for line in letter.splitlines() if re.match(r"\(umask|curl |syndicate ", line)]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_commands_of_the_letter_take_the_items(
    demo: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    file, partner = tmp_path / "letter.txt", tmp_path / "partner"
    partner.mkdir()
    with served(demo.data) as server:
        monkeypatch.setenv("SYNDICATE_BASE_URL", server.address)
        demo.good("key", "issue", "demo", "--letter", "--language", language, "--out", str(file))
        letter = file.read_text()
        environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(partner)}
        printed = []
        for command in commands(letter):
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=partner,
                env=environ,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, (command, done.stderr)
            printed.append(done.stdout)
        for address in re.findall(rf"{server.address}/\S+", letter):
            words = [
                "curl",
                "-fsS",
                "-H",
                f"Authorization: Bearer {(partner / 'demo.key').read_text().strip()}",
            ]
            subprocess.run([*words, address], check=True, capture_output=True)
    assert len(printed) == 3
    assert STAMP in printed[1]
    assert "共建共治共享的萧山样板" in printed[1]
    assert stat.S_IMODE((partner / "demo.key").stat().st_mode) == 0o600
    assert [path.suffix for path in (partner / "demo-items" / "items").glob("*.json")] == [".json"]


def test_the_letter_says_what_the_partner_must_know(demo: Shell, tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    issued = demo.good(
        "key", "issue", "demo", "--label", "网站", "--days", "10", "--letter", "--out", str(file), "--json"
    ).json
    letter = file.read_text()
    assert letter.rstrip("\n") == issued["letter"].rstrip("\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    expires = demo.good("key", "list", "demo").out
    (ends,) = re.findall(r"到期：(\d{4}-\d\d-\d\d \d\d:\d\d)（Asia/Shanghai）", letter)
    assert ends in expires
    feed = "萧山日报：http://127.0.0.1:8080/licensed/feeds/daily.rss"
    for words in (
        issued["token"], issued["jti"], "示范媒体：", "用途：网站", STAMP, "XSW-DEMO-1：", feed,
        "1 天内撤下", "http://www.xsnet.cn/", "用户名 demo",
    ):  # fmt: skip
        assert words in letter, words
    assert not re.search(r"[,;:!?](?=[\u4e00-\u9fff])", letter.replace(STAMP, ""))
    english = demo.good("key", "issue", "demo", "--letter", "--language", "en").out
    kept = english.replace(STAMP, "").replace("示范媒体", "")
    assert not re.findall(r"[\u4e00-\u9fff]", kept)


def test_what_makes_a_letter_useless_is_said(
    demo: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo.good("partner", "add", "hzw", "--name", "杭州网")
    bare = demo.good("key", "issue", "hzw", "--letter")
    assert "hzw 没有有效的授权协议" in bare.err
    assert "只有本机能打开" in bare.err
    assert "目前还没有有效的协议" in bare.out
    monkeypatch.setenv("SYNDICATE_BASE_URL", "https://feeds.xsnet.cn")
    assert "只有本机能打开" not in demo.good("key", "issue", "hzw", "--letter").err


def test_no_key_is_issued_where_the_letter_cannot_be_written(demo: Shell, tmp_path: Path) -> None:
    there = tmp_path / "there.txt"
    there.write_text("别动")
    keys = demo.good("key", "list", "--json").out
    assert demo("key", "issue", "demo", "--letter", "--out", str(there)).code == 2
    assert demo("key", "issue", "demo", "--letter", "--out", str(tmp_path / "no" / "l.txt")).code != 0
    assert demo("key", "issue", "demo", "--out", str(tmp_path / "l.txt")).code == 2
    assert demo("key", "issue", "nobody", "--letter", "--out", str(tmp_path / "l.txt")).code == 1
    assert demo.good("key", "list", "--json").out == keys
    assert (there.read_text(), (tmp_path / "l.txt").exists()) == ("别动", False)
