"""The queries for the files that items name, and for which story has which media item."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import bindparam, delete, insert, select, tuple_, update
from typing_extensions import override

from syndicate.model.item import Item, ItemId, Medium
from syndicate.store.database import Transaction
from syndicate.store.media_protocol import MediaReads, NamedFile
from syndicate.store.queries.sql_reads import SqlReads, batches
from syndicate.store.schema.media_tables import associations, media_files
from syndicate.store.schema.tables import items

_PLACE: Final = tuple(media_files.c[name] for name in ("sha256", "item", "version", "rendition"))
_STORIES_CHANGED: Final = (
    update(items)
    .where(
        items.c.id.in_(select(associations.c.story).where(associations.c.media == bindparam("of_media"))),
        items.c.changed < bindparam("at_change"),
    )
    .values(changed=bindparam("at_change"))
)


class SqlMediaReads(SqlReads, MediaReads):
    """`MediaReads` in SQL."""

    @override
    async def named_files(self, *, after: NamedFile | None = None, limit: int = 500) -> list[NamedFile]:
        query = select(*_PLACE, media_files.c.size).order_by(*_PLACE).limit(limit)
        if after is not None:
            here = (after.sha256, after.item, after.version, after.rendition)
            query = query.where(tuple_(*_PLACE) > here)
        rows = await self._rows(query)
        return [NamedFile(row.sha256, row.item, row.version, row.rendition, row.size) for row in rows]

    @override
    async def unnamed(self, digests: Collection[str]) -> set[str]:
        found = set(digests)
        async with self._reading() as transaction:
            for batch in batches(digests):
                query = select(media_files.c.sha256).where(media_files.c.sha256.in_(batch))
                found -= {row.sha256 for row in await transaction.rows(query)}
        return found

    @override
    async def stories_with(self, media: ItemId) -> list[ItemId]:
        query = select(associations.c.story).where(associations.c.media == media)
        return [ItemId(row.story) for row in await self._rows(query.order_by(associations.c.story))]


async def write_media(
    transaction: Transaction, versions: Sequence[Item], changed: Mapping[ItemId, int]
) -> None:
    """Keep what new versions name, and mark the stories of changed media items as changed with them.

    `versions` are new, in order; `changed` has the change number of every item that an act was about.
    """
    files = [row for item in versions for row in _file_rows(item)]
    if files:
        await transaction.run(insert(media_files), files)
    newest = {item.id: item for item in versions if item.medium is Medium.TEXT}
    replaced = [id for id, item in newest.items() if item.version > 1]
    for batch in batches(replaced):
        await transaction.run(delete(associations).where(associations.c.story.in_(batch)))
    links = [row for item in newest.values() for row in _association_rows(item)]
    if links:
        await transaction.run(insert(associations), links)
    if changed:
        rows = [{"of_media": id, "at_change": number} for id, number in changed.items()]
        await transaction.run(_STORIES_CHANGED, rows)


def media_changes(acts: Iterable[tuple[Item, int]]) -> dict[ItemId, int]:
    """Those of these items, each with its change number, that a story may have: no text."""
    return {item.id: number for item, number in acts if item.medium is not Medium.TEXT}


def _file_rows(item: Item) -> list[dict[str, Any]]:
    return [
        {
            "item": item.id,
            "version": item.version,
            "rendition": one.name.value,
            "sha256": one.sha256,
            "content_type": one.content_type,
            "size": one.size,
        }
        for one in item.renditions
    ]


def _association_rows(item: Item) -> list[dict[str, Any]]:
    return [{"media": id, "story": item.id} for id in dict.fromkeys(one.item for one in item.associations)]
