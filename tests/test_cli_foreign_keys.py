"""Commands in a shell where SYNDICATE_KEYS was forgotten: nothing is made, and the message names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.shell import Shell, no_settings

__all__ = ["no_settings"]


def test_init_with_the_wrong_folder_of_keys_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = Shell(tmp_path / "var")
    with monkeypatch.context() as right:
        right.setenv("SYNDICATE_KEYS", str(tmp_path / "keys"))
        house.good("init")
        house.good("partner", "add", "hzw", "--name", "杭州网")
        house.good("trail", "checkpoint")
        before = house.good("--json", "trail", "list").lines

    issued = house("--json", "--lang", "en", "key", "issue", "hzw")
    assert issued.code == 1
    assert "SYNDICATE_KEYS" in issued.json["text"]
    refused = house("--json", "--lang", "en", "init")
    assert refused.code == 1
    assert "SYNDICATE_KEYS" in refused.json["text"]
    assert not list((tmp_path / "var").rglob("*.pem"))
    assert not list((tmp_path / "var").rglob("keyring.json"))
    assert house("key", "issue", "hzw").code == 1
    assert house.good("--json", "trail", "list").lines == before
