"""The process that parses documents for `ingest`: it reads lists of them on standard input.

It answers each document as soon as it is parsed, so that who asked knows over which one it died. It ends
when its standard input does: also when whoever started it was killed.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from typing import Final

from syndicate.services.newsroom.document_parsing import ParsingRules, UnparsedDocument, parse_document

READY: Final = "ready"
"""The first answer: everything is imported, and what ends the process now is a document."""


def main() -> None:
    """Parse until nobody asks any more."""
    # Whoever started it decides when it ends, also on Ctrl-C and where a service manager signals everybody.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    asked, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    rules: ParsingRules = pickle.load(asked)  # noqa: S301  (from the process that started this one)
    import syndicate.ingest.document_parser  # noqa: F401  (loaded before it says that it is ready)

    pickle.dump(READY, answers)
    answers.flush()
    while True:
        try:
            documents: list[UnparsedDocument] = pickle.load(asked)  # noqa: S301  (as above)
        except EOFError:
            return
        for one in documents:
            pickle.dump(parse_document(one.data, one.name, rules, one.at), answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()


if __name__ == "__main__":
    main()
