"""A one-node Ceph RADOS Gateway, a production S3 server, on this machine. Settings: https://docs.ceph.com."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from liftline_cli.up.children import Child, program, run, start, wait_until_answering

ACCESS_KEY, SECRET_KEY = "liftline", "liftline-on-this-machine"
_IN_MEMORY = "osd objectstore = memstore\nmemstore device bytes = 4294967296"
_ON_DISK = (
    "osd objectstore = bluestore\nbluestore block size = 34359738368\nbluestore block create = true\n"
    "osd memory target = 939524096"
)
_GATEWAY = "rgw"
_DAEMONS = {
    "mon": ("ceph-mon", "-i", "a", "-f"),
    "osd": ("ceph-osd", "-i", "0", "-f"),
    _GATEWAY: ("radosgw", "-n", "client.rgw", "-f"),
}
_CONFIGURATION = """[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{monitor_port}
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
ms mon client mode = crc
auth cluster required = none
auth service required = none
auth client required = none
run dir = {folder}
crash dir = {folder}
log file = {folder}/$name.ceph.log
admin socket =
pid file =
keyring = {folder}/keyring
mon data = {folder}/mon
osd data = {folder}/osd
{objects}
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
paxos propose interval = 0.02
paxos min wait = 0.01
[client.rgw]
ms mon client mode = crc
rgw frontends = beast {frontend} tcp_nodelay=1
rgw thread pool size = 32
"""


@dataclass
class CephServer:
    """A monitor, an object daemon and the gateway on loopback ports, their data below `folder`.

    in_memory: start in a second and forget everything at the end; else on disk, ten seconds, and it comes back as it
    was. certificate: a PEM file with certificate and key; then it speaks https alone.
    """

    folder: Path
    monitor_port: int
    port: int
    in_memory: bool
    certificate: Path | None = None
    _children: list[Child] = field(default_factory=list, init=False)

    @property
    def endpoint(self) -> str:
        """Where clients find it."""
        return f"http{'s' if self.certificate else ''}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        fresh = not (self.folder / "complete").exists()
        self._configure(fresh=fresh)
        if fresh:
            self._prepare_monitor()
        self._start("mon")
        if fresh:
            self._prepare_objects()
        self._start("osd")
        if fresh:
            self._ceph("osd", "crush", "add", "osd.0", "1.0", "root=default", "host=h")
            run(
                [program("radosgw-admin"), *self._conf, "-n", "client.rgw", "user", "create", "--uid=liftline",
                 "--display-name=liftline", f"--access-key={ACCESS_KEY}", f"--secret={SECRET_KEY}"]
            )  # fmt: skip
            (self.folder / "complete").touch()
        self.start_gateway()

    def start_gateway(self) -> None:
        """Start the part that speaks S3."""
        self._start(_GATEWAY)
        if self.certificate is None:
            wait_until_answering(self._children[-1], self.endpoint)

    def kill_gateway(self) -> None:
        """End the part that speaks S3 at once; the objects stay."""
        for child in self._children:
            if child.name == _GATEWAY:
                child.kill()
        self._children = [child for child in self._children if child.name != _GATEWAY]

    def revive(self) -> None:
        """Start again what has ended."""
        for child in [one for one in self._children if not one.alive]:
            self._children.remove(child)
            self._start(child.name)

    def end(self, *, within_s: float) -> None:
        """End all of it, the gateway at once: it keeps nothing, and takes five seconds by itself."""
        self.kill_gateway()
        while self._children:
            self._children.pop().end(within_s=within_s)

    def kill(self) -> None:
        """End all of it at once."""
        while self._children:
            self._children.pop().kill()

    @property
    def children(self) -> list[Child]:
        """Its processes."""
        return list(self._children)

    @property
    def _conf(self) -> list[str]:
        return ["-c", str(self.folder / "ceph.conf")]

    def _configure(self, *, fresh: bool) -> None:
        """Ports may be others each time, but for the monitor's, which is in its store."""
        if fresh:
            for name in ("mon", "osd"):
                shutil.rmtree(self.folder / name, ignore_errors=True)
                (self.folder / name).mkdir(parents=True)
        secure = f"ssl_endpoint=127.0.0.1:{self.port} ssl_certificate={self.certificate}"
        text = _CONFIGURATION.format(
            fsid=uuid.uuid4() if fresh else self._fsid,
            folder=self.folder,
            monitor_port=self.monitor_port,
            objects=_IN_MEMORY if self.in_memory else _ON_DISK,
            frontend=secure if self.certificate else f"endpoint=127.0.0.1:{self.port}",
        )
        (self.folder / "ceph.conf").write_text(text)

    @property
    def _fsid(self) -> str:
        return (self.folder / "ceph.conf").read_text().split("fsid = ")[1].split()[0]

    def _prepare_monitor(self) -> None:
        keyring, monitors = str(self.folder / "keyring"), str(self.folder / "monmap")
        run([program("ceph-authtool"), "--create-keyring", keyring, "--gen-key", "-n", "client.rgw"])
        address = f"v2:127.0.0.1:{self.monitor_port}"
        run([program("monmaptool"), "--create", "--clobber", "--addv", "a", address, "--fsid", self._fsid, monitors])
        run([program("ceph-mon"), *self._conf, "-i", "a", "--mkfs", "--monmap", monitors])

    def _prepare_objects(self) -> None:
        identity = str(uuid.uuid4())
        self._ceph("osd", "new", identity)
        run([program("ceph-osd"), *self._conf, "-i", "0", "--mkfs", "--osd-uuid", identity])

    def _ceph(self, *arguments: str) -> None:
        run([program("ceph"), *self._conf, *arguments])

    def _start(self, name: str) -> None:
        executable, *arguments = _DAEMONS[name]
        self._children.append(start(name, [program(executable), *self._conf, *arguments], folder=self.folder))
