"""JSON is read by one strict reader, wherever it comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

import syndicate
from syndicate.strict_json import MOST_FAULTS, InvalidJson, read_json, read_object

PROGRAM = Path(syndicate.__file__).parent

REFUSED = {
    "a name twice": (b'{"a": 1, "b": 2, "a": 3}', [("json_duplicate_name", "a", None)]),
    "a name twice within": (b'{"x": [{"a": 1, "a": 1}]}', [("json_duplicate_name", "a", None)]),
    "NaN and Infinity": (b"[NaN, -Infinity]", [("json_invalid", "document", None)] * 2),
    "cut off": (b'{\n"a": ', [("json_invalid", "document", 2)]),
    "not UTF-8": (b'"\xff"', [("json_invalid", "document", None)]),
    "a byte order mark": (b"\xef\xbb\xbf{}", [("json_invalid", "document", 1)]),
    "an endless number": (b"9" * 9_000, [("json_invalid", "document", None)]),
    "nested without end": (b"[" * 200_000, [("json_too_deep", "document", None)]),
}


@pytest.mark.parametrize(("document", "faults"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_strict_json_is_refused_with_each_fault(
    document: bytes, faults: list[tuple[str, str, int | None]]
) -> None:
    with pytest.raises(InvalidJson) as refused:
        read_json(document)
    assert [(one.code, one.field, one.line) for one in refused.value.faults] == faults


def test_strict_json_is_read_as_it_is() -> None:
    assert read_json('{"a": [1, 2.5, null, true, "湘湖"]}'.encode()) == {"a": [1, 2.5, None, True, "湘湖"]}
    assert read_object("{}") == {}


def test_another_value_than_an_object_is_no_object() -> None:
    with pytest.raises(InvalidJson, match="expected one JSON object"):
        read_object("[]")


def test_at_most_100_faults_are_named() -> None:
    with pytest.raises(InvalidJson) as refused:
        read_json(b"[" + b",".join([b"NaN"] * 1_000) + b"]")
    assert len(refused.value.faults) == MOST_FAULTS


def test_no_other_module_reads_strict_json_or_brings_files_to_the_disk_by_itself() -> None:
    def using(word: str) -> set[str]:
        return {
            str(path.relative_to(PROGRAM))
            for path in PROGRAM.rglob("*.py")
            if word in path.read_text(encoding="utf-8")
        }

    assert using("object_pairs_hook") == {"strict_json.py"}
    # The letter with a new key is made before the key, and never in place of another file.
    # Media files are streamed into folders that are held open: no folder on the way can become a link.
    assert using("os.fsync(") == {
        "durable_files.py",
        "cli/ui/partner_letter.py",
        "store/files/folder_files.py",
        "store/files/stamped_files.py",
    }
