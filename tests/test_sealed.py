"""The seals: only the policy clears, only the stamp stamps, and no edition mixes recipients."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest

from syndicate.errors import ForeignItem, Unstampable
from syndicate.model.feeds import feeds_of
from syndicate.model.holds import Holds
from syndicate.model.item import ItemId, Medium
from syndicate.model.parties import PUBLIC, Partner, Recipient
from syndicate.model.rights import Form, Use
from syndicate.policy import Clearance, clear, clear_with_text
from syndicate.stamping import Edition, StampedItem, stamp
from tests.support.factories import (
    HEALTH,
    NOON,
    OTHER,
    PUBLISHER,
    TV,
    ZJOL,
    a_grant,
    a_licence,
    a_mandate,
    an_item,
    minutes,
)

TYPING = Path(__file__).parent / "typing"
EXPECTED = re.compile(r"# must not type-check: \[([a-z-]+)\]")


def cleared(recipient: Recipient = ZJOL, use: Use = Use.REPRINT) -> Clearance:
    licences = [a_licence(a_grant(uses=Use), partner=recipient)] if isinstance(recipient, Partner) else []
    verdict = clear(an_item(), recipient, [a_mandate()], licences, use, NOON)
    assert isinstance(verdict, Clearance)
    return verdict


def edition(recipient: Recipient, *items: StampedItem) -> Edition:
    return Edition(
        publisher=PUBLISHER,
        recipient=recipient,
        feed=feeds_of(PUBLISHER)["all"],
        items=items,
        updated=NOON,
        until=None,
    )


def values_of(sealed: Clearance | StampedItem) -> dict[str, object]:
    return {field.name: getattr(sealed, field.name) for field in fields(sealed)}


def test_a_clearance_cannot_be_made_by_hand() -> None:
    with pytest.raises(TypeError):
        Clearance(**values_of(cleared()))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="only policy"):
        Clearance(**values_of(cleared()), seal=object())  # type: ignore[arg-type]


def test_a_clearance_cannot_be_widened_by_replacing_a_part() -> None:
    summary = cleared(PUBLIC, Use.LINK)
    with pytest.raises((TypeError, ValueError)):
        replace(summary, form=Form.FULL)  # type: ignore[call-arg]


def test_a_stamped_item_cannot_be_made_by_hand() -> None:
    stamped = stamp(cleared(), PUBLISHER)
    with pytest.raises(TypeError):
        StampedItem(**values_of(stamped))  # type: ignore[arg-type]
    with pytest.raises((TypeError, ValueError)):
        replace(stamped, recipient=OTHER)  # type: ignore[call-arg]


def test_sealed_values_are_frozen() -> None:
    with pytest.raises(AttributeError):
        cleared().form = Form.FULL  # type: ignore[misc]
    with pytest.raises(AttributeError):
        stamp(cleared(), PUBLISHER).stamp = ""  # type: ignore[misc]


def test_a_summary_loses_its_body_when_it_is_stamped() -> None:
    assert stamp(cleared(PUBLIC, Use.LINK), PUBLISHER).body == ()
    assert stamp(cleared(ZJOL, Use.LINK), PUBLISHER).body == ()
    assert stamp(cleared(), PUBLISHER).body == an_item().body


def test_an_edition_refuses_what_was_stamped_for_somebody_else() -> None:
    ours = stamp(cleared(), PUBLISHER)
    assert edition(ZJOL, ours).items == (ours,)
    for recipient in (OTHER, PUBLIC):
        with pytest.raises(ForeignItem):
            edition(recipient, ours)


@pytest.mark.parametrize("broken", [{"stamp": " "}, {"outlets": ()}, {"channels": ()}])
def test_what_cannot_be_stamped_does_not_leave(broken: dict[str, object]) -> None:
    with pytest.raises(Unstampable):
        stamp(cleared(), replace(PUBLISHER, **broken))  # type: ignore[arg-type]


def test_copies_are_the_value_itself_and_not_a_way_around_the_seal() -> None:
    stamped = stamp(cleared(), PUBLISHER)
    assert copy.copy(stamped) == stamped
    assert pickle.loads(pickle.dumps(stamped)) == stamped


def test_what_must_not_type_check_does_not() -> None:
    """Each marked line of `typing/` must be refused with the error it names, and no other line."""
    expected = {
        (path.name, number, match[1])
        for path in sorted(TYPING.glob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (match := EXPECTED.search(line))
    }
    assert len(expected) >= 6
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--no-error-summary",
            "--no-pretty",
            *map(str, sorted(TYPING.glob("*.py"))),
        ],
        capture_output=True,
        text=True,
        cwd=TYPING.parent.parent,
        check=False,
    )
    found = set()
    for line in run.stdout.splitlines():
        match = re.match(r".*?([^/]+\.py):(\d+): error: .*\[([a-z-]+)\]$", line)
        if match:
            found.add((match[1], int(match[2]), match[3]))
    assert found == expected, run.stdout + run.stderr


def test_an_outlines_clearance_is_that_of_the_whole_item_only_where_all_that_decides_is_equal() -> None:
    item = an_item()
    outline = replace(item, headline="", abstract="", body=(), source="", language="")
    licences = [a_licence(a_grant(uses=Use), partner=ZJOL)]
    verdict = clear(outline, ZJOL, [a_mandate()], licences, Use.REPRINT, NOON)
    assert isinstance(verdict, Clearance)
    assert clear_with_text(verdict, item) == clear(item, ZJOL, [a_mandate()], licences, Use.REPRINT, NOON)
    others = [
        replace(item, id=ItemId("20261102-bbbbbbbbbb")),
        replace(item, version=2),
        replace(item, outlet=TV),
        replace(item, channel=HEALTH),
        replace(item, medium=Medium.VIDEO),
        replace(item, published=item.published + minutes(1)),
        replace(item, holds=Holds(withheld=True)),
    ]
    assert [clear_with_text(verdict, other) for other in others] == [None] * len(others)
