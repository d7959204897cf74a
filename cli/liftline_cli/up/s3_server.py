"""A SeaweedFS server, which speaks S3, on this machine: https://github.com/seaweedfs/seaweedfs/wiki."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from liftline.adapters.access.roles import Role, ServerVariables
from liftline.adapters.access.s3_policies import identities
from liftline.errors import LiftlineError
from liftline_cli.up._secrets import drawn
from liftline_cli.up.children import Child, free_ports, server, start, wait_until_answering

ARGUMENTS = (
    "-logtostderr=true",
    "server",
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-master.volumeSizeLimitMB=1024",
    "-master.electionTimeout=200ms",
    "-master.telemetry=false",
    "-volume.preStopSeconds=0",
    "-filer",
    "-filer.disableHttp=true",
    "-s3",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-s3.iam=false",
)
"""What it is told wherever it runs, in compose.yaml and in deploy/k8s too.

With the usual election timeout of 10 s it takes 20 s until it elects itself again. Volumes grow as they are written;
each bucket has seven.
"""

_INNER = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port.grpc",
)
_MOST_VOLUMES, _MOST_STARTS = 1000, 3
_SOCKETS = Path("/tmp")  # noqa: S108 - the server's choice


@dataclass
class S3Server:
    """One server on loopback ports, its objects below `folder`; it can be killed and started again on them.

    certificate: a PEM file with certificate and key; then it speaks https alone. bucket: what services may use of it.
    """

    folder: Path
    port: int
    certificate: Path | None = None
    bucket: str = "liftline"
    child: Child | None = field(default=None, init=False)
    _inner: tuple[int, ...] = field(default=(), init=False)

    @cached_property
    def secrets(self) -> Mapping[str, str]:
        """Of this folder, as variables of its environment. Raises UsageError where their file is damaged.

        Without the inner ones anybody here, a web page's form too, could write where objects lie, past S3.
        """
        given = [ServerVariables(role) for role in Role]
        keys = [name for one in given for name in (one.s3_access_key, one.s3_secret_key)]
        return drawn(self.folder / "keys.json", [*keys, "WEED_JWT_SIGNING_KEY", "WEED_JWT_SIGNING_READ_KEY"])

    def keys(self, role: Role) -> tuple[str, str]:
        """Access key and secret key of a user."""
        given = ServerVariables(role)
        return self.secrets[given.s3_access_key], self.secrets[given.s3_secret_key]

    @property
    def endpoint(self) -> str:
        """Address for clients, http(s)://127.0.0.1:PORT."""
        return f"http{'s' if self.certificate else ''}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers. Another process may take one of its ports meanwhile: then with others."""
        for left in reversed(range(_MOST_STARTS)):
            self.child = self._started()
            try:
                wait_until_answering(self.child, f"{self.endpoint}/healthz")
            except LiftlineError:
                if self.child.alive or not left:
                    raise
                self._remove_sockets()
            else:
                return

    def _started(self) -> Child:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._inner = tuple(free_ports(len(_INNER)))
        users = self.folder / "users.json"
        users.write_text(identities(bucket=self.bucket), "utf-8")
        command = [server("weed"), *ARGUMENTS, f"-s3.config={users}", *self._here()]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}  # another user
        return start("s3", command, folder=self.folder, environment={**inherited, **self.secrets})

    def kill(self) -> None:
        """End it at once; what it stored stays. (Told to end, it takes 15 s, and stores nothing more in them.)"""
        if self.child is not None:
            self.child.kill()
            self._remove_sockets()

    def _here(self) -> list[str]:
        """Its place on this machine. Its parts find each other anew at each start, on whatever ports are free."""
        arguments = [
            f"-dir={self.folder}",
            f"-volume.max={_MOST_VOLUMES}",
            "-master.resumeState=false",
            "-disableHttp=true",
            "-s3.ip.bind=127.0.0.1",
            f"-s3.port={self.port}",
            *(f"-{name}={port}" for name, port in zip(_INNER, self._inner, strict=True)),
        ]
        if self.certificate is not None:
            arguments += [f"-s3.cert.file={self.certificate}", f"-s3.key.file={self.certificate}"]
        return arguments

    def _remove_sockets(self) -> None:
        """Those by which its parts talk; it names no other place for them."""
        for port in (self.port, *self._inner):
            for socket in _SOCKETS.glob(f"seaweedfs-*-{port}.sock"):
                socket.unlink(missing_ok=True)
