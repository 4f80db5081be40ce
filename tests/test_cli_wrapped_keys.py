"""Two nodes with a folder each and one database: what one does to the signing keys, the other finds."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pytest

from tests.support.shell import Shell, no_settings

__all__ = ["no_settings"]

FILE, VALUE = "SYNDICATE_KEY_ENCRYPTION_KEY_FILE", "SYNDICATE_KEY_ENCRYPTION_KEY"
KEK, OTHER = (
    base64.b64encode(bytes((n * 11 + start) % 256 for n in range(32))).decode() for start in (3, 4)
)


@pytest.fixture
def kek(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the key-encryption key, and the database that all nodes share."""
    monkeypatch.setenv("SYNDICATE_DATABASE", f"sqlite+aiosqlite:///{tmp_path / 'shared' / 'syndicate.db'}")
    path = tmp_path / "kek"
    path.touch(mode=0o600)
    path.write_text(KEK)
    monkeypatch.setenv(FILE, str(path))
    return path


@pytest.fixture
def nodes(kek: Path, tmp_path: Path) -> tuple[Shell, Shell]:
    """Two nodes that were made with a key-encryption key."""
    (tmp_path / "shared").mkdir()
    first, second = Shell(tmp_path / "a"), Shell(tmp_path / "b")
    made, found = first.good("--json", "init").json, second.good("--json", "init").json
    assert made["keys"] == found["keys"] == "database"
    assert made["signing_key"] is not None
    assert found["signing_key"] is found["trail_key"] is None
    first.good("partner", "add", "hzw", "--name", "杭州网")
    return first, second


def files(*nodes: Shell) -> list[Path]:
    """Every file of a signing key on these nodes."""
    return [
        path for node in nodes for path in [*node.data.rglob("*.pem"), *node.data.rglob("keyring.json")]
    ]


def signing(node: Shell) -> dict[str, str]:
    return {one["kid"]: one["state"] for one in node.good("--json", "signing-key", "list").lines}


def test_a_second_node_finds_the_keys_and_every_act_reaches_it(nodes: tuple[Shell, Shell]) -> None:
    first, second = nodes
    assert files(*nodes) == []
    (old,) = signing(first)
    assert second.good("--json", "key", "issue", "hzw").json["kid"] == old
    new = first.good("--json", "signing-key", "rotate").json["kid"]
    assert signing(second) == {new: "current", old: "retiring"}
    assert second.good("--json", "key", "issue", "hzw").json["kid"] == new
    closed = second.good("--json", "signing-key", "retire", old).json["closes"]
    assert len(closed) == 1
    assert signing(first) == {new: "current", old: "retired"}
    assert first.good("--json", "trail", "checkpoint").json["new"]
    second.good("partner", "add", "zjol", "--name", "浙江在线")
    assert second.good("--json", "trail", "checkpoint").json["new"]
    assert first.good("--json", "trail", "verify").json["whole"]
    key = first.good("trail", "key").out
    first.good("trail", "key", "--rotate")
    assert second.good("trail", "key").out.splitlines()[1:] == key.splitlines()
    assert files(*nodes) == []


def test_files_move_into_the_database_and_a_copy_elsewhere_is_deleted(
    kek: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FILE)
    (tmp_path / "shared").mkdir()
    first, second = Shell(tmp_path / "a"), Shell(tmp_path / "b")
    first.good("init")
    shutil.copytree(first.data / "keys", second.data / "keys")
    second.good("init")
    first.good("signing-key", "rotate")
    before = signing(first)
    verifier = first.good("trail", "key").out

    refused = first("--json", "signing-key", "wrap")
    assert (refused.code, refused.json["error"]) == (2, "key_encryption_key")
    assert FILE in refused.json["text"]
    monkeypatch.setenv(FILE, str(kek))
    assert signing(first) == before, "the setting alone moves nothing"
    moved = first.good("--json", "signing-key", "wrap").json
    assert (moved["place"], moved["moved"], moved["files_deleted"]) == ("database", True, 3)
    assert files(first) == []
    assert len(files(second)) == 4, "the copy from before the rotation"
    assert signing(second) == signing(first) == before, "and it is not used"
    again = second.good("--json", "signing-key", "wrap").json
    assert (again["moved"], again["files_deleted"]) == (False, 2)
    assert files(second) == []
    assert second.good("trail", "key").out == verifier

    assert second.good("--json", "signing-key", "unwrap").json["place"] == "folder"
    assert signing(second) == before
    assert first("key", "list").code == 0
    assert first("--json", "init").json["error"] == "keyring_foreign"
    monkeypatch.delenv(FILE)
    assert signing(second) == before
    assert second.good("trail", "key").out == verifier
    kinds = [line["kind"] for line in second.good("--json", "trail", "list").lines]
    assert kinds.count("signing_keys_moved") == 2


def test_a_folder_with_other_keys_is_not_touched(nodes: tuple[Shell, Shell], tmp_path: Path) -> None:
    first, _ = nodes
    with pytest.MonkeyPatch.context() as elsewhere:
        for name in ("SYNDICATE_DATABASE", FILE):
            elsewhere.delenv(name)
        Shell(tmp_path / "other").good("init")
    shutil.copytree(tmp_path / "other" / "keys", first.data / "keys")
    before = files(first)
    assert len(before) == 4
    assert first.good("--json", "signing-key", "wrap").json["files_deleted"] == 0
    refused = first("--json", "signing-key", "unwrap")
    assert (refused.code, refused.json["error"]) == (1, "keyring")
    assert "SYNDICATE_KEYS" in refused.json["text"]
    assert files(first) == before
    assert "current" in signing(first).values()


