"""The HTTP server: routes, handlers, responses. The services decide what it answers."""
