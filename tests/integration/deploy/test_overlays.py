"""The overlays as they would be applied: rendered by kustomize, strictly valid, nothing wrong with them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from deploy.kubelint import schemas
from deploy.kubelint.documents import Document, Manifests, walk
from deploy.kubelint.linting import OWN
from deploy.kubelint.rendering import K8S, OVERLAYS, kubectl, overlays, render
from liftline import __version__
from liftline.adapters.access.roles import Role

pytestmark = pytest.mark.skipif(kubectl() is None, reason="kubectl isn't there; `make kube-lint` gets it")
NAMES = [one.name for one in overlays()]


@pytest.fixture(scope="module")
def rendered() -> dict[str, Manifests]:
    return {name: render(OVERLAYS / name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_wrong_with_an_overlay(name: str, rendered: dict[str, Manifests]) -> None:
    assert [str(finding) for check in OWN.values() for finding in check(rendered[name])] == []


@pytest.mark.parametrize("name", NAMES)
def test_an_overlay_is_strictly_valid(name: str, rendered: dict[str, Manifests]) -> None:
    pytest.importorskip("kubernetes_validate", reason="comes with `make kube-lint`")
    assert [str(finding) for finding in schemas.check(rendered[name])] == []


SLIPS = {
    "apps/v1 Deployment": ("spec", "replica", 2),
    "keda.sh/v1alpha1 ScaledObject": ("spec", "coolDownPeriod", 3),
    "cert-manager.io/v1 Certificate": ("spec", "secret", "x"),
    "monitoring.coreos.com/v1 PrometheusRule": ("spec", "rules", []),
}


@pytest.mark.parametrize("kind", SLIPS)
def test_a_field_that_isnt_there_is_found(kind: str, rendered: dict[str, Manifests]) -> None:
    pytest.importorskip("kubernetes_validate", reason="comes with `make kube-lint`")
    api, name = kind.split()
    document = next(one for one in rendered["dev-scaled"].of(name) if one.body["apiVersion"] == api)
    part, field, value = SLIPS[kind]
    wrong = Document({**document.body, part: {**document.spec, field: value}})
    assert any(field in finding.what for finding in schemas.check(Manifests([wrong], {})))


def test_a_kind_without_a_schema_is_found(rendered: dict[str, Manifests]) -> None:
    pytest.importorskip("kubernetes_validate", reason="comes with `make kube-lint`")
    unknown = Document({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}})
    assert list(schemas.check(Manifests([unknown], {})))


def test_detectors_of_prod_tolerate_nodes_with_gpus_and_preemptible_ones(rendered: dict[str, Manifests]) -> None:
    detector = rendered["prod"].find("Deployment", "liftline-detector")
    assert detector is not None
    tolerated = {one["key"] for one in detector.spec["template"]["spec"]["tolerations"]}
    assert tolerated == {"nvidia.com/gpu", "cloud.google.com/gke-spot", "kubernetes.azure.com/scalesetpriority"}


def test_external_ca_gives_the_overlays_certificate_to_all_services(tmp_path: Path) -> None:
    beside = Path(os.path.relpath(K8S, tmp_path))
    (tmp_path / "ca.crt").write_text("of our own")
    (tmp_path / "kustomization.yaml").write_text(
        yaml.safe_dump(
            {
                "resources": [str(beside / "overlays" / "prod")],
                "components": [str(beside / "components" / "external-ca")],
                "configMapGenerator": [{"name": "liftline-external-ca", "files": ["ca.crt"]}],
                "namespace": "liftline",
            }
        )
    )
    manifests = render(tmp_path)
    assert [str(finding) for check in OWN.values() for finding in check(manifests)] == []
    for pod in manifests.pods:
        (source,) = [volume["configMap"]["name"] for volume in pod.spec["volumes"] if volume["name"] == "ca"]
        made = manifests.find("ConfigMap", source)
        assert made is not None
        assert made.body["data"] == {"ca.crt": "of our own"}


def test_images_of_the_base_have_the_version_of_the_code() -> None:
    images = yaml.safe_load((K8S / "base" / "kustomization.yaml").read_text())["images"]
    assert {image["newTag"] for image in images} == {__version__}


def test_secrets_sh_makes_the_secrets_that_manifests_ask_for(tmp_path: Path) -> None:
    """With a kubectl that only writes down what it is told to make."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl isn't there")
    (tmp_path / "kubectl").write_text(
        '#!/bin/sh\nset -e\nif [ "$3" = get ]; then exit 1; fi\n'
        f'for last; do :; done\ncp -r "${{last#--from-file=}}" {tmp_path}/made-"$6"\n'
    )
    (tmp_path / "kubectl").chmod(0o755)
    given = {"S3_SECRET_KEY": "a b'c", "LIFTER_S3_SECRET_KEY": "its own"}
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", **given}
    subprocess.run([str(K8S / "secrets.sh"), "there"], env=environment, check=True, capture_output=True)
    made = {
        path.name.removeprefix("made-"): sorted(one.name for one in path.iterdir()) for path in tmp_path.glob("made-*")
    }
    wanted = yaml.safe_load((K8S / "external.yaml").read_text())["secrets"]
    assert made == {name: sorted(keys) for name, keys in wanted.items()}
    given = {role: (tmp_path / f"made-liftline-{role}" / "LIFTLINE_S3_SECRET_KEY").read_text() for role in Role}
    assert given == {**dict.fromkeys(Role, "a b'c"), Role.LIFTER: "its own"}
    drawn = [(tmp_path / f"made-liftline-{role}" / "LIFTLINE_NATS_PASSWORD").read_text() for role in Role]
    assert len(set(drawn)) == len(Role)
    assert all(password[0].isalpha() for password in drawn)
    assert {(tmp_path / f"made-liftline-{role}" / "LIFTLINE_NATS_USER").read_text() for role in Role} == set(Role)


def test_each_service_has_the_secret_of_its_own_user_and_no_other(rendered: dict[str, Manifests]) -> None:
    for manifests in rendered.values():
        ours = {pod.owner.name.removeprefix("liftline-"): pod for pod in manifests.pods if pod.is_ours}
        assert len(ours) == 6
        for name, pod in ours.items():
            sources = [value for path, value in walk(pod.spec) if path.endswith(("secretRef", "secretKeyRef"))]
            named = {source["name"] for source in sources}
            assert named - {"liftline-webhooks"} == {f"liftline-{'renderer' if name == 'muxer' else name}"}
