"""What goes into a row comes out of it: for any value, on both databases."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syndicate.errors import StoreDamaged
from syndicate.model.events import DocumentRefused, LicenceShown
from syndicate.model.item import Item
from syndicate.model.parties import Partner
from syndicate.model.records import (
    INDEXED,
    Entry,
    EventTemplate,
    RepeatedEntry,
    event_fields,
    leaf_hash,
    line_bytes,
    line_record,
)
from syndicate.model.register import Key
from syndicate.model.rights import Licence, Mandate
from syndicate.store.protocol import Change
from syndicate.store.schema import rows
from syndicate.store.schema.tables import as_moment, as_number
from tests.support.databases import opened, sqlite_file
from tests.test_store import samples
from tests.test_store.samples import NOON, ZJOL, keep_partner


@given(samples.mandates)
def test_a_mandate_survives_its_row(mandate: Mandate) -> None:
    assert rows.mandate_from(rows.mandate_text(mandate)) == mandate


@given(samples.licences)
def test_a_licence_survives_its_row(licence: Licence) -> None:
    assert rows.licence_from(rows.licence_text(licence)) == licence


@given(samples.licences)
def test_equal_licences_are_equal_rows(licence: Licence) -> None:
    assert rows.licence_text(rows.licence_from(rows.licence_text(licence))) == rows.licence_text(licence)


@given(samples.moments)
def test_a_moment_survives_to_the_microsecond_and_comes_back_in_utc(moment: datetime) -> None:
    back = as_moment(as_number(moment))
    assert back == moment
    assert back.tzinfo is UTC


@given(samples.moments, samples.moments)
def test_kept_moments_sort_as_moments_do(one: datetime, other: datetime) -> None:
    assert (as_number(one) < as_number(other)) == (one < other)


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        as_number(datetime(2026, 1, 1))  # noqa: DTZ001


def test_half_a_surrogate_in_a_file_name_does_not_keep_a_line_from_the_trail() -> None:
    entry = Entry(NOON, "system", DocumentRefused("bad-\udc80.txt", ["unreadable"]))
    body = rows.trail_row(1, NOON, entry).body
    assert body.isascii()
    assert json.loads(body)["document"] == "bad-\udc80.txt"


@given(samples.moments, st.integers(1, 10**12), samples.entries, st.text())
def test_a_row_holds_the_canonical_bytes_of_its_record(
    at: datetime, seq: int, entry: Entry, actor: str
) -> None:
    for one in (entry, replace(entry, actor=actor), replace(entry, actor=f"cli:\udc80{actor}")):
        row = rows.trail_row(seq, at, one)
        values = event_fields(one.event)
        assert row.leaf == leaf_hash(line_bytes(line_record(seq, at, one.actor, one.event.kind, values)))
        assert row.body == rows.json_text(values)
        assert (row.partner, row.jti, row.item) == tuple(values.get(name) for name in INDEXED)


@given(
    samples.moments,
    st.integers(1, 10**12),
    samples.entries,
    st.text(),
    st.from_regex("[0-9a-f]{16}", fullmatch=True),
)
def test_a_repeated_event_has_the_row_of_the_event_itself(
    at: datetime, seq: int, entry: Entry, actor: str, request: str
) -> None:
    if not isinstance(getattr(entry.event, "request", None), str):
        with pytest.raises(ValueError, match="without a request"):
            EventTemplate(actor, entry.event)
        return
    event = replace(entry.event, request=request)  # type: ignore[arg-type]
    repeated = RepeatedEntry(entry.at, request, EventTemplate(actor, entry.event))
    assert rows.trail_row(seq, at, repeated) == rows.trail_row(seq, at, Entry(entry.at, actor, event))


def test_half_a_surrogate_is_in_no_template() -> None:
    with pytest.raises(ValueError, match="UTF-8"):
        EventTemplate("zjol", LicenceShown("zjol", "jti-\udc80", "request"))


_few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_few
@given(item=samples.items, partner=samples.partners, key=samples.keys, entry=samples.entries)
def test_any_value_comes_back_from_the_database_as_it_went_in(
    store_address: str, item: Item, partner: Partner, key: Key, entry: Entry
) -> None:
    async def act() -> None:
        async with opened(store_address) as store:
            fresh = not await store.versions(item.id)
            async with store.writing() as writing:
                await keep_partner(writing, ZJOL)
                await writing.put_partner(partner)
                if fresh:
                    await writing.put_item(item, [])
                await writing.put_key(key)
                await writing.changed(Change.RIGHTS)
                seq = await writing.append(entry)
            if fresh:
                kept = await store.item(item.id)
                assert kept == item
                assert kept.published.utcoffset() == item.published.utcoffset()
            register = await store.register()
            assert register.partners[partner.id] == partner
            assert register.keys[key.jti] == key
            (line,) = await store.lines(after=seq - 1)
            assert line.entry.event == entry.event
            assert line.entry.actor == entry.actor

    asyncio.run(act())


def test_what_cannot_be_read_back_is_called_damage(sqlite_address: str) -> None:
    async def act() -> None:
        async with opened(sqlite_address) as store:
            async with store.writing() as writing:
                await keep_partner(writing)
            with sqlite3.connect(sqlite_file(sqlite_address)) as raw:
                raw.execute("UPDATE partners SET domains = '{'")
                raw.execute(
                    "INSERT INTO trail VALUES (9, 9, 'unheard', 'staff', NULL, NULL, NULL, '{}', '')"
                )
            raw.close()
            with pytest.raises(StoreDamaged):
                await store.register()
            with pytest.raises(StoreDamaged):
                await store.lines()

    asyncio.run(act())
