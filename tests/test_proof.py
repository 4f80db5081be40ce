"""The pure half of the proof: hashes as RFC 9162 has them, checkpoints as C2SP has them, no leniency."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from syndicate.errors import Faulty
from syndicate.model.records import leaf_hash
from syndicate.trail.checkpoint import Head, VerifierKey, opened, signed, verifier_key
from syndicate.trail.merkle import (
    EMPTY,
    Frontier,
    Gathering,
    Span,
    consistency,
    consistent,
    inclusion,
    inside,
    node_hash,
    outside,
    rebuilt,
    root_with,
)
from tests.support.factories import NOON
from tests.support.trail_fixtures import ORIGIN, a_key, a_signer

# The reference tree of the Certificate Transparency project: eight inputs and the roots over them.
INPUTS = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAF_0 = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
LEAF_1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
LEAF_2 = "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7"
LEAF_3 = "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7"
LEAF_4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
OVER_01 = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
OVER_23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
OVER_45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
OVER_67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
OVER_0123 = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
OVER_4567 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"

leaves = st.lists(st.binary(min_size=1, max_size=3).map(leaf_hash), min_size=1, max_size=40)
HEAD = Head(ORIGIN, 9, leaf_hash(b"root"), NOON)
NOTE = signed(HEAD, a_key(), a_signer().sign)


def reference() -> list[bytes]:
    return [leaf_hash(bytes.fromhex(one)) for one in INPUTS]


def naive(of: list[bytes]) -> bytes:
    """The root as RFC 9162, section 2.1.1 writes it down."""
    if not of:
        return EMPTY
    if len(of) == 1:
        return of[0]
    half = 1
    while half * 2 < len(of):
        half *= 2
    return node_hash(naive(of[:half]), naive(of[half:]))


def gathered(spans: list[Span], of: list[bytes]) -> list[bytes]:
    gathering = Gathering(spans)
    for leaf in of:
        gathering.add(leaf)
    return [gathering.found()[span] for span in spans]


def test_the_reference_tree_has_the_reference_roots() -> None:
    frontier = Frontier()
    roots = [frontier.root().hex()]
    for leaf in reference():
        frontier.add(leaf)
        roots.append(frontier.root().hex())
    assert roots == ROOTS


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (0, 1, []),
        (0, 2, [LEAF_1]),
        (1, 2, [LEAF_0]),
        (2, 3, [OVER_01]),
        (1, 5, [LEAF_0, OVER_23, LEAF_4]),
        (0, 8, [LEAF_1, OVER_23, OVER_4567]),
        (5, 8, [LEAF_4, OVER_67, OVER_0123]),
    ],
)
def test_inclusion_paths_are_those_of_the_reference_tree(index: int, size: int, path: list[str]) -> None:
    of = reference()[:size]
    found = gathered(inclusion(index, size), of)
    assert [one.hex() for one in found] == path
    assert root_with(of[index], index, size, found).hex() == ROOTS[size]


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (1, 1, []),
        (8, 8, []),
        (1, 8, [LEAF_1, OVER_23, OVER_4567]),
        (2, 5, [OVER_23, LEAF_4]),
        (3, 8, [LEAF_2, LEAF_3, OVER_01, OVER_4567]),
        (6, 8, [OVER_45, OVER_67, OVER_0123]),
    ],
)
def test_consistency_paths_are_those_of_the_reference_tree(old: int, new: int, path: list[str]) -> None:
    found = gathered(consistency(old, new), reference()[:new])
    assert [one.hex() for one in found] == path
    assert consistent(old, bytes.fromhex(ROOTS[old]), new, bytes.fromhex(ROOTS[new]), found)


@given(leaves)
def test_a_growing_tree_always_has_the_root_of_the_definition(of: list[bytes]) -> None:
    frontier = Frontier()
    for size, leaf in enumerate(of, 1):
        frontier.add(leaf)
        assert (frontier.size, frontier.root()) == (size, naive(of[:size]))


def flipped(hash: bytes) -> bytes:
    return bytes([hash[0] ^ 1]) + hash[1:]


@given(leaves, st.data())
def test_a_line_is_proved_at_its_place_and_nowhere_else(of: list[bytes], data: st.DataObject) -> None:
    size, index = len(of), data.draw(st.integers(0, len(of) - 1))
    path = gathered(inclusion(index, size), of)
    root = naive(of)
    assert root_with(of[index], index, size, path) == root
    assert root_with(flipped(of[index]), index, size, path) != root
    for n in range(len(path)):
        assert root_with(of[index], index, size, [*path[:n], flipped(path[n]), *path[n + 1 :]]) != root
    for wrong in ([*path, root], path[:-1]) if path else ([root],):
        with pytest.raises(ValueError):
            root_with(of[index], index, size, wrong)
    with pytest.raises(ValueError):
        root_with(of[index], size, size, path)


@given(leaves, st.data())
def test_growth_is_proved_and_a_changed_past_is_not(of: list[bytes], data: st.DataObject) -> None:
    new, old = len(of), data.draw(st.integers(1, len(of)))
    path = gathered(consistency(old, new), of)
    before, after = naive(of[:old]), naive(of)
    assert consistent(old, before, new, after, path)
    changed = [leaf_hash(b"changed!"), *of[1:]]
    again = gathered(consistency(old, new), changed)
    for wrong in (path, again):
        assert not consistent(old, before, new, naive(changed), wrong)
        assert not consistent(old, naive(changed[:old]), new, after, wrong)
    assert not consistent(old, before, new, after, [*path, before])
    assert not consistent(0, EMPTY, new, after, path)
    assert not consistent(new + 1, before, new, after, path)


@given(leaves, st.data())
def test_a_range_and_the_hashes_around_it_give_the_root(of: list[bytes], data: st.DataObject) -> None:
    size = len(of)
    begin = data.draw(st.integers(0, size - 1))
    within = Span(begin, data.draw(st.integers(begin + 1, size)))
    around = outside(within, size)
    inner = Gathering(inside(within, size), begin)
    for leaf in of[within.begin : within.end]:
        inner.add(leaf)
    known = {**dict(zip(around, gathered(around, of), strict=True)), **inner.found()}
    assert rebuilt(Span(0, size), known) == naive(of)
    assert len(known) <= 4 * size.bit_length() + 1
    with pytest.raises(ValueError):
        rebuilt(Span(0, size), inner.found() if around else {})


def test_a_verifier_key_is_read_as_others_write_it() -> None:
    # The example of Go's sumdb/note, whose format this is.
    key = verifier_key("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert (key.name, key.hash.hex()) == ("PeterNeumann", "c74f20a3")
    assert str(key) == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    signature = base64.b64decode(
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    )
    assert signature[:4] == key.hash
    text = "If you think cryptography is the answer to your problem,\n"
    text += "then you don't know what your problem is.\n"
    Ed25519PublicKey.from_public_bytes(key.public).verify(signature[4:], text.encode())


def test_a_verifier_key_with_any_slip_is_refused() -> None:
    line = str(a_key())
    for n in range(len(line)):
        for other in ("A", "+", " ", "é"):
            wrong = line[:n] + other + line[n + 1 :]
            if wrong != line:
                with pytest.raises(Faulty, match="key_invalid"):
                    verifier_key(wrong)
    for wrong in ("", "name", "a+b", line[:-1], line + "\n", line.replace("xsnet", "xs net")):
        with pytest.raises(Faulty, match="key_invalid"):
            verifier_key(wrong)


def test_a_checkpoint_reads_back_as_what_was_signed() -> None:
    assert opened(NOTE, [a_key()]) == HEAD
    assert NOTE.splitlines()[:4] == [
        ORIGIN,
        "9",
        base64.b64encode(HEAD.root).decode(),
        "time 2026-11-02T04:00:00+00:00",
    ]
    local = replace(HEAD, at=datetime.fromisoformat("2026-11-02T12:00:00+08:00"))
    assert signed(local, a_key(), a_signer().sign) == NOTE


def test_any_changed_octet_of_a_checkpoint_is_refused() -> None:
    raw = NOTE.encode()
    for n in range(len(raw)):
        for bit in range(8):
            changed = bytes([*raw[:n], raw[n] ^ 1 << bit, *raw[n + 1 :]]).decode(errors="replace")
            with pytest.raises(Faulty):
                opened(changed, [a_key()])
    for cut in range(len(NOTE)):
        with pytest.raises(Faulty):
            opened(NOTE[:cut], [a_key()])


@pytest.mark.parametrize(
    "wrong",
    [
        NOTE + "\n",
        NOTE.replace("\n9\n", "\n09\n"),
        NOTE.replace("\n9\n", "\n+9\n"),
        NOTE.replace("\n9\n", "\n٩\n"),
        NOTE.replace("\n9\n", f"\n{2**63}\n"),
        NOTE.replace("\n9\n", f"\n{'9' * 5000}\n"),
        NOTE.replace("+00:00", "Z"),
        NOTE.replace("time ", "time  "),
        NOTE.replace("time 2026-11-02T04:00:00+00:00\n", ""),
        NOTE.replace("\n\n—", "\nmore\n\n—"),
        NOTE.replace("\n", "\r\n"),
        "\n\n",
        "x" * 20_000,
    ],
)
def test_another_spelling_of_a_checkpoint_is_none(wrong: str) -> None:
    with pytest.raises(Faulty, match="checkpoint_malformed"):
        opened(wrong, [a_key()])


def test_who_signed_matters() -> None:
    with pytest.raises(Faulty, match="checkpoint_unknown_key"):
        opened(NOTE, [a_key(2)])
    with pytest.raises(Faulty, match="checkpoint_unknown_key"):
        opened(NOTE, [])
    text = replace(HEAD, size=8).text()
    with pytest.raises(Faulty, match="checkpoint_signature"):
        opened(text + NOTE.removeprefix(HEAD.text()), [a_key()])
    # A key counts for the trail that it is named for.
    elsewhere = VerifierKey("elsewhere.example/trail", a_key().public)
    raw = base64.b64encode(elsewhere.hash + a_signer().sign(HEAD.text().encode())).decode()
    with pytest.raises(Faulty, match="checkpoint_signature"):
        opened(f"{HEAD.text()}\n— {elsewhere.name} {raw}\n", [a_key(), elsewhere])
    with pytest.raises(Faulty, match="checkpoint_signature"):
        signed(replace(HEAD, origin="other.example/trail"), a_key(), a_signer().sign)
    with pytest.raises(Faulty, match="checkpoint_malformed"):
        signed(replace(HEAD, root=b"short"), a_key(), a_signer().sign)


def test_a_witness_may_sign_too_where_that_is_asked_for() -> None:
    witness = VerifierKey("witness.example/w1", a_key(3).public)
    more = base64.b64encode(witness.hash + a_signer(3).sign(HEAD.text().encode())).decode()
    cosigned = f"{NOTE}— {witness.name} {more}\n"
    assert opened(cosigned, [a_key()], cosigned=True) == HEAD
    with pytest.raises(Faulty, match="checkpoint_malformed"):
        opened(cosigned, [a_key()])
    with pytest.raises(Faulty, match="checkpoint_malformed"):
        opened(NOTE + f"— {witness.name} {more}\n" * 16, [a_key()], cosigned=True)
