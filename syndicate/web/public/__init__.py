"""Routes that are open to everybody."""
