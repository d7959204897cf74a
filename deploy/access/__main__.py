"""Users of NATS and S3, as their servers' configuration (ADR 0021).

python -m deploy.access                          writes the files of deploy/k8s/components
python -m deploy.access nats --replicas 3        prints users for a NATS cluster that isn't in there
python -m deploy.access s3 gateway --bucket B    prints the policy of a key, for AWS, MinIO and others
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from liftline.adapters.access.nats_users import users_conf
from liftline.adapters.access.roles import Role
from liftline.adapters.access.s3_policies import identities, policy
from liftline.settings.services import S3Settings

COMPONENTS = Path(__file__).resolve().parents[1] / "k8s" / "components"
BUCKET = str(S3Settings.model_fields["bucket"].default)


def files() -> dict[Path, str]:
    """Files of the components and what is in them."""
    return {
        COMPONENTS / "nats" / "users.conf": users_conf(),
        COMPONENTS / "s3" / "users.json": identities(bucket=BUCKET),
    }


def main() -> None:
    """Write, or print what is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.access", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = parser.add_subparsers(dest="kind")
    nats = kinds.add_parser("nats", help="users of NATS")
    nats.add_argument("--replicas", type=int, default=1, help="LIFTLINE_NATS_REPLICAS")
    s3 = kinds.add_parser("s3", help="policy of a key of the store")
    s3.add_argument("role", type=Role, choices=list(Role), metavar="|".join(Role))
    s3.add_argument("--bucket", default=BUCKET, help="LIFTLINE_S3_BUCKET")
    chosen = parser.parse_args()
    if chosen.kind == "nats":
        sys.stdout.write(users_conf(replicas=chosen.replicas))
    elif chosen.kind == "s3":
        sys.stdout.write(json.dumps(policy(chosen.role, bucket=chosen.bucket), indent=1) + "\n")
    else:
        for path, text in files().items():
            path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