@pytest.mark.parametrize("fault", ["missing", "wrong", "open", "gone", "two"])
def test_a_wrong_or_missing_key_encryption_key_is_exit_code_2_and_makes_nothing(
    nodes: tuple[Shell, Shell], kek: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    first, second = nodes
    before = first.good("--json", "trail", "list").lines
    match fault:
        case "missing":
            monkeypatch.delenv(FILE)
        case "wrong":
            kek.write_text(OTHER)
        case "open":
            kek.chmod(0o644)
        case "gone":
            kek.unlink()
        case _:
            monkeypatch.setenv(VALUE, KEK)
    for words in (
        ("init",),
        ("serve", "--port", "9"),
        ("key", "issue", "hzw"),
        ("signing-key", "rotate"),
        ("signing-key", "list"),
        ("signing-key", "rewrap"),
        ("trail", "checkpoint"),
    ):
        for lang in ("zh", "en"):
            told = second("--json", "--lang", lang, *words)
            assert told.code == 2, (words, told)
            assert "SYNDICATE_KEY_ENCRYPTION_KEY" in told.out
            assert KEK[:12] not in told.out + told.err
    assert files(*nodes) == []
    monkeypatch.delenv(VALUE, raising=False)
    monkeypatch.setenv(FILE, str(kek))
    kek.touch(mode=0o600)
    kek.chmod(0o600)
    kek.write_text(KEK)
    assert second.good("--json", "trail", "list").lines == before


def test_the_key_encryption_key_may_stand_in_the_environment_and_not_in_the_file(
    nodes: tuple[Shell, Shell], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = nodes
    monkeypatch.delenv(FILE)
    monkeypatch.setenv(VALUE, KEK)
    assert "current" in signing(first).values()
    monkeypatch.delenv(VALUE)
    settings = tmp_path / "syndicate.toml"
    settings.write_text(f'key_encryption_key = "{KEK}"\n')
    refused = first("--json", "--config", str(settings), "signing-key", "list")
    assert refused.code == 2
    assert [(one["code"], one["line"]) for one in refused.json["faults"]] == [("secret_in_file", 1)]
    assert KEK[:12] not in refused.out + refused.err
    settings.write_text(f'key_encryption_key_file = "{tmp_path / "kek"}"\n')
    assert first("--config", str(settings), "signing-key", "list").code == 0


def test_the_key_encryption_key_is_changed_without_a_stop(nodes: tuple[Shell, Shell], kek: Path) -> None:
    first, second = nodes
    before = signing(first)
    kek.write_text(f"{OTHER}\n{KEK}\n")
    assert signing(second) == before
    assert first.good("--json", "signing-key", "rewrap").json["rewrapped"] == 2
    kek.write_text(OTHER)
    assert signing(second) == before
    assert second.good("--json", "trail", "checkpoint").json["new"]
    kek.write_text(KEK)
    assert second("signing-key", "list").code == 2


def test_with_the_key_encryption_key_lost_new_keys_are_made_and_the_old_are_revoked(
    nodes: tuple[Shell, Shell], kek: Path
) -> None:
    first, second = nodes
    issued = first.good("--json", "key", "issue", "hzw").json
    first.good("trail", "checkpoint")
    kept = first("--json", "signing-key", "rotate", "--lost")
    assert (kept.code, kept.json["error"]) == (1, "signing_key_not_lost")
    kek.write_text(OTHER)
    new = first.good("--json", "signing-key", "rotate", "--lost").json["kid"]
    assert signing(second) == {new: "current", issued["kid"]: "retired"}
    assert second.good("--json", "key", "issue", "hzw").json["kid"] == new
    keys = {one["jti"]: one["state"] for one in second.good("--json", "key", "list").lines}
    assert keys[issued["jti"]] == "signing_key_retired"
    assert first("trail", "key", "--rotate").code == 2
    assert first("trail", "key", "--lost").code == 2
    first.good("trail", "key", "--rotate", "--lost")
    assert second.good("--json", "trail", "checkpoint").json["new"]
    assert second.good("--json", "trail", "verify").json["whole"], (
        "the public half of the lost key was kept"
    )


def test_a_server_only_reads_a_folder_of_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a read-only mount will do."""
    monkeypatch.setenv("SYNDICATE_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("SYNDICATE_DATABASE", f"sqlite+aiosqlite:///{tmp_path / 'a' / 'syndicate.db'}")
    Shell(tmp_path / "a").good("init")
    folders = [tmp_path / "keys", tmp_path / "keys" / "trail"]
    (tmp_path / "keys" / ".lock").unlink(missing_ok=True)
    before = [(one, one.stat().st_mtime_ns) for one in [*folders, *tmp_path.joinpath("keys").rglob("*")]]
    node = Shell(tmp_path / "b")
    node.good("init")
    node.good("partner", "add", "hzw", "--name", "杭州网")
    node.good("key", "issue", "hzw")
    node.good("trail", "checkpoint")
    after = [(one, one.stat().st_mtime_ns) for one in [*folders, *tmp_path.joinpath("keys").rglob("*")]]
    assert after == before
