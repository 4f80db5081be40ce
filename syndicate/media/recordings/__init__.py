"""Sound and film: what a file is and says, its poster and preview, its transcript, the stamp inside it."""
