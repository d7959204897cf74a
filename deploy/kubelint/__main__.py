"""`python -m deploy.kubelint [OVERLAY...]`: renders overlays of `deploy/k8s`, all by default, and checks them.

The exit code is 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import sys

from deploy.kubelint.linting import findings
from deploy.kubelint.rendering import OVERLAYS, RenderingError, overlays, render
from deploy.kubelint.schemas import VERSIONS, NoValidatorError


def main() -> int:
    """Print what is wrong; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.kubelint", description=__doc__)
    parser.add_argument("overlays", nargs="*", metavar="OVERLAY", default=[one.name for one in overlays()])
    wrong = 0
    for name in parser.parse_args().overlays:
        try:
            manifests = render(OVERLAYS / name)
            found = findings(manifests)
        except (RenderingError, NoValidatorError) as error:
            sys.stderr.write(f"{name}: {error}\n")
            return 1
        for finding in found:
            sys.stdout.write(f"{name}: {finding}\n")
        sys.stdout.write(f"{name}: {len(manifests.documents)} objects, Kubernetes {' and '.join(VERSIONS)}: ")
        sys.stdout.write(f"{len(found) or 'nothing'} wrong\n")
        wrong += len(found)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
