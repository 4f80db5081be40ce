"""How ingest finds, reads and follows documents."""
