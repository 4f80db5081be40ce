"""The Alembic migrations: from the database of any earlier release to that of this one.

A step is a file in `versions/`, named for its number. Alembic follows `down_revision`; the numbers grow
in the same order, and `revisions` relies on that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection

VERSION_TABLE: Final = "syndicate_version"
"""Ours by name, so that another program's database is never taken for one of ours."""

folder: Path = Path(__file__).parent
"""Where the steps are."""


def revisions() -> list[str]:
    """Every step that this release knows, oldest first."""
    return sorted(path.name.partition("_")[0] for path in (folder / "versions").glob("[0-9]*_*.py"))


def upgrade(connection: Connection) -> None:
    """Take every step that is missing, inside the connection's transaction."""
    # Here, not above: Alembic takes long to load, and only a migration needs it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
