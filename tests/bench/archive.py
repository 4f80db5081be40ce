"""Archives for the benchmarks: up to a million items and a thousand partners, made once and kept.

The rows are those that ingest writes, made from the same parts of the program (a test compares them), but
written in bulk: what parses a document is asked once for each variant of the corpus, rows are made by a
process on each core, and indexes are made after the rows.

The newsroom of the corpus publishes an item every ten and a half minutes: a million are twenty years, a
thousand are a week.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Table

from syndicate.config import Settings, load
from syndicate.errors import StoreNewer
from syndicate.ingest.document_parser import parse
from syndicate.ingest.draft import Parsed
from syndicate.ingest.identity import _compared, _hash, _opening_key, _owner, item_id
from syndicate.ingest.text import folded
from syndicate.model.events import ItemIngested
from syndicate.model.item import Item, tag_uri
from syndicate.model.parties import Publisher
from syndicate.model.records import Entry
from syndicate.store.schema import tables
from syndicate.store.schema.note_json import notes_text
from syndicate.store.schema.rows import item_values, trail_row, version_values
from syndicate.store.schema.tables import Instant, as_number
from syndicate.wiring import initialise, opened
from tests.bench import corpus
from tests.bench.agreements import MANDATES, licence, partner
from tests.bench.partners import add_partners
from tests.support.factories import STAFF

ZONE = ZoneInfo("Asia/Shanghai")
PACE = timedelta(seconds=631)
"""Between one item and the next: 137 a day."""
TAKEN_IN = timedelta(seconds=30)
"""From publication to ingest."""
BATCH = 2_000
FORM = 1
"""Counts up when what an archive holds changes: kept ones of an older form are made again."""
_FILLED = (tables.items, tables.versions, tables.item_keys, tables.notes, tables.trail)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Archive:
    """A data folder, and each partner's key."""

    data: Path
    keys: dict[str, str]
    items: int
    newest: datetime

    @property
    def settings(self) -> Settings:
        """The settings of a command in this folder."""
        return load(None, {}, data=self.data)

    @contextmanager
    def copied(self, scratch: Path) -> Iterator[Archive]:
        """A copy to work on, removed at the end, so that the kept one stays as it is."""
        folder = Path(tempfile.mkdtemp(prefix="archive-", dir=scratch))
        try:
            subprocess.run(["cp", "-a", "--reflink=auto", str(self.data), str(folder)], check=True)
            os.sync()  # gigabytes on their way to the disk would hold up every commit that is measured
            yield replace(self, data=folder / self.data.name)
        finally:
            shutil.rmtree(folder)


def kept(root: Path, items: int, partners: int, say: Say) -> Archive:
    """The archive of this recipe, from the kept folder; made first where it is not there.

    One that was made before a migration is migrated; one of a newer release is made again.
    """
    recipe = {"form": FORM, "items": items, "partners": partners, "variants": corpus.VARIANTS}
    name = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:12]
    folder = root / f"{items}-{partners}-{name}"
    if not ((folder / "recipe.json").exists() and _current(folder / "data")):
        shutil.rmtree(folder, ignore_errors=True)
        unfinished = Path(tempfile.mkdtemp(prefix=".making-", dir=root))
        made = make(unfinished / "data", items, partners, say)
        (unfinished / "keys.json").write_text(json.dumps(made.keys))
        said = json.dumps({**recipe, "newest": made.newest.isoformat()})
        (unfinished / "recipe.json").write_text(said)
        unfinished.rename(folder)
    newest = json.loads((folder / "recipe.json").read_text())["newest"]
    keys = json.loads((folder / "keys.json").read_text())
    return Archive(folder / "data", keys, items, datetime.fromisoformat(newest))


def _current(data: Path) -> bool:
    """Bring the database to the schema of this release; False for one of a newer release."""
    try:
        asyncio.run(initialise(load(None, {}, data=data), STAFF))
    except StoreNewer:
        return False
    return True


