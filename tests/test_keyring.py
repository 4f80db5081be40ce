"""Signing keys: one signs, retiring ones still count, and a file that is not as it should be stops us."""

from __future__ import annotations

import json
import os
import shutil
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from syndicate.access import key_files
from syndicate.access.keyring import State, load, make, retire, rotate
from syndicate.access.thumbprint import decode, encode, thumbprint
from syndicate.errors import Conflict, KeyringFault, Unknown

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=timezone(timedelta(hours=8)))
LATER = NOW + timedelta(days=30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "keys"
    make(made, NOW)
    return made


def current(folder: Path) -> Path:
    return folder / f"{load(folder).current.kid}.pem"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_thumbprint_is_that_of_the_standard() -> None:
    """RFC 8037, appendix A.3."""
    x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert thumbprint(x) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("text", ["YQ==", "YR", "Y", "Y Q", "YQ\n", "Y+", "Ý", "Y/"])
def test_bytes_have_one_spelling(text: str) -> None:
    with pytest.raises(ValueError):
        decode(text)
    assert encode(decode("YQ")) == "YQ"


def test_the_first_key_is_made_once(folder: Path) -> None:
    first = load(folder)
    assert make(folder, LATER) == first
    assert [key.state for key in first.keys] == [State.CURRENT]
    assert first.current.created == NOW
    assert first.current.created.tzinfo is UTC


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_files_are_ours_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        make(tmp_path / "keys", NOW)
    finally:
        os.umask(before)
    assert mode(tmp_path / "keys") == 0o700
    assert {mode(path) for path in (tmp_path / "keys").iterdir()} == {0o600}


def test_a_folder_that_came_with_the_checkout_is_closed(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    keys.chmod(0o775)
    make(keys, NOW)
    assert mode(keys) == 0o700


def test_the_published_keys_are_current_then_retiring_and_never_retired(folder: Path) -> None:
    first = load(folder).current
    second = rotate(folder, LATER)
    third = rotate(folder, LATER)
    retire(folder, second, LATER)
    ring = load(folder)
    assert ring.jwks() == {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": ring.current.x,
                "kid": third,
                "use": "sig",
                "alg": "EdDSA",
            },
            {"kty": "OKP", "crv": "Ed25519", "x": first.x, "kid": first.kid, "use": "sig", "alg": "EdDSA"},
        ]
    }
    assert [key.state for key in ring.keys] == [State.CURRENT, State.RETIRED, State.RETIRING]
    assert ring.keys[1].retired == LATER
    assert ring.keys[2].rotated == LATER
    assert ring.public(first.kid) is not None
    assert ring.public(second) is None
    assert ring.public("../" + third) is None


def test_retiring_deletes_the_private_half_and_keeps_the_rest(folder: Path) -> None:
    old = load(folder).current.kid
    rotate(folder, LATER)
    retire(folder, old, LATER)
    retire(folder, old, LATER + timedelta(days=1))
    assert not (folder / f"{old}.pem").exists()
    assert load(folder).keys[1].retired == LATER


def test_a_retirement_that_was_cut_short_is_finished_by_a_second(folder: Path) -> None:
    old = load(folder).current.kid
    rotate(folder, LATER)
    kept = (folder / f"{old}.pem").read_bytes()
    retire(folder, old, LATER)
    key_files.write(folder / f"{old}.pem", kept)
    assert load(folder).public(old) is None
    retire(folder, old, LATER)
    assert not (folder / f"{old}.pem").exists()


def test_the_current_key_is_not_retired(folder: Path) -> None:
    ring = load(folder)
    with pytest.raises(Conflict, match="rotate"):
        retire(folder, ring.current.kid, LATER)
    assert load(folder) == ring


def test_an_unknown_key_is_not_retired(folder: Path) -> None:
    with pytest.raises(Unknown, match="nobody"):
        retire(folder, "nobody", LATER)


def test_a_first_start_cut_short_after_the_key_goes_on_with_that_key(folder: Path) -> None:
    kid = load(folder).current.kid
    (folder / "keyring.json").unlink()
    (folder / ".keyring.json.tmp").write_text("half of it")
    assert make(folder, LATER).current.kid == kid
    assert not (folder / ".keyring.json.tmp").exists()


def test_a_lost_index_with_several_keys_is_not_guessed(folder: Path) -> None:
    rotate(folder, LATER)
    (folder / "keyring.json").unlink()
    with pytest.raises(KeyringFault, match=r"keyring\.json.*several keys"):
        make(folder, LATER)


def test_a_rotation_cut_short_leaves_the_ring_as_it_was(folder: Path) -> None:
    index = (folder / "keyring.json").read_bytes()
    before = load(folder)
    rotate(folder, LATER)
    key_files.write(folder / "keyring.json", index)
    assert load(folder) == before


def test_a_lost_current_key_stops_us_until_somebody_rotates(folder: Path) -> None:
    lost = current(folder)
    lost.unlink()
    for act in (load, lambda there: make(there, LATER)):
        with pytest.raises(KeyringFault, match=rf"{lost.name} is not there.*signing-key rotate"):
            act(folder)
    assert list(folder.glob("*.pem")) == []
    kid = rotate(folder, LATER)
    assert load(folder).current.kid == kid
    assert load(folder).public(lost.stem) is not None


