"""Partners for the benchmarks: many at once, each with a licence and a key, in one transaction.

The same rows, records and changes as `partner add`, `licence add` and `key issue` make one by one, which
would read all rights again for every act.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from datetime import timedelta

from syndicate.agreements import read_licence
from syndicate.model.events import KeyIssued, LicenceAdded, PartnerAdded
from syndicate.model.parties import Partner, PartnerId
from syndicate.model.records import Entry
from syndicate.model.register import Key
from syndicate.store.protocol import Change
from syndicate.wiring import Services
from tests.support.factories import STAFF

DAYS = 365


async def add_partners(services: Services, licences: Mapping[str, str]) -> dict[str, str]:
    """Add these partners, each with its licence (TOML); the token of each one's key."""
    now = services.clock()
    issued = now.replace(microsecond=0)
    expires = issued + timedelta(days=DAYS)
    publisher = services.settings.publisher
    names = [PartnerId(name) for name in licences]
    ring = services.signing_keys
    jtis = {name: uuid.uuid4().hex for name in names}
    signed = {name: await ring.sign(services.store, name, jtis[name], issued, expires) for name in names}
    read = {
        name: read_licence(licences[name], name="licence", publisher=publisher, partners=names)
        for name in names
    }
    async with services.store.writing() as tx:
        for name in names:
            await tx.put_partner(Partner(name, f"授权媒体 {name}", (), now))
            await tx.append(Entry(now, str(STAFF), PartnerAdded(name)))
            await tx.changed(Change.RIGHTS)
            licence, document = read[name], licences[name]
            await tx.put_licence(licence, document, now)
            digest = hashlib.sha256(document.encode()).hexdigest()
            await tx.append(Entry(now, str(STAFF), LicenceAdded(licence.number, name, digest)))
            await tx.changed(Change.RIGHTS)
            kid = signed[name][1]
            await tx.put_key(Key(jtis[name], name, kid, "", issued, expires))
            event = KeyIssued(name, jtis[name], kid, expires.isoformat(), "")
            await tx.append(Entry(issued, str(STAFF), event))
            await tx.changed(Change.RIGHTS)
    return {name: token for name, (token, _) in signed.items()}
