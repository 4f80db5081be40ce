"""Write the golden files of the way out anew: `python -m tests.test_wire.regolden`.

Run it only for a change of the output that was meant, and read the difference before committing it:
a golden file is a specification.
"""

from __future__ import annotations

from pathlib import Path

from tests.test_wire.cases import rendered

GOLDEN = Path(__file__).parent.parent / "golden" / "wire"


def main() -> None:
    """Write every expected file, and say which ones changed."""
    for name, made in rendered().items():
        path = GOLDEN / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != made.body:
            path.write_bytes(made.body)
            print(name)


if __name__ == "__main__":
    main()
