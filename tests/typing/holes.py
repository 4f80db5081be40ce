"""What must not type-check: every way by which something unstamped could reach a serializer.

The test in test_sealed.py runs mypy on this file: each marked line must be refused with the error it
names, and no other line may be.
"""

from syndicate.model.item import Item
from syndicate.model.parties import Publisher
from syndicate.policy import Clearance, Refusal, Verdict
from syndicate.stamping import Edition, StampedItem, stamp
from syndicate.formats import FEED_FORMATS


def an_item_is_no_stamped_item(item: Item, edition: Edition) -> None:
    Edition(
        publisher=edition.publisher,
        recipient=edition.recipient,
        feed=edition.feed,
        items=(item,),  # must not type-check: [arg-type]
        updated=edition.updated,
        until=None,
    )


def an_item_cannot_be_rendered(item: Item) -> None:
    FEED_FORMATS["rss"].render(item)  # must not type-check: [arg-type]


def a_clearance_cannot_be_rendered(clearance: Clearance) -> None:
    FEED_FORMATS["atom"].render(clearance)  # must not type-check: [arg-type]


def an_item_cannot_be_stamped_without_a_clearance(item: Item, publisher: Publisher) -> None:
    stamp(item, publisher)  # must not type-check: [arg-type]


def a_refusal_cannot_be_stamped(refusal: Refusal, publisher: Publisher) -> None:
    stamp(refusal, publisher)  # must not type-check: [arg-type]


def a_verdict_must_be_looked_at(verdict: Verdict, publisher: Publisher) -> None:
    stamp(verdict, publisher)  # must not type-check: [arg-type]


def a_clearance_cannot_be_made_without_the_seal(item: Item) -> Clearance:
    return Clearance(item=item)  # must not type-check: [call-arg]


class Forged(StampedItem):  # must not type-check: [misc]
    """A stamped item of one's own."""


class Waved(Clearance):  # must not type-check: [misc]
    """A clearance of one's own."""


def a_stamp_cannot_be_taken_off(stamped: StampedItem) -> None:
    stamped.stamp = ""  # must not type-check: [misc]
