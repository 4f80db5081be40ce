"""The way out, read back: golden bytes first, then readers that we did not write."""