def published(number: int, count: int, newest: datetime) -> datetime:
    """When the item of this number came out, the newest of `count` at `newest`; to the minute."""
    at = newest - (count - 1 - number) * PACE
    return at.astimezone(ZONE).replace(second=0, microsecond=0)


def make(data: Path, items: int, partners: int, say: Say, now: datetime | None = None) -> Archive:
    """Make an archive whose newest item was taken in some minutes ago."""
    newest = (now or datetime.now(UTC)) - timedelta(minutes=5)
    begun = time.monotonic()
    settings = load(None, {}, data=data)
    asyncio.run(_begin(settings, published(0, items, newest) - timedelta(days=1)))
    database = data / "syndicate.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        _fill(connection, settings.publisher, items, newest, say)
    licences = {partner(number): licence(number) for number in range(partners)}
    keys = asyncio.run(_end(settings, licences))
    size = sum(path.stat().st_size for path in data.rglob("*") if path.is_file())
    say(f"archive of {items:,} items: {size / 2**20:,.0f} MB in {time.monotonic() - begun:.0f} s")
    return Archive(data, keys, items, newest)


async def _begin(settings: Settings, at: datetime) -> None:
    """Make the database and the mandates, before the first item."""
    await initialise(settings, STAFF, lambda: at)
    async with opened(settings, lambda: at) as services:
        for document in MANDATES:
            await services.rights.add_mandate(STAFF, document, "mandate")


async def _end(settings: Settings, licences: dict[str, str]) -> dict[str, str]:
    """Add the partners, after the newest item."""
    async with opened(settings) as services:
        return await add_partners(services, licences)


@dataclass(frozen=True)
class _Place:
    """Where the rows of the archive begin: the counters before the first item."""

    change: int
    line: int


def _fill(
    connection: sqlite3.Connection, publisher: Publisher, count: int, newest: datetime, say: Say
) -> None:
    """Write the rows of every item, and set the counters to what ingest would have left."""
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000", "temp_store=FILE"):
        connection.execute(f"PRAGMA {pragma}")
    place = _Place(*connection.execute("SELECT change, line FROM counters").fetchone())
    found = connection.execute(
        "SELECT name, sql, tbl_name FROM sqlite_master WHERE type='index' AND sql IS NOT NULL"
    )
    filled = {table.name for table in _FILLED}
    indexes = [(name, sql) for name, sql, table in found if table in filled]
    for name, _ in indexes:
        connection.execute(f'DROP INDEX "{name}"')
    connection.execute("CREATE TEMP TABLE found_keys (key TEXT, item TEXT)")
    variants = [_parsed(number, publisher) for number in range(min(corpus.VARIANTS, count))]
    connection.execute("BEGIN")
    for done, batch in _batches(partial(_rows, variants, publisher, count, newest, place), count):
        for table in _FILLED:
            into = "found_keys" if table is tables.item_keys else table.name
            columns = ", ".join(f'"{column.name}"' for column in table.columns)
            marks = ", ".join("?" * len(table.columns))
            connection.executemany(f"INSERT INTO {into} ({columns}) VALUES ({marks})", batch[table.name])
        if done * 10 // count != (done - BATCH) * 10 // count:
            say(f"archive: {done:,} of {count:,} items")
    # In the order of the index: random places in it would be read and written again and again.
    connection.execute("INSERT INTO item_keys (key, item) SELECT key, item FROM found_keys ORDER BY key")
    last = as_number(published(count - 1, count, newest) + TAKEN_IN)
    values = (place.change + count, place.line + count, last)
    connection.execute("UPDATE counters SET change = ?, line = ?, at = ?", values)
    connection.execute("COMMIT")
    for _, sql in indexes:
        connection.execute(sql)
    connection.execute("PRAGMA journal_mode=WAL")


Batch = dict[str, list[tuple[Any, ...]]]


