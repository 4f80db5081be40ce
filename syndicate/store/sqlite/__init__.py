"""SQLite: the engine, the write lock, the change notice."""
