"""`python -m deploy.supply [--keep]`: renews locks and digests; `make lock` calls it.

With --keep, versions stay unless pyproject.toml asks for others.
"""

from __future__ import annotations

import argparse
import sys

from deploy.supply.locking import LockingError, renew
from deploy.supply.pinning import pin_all


def main() -> int:
    """Renew everything; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.supply", description=__doc__)
    parser.add_argument("--keep", action="store_true")
    try:
        renew(keep=parser.parse_args().keep)
    except LockingError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    pin_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
