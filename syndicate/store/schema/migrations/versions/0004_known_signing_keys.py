"""The signing keys that a database knows, so that keys are issued with no others."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table, and fill it from the trail and from the partners' keys that were issued."""
    table = op.create_table("signing_keys", sa.Column("kid", NAME, primary_key=True))
    bind = op.get_bind()
    # A keyring that was there before its database left no record of having been made.
    known = set(bind.execute(sa.text("SELECT DISTINCT kid FROM keys")).scalars())
    records = bind.execute(
        sa.text(
            "SELECT kind, body FROM trail WHERE kind IN ('signing_key_made', 'signing_key_retired') "
            "ORDER BY seq"
        )
    )
    for kind, body in records:
        kid = json.loads(body)["kid"]
        if kid.startswith("trail:"):
            continue
        if kind == "signing_key_made":
            known.add(kid)
        else:
            known.discard(kid)
    if known:
        op.bulk_insert(table, [{"kid": kid} for kid in sorted(known)])
