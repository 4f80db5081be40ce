"""Find out whether a database is missing, waits for a migration, or is of this release."""

from __future__ import annotations

from enum import Enum, auto

from sqlalchemy import Connection, inspect, text

from syndicate.errors import StoreNewer, StoreOlder
from syndicate.language import Text
from syndicate.store.faults import damaged, missing
from syndicate.store.schema import migrations
from syndicate.store.schema.media_tables import metadata


class Release(Enum):
    """How old the database is. A newer one is an error, not an answer."""

    NONE = auto()
    OLDER = auto()
    CURRENT = auto()


def release_of(connection: Connection) -> Release:
    """What release the database is of. Raises StoreNewer, and StoreDamaged where it is not ours."""
    found = set(inspect(connection).get_table_names())
    ours = set(metadata.tables)
    if migrations.VERSION_TABLE not in found:
        # A server may hold tables of others beside ours; a file is all ours or not at all.
        if found & ours or (found and connection.dialect.name == "sqlite"):
            raise damaged()
        return Release.NONE
    marks = connection.execute(text(f"SELECT version_num FROM {migrations.VERSION_TABLE}")).scalars().all()  # noqa: S608
    known = migrations.revisions()
    if any(mark not in known for mark in marks):
        raise StoreNewer(
            Text(
                "数据库来自更新的版本，本版本不能使用：请安装写入它的版本",
                "the database is of a newer release and this one must not touch it: "
                "install the release that wrote it",
            )
        )
    if len(marks) != 1:
        raise damaged()
    if marks[0] != known[-1]:
        return Release.OLDER
    if not ours <= found:
        raise damaged()
    return Release.CURRENT


def require_current(connection: Connection) -> None:
    """Raises StoreMissing, StoreOlder, StoreNewer or StoreDamaged unless the database is just right."""
    match release_of(connection):
        case Release.NONE:
            raise missing()
        case Release.OLDER:
            raise StoreOlder(
                Text(
                    "数据库需要升级：请先备份，再运行 syndicate init",
                    "the database waits for its migration: back it up, then run `syndicate init`",
                )
            )
        case Release.CURRENT:
            return


def bring_up(connection: Connection) -> bool:
    """Make the tables or take the missing migrations; whether there was anything to do.

    All of it is inside the connection's transaction.
    """
    if release_of(connection) is Release.CURRENT:
        return False
    migrations.upgrade(connection)
    return True
