"""Audit: the trail is written, verified, proved and explained."""
