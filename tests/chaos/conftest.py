"""One cluster of stand-in stages for all scenarios; each leaves it as it found it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from liftline.client import Client
from liftline.client.connection import Connection
from tests.cluster import Cluster, cluster

OPTIONS = {"LIFTLINE_GATEWAY_MAX_PARALLEL_SEGMENTS": "8"}


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two of everything."""
    folder = tmp_path_factory.mktemp("cluster")
    marks = folder / "marks"
    marks.mkdir()
    options = {**OPTIONS, "STANDIN_MARKS": str(marks)}
    with cluster(folder, gateways=2, detectors=2, lifters=2, renderers=2, options=options) as started:
        yield started


@pytest.fixture
def client(running: Cluster) -> Iterator[Client]:
    """A patient client of the first gateway."""
    with Client(Connection(server=running.server), retry_s=60.0) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Folder for "videos" and what comes out."""
    return tmp_path
