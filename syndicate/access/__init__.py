"""Access control: signing keys, partners' JWTs, and the rights that a worker knows."""
