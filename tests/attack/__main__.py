"""Attack a running system as a hostile tenant, a hostile author of videos and an unlucky operator would.

    python -m tests.attack
    python -m tests.attack --only tokens,streams --seed 7

Real NATS, S3, gateways and workers on loopback, with TLS and the tokens of two tenants; nothing else is touched, and
nothing needs to run already. It ends with a table of what was tried and held; exit code 1 where something fell.
docs/operations.md says what each kind tries.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.attack.campaign import KINDS, Bounds, attack
from tests.attack.trials import table


def main() -> int:
    """Attack, print the table, return the exit code."""
    asked = _asked()
    folder = Path(asked.folder or tempfile.mkdtemp(prefix="liftline-attack-"))
    began = time.monotonic()
    _say(f"seed {asked.seed}; logs in {folder}")
    bounds = Bounds(minutes=asked.minutes)
    results = attack(folder, only=asked.only, seed=asked.seed, few=asked.few, say=_say, bounds=bounds)
    _say(f"\n{table(results)}\nseed {asked.seed}, {time.monotonic() - began:.0f} s")
    return 1 if any(one.fell for one in results) else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _kinds(text: str) -> list[str]:
    chosen = text.split(",")
    if unknown := set(chosen) - set(KINDS):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: not among {', '.join(KINDS)}")
    return chosen


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--only", type=_kinds, default=list(KINDS), help=f"some of {','.join(KINDS)}")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="default: another each time")
    parser.add_argument("--few", action="store_true", help="the short form, which `make test` has")
    parser.add_argument("--minutes", type=float, default=Bounds.minutes, help="it ends by then, come what may")
    parser.add_argument("--folder", help="for logs; a temporary one if not given")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
