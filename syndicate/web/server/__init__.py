"""The HTTP server: connections, workers, caching, responses, logs."""