def _batches(rows: Callable[[int], Batch], count: int) -> Iterator[tuple[int, Batch]]:
    """The rows of all items, a batch at a time, in order, made by a process on each core."""
    starts = range(0, count, BATCH)
    if count <= BATCH:
        yield count, rows(0)
        return
    # The pool ends its processes with SIGTERM, which means to stop the benchmarks where it is caught.
    default = (signal.SIGTERM, signal.SIG_DFL)
    size = min(len(os.sched_getaffinity(0)), 8)
    with multiprocessing.get_context("fork").Pool(size, signal.signal, default) as pool:
        for start, batch in zip(starts, pool.imap(rows, starts), strict=True):
            yield min(start + BATCH, count), batch


@dataclass(frozen=True)
class _Variant:
    """A parsed document of a variant, with the parts of its keys that every story of it shares."""

    parsed: Parsed
    owner: str
    spelling: str
    text: str
    opening: str


def _parsed(number: int, publisher: Publisher) -> _Variant:
    at = datetime(2020, 1, 1, 8, tzinfo=ZONE)
    document = corpus.ninjs(corpus.story(number, at))
    found = parse(document, name="variant", publisher=publisher, now=at)
    item = found.item
    owner, spellings = _owner(item.source, publisher)
    opening = ""
    for block in item.body:
        opening += folded(block.text)
        if len(opening) >= 16:
            break
    if not _opening_key(owner, "", item.body):
        raise SystemExit(f"the body of variant {number} is too short for a key")
    return _Variant(found, owner, spellings[0], "".join(map(_compared, item.body)), opening)


def _rows(
    variants: Sequence[_Variant],
    publisher: Publisher,
    count: int,
    newest: datetime,
    place: _Place,
    start: int,
) -> Batch:
    """The rows of one batch, by table."""
    found: Batch = {table.name: [] for table in _FILLED}
    for number in range(start, min(start + BATCH, count)):
        one = corpus.story(number, published(number, count, newest))
        variant = variants[number % corpus.VARIANTS]
        item, keys = _item(one, variant, publisher)
        found["items"].append(
            _row(tables.items, {**item_values(item), "changed": place.change + number + 1})
        )
        line = place.line + number + 1
        version = version_values(item)
        found["versions"].append(_row(tables.versions, {**version, "line": line}))
        found["item_keys"] += [_row(tables.item_keys, {"key": key, "item": item.id}) for key in keys]
        if variant.parsed.notes:
            note = {"item": item.id, "version": 1, "content": notes_text(variant.parsed.notes)}
            found["notes"].append(_row(tables.notes, note))
        # What is kept is what `Item.digest` hashes.
        digest = hashlib.sha256(version["content"].encode()).hexdigest()
        event = ItemIngested(item.id, 1, digest, f"{number}.json")
        found["trail"].append(trail_row(line, item.ingested, Entry(item.ingested, str(STAFF), event)))
    return found


def _item(one: corpus.Story, variant: _Variant, publisher: Publisher) -> tuple[Item, list[str]]:
    """The item that ingest makes of the story's document, and the keys that it is kept under."""
    uri, instant = f"uri:{one.uri}", one.published.astimezone(UTC).isoformat()
    taken = (one.published + TAKEN_IN).astimezone(UTC)
    item = replace(
        variant.parsed.item,
        id=item_id(one.published.astimezone(publisher.zone), uri),
        headline=one.headline,
        published=one.published,
        ingested=taken,
        first_ingested=taken,
    )
    keys = [
        f"uri:{tag_uri(publisher.authority, item.id)}",
        uri,
        f"headline:{_hash(variant.owner, instant, folded(one.headline))}",
        f"text:{_hash(variant.owner, instant, variant.text)}",
        f"opening:{_hash(variant.owner, instant, variant.opening)}",
    ]
    return item, keys


@cache
def _columns(table: Table) -> list[tuple[str, bool]]:
    """The names of a table's columns, and which of them hold instants."""
    return [(column.name, isinstance(column.type, Instant)) for column in table.columns]


def _row(table: Table, values: dict[str, Any]) -> tuple[Any, ...]:
    """The values of a row as SQLite keeps them, in the order of the table's columns."""
    return tuple(
        as_number(values[name]) if instant and values[name] is not None else values[name]
        for name, instant in _columns(table)
    )
