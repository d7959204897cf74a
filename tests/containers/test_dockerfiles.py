"""What every Dockerfile and compose.yaml promise, read and not run: no engine is needed."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.supply.locks import LOCKS
from liftline import __version__

REPOSITORY = Path(__file__).resolve().parents[2]
SERVICES = ("gateway", "detector", "lifter", "renderer")
DOCKERFILES = {service: REPOSITORY / "services" / service / "Dockerfile" for service in SERVICES}
PUBLISHED = {**DOCKERFILES, "models": REPOSITORY / "deploy" / "images" / "models.Dockerfile"}
TORCH = "torch==2.13.0"


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile, its lines joined."""

    name: str
    rest: str


def instructions(path: Path) -> list[Instruction]:
    """In their order, without comments."""
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines()
    return [Instruction(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in joined]


def stages(path: Path) -> list[list[Instruction]]:
    """The instructions of each stage, from its FROM."""
    found: list[list[Instruction]] = []
    for instruction in instructions(path):
        if instruction.name == "FROM":
            found.append([])
        if found:
            found[-1].append(instruction)
    return found


def named_stages(path: Path) -> dict[str, list[Instruction]]:
    """Those with a name."""
    return {stage[0].rest.split(" AS ")[1]: stage for stage in stages(path) if " AS " in stage[0].rest}


def shipped(path: Path) -> list[Instruction]:
    """Of the last stage, and of those it is made from."""
    by_name = named_stages(path)
    stage = stages(path)[-1]
    found = list(stage)
    while (base := stage[0].rest.split()[0]) in by_name:
        stage = by_name[base]
        found = [*stage, *found]
    return found


def values(found: list[Instruction], name: str) -> list[str]:
    return [instruction.rest for instruction in found if instruction.name == name]


@pytest.mark.parametrize("path", PUBLISHED.values(), ids=PUBLISHED)
def test_an_image_runs_as_a_user_that_kubernetes_can_tell_from_root(path: Path) -> None:
    assert values(shipped(path), "USER") == ["10001:10001"]


@pytest.mark.parametrize("path", PUBLISHED.values(), ids=PUBLISHED)
def test_an_image_says_what_it_is_where_registries_look(path: Path) -> None:
    labels = " ".join(values(shipped(path), "LABEL"))
    for key in ("title", "description", "version", "revision", "licenses"):
        assert f"org.opencontainers.image.{key}=" in labels
    assert f"VERSION={__version__}" in values(shipped(path), "ARG")


@pytest.mark.parametrize("path", PUBLISHED.values(), ids=PUBLISHED)
def test_nothing_is_installed_in_what_is_shipped(path: Path) -> None:
    for run in values(shipped(path), "RUN"):
        assert re.match(r"(rm|mkdir)\b", run), run


@pytest.mark.parametrize("path", PUBLISHED.values(), ids=PUBLISHED)
def test_every_base_can_be_exchanged_and_has_a_version(path: Path) -> None:
    names = named_stages(path)
    defaults = dict(value.split("=", 1) for value in values(instructions(path), "ARG") if "=" in value)
    for stage in stages(path):
        base = stage[0].rest.split()[0]
        argument = re.fullmatch(r"\$\{(\w+)\}", base)
        assert base in names or argument, base
        assert argument is None or re.search(r":\d+\.\d+", defaults[argument[1]])


@pytest.mark.parametrize(("service", "path"), DOCKERFILES.items(), ids=DOCKERFILES)
def test_signals_reach_the_service_itself(service: str, path: Path) -> None:
    """A shell in between, which JSON avoids, would keep SIGTERM to itself."""
    (entry,), (check,) = values(shipped(path), "ENTRYPOINT"), values(shipped(path), "HEALTHCHECK")
    assert json.loads(entry) == ["python", "-m", f"liftline_{service}"]
    assert json.loads(check.partition("CMD ")[2]) == ["python", "-m", "liftline.service.grpc.probe"]
    assert not values(shipped(path), "CMD")


def texts(path: Path) -> str:
    """All instructions, a line each."""
    return "\n".join(f"{instruction.name} {instruction.rest}" for instruction in instructions(path))


@pytest.mark.parametrize(("service", "path"), DOCKERFILES.items(), ids=DOCKERFILES)
def test_an_image_has_its_own_lock_and_its_own_code_alone(service: str, path: Path) -> None:
    installed = set(re.findall(r"-r (\S+)\.txt", texts(path)))
    others = {"detector": {"detector-gpu", "detectron2-build", "torch"}, "lifter": {"${TORCH_LOCK}"}}
    assert installed == {"build", "sources", service} | others.get(service, set())
    assert {lock.name for lock in LOCKS} >= installed - {"${TORCH_LOCK}"}
    assert set(re.findall(r"COPY services/(\w+)", texts(path))) == {service}
    assert "COPY cli" not in texts(path)


@pytest.mark.parametrize("path", PUBLISHED.values(), ids=PUBLISHED)
def test_images_install_by_locks_alone(path: Path) -> None:
    """But for our own code, Detectron2's commit, and the PyTorch of another index that somebody asks for."""
    said = re.findall(r"pip (?:--python \S+ )?install (.*?)(?= && |;|\"|$)", texts(path), flags=re.MULTILINE)
    loose = [" ".join(one.split()) for one in said if "--no-deps --require-hashes --no-build-isolation" not in one]
    if path != PUBLISHED["models"]:
        loose.remove("--quiet --no-deps --no-build-isolation --target /code .")
    if path == PUBLISHED["detector"]:
        loose.remove("--quiet --index-url")
        loose.remove("--quiet --no-deps --no-build-isolation")
    assert said
    assert loose == []


@pytest.mark.parametrize("path", PUBLISHED.values(), ids=PUBLISHED)
def test_an_image_says_what_is_in_it(path: Path) -> None:
    copied = {stage[0].rest.split(" AS ")[-1]: values(stage, "COPY") for stage in stages(path)}
    last = "cpu" if path == PUBLISHED["detector"] else stages(path)[-1][0].rest
    assert any(one.endswith("/sbom.cdx.json /opt/liftline/sbom.cdx.json") for one in copied[last])


def test_torch_is_where_it_is_needed_at_the_version_of_the_project() -> None:
    holding = {
        service for service, path in DOCKERFILES.items() if re.search("torch(-cpu)?.txt|TORCH_LOCK", texts(path))
    }
    assert holding == {"detector", "lifter"}
    assert {path for path in DOCKERFILES.values() if TORCH in texts(path)} == {DOCKERFILES["detector"]}
    assert TORCH in (REPOSITORY / "pyproject.toml").read_text()
    cpu = named_stages(DOCKERFILES["detector"])["dependencies"]
    assert not any("torch" in instruction.rest.lower() for instruction in cpu)


def test_builds_see_no_more_of_the_checkout_than_they_need() -> None:
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert next(line for line in lines if line and not line.startswith("#")) == "*"


def compose() -> dict[str, Any]:
    """compose.yaml, its anchors resolved."""
    found: dict[str, Any] = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())
    return found


