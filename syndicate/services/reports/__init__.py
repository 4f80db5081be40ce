"""Reports: what was delivered, added up by partner, owner and month."""
