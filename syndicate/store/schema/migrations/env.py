"""Alembic's entry: takes the missing steps on the connection that it is handed."""

from __future__ import annotations

from alembic import context

from syndicate.store.schema.migrations import VERSION_TABLE
from syndicate.store.schema.partial_indexes import full_metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=full_metadata,
    version_table=VERSION_TABLE,
    # SQLite has it as well; it is only the driver's own habits that hide it, and ours are turned off.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