@pytest.mark.parametrize("name", compose()["services"])
def test_containers_on_a_laptop_are_locked_as_in_the_cluster(name: str) -> None:
    service = compose()["services"][name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def cluster_limits() -> dict[str, str]:
    """The memory limits of containers in deploy/k8s, by the image they run without its tag; of Jobs, by their names."""
    limits = {}
    for path in sorted((REPOSITORY / "deploy/k8s").glob("[bc]*/**/*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            pod = (document.get("spec") or {}).get("template", {}).get("spec", {})
            for container in (*pod.get("containers", []), *pod.get("initContainers", [])):
                if document["kind"] in {"Deployment", "StatefulSet", "Job"} and "image" in container:
                    job = document["kind"] == "Job"
                    name = document["metadata"]["name"] if job else container["image"].split(":")[0]
                    limit = container["resources"]["limits"]["memory"]
                    assert limits.setdefault(name, limit) == limit, f"{name} has two limits"
    return limits


@pytest.mark.parametrize("name", compose()["services"])
def test_containers_on_a_laptop_have_no_more_memory_than_in_the_cluster(name: str) -> None:
    service = compose()["services"][name]
    limits = cluster_limits()
    limit = limits.get(f"liftline-{name}") or limits[service["image"].split(":")[0]]
    assert f"{service['mem_limit'].upper()}i" == limit


@pytest.mark.parametrize("name", ["gateway", "detector", "lifter", "renderer"])
def test_work_files_on_a_laptop_are_on_disk_and_not_in_the_memory_that_is_limited(name: str) -> None:
    service = compose()["services"][name]
    assert service["tmpfs"] == []
    assert "/tmp" in service["volumes"]


def test_compose_runs_the_images_that_are_built_here_and_the_servers_of_the_cluster() -> None:
    services = compose()["services"]
    for name, service in services.items():
        if "build" in service:
            image = "models" if name == "prepare" else name
            assert service["image"] == f"localhost/liftline-{image}:{__version__}"
            assert (REPOSITORY / service["build"]["dockerfile"]).is_file()
    for name in ("nats", "s3"):
        text = (REPOSITORY / "deploy/k8s/components" / name / f"{name}.yaml").read_text()
        deployed = next(d for d in yaml.safe_load_all(text) if d["kind"] == "StatefulSet")
        container = deployed["spec"]["template"]["spec"]["containers"][0]
        assert services[name]["image"] == container["image"]
        assert services[name]["command"] == container.get("args", container["command"])
    assert services["detector"]["scale"] == 2


def test_everything_that_compose_mounts_is_in_the_repository_or_made_by_its_script(tmp_path: Path) -> None:
    subprocess.run([REPOSITORY / "deploy/compose/secrets.sh", tmp_path], check=True, stdout=subprocess.DEVNULL)
    secret = "${LIFTLINE_SECRETS:-./deploy/compose/secrets}/"
    for service in compose()["services"].values():
        for source in (*service.get("env_file", []), *(v.rsplit(":", 2)[0] for v in service.get("volumes", []))):
            if source.startswith(secret):
                assert (tmp_path / source.removeprefix(secret)).is_file(), source
            elif source.startswith("."):
                assert (REPOSITORY / source).is_file(), source
    assert (tmp_path.stat().st_mode & 0o777) == 0o700


def test_secrets_that_are_there_stay(tmp_path: Path) -> None:
    script = REPOSITORY / "deploy/compose/secrets.sh"
    subprocess.run([script, tmp_path], check=True, stdout=subprocess.DEVNULL)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    subprocess.run([script, tmp_path], check=True, stdout=subprocess.DEVNULL)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
