"""The database schema: tables, row conversion, migrations."""
