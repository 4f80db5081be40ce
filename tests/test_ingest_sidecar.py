"""A sidecar says what a picture, sound or film is; every mistake in it is named at once."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syndicate.errors import Fault, Faulty
from syndicate.ingest.draft import finish
from syndicate.ingest.sidecar import SIDECAR_KEYS, Sidecar, read_sidecar, sidecar_names
from syndicate.model.item import Medium
from tests.support.ingest_helpers import NOW, PUBLISHER

WHOLE = """
headline   = "湘湖晨声"
caption    = \"\"\"
湖边的早晨,
有鸟声。

录于跨湖桥。\"\"\"
byline     = "记者 王琳"
credit     = "萧山网"
source     = "萧山网-萧山日报"
editor     = "桂信怡"
published  = 2025-11-29T08:00:00+08:00
embargo    = 2025-12-01T08:00:00+08:00
channel    = "新闻"
language   = "zh-CN"
keywords   = ["湘湖", "声音", "湘湖"]
alt        = "湖面上的晨雾"
transcript = "湘湖晨声.vtt"
"""


def read(document: str | bytes | dict[str, Any], name: str = "sound.toml") -> Sidecar:
    if isinstance(document, dict):
        document, name = json.dumps(document), "sound.json"
    data = document.encode() if isinstance(document, str) else document
    return read_sidecar(data, name=name, medium=Medium.AUDIO, publisher=PUBLISHER)


def faults(document: str | bytes | dict[str, Any]) -> list[Fault]:
    with pytest.raises(Faulty) as caught:
        read(document)
    return list(caught.value.faults)


def test_every_key_is_read_and_the_draft_becomes_an_item() -> None:
    found = read(WHOLE)
    assert (found.credit, found.alt, found.transcript) == ("萧山网", "湖面上的晨雾", "湘湖晨声.vtt")
    parsed = finish(found.draft, name="sound.toml", publisher=PUBLISHER, now=NOW)
    item = parsed.item
    assert (item.medium, item.outlet, item.channel) == (Medium.AUDIO, "daily", "news")
    assert (item.headline, item.byline, item.editor) == ("湘湖晨声", "记者 王琳", "桂信怡")
    assert [block.text for block in item.body] == ["湖边的早晨,", "有鸟声。", "录于跨湖桥。"]
    assert item.published.isoformat() == "2025-11-29T08:00:00+08:00"
    assert parsed.embargo == datetime.fromisoformat("2025-12-01T08:00:00+08:00")
    assert item.keywords == ("湘湖", "声音")


def test_json_says_the_same_as_toml() -> None:
    whole = read(WHOLE)
    as_json = {
        "headline": "湘湖晨声",
        "caption": "湖边的早晨,\n有鸟声。\n\n录于跨湖桥。",
        "byline": "记者 王琳",
        "credit": "萧山网",
        "source": "萧山网-萧山日报",
        "editor": "桂信怡",
        "published": "2025-11-29T08:00:00+08:00",
        "embargo": "2025-12-01T08:00:00+08:00",
        "channel": "news",
        "language": "zh-CN",
        "keywords": ["湘湖", "声音"],
        "alt": "湖面上的晨雾",
        "transcript": "湘湖晨声.vtt",
    }
    assert read(as_json) == whole
    assert read(WHOLE.encode("gb18030")) == whole


def test_all_keys_may_be_left_out() -> None:
    draft = read("").draft
    assert (draft.headline, draft.source, draft.published, draft.body) == ("", "", None, ())
    assert read({}) == read("")


def test_a_sidecar_is_found_by_the_files_whole_name_first() -> None:
    assert sidecar_names("湖.v2.mp3") == ("湖.v2.mp3.toml", "湖.v2.toml", "湖.v2.mp3.json", "湖.v2.json")


def test_every_mistake_is_named_with_its_line() -> None:
    document = (
        'headline = " "\nembargoo = 2026-01-01T08:00:00+08:00\npublished = 2026-01-01\n'
        'embargo = 2026-01-01T08:00:00\nchannel = "sport"\nlanguage = "zh_CN"\n'
        'keywords = [""]\ncaption = 3\n'
    )
    found = [(fault.code, fault.field, fault.line) for fault in faults(document)]
    assert found == [
        ("blank", "headline", 1),
        ("unknown_key", "embargoo", 2),
        ("time_invalid", "published", 3),
        ("naive_datetime", "embargo", 4),
        ("unknown_channel", "channel", 5),
        ("language_invalid", "language", 6),
        ("blank", "keywords", 7),
        ("wrong_type", "caption", 8),
    ]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"published": "2026-01-01T08:00:00"}, "time_invalid"),
        ({"published": "2026年1月1日 8:00"}, "time_invalid"),
        ({"published": 1_767_225_600}, "time_invalid"),
        ({"published": "0001-01-01T00:00:00Z"}, "time_invalid"),
        ({"keywords": "湘湖"}, "wrong_type"),
        ({"keywords": ["x"] * 1000}, "too_many"),
        ({"headline": "长" * 501}, "too_long"),
        ({"caption": "长" * 5001}, "too_long"),
        ({"headline": ["x"]}, "wrong_type"),
        ({"medium": "text"}, "unknown_key"),
        ({"outlet": "daily"}, "unknown_key"),
        ("headline = “湘湖”", "chinese_punctuation"),
        ("headline = 'a'\nheadline = 'b'", "syntax"),
        (b"\xff\xd8\xff\xe0 a picture", "binary"),
        ("x" * 70_000, "too_long"),
    ],
)
def test_what_cannot_be_read_is_refused(document: str | bytes | dict[str, Any], code: str) -> None:
    assert code in [fault.code for fault in faults(document)]


@pytest.mark.parametrize("text", ['{"headline": "a", "headline": "b"}', "[]", "{", "nul", "[" * 100_000])
def test_json_that_is_no_strict_object_is_refused(text: str) -> None:
    with pytest.raises(Faulty) as caught:
        read(text, name="sound.JSON")
    assert {fault.code for fault in caught.value.faults} <= {
        *("json_invalid", "json_duplicate_name", "json_too_deep"),
    }


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../secret.vtt",
            "/etc/passwd.vtt",
            "a\\b.vtt",
            "C:x.vtt",
            ".hidden.vtt",
            "a.txt",
            "a.vtt\x00.vtt",
        ),
        *("a.vtt\x00.vtt", "长" * 100 + ".vtt", "", ".vtt", "a\n.vtt", "\u202ea.vtt"),
    ],
)
def test_a_transcript_is_the_plain_name_of_a_file_beside(name: str) -> None:
    assert [fault.code for fault in faults({"transcript": name})] == ["file_name"]


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for name in ("a.toml", "a.json"):
        try:
            found = read_sidecar(data, name=name, medium=Medium.VIDEO, publisher=PUBLISHER)
        except Faulty:
            continue
        assert found.draft.medium is Medium.VIDEO


def test_every_key_of_a_sidecar_is_in_the_reference() -> None:
    text = (Path(__file__).parents[1] / "docs" / "reference" / "media.md").read_text(encoding="utf-8")
    section = text.partition("## Sidecar\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(SIDECAR_KEYS)
    (example,) = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)
    assert read(example).draft.headline == "湘湖晨声"
