"""Each kind of mistake in manifests is found, and what is right isn't complained of."""

from __future__ import annotations

import re

import pytest

from deploy.kubelint.linting import OWN
from liftline import __version__
from tests.unit.deploy.small import STAGES, Planting, Plot


def found(plot: Plot) -> list[str]:
    manifests = plot.manifests
    return [str(finding) for check in OWN.values() for finding in check(manifests)]


def test_nothing_is_wrong_with_what_is_right() -> None:
    assert found(Plot()) == []


def test_a_gpu_on_nodes_that_are_tolerated_is_right() -> None:
    plot = Plot()
    plot.container("detector")["resources"]["limits"]["nvidia.com/gpu"] = "1"
    plot.spec("detector")["tolerations"] = [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    assert found(plot) == []


def test_images_may_all_be_this_machines() -> None:
    plot = Plot()
    for name in STAGES:
        plot.container(name)["image"] = f"localhost/{name}:{__version__}"
    assert found(plot) == []


def volume(plot: Plot, name: str) -> dict[str, object]:
    one: dict[str, object] = next(one for one in plot.spec("detector")["volumes"] if one["name"] == name)
    return one


def rule(plot: Plot) -> dict[str, object]:
    one: dict[str, object] = plot("PrometheusRule", "liftline")["spec"]["groups"][0]["rules"][1]
    return one


def trigger(plot: Plot) -> dict[str, object]:
    one: dict[str, object] = plot("ScaledObject", "detector")["spec"]["triggers"][0]["metadata"]
    return one


PLANTED: dict[str, tuple[Planting, str]] = {
    "a ConfigMap that isn't there": (
        lambda plot: plot.container("detector")["envFrom"][0]["configMapRef"].update(name="setings"),
        r"Deployment/detector: there is no ConfigMap setings",
    ),
    "a Secret that isn't there": (
        lambda plot: volume(plot, "ca").update(secret={"secretName": "nats-tsl"}),
        r"Deployment/detector: there is no Secret nats-tsl",
    ),
    "a key that a Secret hasn't": (
        lambda plot: plot.container("lifter")["env"][1]["valueFrom"]["secretKeyRef"].update(key="key"),
        r"Deployment/lifter: the Secret liftline-s3 has no key key",
    ),
    "a ServiceAccount that isn't there": (
        lambda plot: plot.remove("ServiceAccount", "liftline"),
        r"Deployment/renderer: there is no ServiceAccount liftline",
    ),
    "a claim that isn't there": (
        lambda plot: plot.spec("detector")["volumes"].append(
            {"name": "models", "persistentVolumeClaim": {"claimName": "models"}}
        ),
        r"there is no PersistentVolumeClaim models",
    ),
    "a mount of no volume": (
        lambda plot: plot.container("detector")["volumeMounts"].append({"name": "temp", "mountPath": "/x"}),
        r"mounts temp, which is no volume",
    ),
    "a volume that nobody mounts": (
        lambda plot: plot.spec("detector")["volumes"].append({"name": "spare", "emptyDir": {"sizeLimit": "1Mi"}}),
        r"the volume spare is mounted nowhere",
    ),
    "an issuer that isn't there": (
        lambda plot: plot.remove("Issuer", "liftline"), r"Certificate/nats: there is no Issuer liftline"
    ),
    "a probe at another port": (
        lambda plot: plot.container("detector").update(livenessProbe={"grpc": {"port": 50053}}),
        r"livenessProbe of liftline asks the port 50053",
    ),
    "a selector that misses its own pods": (
        lambda plot: plot("Deployment", "detector")["spec"].update(selector={"matchLabels": {"app": "detektor"}}),
        r"Deployment/detector: its selector .* doesn't find its own pods",
    ),
    "a Service for no pods": (
        lambda plot: plot("Service", "nats")["spec"].update(selector={"app": "gnats"}),
        r"Service/nats: nothing has the labels",
    ),
    "a port by a name that pods haven't": (
        lambda plot: plot("Service", "nats")["spec"]["ports"][0].update(targetPort="client"),
        r"Service/nats: StatefulSet/nats has no port client",
    ),
    "metrics at a port that pods haven't": (
        lambda plot: plot("PodMonitor", "nats")["spec"].update(podMetricsEndpoints=[{"port": "metrics"}]),
        r"PodMonitor/nats: StatefulSet/nats has no port metrics",
    ),
    "a budget for no pods": (
        lambda plot: plot("PodDisruptionBudget", "lifter")["spec"].update(selector={"matchLabels": {"app": "lift"}}),
        r"PodDisruptionBudget/lifter: nothing has the labels",
    ),
    "a Deployment without a budget": (
        lambda plot: plot.remove("PodDisruptionBudget", "lifter"),
        r"Deployment/lifter: no PodDisruptionBudget is for it",
    ),
    "a quantity in another language": (
        lambda plot: plot.container("detector")["resources"]["limits"].update(memory="256Mb"),
        r"limits.memory: '256Mb' is no quantity",
    ),
    "a request above its limit": (
        lambda plot: plot.container("detector")["resources"]["requests"].update(memory="3Gi"),
        r"it requests more memory than its limit",
    ),
    "no request": (
        lambda plot: plot.container("detector")["resources"]["requests"].pop("cpu"), r"it requests no cpu"
    ),
    "no limit of memory": (
        lambda plot: plot.container("detector")["resources"]["limits"].pop("memory"), r"its memory has no limit"
    ),
    "a folder without a limit": (
        lambda plot: volume(plot, "tmp").update(emptyDir={}), r"the emptyDir tmp has no sizeLimit"
    ),
    "a folder larger than the disk it may take": (
        lambda plot: volume(plot, "tmp").update(emptyDir={"sizeLimit": "3Gi"}), r"emptyDirs may hold more"
    ),
    "the latest image": (
        lambda plot: plot.container("detector").update(image="example.com/detector:latest"), r"has no version"
    ),
    "an image without a version, at a registry with a port": (
        lambda plot: plot.container("detector").update(image="example.com:5000/detector"), r"has no version"
    ),
    "an image of another version": (
        lambda plot: plot.container("detector").update(image="example.com/detector:0.0.9"), r"isn't of version"
    ),
    "root": (
        lambda plot: plot.spec("detector")["securityContext"].pop("runAsNonRoot"), r"may run as root"
    ),
    "any system call": (
        lambda plot: plot.spec("detector")["securityContext"].pop("seccompProfile"), r"seccompProfile"
    ),
    "a token for the API": (
        lambda plot: plot.spec("detector").pop("automountServiceAccountToken"), r"gets a token for the Kubernetes API"
    ),
    "a root file system to write to": (
        lambda plot: plot.container("detector")["securityContext"].pop("readOnlyRootFilesystem"), r"isn't read-only"
    ),
    "ways to more rights": (
        lambda plot: plot.container("detector")["securityContext"].pop("allowPrivilegeEscalation"), r"allowPrivilege"
    ),
    "capabilities": (
        lambda plot: plot.container("detector")["securityContext"].update(capabilities={"drop": ["NET_RAW"]}),
        r"it keeps capabilities",
    ),
    "no probe": (lambda plot: plot.container("detector").pop("startupProbe"), r"it has no startupProbe"),
    "a probe that asks no health": (
        lambda plot: plot.container("detector").update(readinessProbe={"tcpSocket": {"port": 50052}}),
        r"its readinessProbe isn't a gRPC health check",
    ),
    "no time to end": (
        lambda plot: plot.spec("detector").update(terminationGracePeriodSeconds=60),
        r"it is killed after 60 s, but needs 60 s of grace",
    ),
    "a setting that isn't there": (
        lambda plot: plot.setting("LIFTLINE_NATS_ACK_WAIT", "3"), r"there is no setting LIFTLINE_NATS_ACK_WAIT$"
    ),
    "a value that is refused": (
        lambda plot: plot.setting("LIFTLINE_WORKER_MAX_ATTEMPTS", "0"), r"WorkerSettings: max_attempts"
    ),
    "NATS without protection": (
        lambda plot: plot.setting("LIFTLINE_NATS_URL", "nats://nats:4222"), r"nats:// doesn't protect"
    ),
    "S3 without protection": (
        lambda plot: plot.setting("LIFTLINE_S3_ENDPOINT", "http://s3.example.com"), r"unencrypted"
    ),
    "an API without protection": (
        lambda plot: plot.setting("LIFTLINE_GRPC_LISTEN", "0.0.0.0:50052"), r"without tls_cert_file, tls_key_file, jwt"
    ),
    "a file where nothing is mounted": (
        lambda plot: plot.setting("LIFTLINE_NATS_CA_FILE", "/certs/ca.crt"), r"nothing is mounted at /certs/ca.crt"
    ),
    "a file that a volume doesn't hold": (
        lambda plot: plot.setting("LIFTLINE_NATS_CA_FILE", "/ca/tls.crt"), r"the volume ca holds no tls.crt"
    ),
    "a port that nothing listens on": (
        lambda plot: plot.container("detector")["ports"].append({"name": "metrics", "containerPort": 9464}),
        r"the port metrics \(9464\) isn't listened on",
    ),
    "no default": (lambda plot: plot.remove("NetworkPolicy", "default-deny"), r"none denies everything else"),
    "a policy for no pods": (
        lambda plot: plot("NetworkPolicy", "nats")["spec"].update(podSelector={"matchLabels": {"app": "n"}}),
        r"NetworkPolicy/nats: nothing has the labels",
    ),
    "a policy for a port that pods haven't": (
        lambda plot: plot("NetworkPolicy", "nats")["spec"]["ingress"][0].update(ports=[{"port": "client"}]),
        r"NetworkPolicy/nats: none of its pods has the port client",
    ),
    "no way out to a server": (
        lambda plot: plot("NetworkPolicy", "out")["spec"]["egress"].pop(1), r"no NetworkPolicy lets it go to nats:4222"
    ),
    "no way out of the cluster": (
        lambda plot: plot("NetworkPolicy", "out")["spec"]["egress"].pop(2),
        r"no NetworkPolicy lets it go to s3.example.com:443",
    ),
    "no way to DNS": (
        lambda plot: plot("NetworkPolicy", "out")["spec"]["egress"].pop(0), r"no NetworkPolicy lets it ask DNS"
    ),
    "no way in to a server": (
        lambda plot: plot.remove("NetworkPolicy", "nats"),
        r"StatefulSet/nats: no NetworkPolicy lets Deployment/detector in",
    ),
    "another stream": (
        lambda plot: trigger(plot).update(stream="LIFTLINE_TASK"), r"the stream LIFTLINE_TASK isn't LIFTLINE_TASKS"
    ),
    "another Deployment's consumer": (
        lambda plot: trigger(plot).update(consumer="lift-high"),
        r"consumer lift-high, which its Deployment doesn't pull",
    ),
    "a consumer without a trigger": (
        lambda plot: plot("ScaledObject", "detector")["spec"]["triggers"].pop(),
        r"no trigger is for the consumer plan-low",
    ),
    "a consumer with two triggers": (
        lambda plot: plot("ScaledObject", "detector")["spec"]["triggers"].append(
            plot("ScaledObject", "detector")["spec"]["triggers"][0]
        ),
        r"several triggers are for the consumer detect-high",
    ),
    "a threshold that is none": (
        lambda plot: trigger(plot).update(lagThreshold="0"),
        r"lagThreshold .* no whole number",
    ),
    "a trigger that can't sign in": (
        lambda plot: plot.remove("TriggerAuthentication", "nats"), r"there is no TriggerAuthentication nats"
    ),
    "a Deployment that isn't scaled": (
        lambda plot: plot.remove("ScaledObject", "lifter"), r"Deployment/lifter: no ScaledObject is for it"
    ),
    "a number that KEDA's is set back to": (
        lambda plot: plot("Deployment", "lifter")["spec"].update(replicas=1), r"Deployment/lifter: replicas is set"
    ),
    "a stage without workers": (
        lambda plot: plot.container("renderer")["env"].append({"name": "LIFTLINE_WORKER_STAGES", "value": '["mux"]'}),
        r"nobody works on the stage render",
    ),
    "a metric that nobody exports": (
        lambda plot: rule(plot).update(expr="rate(liftline_task_total[5m]) > 0"),
        r"Failed: nobody exports liftline_task_total",
    ),
    "a label that a metric hasn't": (
        lambda plot: rule(plot).update(expr='liftline_tasks_total{outcome="failed"} > 0'), r"has no label outcome"
    ),
    "an alert without a severity": (lambda plot: rule(plot).pop("labels"), r"Failed: it has no severity"),
    "a dashboard of a metric that nobody exports": (
        lambda plot: plot.bodies.append(
            {
                "kind": "ConfigMap", "metadata": {"name": "board", "labels": {"grafana_dashboard": "1"}},
                "data": {"a.json": '{"panels": [{"title": "Jobs", "targets": [{"expr": "sum(liftline_jobs)"}]}]}'},
            }
        ),
        r"ConfigMap/board: Jobs: nobody exports liftline_jobs",
    ),
    "a GPU on nodes that aren't tolerated": (
        lambda plot: plot.container("detector")["resources"]["limits"].update({"nvidia.com/gpu": "1"}),
        r"Deployment/detector: .* tolerates no taint nvidia.com/gpu",
    ),
    "a GPU, and tolerations that another component put in place of its own": (
        lambda plot: (
            plot.container("detector")["resources"]["limits"].update({"nvidia.com/gpu": "1"}),
            plot.spec("detector").update(tolerations=[{"key": "cloud.google.com/gke-spot", "operator": "Exists"}]),
        ),
        r"Deployment/detector: .* tolerates no taint nvidia.com/gpu",
    ),
    "a claim of many nodes without a class": (
        lambda plot: plot.bodies.append(
            {
                "kind": "PersistentVolumeClaim", "metadata": {"name": "models"},
                "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}},
            }
        ),
        r"PersistentVolumeClaim/models: .*storageClassName",
    ),
    "NATS' monitoring by a name of this namespace alone": (
        lambda plot: plot("ConfigMap", "autoscaling")["data"].update(where="nats:8222"),
        r"ConfigMap/autoscaling: where: .* nobody is called 'nats'",
    ),
    "NATS' monitoring in another namespace than NATS": (
        lambda plot: plot("ConfigMap", "autoscaling")["data"].update(where="nats.liftline.svc:8222"),
        r"ConfigMap/autoscaling: nats.liftline.svc: the Service nats is in the namespace default",
    ),
    "a certificate for another namespace": (
        lambda plot: plot("Certificate", "nats")["spec"]["dnsNames"].append("nats.liftline.svc"),
        r"Certificate/nats: nats.liftline.svc: the Service nats is in the namespace default",
    ),
    "an image that is in no registry": (
        lambda plot: plot.container("lifter").update(image=f"localhost/lifter:{__version__}"),
        r"Deployment/lifter: the image localhost/lifter:.* is in no registry",
    ),
    "hashes of other models": (
        lambda plot: plot.bodies.append(
            {"kind": "ConfigMap", "metadata": {"name": "hashes"}, "data": {"SHA256SUMS": "00  pose_detection.tflite"}}
        ),
        r"SHA256SUMS differs from the detectors' entries",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_found(mistake: str) -> None:
    plant, message = PLANTED[mistake]
    plot = Plot()
    plant(plot)
    assert any(re.search(message, line) for line in found(plot)), found(plot)
