"""The SQL queries, by subject."""
