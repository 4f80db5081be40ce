"""Plain frozen values: items, parties, rights, feeds, and the trail's events. No I/O, no clock."""
