"""The gate of the read path: no licensed answer leaves before its trail line is durable and still true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, exists, insert, select, update

from syndicate.store.count import keep, take, write_lines
from syndicate.store.database import Session
from syndicate.store.protocol import Pending
from syndicate.store.tables import editions, manifests

_GIVEN_DIGEST = bindparam("given_digest", type_=manifests.c.digest.type)
_GIVEN_CONTENT = bindparam("given_content", type_=manifests.c.content.type)
_KEEP_MANIFEST = insert(manifests).from_select(
    ["digest", "content"],
    select(_GIVEN_DIGEST, _GIVEN_CONTENT).where(
        ~exists(select(manifests.c.digest).where(manifests.c.digest == _GIVEN_DIGEST))
    ),
)
"""Keep a list once. Writers take turns, so nobody can put it there in between."""


async def record(session: Session, pending: Sequence[Pending]) -> list[bool]:
    """See `Store.record`: in one transaction, which of these were still true, and are written."""
    count = await take(session)
    # A number from beyond the newest one comes from a database that was since restored.
    true = [one.judged is None or count.rights <= one.judged <= count.change for one in pending]
    leaving = [one for one, still in zip(pending, true, strict=True) if still]
    if not leaving:
        return true
    lists = dict(one.manifest for one in leaving if one.manifest is not None)
    if lists:
        await session.run(
            _KEEP_MANIFEST,
            [{"given_digest": digest, "given_content": content} for digest, content in lists.items()],
        )
    await write_lines(session, count, [one.entry for one in leaving])
    await keep(session, count)
    return true


@dataclass(frozen=True, slots=True)
class Standing:
    """What a feed holds for one recipient, since when, and at which change number that was judged."""

    digest: str
    judged: int
    since: datetime


def whole_second(moment: datetime) -> datetime:
    """The moment in UTC, cut to the second: what an HTTP date can say."""
    return moment.astimezone(UTC).replace(microsecond=0)


def answer(
    known: Standing | None, digest: str, judged: int, at: datetime
) -> tuple[datetime, Standing | None]:
    """Since when the feed has this content, and what is to be kept, if anything."""
    now = whole_second(at)
    if known is None:
        return now, Standing(digest, judged, now)
    if known.digest == digest:
        # Said again at a newer number: an older judgement must no longer push it out.
        return known.since, Standing(digest, judged, known.since) if judged > known.judged else None
    if judged < known.judged:
        return now, None
    since = max(now, known.since + timedelta(seconds=1))
    return since, Standing(digest, judged, since)


async def standing(session: Session, feed: str, recipient: str) -> Standing | None:
    """What is kept about this feed for this recipient."""
    row = await session.row(
        select(editions.c.digest, editions.c.judged, editions.c.since).where(
            editions.c.feed == feed, editions.c.recipient == recipient
        )
    )
    return None if row is None else Standing(row.digest, row.judged, row.since)


async def edition_moment(
    session: Session, feed: str, recipient: str, digest: str, judged: int, at: datetime
) -> datetime:
    """See `Store.edition_moment`: the part that writes. Looks again, now that it is our turn."""
    await take(session)
    since, kept = answer(await standing(session, feed, recipient), digest, judged, at)
    if kept is not None:
        values = {"digest": kept.digest, "judged": kept.judged, "since": kept.since}
        here = (editions.c.feed == feed, editions.c.recipient == recipient)
        if not await session.run(update(editions).where(*here).values(values)):
            await session.run(insert(editions), {"feed": feed, "recipient": recipient, **values})
    return since
