"""The newsroom: items, corrections, holds and recalls."""
