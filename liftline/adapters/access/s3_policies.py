"""What each key of the store may do: https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html.

Policies are AWS', which SeaweedFS and MinIO read too; the file of identities is SeaweedFS':
https://github.com/seaweedfs/seaweedfs/wiki/Amazon-S3-API.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from liftline.adapters.access.roles import STAGES, Role, ServerVariables
from liftline.adapters.s3.upload_probe import PREFIX as PROBES
from liftline.jobs.naming import JobKey, Stage, TaskKey

_ANY = JobKey("*", "*")
_TENANTS, _UPLOADS, _VIDEOS = "tenants/", "tenants/*/uploads/*", f"{_ANY.prefix}input/*"
_READ, _REMOVE = ("s3:GetObject",), ("s3:DeleteObject",)
_WRITE = ("s3:PutObject", "s3:AbortMultipartUpload")
_NEEDS: Mapping[Role, tuple[Stage, ...]] = {
    Role.DETECTOR: (),
    Role.LIFTER: (Stage.PLAN, Stage.DETECT),
    Role.RENDERER: (Stage.PLAN, Stage.LIFT),
}
"""Stages of others whose products a worker reads; its own it reads too, to see whether they were stored."""
_WATCHES = (Role.DETECTOR, Role.RENDERER)
"""Those that open videos."""

Statement = Mapping[str, object]


def policy(role: Role, *, bucket: str) -> Mapping[str, object]:
    """What the role may do, as a policy of AWS IAM."""
    return {"Version": "2012-10-17", "Statement": _statements(role, f"arn:aws:s3:::{bucket}")}


def identities(*, bucket: str) -> str:
    """All keys, as the file that SeaweedFS' `-s3.config` names; they come from its environment."""
    config = {
        "identities": [_identity(role, bucket) for role in Role],
        "policies": [{"name": role, "content": json.dumps(policy(role, bucket=bucket))} for role in Role],
    }
    return json.dumps(config, indent=1) + "\n"


def _identity(role: Role, bucket: str) -> Mapping[str, object]:
    """SeaweedFS 4.48 asks for the action too where a form is signed, and nowhere else."""
    given = ServerVariables(role)
    keys = {"accessKey": f"${{{given.s3_access_key}}}", "secretKey": f"${{{given.s3_secret_key}}}"}
    forms = {Role.OPERATOR: "Write", Role.SETUP: f"Write:{bucket}", Role.GATEWAY: f"Write:{bucket}"}
    actions = {"actions": [forms[role]]} if role in forms else {}
    return {"name": role, "credentials": [keys], "policyNames": [role], **actions}


def _statements(role: Role, bucket: str) -> Sequence[Statement]:
    if role is Role.OPERATOR:
        return [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"]}]
    if role is Role.SETUP:
        making = ("s3:CreateBucket", "s3:ListBucket", "s3:PutLifecycleConfiguration")
        return [_allow(making, bucket), _allow((*_READ, *_WRITE, *_REMOVE), f"{bucket}/{PROBES}*")]
    if role is Role.GATEWAY:
        below = (f"{bucket}/{_TENANTS}*", f"{bucket}/{PROBES}*")
        written = (_UPLOADS, _VIDEOS, f"{_ANY.tree}*", f"{PROBES}*")
        return [
            _allow(("s3:ListBucket",), bucket, prefixes=[f"{_TENANTS}*", f"{PROBES}*"]),
            _allow((*_READ, *_REMOVE), *below),
            _allow(_WRITE, *(f"{bucket}/{key}" for key in written)),
        ]
    videos, own = [_VIDEOS] if role in _WATCHES else [], [f"{bucket}/{_made_by(stage)}" for stage in STAGES[role]]
    return [
        _allow(_READ, *(f"{bucket}/{key}" for key in (*videos, *map(_made_by, _NEEDS[role]))), *own),
        _allow((*_WRITE, *_REMOVE), *own),
    ]


def _made_by(stage: Stage) -> str:
    """Keys of what a stage's tasks make, whatever their number."""
    return TaskKey(_ANY, stage).artifact("*").replace("-0/", "-*/")


def _allow(actions: Sequence[str], *resources: str, prefixes: Sequence[str] = ()) -> Statement:
    condition = {"Condition": {"StringLike": {"s3:prefix": list(prefixes)}}} if prefixes else {}
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources), **condition}