def _open(path: Path) -> None:
    path.chmod(0o640)


def _link(path: Path) -> None:
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir(mode=0o700)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:70])


def _other_type(path: Path) -> None:
    key = generate_private_key(SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _locked(path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")))


def _another(path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


SPOILED = [
    (_open, "chmod 600"),
    (_link, "symbolic link"),
    (_pipe, "plain file"),
    (_folder, "plain file"),
    (_empty, "empty"),
    (_cut, "cut or damaged"),
    (_other_type, "not an Ed25519 key"),
    (_locked, "cut or damaged"),
    (_another, "not named for the key"),
]


@pytest.mark.parametrize(("spoil", "said"), SPOILED)
@pytest.mark.parametrize("state", [State.CURRENT, State.RETIRING])
def test_a_spoiled_key_is_refused_by_name_and_without_its_bytes(
    folder: Path, spoil: Callable[[Path], None], said: str, state: State
) -> None:
    path = current(folder)
    if state is State.RETIRING:
        rotate(folder, LATER)
    secret = path.read_text().splitlines()[1]
    spoil(path)
    before = sorted(folder.glob("*.pem"))
    for act in (load, lambda there: make(there, LATER)):
        with pytest.raises(KeyringFault, match=said) as caught:
            act(folder)
        text = caught.value.text
        assert path.name in text.zh
        assert path.name in text.en
        assert any("\u4e00" <= char <= "\u9fff" for char in text.zh)
        assert not any("\u4e00" <= char <= "\u9fff" for char in text.en)
        assert secret[:20] not in f"{text}{caught.value!r}{caught.value.__cause__!r}"
    assert sorted(folder.glob("*.pem")) == before


def _index(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        index = json.loads(path.read_text())
        change(index["keys"][0])
        path.write_text(json.dumps(index))

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        _open,
        _link,
        _empty,
        lambda path: path.write_text("{"),
        lambda path: path.write_text("[]"),
        lambda path: path.write_text('{"keys": []}'),
        lambda path: path.write_text('{"keys": "abc"}'),
        lambda path: path.write_text("[" * 100_000),
        _index(lambda key: key.update(state="retired")),
        _index(lambda key: key.update(state="retiring")),
        _index(lambda key: key.update(state="best")),
        _index(lambda key: key.update(x=encode(b"\x01" * 32))),
        _index(lambda key: key.update(x=17)),
        _index(lambda key: key.update(kid="../etc/passwd")),
        _index(lambda key: key.update(created="2026-01-01T00:00:00")),
        _index(lambda key: key.update(created="0001-01-01T00:00:00+23:00")),
        _index(lambda key: key.pop("x")),
        _index(lambda key: key.update(more=1)),
    ],
)
def test_a_spoiled_index_is_refused(folder: Path, spoil: Callable[[Path], None]) -> None:
    spoil(folder / "keyring.json")
    with pytest.raises(KeyringFault, match=r"keyring\.json"):
        load(folder)
    with pytest.raises(KeyringFault, match=r"keyring\.json"):
        make(folder, LATER)


def test_two_current_keys_are_refused(folder: Path) -> None:
    rotate(folder, LATER)
    path = folder / "keyring.json"
    index = json.loads(path.read_text())
    index["keys"][1].update(state="current", rotated=None)
    path.write_text(json.dumps(index))
    with pytest.raises(KeyringFault, match="damaged"):
        load(folder)


def test_a_folder_that_others_can_write_to_is_refused(folder: Path) -> None:
    folder.chmod(0o770)
    with pytest.raises(KeyringFault, match="chmod 700"):
        load(folder)


def test_no_keyring_at_all_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(KeyringFault, match="syndicate init"):
        load(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(KeyringFault, match="is not there"):
        rotate(tmp_path / "nowhere", NOW)


def test_a_failed_write_leaves_what_was_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (folder / "keyring.json").read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(KeyringFault, match="No space left"):
            rotate(folder, LATER)
    assert (folder / "keyring.json").read_bytes() == before
    assert len(list(folder.glob("*.pem"))) == 1
    assert [path.name for path in folder.iterdir() if path.name.endswith(".tmp")] == []


def test_rotations_at_once_take_turns(folder: Path) -> None:
    threads = [threading.Thread(target=rotate, args=(folder, LATER)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    states = [key.state for key in load(folder).keys]
    assert states == [State.CURRENT] + [State.RETIRING] * 6


def test_key_bytes_are_in_no_repr(folder: Path) -> None:
    ring = load(folder)
    secret = ring.private.private_bytes_raw()
    assert encode(secret) not in repr(ring)
    assert secret.hex() not in repr(ring)
    assert "private" not in repr(ring)


def test_a_moment_without_a_zone_is_refused(folder: Path) -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        rotate(folder, naive)
    assert len(load(folder).keys) == len(list(folder.glob("*.pem"))) == 1


def test_a_copied_folder_is_the_same_keyring(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    assert load(tmp_path / "copy") == load(folder)
