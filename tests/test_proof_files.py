"""Proof files: a change of any byte is found, and the fault is named."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from syndicate.errors import Unknown
from syndicate.model.records import leaf_hash
from syndicate.trail.offline_check import Checked, check
from syndicate.trail.proof_files import trail_line
from tests.support.databases import opened, sqlite_address, sqlite_pattern
from tests.support.factories import NOON
from tests.support.trail_fixtures import DIGEST, ORIGIN, Ticking, a_desk, a_key, write

__all__ = ["sqlite_address", "sqlite_pattern"]

LINES = 11


@dataclass(frozen=True)
class Papers:
    """Files about a trail of eleven lines: lines 3 to 8, line 7 (an edition), line 4, growth, all lines."""

    export: bytes
    edition: bytes
    line: bytes
    growth: bytes
    whole: bytes


@pytest.fixture(scope="module")
def papers(sqlite_pattern: Path, tmp_path_factory: pytest.TempPathFactory) -> Papers:
    path = tmp_path_factory.mktemp("papers") / "syndicate.db"
    path.write_bytes(sqlite_pattern.read_bytes())

    async def act() -> Papers:
        clock = Ticking()
        async with opened(f"sqlite+aiosqlite:///{path}") as store:
            desk = a_desk(store, clock=clock)
            await write(store, 5)
            old = await desk.checkpoint()
            assert old is not None
            await write(store, LINES - 5, NOON + timedelta(minutes=1))
            clock.forward(timedelta(minutes=2))
            await desk.checkpoint()
            return Papers(
                b"".join([piece async for piece in desk.export(3, 8)]),
                await desk.prove(7),
                await desk.prove(4),
                await desk.growth(old.note),
                b"".join([piece async for piece in desk.export()]),
            )

    return asyncio.run(act())


def checked(raw: bytes, *keys: int) -> Checked:
    return check(raw.splitlines(keepends=True), [a_key(n) for n in keys or (1,)])


def codes(raw: bytes) -> list[tuple[str, str, int | None]]:
    return [(fault.code, fault.field, fault.line) for fault in checked(raw).faults]


def test_a_file_as_it_was_written_is_found_whole(papers: Papers) -> None:
    export = checked(papers.export)
    assert (export.whole, export.lines, export.count) == (True, (3, 8), 0)
    assert export.head is not None
    assert (export.head.origin, export.head.size) == (ORIGIN, LINES)
    assert export.head.at == NOON + timedelta(minutes=2)
    assert papers.export.count(DIGEST.encode()) == 3  # two lines name the list, which stands there once
    line = checked(papers.line)
    assert line.record is not None
    assert (line.whole, line.lines, line.record["seq"]) == (True, (4, 4), 4)
    assert checked(papers.edition).whole
    growth = checked(papers.growth)
    assert growth.old is not None
    assert (growth.whole, growth.old.size) == (True, 5)
    assert checked(papers.whole).lines == (1, LINES)


@pytest.mark.parametrize("name", ["export", "edition", "line", "growth"])
@pytest.mark.parametrize("mask", [0x01, 0x20, 0x80])
def test_every_flipped_octet_is_reported_at_its_line(papers: Papers, name: str, mask: int) -> None:
    raw: bytes = getattr(papers, name)
    line = 1
    for place, octet in enumerate(raw):
        found = check(
            (raw[:place] + bytes([octet ^ mask]) + raw[place + 1 :]).splitlines(keepends=True), [a_key()]
        )
        assert not found.whole, place
        named = {fault.line for fault in found.faults}
        # Another range in the head, or another hash at the end, is seen in the lines as a whole.
        whole = {"line_missing", "root_mismatch"} & {fault.code for fault in found.faults}
        ends = name == "export" and line in (1, raw.count(b"\n"))
        assert line in named or (ends and whole), (place, found.faults)
        line += octet == 0x0A


@pytest.mark.parametrize("name", ["export", "edition", "line", "growth"])
def test_every_cut_and_every_addition_is_reported(papers: Papers, name: str) -> None:
    raw: bytes = getattr(papers, name)
    for place in range(len(raw)):
        assert not checked(raw[:place]).whole, place
    for more in (b"\n", b" ", b"{}\n", raw):
        assert not checked(raw + more).whole
        assert not checked(more + raw).whole or more == raw
    assert codes(raw + b"x")[-1] == ("file_tail", "foot", raw.count(b"\n") + 1)


def lines_of(papers: Papers) -> list[bytes]:
    return papers.export.splitlines(keepends=True)


def places(papers: Papers) -> Iterator[tuple[int, int]]:
    """(place in the file from 0, number) of each line of the trail."""
    seq = 3
    for place, line in enumerate(lines_of(papers)):
        if line.startswith(b'{"leaf"'):
            yield place, seq
            seq += 1


def test_a_missing_line_is_named(papers: Papers) -> None:
    for place, seq in places(papers):
        lines = lines_of(papers)
        del lines[place]
        assert ("line_missing", f"seq {seq}", None) in codes(b"".join(lines))
    lines = lines_of(papers)
    assert ("line_missing", "seq 5-8", None) in codes(b"".join([*lines[:4], lines[-1]]))


def test_an_inserted_line_is_named(papers: Papers) -> None:
    for place, seq in places(papers):
        lines = lines_of(papers)
        lines.insert(place + 1, lines[place])
        assert ("line_inserted", f"seq {seq}", place + 2) in codes(b"".join(lines))
    lines = lines_of(papers)
    foreign = papers.whole.splitlines(keepends=True)[1]
    found = codes(b"".join([*lines[:-1], foreign, lines[-1]]))
    assert ("line_inserted", "seq 1", len(lines)) in found


def test_lines_in_another_order_are_named(papers: Papers) -> None:
    lines = lines_of(papers)
    (first, one), (second, _) = list(places(papers))[2:4]
    lines[first], lines[second] = lines[second], lines[first]
    found = codes(b"".join(lines))
    assert ("line_moved", f"seq {one}", second + 1) in found


def test_a_changed_line_is_named_and_one_with_the_number_of_another_too(papers: Papers) -> None:
    changed = papers.export.replace(b'"use":"reprint"', b'"use":"copy"', 1)
    assert codes(changed) == [("line_changed", "seq 3", 2)]
    renumbered = papers.export.replace(b'"seq":5}', b'"seq":6}', 1)
    assert codes(renumbered) == [("line_moved", "seq 5", 5)]


def test_a_line_changed_together_with_its_hash_does_not_lead_to_the_signed_root(papers: Papers) -> None:
    for place, _ in places(papers):
        lines = lines_of(papers)
        data = lines[place].partition(b'"line":')[2].removesuffix(b"}\n").replace(b"2026-", b"2025-", 1)
        lines[place] = trail_line(data, leaf_hash(data))
        found = codes(b"".join(lines))
        assert ("root_mismatch", "seq 3-8", None) in found


def test_a_list_that_is_missing_changed_or_added_is_named(papers: Papers) -> None:
    lines = lines_of(papers)
    (place,) = [n for n, line in enumerate(lines) if line.startswith(b'{"content"')]
    without = [*lines[:place], *lines[place + 1 :]]
    assert codes(b"".join(without)) == [("manifest_missing", f"manifest {DIGEST}", place + 1)]
    other = lines[place].replace(b"XSW-1#1", b"XSW-1#2")
    changed = [*lines[:place], other, *lines[place + 1 :]]
    assert codes(b"".join(changed)) == [("manifest_changed", f"manifest {DIGEST}", place + 1)]
    twice = [*lines[: place + 1], *lines[place:]]
    assert codes(b"".join(twice)) == [("manifest_inserted", "manifest", place + 2)]


def test_another_range_or_size_in_the_head_is_found(papers: Papers) -> None:
    for old, new in ((b'"from":3', b'"from":2'), (b'"to":8', b'"to":9'), (b'"size":11', b'"size":12')):
        assert not checked(papers.export.replace(old, new)).whole
    elsewhere = papers.export.replace(b'"origin":"xsnet.cn', b'"origin":"elsewhere.example', 1)
    assert codes(elsewhere) == [("head_mismatch", "head", 1)]


def test_a_checkpoint_of_another_file_does_not_fit(papers: Papers) -> None:
    *lines, foot = lines_of(papers)
    other = papers.whole.splitlines(keepends=True)[-1]
    assert codes(b"".join([*lines, other])) == [("root_mismatch", "seq 3-8", None)]
    assert foot != other


@pytest.mark.parametrize("raw", [b"", b"\n", b"{}\n", b"\x00\xff" * 500, b"[" * 100_000, b'{"format":1}\n'])
def test_what_is_no_proof_is_called_that(raw: bytes) -> None:
    assert codes(raw) == [("file_unknown", "format", 1)]


def test_garbage_behind_a_good_beginning_is_named_line_by_line(papers: Papers) -> None:
    lines = lines_of(papers)
    rubbish = [
        b"{\n",
        b'{"leaf":1,"line":2}\n',
        b'{"checkpoint":[],"outside":{}}\n',
        b'{"line":{},"leaf":""}\n',
    ]
    for one in rubbish:
        for place in range(1, len(lines)):
            spoiled = [*lines[:place], one, *lines[place + 1 :]]
            assert any(line == place + 1 for _, _, line in codes(b"".join(spoiled))), (one, place)


@pytest.mark.parametrize("name", ["export", "edition", "line", "growth"])
def test_with_another_key_nothing_is_believed(papers: Papers, name: str) -> None:
    found = checked(getattr(papers, name), 2)
    assert found.head is None
    assert {fault.code for fault in found.faults} == {"checkpoint_unknown_key"}
    assert checked(getattr(papers, name), 2, 1).whole


def test_what_there_is_not_cannot_be_proved(sqlite_address: str) -> None:
    async def act() -> None:
        async with opened(sqlite_address) as store:
            desk = a_desk(store)
            assert await desk.checkpoint() is None
            for seq in (1, 2**62):
                with pytest.raises(Unknown, match=str(seq)):
                    await desk.prove(seq)
            with pytest.raises(Unknown, match="1-"):
                _ = [piece async for piece in desk.export()]
            await write(store, 2)
            for first, last in ((3, None), (2, 1), (1, 3), (0, 2)):
                with pytest.raises(Unknown, match=f"{first}-"):
                    _ = [piece async for piece in desk.export(first, last)]
            with pytest.raises(Unknown):
                await desk.prove(3)

    asyncio.run(act())
