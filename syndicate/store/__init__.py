"""Where everything is kept: the `Store` protocol, and SQLite and PostgreSQL behind it."""
