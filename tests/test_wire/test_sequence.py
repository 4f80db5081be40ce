"""A page of the change sequence as the programs of partners read it, and whom it is never for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from syndicate.client.change_entries import read_page
from syndicate.client.item_page import make_item_files
from syndicate.errors import ForeignItem
from syndicate.formats import CHANGES, ninjs
from syndicate.model.changes import Action, ChangeEntry
from syndicate.model.parties import PartnerId
from syndicate.stamping import ChangesPage
from tests.test_wire.cases import (
    CALLED_BACK,
    CORRECTED,
    PARTNER,
    PUBLISHER,
    SEED,
    TABLES,
    VIDEO,
    changes_case,
    changes_of,
    for_partner,
    for_public,
    told,
    tombstone_of,
)
from tests.test_wire.kit import faults
from tests.test_wire.test_hostile import texts

PAGE = changes_case()
OTHER = replace(PARTNER, id=PartnerId("hzw"))
ALWAYS = ["seq", "action", "id", "version", "at", "clause"]
MORE = {
    Action.PUT: [["item"], [], ["item"]],
    Action.CORRECT: [["note", "item"]],
    Action.EMBARGO: [["until"]],
    Action.RECALL: [["reason", "note", "deadline", "item"]] * 2,
    Action.WITHDRAW: [["reason", "deadline"]],
}


def read(page: ChangesPage) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(CHANGES.render(page).body)
    return made


def test_each_action_says_what_belongs_to_it_and_no_name_but_clause_is_without_a_value() -> None:
    entries = read(PAGE)["changes"]
    for action, names in MORE.items():
        found = [[*one] for one in entries if one["action"] == action]
        assert found == [ALWAYS + more for more in names], action
    assert {name for one in entries for name, value in one.items() if value is None} == {"clause"}


def test_moments_are_on_the_newsroom_s_clock_and_an_embargo_never_ends_too_early() -> None:
    entries = read(PAGE)["changes"]
    assert {one["at"] for one in entries} == {"2018-01-24T08:00:00+08:00"}
    assert {one["deadline"] for one in entries if "deadline" in one} == {"2018-01-24T10:00:00+08:00"}
    assert [one["until"] for one in entries if "until" in one] == ["2018-01-25T08:00:01+08:00"]
    early = next(one["item"] for one in entries if "embargoedUntil" in one.get("item", {}))
    assert early["embargoedUntil"] == "2018-01-25T08:00:01+08:00"


def test_items_are_the_ninjs_documents_of_what_may_be_had_and_of_what_is_canceled() -> None:
    entries = read(PAGE)["changes"]
    for (_, subject), entry in zip(PAGE.entries, entries, strict=True):
        if subject is None:
            assert "item" not in entry
            continue
        assert entry["item"]["uri"] == subject.uri
        assert entry["item"]["pubStatus"] == ("canceled" if entry["action"] == "recall" else "usable")
    assert entries[0]["item"] == ninjs.document(for_partner(SEED), PUBLISHER)


def test_every_item_of_a_page_is_valid_by_the_iptc_schema() -> None:
    items = [one["item"] for one in read(PAGE)["changes"] if "item" in one]
    assert len(items) == 5
    for item in items:
        assert faults("ninjs/ninjs-schema_3.1.json", item, "ninjs/GeoJSON-schema.json") == []


def test_the_partner_s_client_reads_the_page_and_keeps_what_it_gives() -> None:
    made = CHANGES.render(PAGE)
    assert made.content_type == "application/json"
    page = read_page(made.body, after=0)
    assert [(one.seq, one.action.value, one.id) for one in page.changes] == [
        (one.seq, one.action.value, one.item) for one, _ in PAGE.entries
    ]
    assert (page.next, page.more, page.reset) == (PAGE.next, False, False)
    corrected = next(one for one in page.changes if one.action.value == "correct")
    assert corrected.item is not None
    kept = make_item_files(corrected.id, corrected.item)
    assert "应为“65.6%”" in kept.html.decode()


def test_a_page_without_entries_keeps_its_cursor_and_says_more_and_reset() -> None:
    empty = replace(changes_of(), next=77, more=True, reset=True)
    assert CHANGES.render(empty).body == b'{"changes":[],"next":77,"more":true,"reset":true}\n'


@pytest.mark.parametrize(
    "entry",
    [
        (replace(told(1, Action.PUT, SEED), partner=OTHER.id), None),
        (replace(told(1, Action.PUT, SEED), partner=OTHER.id), for_partner(SEED)),
        (told(1, Action.PUT, SEED), for_public(SEED)),
        (told(1, Action.PUT, SEED), for_partner(TABLES)),
        (told(1, Action.RECALL, CALLED_BACK[0]), tombstone_of(CALLED_BACK[0])),
        (told(1, Action.RECALL, CALLED_BACK[0]), tombstone_of(CALLED_BACK[1], PARTNER)),
    ],
    ids=[
        "their entry",
        "their entry, our item",
        "the public's",
        "another item",
        "public tomb",
        "other tomb",
    ],
)
def test_what_is_somebody_else_s_or_another_item_s_is_refused(entry: tuple[ChangeEntry, Any]) -> None:
    good = (told(2, Action.PUT, VIDEO), for_partner(VIDEO))
    with pytest.raises(ForeignItem):
        changes_of(good, entry)


def test_a_page_for_another_partner_takes_nothing_of_this_one_s() -> None:
    with pytest.raises(ForeignItem):
        changes_of(*PAGE.entries, recipient=OTHER)


@given(texts)
@settings(max_examples=40, deadline=None)
def test_whatever_a_note_says_the_page_is_one_that_the_client_reads(note: str) -> None:
    entry = (told(5, Action.CORRECT, CORRECTED, note=note), for_partner(replace(CORRECTED, note=note)))
    (change,) = read_page(CHANGES.render(changes_of(entry)).body, after=0).changes
    assert (change.note or "") == (change.item or {}).get("edNote", "")
    assert "\n" not in (change.note or "")
