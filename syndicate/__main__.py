"""`python -m syndicate` is the same as the command `syndicate`."""

from __future__ import annotations

import sys

from syndicate.cli import main

if __name__ == "__main__":
    sys.exit(main())
