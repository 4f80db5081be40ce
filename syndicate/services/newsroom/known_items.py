"""The items that a group of documents may be about, read at once and kept up with what the group does."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from syndicate.model.item import Item, ItemId, Medium, tag_uri
from syndicate.model.notes import Note
from syndicate.store.protocol import ItemAct, KeyedItems, Reads


def own_key(authority: str, id: ItemId) -> str:
    """The key of an item that we give it ourselves: its public URI."""
    return f"uri:{tag_uri(authority, id)}"


class KnownItems:
    """What is known of items by their keys. A document sees what the documents before it did."""

    def __init__(
        self,
        found: KeyedItems,
        digests: dict[ItemId, frozenset[str]],
        stories: Mapping[ItemId, Collection[ItemId]],
    ) -> None:
        self._owners = dict(found.owners)
        self._items = dict(found.items)
        self._keys = {id: set(keys) for id, keys in found.keys.items()}
        self._notes = dict(found.notes)
        self._digests = digests
        self._stories = {id: set(those) for id, those in stories.items()}

    def find(self, keys: Sequence[str]) -> tuple[Item, str] | None:
        """Find the newest version of the item that goes by the strongest of these keys, and that key."""
        for key in keys:
            owner = self._owners.get(key)
            if owner is not None:
                return self._items[owner], key
        return None

    def item(self, id: ItemId) -> Item | None:
        """The newest version of the item; None where there is none."""
        return self._items.get(id)

    def owner(self, key: str) -> ItemId | None:
        """Whose this key is; None for nobody's."""
        return self._owners.get(key)

    def keys_of(self, id: ItemId) -> Collection[str]:
        """Every key that the item goes by."""
        return self._keys.get(id, ())

    def notes(self, id: ItemId) -> tuple[Note, ...]:
        """The notes of the item's newest version."""
        return self._notes.get(id, ())

    def stories_with(self, media: ItemId) -> Collection[ItemId]:
        """The stories that have this media item."""
        return self._stories.get(media, ())

    def was(self, id: ItemId, digest: str) -> bool:
        """Whether a corrected item had this content in one of its versions."""
        return digest in self._digests.get(id, ())

    def keep(self, act: ItemAct) -> None:
        """Take note of an act, for the documents that follow."""
        item = act.item
        if item is None:
            return
        self._items[item.id] = item
        for link in item.associations:
            self._stories.setdefault(link.item, set()).add(item.id)
        for key in act.keys:
            self._owners[key] = item.id
        self._keys.setdefault(item.id, set()).update(act.keys)
        if act.notes is not None:
            self._notes[item.id] = act.notes


async def known_items(
    reads: Reads, keys: Iterable[str], ids: Iterable[ItemId], authority: str
) -> KnownItems:
    """Read all items that go by any of these keys or have one of these ids."""
    asked = set(keys)
    found = await reads.keyed(asked, set(ids))
    # An item's own URI may be another item's key: whether it is free must be known too.
    unasked = {own_key(authority, id) for id in found.items} - asked - found.owners.keys()
    if unasked:
        more = await reads.keyed(unasked, ())
        found = KeyedItems(
            {**more.owners, **found.owners},
            {**more.items, **found.items},
            {**more.keys, **found.keys},
            {**more.notes, **found.notes},
        )
    digests = {
        id: frozenset(version.digest for version in await reads.versions(id))
        for id, item in found.items.items()
        if item.note is not None
    }
    media = [id for id, item in found.items.items() if item.medium is not Medium.TEXT]
    stories = {id: await reads.stories_with(id) for id in media}
    return KnownItems(found, digests, stories)
