"""PostgreSQL: the engine and the change listener."""
