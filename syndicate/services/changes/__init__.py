"""Change sequences: what each partner must take, correct and remove."""
