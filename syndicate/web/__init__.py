"""The server: routes, identity, handlers, replies. What it answers is decided at the desk."""
