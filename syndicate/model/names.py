"""Types of ids: items, outlets, channels, partners."""

from __future__ import annotations

from typing import NewType

ItemId = NewType("ItemId", str)
"""`YYYYMMDD-` (the day of first publication, for good) and ten letters or digits; safe in an address."""
OutletId = NewType("OutletId", str)
ChannelId = NewType("ChannelId", str)
PartnerId = NewType("PartnerId", str)
