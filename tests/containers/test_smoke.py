"""The whole system as containers: `make kube-smoke`. One system for all tests of this file, in their order."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
import yaml

from liftline import poses
from tests.containers.engine import REPOSITORY
from tests.containers.sbom import components, differing, locked
from tests.containers.system import SERVERS, SERVICES, System, result_of, running_system, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif("LIFTLINE_KUBE_SMOKE" not in os.environ, reason="needs images of this code: make kube-smoke"),
]

LOCKS = REPOSITORY / "deploy/locks"
_TOOLS = "pip pip3 gcc cc g++ make ld git curl wget apt-key ninja cmake"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running_system(os.environ["LIFTLINE_KUBE_SMOKE"], tmp_path_factory.mktemp("containers")) as running:
        yield running


def test_every_container_is_without_root_and_capabilities_and_cannot_get_any(system: System) -> None:
    for container in system.containers():
        status = dict(
            line.split(":", 1)
            for line in system.engine.run("exec", container, "cat", "/proc/1/status").splitlines()
            if ":" in line
        )
        assert set(status["Uid"].split()) == {"10001"}, container
        assert {int(status[f"Cap{kind}"], 16) for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {0}, container
        assert status["NoNewPrivs"].strip() == "1", container


def test_no_container_can_write_anywhere_but_to_tmp(system: System) -> None:
    for container in system.containers():
        assert system.engine.inspect(container)["HostConfig"]["ReadonlyRootfs"], container
        assert not system.engine.succeeds("exec", container, "sh", "-c", "echo > /opt/here"), container
        assert system.engine.succeeds("exec", container, "sh", "-c", "echo > /tmp/here"), container


def test_no_container_can_take_more_memory_than_compose_says(system: System) -> None:
    services = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())["services"]
    for name in (*SERVICES, *SERVERS):
        limit = int(services[name]["mem_limit"].removesuffix("g")) * 2**30
        for container in system.containers(name):
            assert system.engine.inspect(container)["HostConfig"]["Memory"] == limit, container


def test_an_image_lists_what_its_lock_holds_and_nothing_else(system: System) -> None:
    for service in SERVICES:
        locks = [LOCKS / f"{service}.txt", *([LOCKS / "torch-cpu.txt"] if service == "lifter" else [])]
        lock = locked(*(path.read_text() for path in locks), python="3.11.2")
        lock.pop("setuptools", None)  # taken out of the lifter again
        container = system.containers(service)[0]
        sbom = system.engine.run("exec", container, "cat", "/opt/liftline/sbom.cdx.json")
        assert differing(sbom, lock) == {}, service
        assert components(sbom).keys() == lock.keys(), service


def test_the_service_itself_is_process_one(system: System) -> None:
    for container in system.containers(*SERVICES):
        command = system.engine.run("exec", container, "cat", "/proc/1/cmdline").split("\0")
        assert command[:2] == ["python", "-m"], container


def test_images_hold_no_tools_to_build_with(system: System) -> None:
    for container in system.containers(*SERVICES):
        found = system.engine.run("exec", container, "sh", "-c", f"command -v {_TOOLS} || true")
        assert found.split() == [], container
        assert not system.engine.succeeds("exec", container, "python", "-c", "import pip"), container
        assert not system.engine.succeeds("exec", container, "python", "-c", "import ensurepip"), container


def test_only_the_lifter_holds_torch_and_no_service_holds_another(system: System) -> None:
    looked_for = ("torch", "cv2", "scipy", "liftline_cli", *(f"liftline_{service}" for service in SERVICES))
    held = {service: {name for name in looked_for if _holds(system, service, name)} for service in SERVICES}
    assert held == {
        "gateway": {"liftline_gateway"},
        "detector": {"liftline_detector", "cv2"},
        "lifter": {"liftline_lifter", "torch", "scipy"},
        "renderer": {"liftline_renderer", "cv2"},
    }


def test_a_job_succeeds_though_a_detector_is_told_to_end_in_the_middle_of_a_segment(
    system: System, shared_data: Path, tmp_path: Path
) -> None:
    video = shared_data / "videos" / "football_juggle.mp4"
    submitting = system.submit(video, tmp_path / "out")
    busy: list[str] = []

    def somebody_detects() -> bool:
        busy[:] = [c for c in system.containers("detector") if system.running_tasks(c) >= 1]
        return bool(busy) or submitting.poll() is not None

    wait_for(somebody_detects, within_s=180, what=lambda: "nobody detects")
    assert busy, "the job ended before anybody was seen to detect"
    began = time.monotonic()
    system.engine.run("stop", "--time", "75", busy[0])
    assert system.engine.inspect(busy[0])["State"]["ExitCode"] == 0
    assert submitting.poll() is None, "the job had ended before the detector had"
    print(f"a busy detector ended {time.monotonic() - began:.1f} s after SIGTERM")  # noqa: T201

    result_of(submitting, within_s=900)
    _check(tmp_path / "out", video)


def test_every_service_ends_with_zero_when_it_is_told_to(system: System) -> None:
    for container in system.containers(*SERVICES):
        system.engine.run("stop", "--time", "75", container)
        assert system.engine.inspect(container)["State"]["ExitCode"] == 0, system.logs(container)


def _holds(system: System, service: str, package: str) -> bool:
    container = system.containers(service)[0]
    return system.engine.succeeds("exec", container, "python", "-c", f"import {package}")


def _check(output: Path, video: Path) -> None:
    """As many frames as went in, a person in nearly all of them, a film of the same length."""
    frames = _frames(video)
    found = poses.load(output / "poses_3d" / f"{video.stem}.npz")
    assert len(found.frame_times_s) == frames
    assert len(found.frame_index) > 0.9 * frames
    assert _frames(output / "output_videos" / f"{video.stem}.mp4") == frames


def _frames(video: Path) -> int:
    with av.open(video) as container:
        return sum(packet.size > 0 for packet in container.demux(video=0))
