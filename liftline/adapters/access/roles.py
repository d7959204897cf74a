"""The users of NATS and S3, and the variables in which their secrets come to servers and services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from liftline.jobs.naming import Stage


class Role(StrEnum):
    """A user of both servers. `SETUP` makes streams, consumers and the bucket; `OPERATOR` is a person, who may all."""

    OPERATOR = "operator"
    SETUP = "setup"
    GATEWAY = "gateway"
    DETECTOR = "detector"
    LIFTER = "lifter"
    RENDERER = "renderer"


STAGES: Mapping[Role, tuple[Stage, ...]] = MappingProxyType(
    {
        Role.DETECTOR: (Stage.PLAN, Stage.DETECT),
        Role.LIFTER: (Stage.TRACK, Stage.LIFT),
        Role.RENDERER: (Stage.RENDER, Stage.MUX),
    }
)
"""What workers work on; muxers are renderers."""


@dataclass(frozen=True)
class ServerVariables:
    """Names of the variables in which the servers get a role's secrets: their configuration names them."""

    role: Role

    @property
    def nats_password(self) -> str:
        """nats-server's."""
        return f"NATS_{self.role.upper()}_PASSWORD"

    @property
    def s3_access_key(self) -> str:
        """SeaweedFS'."""
        return f"S3_{self.role.upper()}_ACCESS_KEY"

    @property
    def s3_secret_key(self) -> str:
        """SeaweedFS'."""
        return f"S3_{self.role.upper()}_SECRET_KEY"
