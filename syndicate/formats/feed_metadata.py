"""The metadata of a feed: its title, identity, addresses and description."""

from __future__ import annotations

from syndicate.formats.clean import one_line
from syndicate.language import Text
from syndicate.model.feeds import Feed
from syndicate.model.parties import Public, Publisher
from syndicate.stamping import Edition, StampedItem

_NAMED_SINCE = "2018"
"""The year in a feed's `tag:` identity (RFC 4151): one in which the publisher had its authority name.
It never changes, or every reader would take every feed for a new one."""


def feed_address(publisher: Publisher, feed: str, extension: str, *, public: bool) -> str:
    """The URL of a feed in one format (`rss`, `atom` or `json`)."""
    return f"{publisher.base_url}/{'' if public else 'licensed/'}feeds/{feed}.{extension}"


def own_address(edition: Edition, extension: str) -> str | None:
    """The URL of the edition; None for a single item, which has no feed URL."""
    if edition.feed is None:
        return None
    if edition.archive.own is not None:
        return archive_address(edition, edition.archive.own, extension)
    return feed_address(edition.publisher, edition.feed.id, extension, public=edition.public)


def archive_links(edition: Edition, extension: str) -> list[tuple[str, str]]:
    """The links between a feed and its archive documents (RFC 5005, section 4): relation and URL."""
    links, feed = edition.archive, edition.feed
    if feed is None:
        return []
    found = [("prev-archive", links.previous), ("next-archive", links.next)]
    written = [(rel, archive_address(edition, name, extension)) for rel, name in found if name is not None]
    if links.own is not None:
        written.insert(0, ("current", archive_address(edition, None, extension)))
    return written


def archive_address(edition: Edition, name: str | None, extension: str) -> str:
    """The URL of an archive document of the edition's feed, or of the feed, for the use asked for."""
    feed, use = edition.feed, edition.archive.use
    if feed is None:
        raise ValueError("a single item has no archive")
    path = feed.id if name is None else f"{feed.id}/{name}"
    address = feed_address(edition.publisher, path, extension, public=edition.public)
    return address if use is None else f"{address}?use={use.value}"


def feed_id(publisher: Publisher, feed: str, *, public: bool) -> str:
    """The permanent identity of a feed: it does not depend on host, scheme or title."""
    return f"tag:{publisher.authority},{_NAMED_SINCE}:{'' if public else 'licensed-'}feed:{feed}"


def edition_id(edition: Edition) -> str:
    """The identity of the edition's feed; a single item's is its page."""
    if edition.feed is None:
        return only_item(edition).page
    return feed_id(edition.publisher, edition.feed.id, public=edition.public)


def title(edition: Edition) -> str:
    """The feed's name behind the publisher's; a single item's headline."""
    publisher = edition.publisher
    if edition.feed is None:
        return f"{publisher.name} · {one_line(only_item(edition).headline) or only_item(edition).id}"
    return feed_title(publisher, edition.feed).zh + ("" if edition.public else "（授权）")


def feed_title(publisher: Publisher, feed: Feed) -> Text:
    """The title of a public feed."""
    return Text(
        f"{publisher.name} · {feed.name.zh}", f"{publisher.name_en or publisher.name} · {feed.name.en}"
    )


def description(edition: Edition) -> str:
    """One or two sentences about what the reader finds in the edition."""
    publisher = edition.publisher
    if isinstance(edition.recipient, Public):
        return (
            f"{publisher.name}稿件的标题、摘要与来源标注。"
            "未经协议授权不得转载、链接、转贴或以其他方式复制发表。"
        )
    partner = one_line(edition.recipient.name)
    return f"{publisher.name}授权{partner}使用的稿件。使用时必须注明“{publisher.stamp}”。"


def only_item(edition: Edition) -> StampedItem:
    """The one item of a single-item edition. Raises ValueError where there is another number of them."""
    if len(edition.items) != 1:
        raise ValueError(f"an item's own document needs exactly one item, not {len(edition.items)}")
    return edition.items[0]
