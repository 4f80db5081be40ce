"""Taking in what the newsroom gives: a saved page, an HTML page or a ninjs document becomes an item.

One module per kind of document (`plain`, `page`, `ninjs`), each from text to a `Draft`; `door` chooses
among them, and `draft` judges what they found. Pure: bytes and `now` in, an item or every fault out.
"""

from syndicate.ingest.door import MAX_DOCUMENT, parse
from syndicate.ingest.draft import Parsed

__all__ = ["MAX_DOCUMENT", "Parsed", "parse"]
