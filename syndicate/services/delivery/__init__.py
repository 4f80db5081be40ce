"""Delivery: what readers and partners request, judged, stamped and recorded."""
