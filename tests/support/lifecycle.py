"""The steps of `test_lifecycle`: what the newsroom and staff do with one story over its life."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from syndicate.model.holds import RecallReason
from syndicate.model.item import ItemId
from syndicate.model.parties import PartnerId
from syndicate.services.newsroom.document_holds import Keep
from tests.support.factories import NOON, SECRET, STAFF, minutes
from tests.support.recipients import PUBLIC, May, Recipient, Story
from tests.support.servers import Serving

OPENS = NOON + minutes(60)
"""When the embargo ends."""
MANDATE = """
number = "HEAD-1"
holder = "萧山日报社"
outlets = ["daily"]
media = ["text"]
exclusive = true
valid_from = 2015-01-01
"""
GRANTS = {
    "prompt": 'uses = ["reprint"]\nearly = true',
    "later": 'uses = ["reprint"]\ndelay = "PT30M"',
    "linker": 'uses = ["link"]',
    "other": 'uses = ["reprint"]\nchannels = ["health"]',
    "keeper": 'uses = ["reprint"]\nretain = "P7D"',
}
HEADLINE = "湘湖边的新桥明天通车"
LONG = "这座桥连着两岸的老街，走过去只要一盏茶的工夫，从前要绕很远的路才能到对岸去赶早市。"
NOTE = "通车日期有误，应为后天"
RECALLED = {RecallReason.EDITORIAL: "事实尚未核实", RecallReason.LEGAL: "依法院裁定"}


class Life:
    """The story in its house, and what happens to it."""

    def __init__(self, here: Serving, *, ninjs: bool) -> None:
        self.here, self.house, self._ninjs = here, here.house, ninjs
        self.id = ItemId("")
        self.version, self.note = 1, ""
        self.recall: tuple[datetime, str] | None = None
        self.recipients = {PUBLIC: Recipient(PUBLIC, None, here)}

    async def begin(self) -> None:
        """The mandate, the partners with their keys, and every licence but keeper's."""
        await self.house.rights.add_mandate(STAFF, MANDATE, "mandate.toml")
        for name in GRANTS:
            await self.house.rights.add_partner(STAFF, name, f"授权媒体 {name}")
            key = (await self.house.keys.issue(STAFF, PartnerId(name), days=900)).token
            self.recipients[name] = Recipient(name, key, self.here)
            if name != "keeper":
                await self.license(name)
        self.recipients["keeper"].shut = May("refused", "no_licence", None)

    async def license(self, name: str) -> None:
        """The partner's licence, with its one grant."""
        document = (
            f'number = "L-{name}"\npartner = "{name}"\nvalid_from = 2026-01-01\nvalid_until = 2027-01-01\n'
            f'[[grant]]\noutlets = ["daily"]\nmedia = ["text"]\n{GRANTS[name]}\n'
        )
        await self.house.rights.add_licence(STAFF, document, "licence.toml")

    def document(self, day: str, *, embargo: bool = False) -> bytes:
        """The story as the newsroom sends it: a ninjs document, or a saved page."""
        body = [f"{day}，新桥就要通车了。{LONG}", f"{LONG}{LONG}{LONG}", f"{SECRET}。"]
        if not self._ninjs:
            text = "\n\n".join(f"  {one}" for one in body)
            return f"{HEADLINE}\n\n2026年11月2日 11:30来源:萧山日报\n\n{text}\n\n编辑:桂信怡\n".encode()
        html = "".join(f"<p>{one}</p>" for one in body)
        document: dict[str, object] = {
            "uri": "urn:newsml:xsnet.cn:20261102:1",
            "standard": {"name": "ninjs", "version": "3.1"},
            "type": "text",
            "firstCreated": "2026-11-02T11:30:00+08:00",
            "headlines": [{"role": "main", "value": HEADLINE}],
            "infoSources": [{"name": "萧山日报"}],
            "bodies": [{"role": "main", "contentType": "text/html", "value": html}],
        }
        if embargo:
            document["embargoedUntil"] = "2026-11-02T13:00:00+08:00"
        return json.dumps(document).encode()

    async def taken_in(self) -> None:
        keep = None if self._ninjs else Keep(embargo=OPENS)
        taken = await self.house.items.take_in(STAFF, self.document("明天", embargo=True), "story", keep)
        assert taken.item is not None, taken.faults
        self.id = taken.item.id

    async def promised(self) -> None:
        prompt = self.recipients["prompt"]
        await prompt.acknowledge([prompt.told[-1]["seq"]])

    async def licensed(self) -> None:
        await self.license("keeper")
        self.recipients["keeper"].shut = None

    async def corrected(self) -> None:
        await self.house.items.correct(STAFF, self.id, self.document("后天"), "correction", NOTE)
        self.version, self.note = 2, NOTE

    async def exclusive(self) -> None:
        await self.house.holds.exclusive(
            STAFF, self.id, PartnerId("keeper"), self.here.clock() + timedelta(hours=3)
        )

    async def recalled(self) -> None:
        await self._recall(RecallReason.EDITORIAL)

    async def recalled_by_law(self) -> None:
        await self._recall(RecallReason.LEGAL)

    async def _recall(self, reason: RecallReason) -> None:
        await self.house.holds.recall(STAFF, self.id, reason, RECALLED[reason], timedelta(hours=2))
        self.recall = self.here.clock(), RECALLED[reason]

    async def reinstated(self) -> None:
        report = await self.house.holds.report(self.id)
        assert {one.entry.partner for one in report.takedowns} == {"prompt", "later", "linker", "keeper"}
        assert report.complete
        await self.house.holds.reinstate(STAFF, self.id)
        self.recall = None

    async def withheld(self) -> None:
        await self.house.holds.withhold(STAFF, self.id)

    async def released(self) -> None:
        await self.house.holds.release(STAFF, self.id)

    async def mandate_ends(self) -> None:
        await self.house.rights.end_mandate(STAFF, "HEAD-1")
        for name in GRANTS:
            self.recipients[name].shut = May("refused", "mandate_ended", "HEAD-1")

    async def nothing(self) -> None:
        """Only the clock moves."""

    def story(self, name: str) -> Story:
        """What the recipient must find wherever it is given the story now."""
        early = name == "prompt" and self.here.clock() < OPENS
        return Story(
            id=self.id,
            headline=HEADLINE,
            version=self.version,
            note=self.note or None,
            embargo="2026-11-02T13:00:00+08:00" if early else None,
            recalled=self.recall[0] if self.recall else None,
            recall_note=self.recall[1] if self.recall else None,
        )
