"""A database knows its signing keys: with others nothing is made or issued, and SYNDICATE_KEYS is named."""

from __future__ import annotations

import shutil
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


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A database with one partner, whose signing keys are in `keys`, outside the data folder."""
    monkeypatch.setenv("SYNDICATE_KEYS", str(tmp_path / "keys"))
    house = Shell(tmp_path / "var")
    house.good("init")
    house.good("partner", "add", "hzw", "--name", "杭州网")
    return house


@pytest.fixture
def elsewhere(house: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """The same database in a shell that points at the signing keys of another."""
    monkeypatch.setenv("SYNDICATE_KEYS", str(tmp_path / "others"))
    Shell(tmp_path / "var2").good("init")
    return house


def _refused(house: Shell, *words: str) -> str:
    english, chinese = (house("--json", "--lang", lang, *words) for lang in ("en", "zh"))
    for told in (english, chinese):
        assert (told.code, told.lines[-1]["error"]) == (1, "keyring_foreign"), told
        assert "SYNDICATE_KEYS" in told.lines[-1]["text"]
    return str(english.lines[-1]["text"])


def test_init_makes_nothing_before_the_first_checkpoint_either(
    house: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SYNDICATE_KEYS")
    assert str(tmp_path / "var" / "keys") in _refused(house, "init")
    assert not (tmp_path / "var" / "keys").exists()


def test_no_key_is_issued_with_the_signing_keys_of_another_database(
    elsewhere: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = elsewhere.good("--json", "trail", "list").lines
    _refused(elsewhere, "key", "issue", "hzw")
    _refused(elsewhere, "init")
    _refused(elsewhere, "serve", "--port", "9")
    _refused(elsewhere, "signing-key", "rotate")
    assert elsewhere.good("--json", "key", "list").lines == []
    assert elsewhere.good("--json", "trail", "list").lines == before
    assert len(list((tmp_path / "others").glob("*.pem"))) == 1
    monkeypatch.setenv("SYNDICATE_KEYS", str(tmp_path / "keys"))
    elsewhere.good("key", "issue", "hzw")


def test_a_key_is_issued_after_a_rotation_and_not_by_a_copy_made_before_it(
    house: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = house.good("--json", "key", "issue", "hzw").json["kid"]
    shutil.copytree(tmp_path / "keys", tmp_path / "copy")
    new = house.good("--json", "signing-key", "rotate").json["kid"]
    assert house.good("--json", "key", "issue", "hzw").json["kid"] == new
    house.good("signing-key", "retire", old)
    monkeypatch.setenv("SYNDICATE_KEYS", str(tmp_path / "copy"))
    assert old in _refused(house, "key", "issue", "hzw")


def test_signing_keys_that_were_there_first_are_adopted_with_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNDICATE_KEYS", str(tmp_path / "keys"))
    made = Shell(tmp_path / "var").good("--json", "init").json["signing_key"]
    second = Shell(tmp_path / "var2")
    second.good("init")
    second.good("init")
    adopted = second.good("--json", "trail", "list", "--kind", "signing_key_adopted").lines
    assert [line["kid"] for line in adopted] == [made]
    monkeypatch.setenv("SYNDICATE_KEYS", str(tmp_path / "wrong"))
    _refused(second, "init")


def test_lost_signing_keys_are_replaced_and_what_they_signed_is_revoked(
    house: Shell, tmp_path: Path
) -> None:
    lost = house.good("--json", "key", "issue", "hzw").json
    refused = house("--json", "signing-key", "rotate", "--lost")
    assert (refused.code, refused.json["error"]) == (1, "signing_key_not_lost")
    for path in (tmp_path / "keys").iterdir():
        if path.is_file():
            path.unlink()
    _refused(house, "init")
    _refused(house, "signing-key", "rotate")
    new = house.good("--json", "signing-key", "rotate", "--lost").json["kid"]
    assert house.good("--json", "key", "issue", "hzw").json["kid"] == new
    assert {one["jti"]: one["state"] for one in house.good("--json", "key", "list").lines}[
        lost["jti"]
    ] == "revoked"
    kinds = [line["kind"] for line in house.good("--json", "trail", "list").lines]
    assert kinds[:4] == ["key_issued", "signing_key_retired", "key_revoked", "signing_key_made"]
