"""Routes for partners with a key."""
