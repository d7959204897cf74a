"""Queues are worked on, and scaled by: streams, consumers and stages are those of the code."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Sequence

from deploy.kubelint.documents import Document, Finding, Manifests, Pod
from deploy.kubelint.rules.environment import variables
from liftline.adapters.nats.topology import TASKS
from liftline.jobs.naming import Stage, consumers_of
from liftline.pipeline.handler import Service

TRIGGER = "nats-jetstream"


def check(manifests: Manifests) -> Iterator[Finding]:
    """Every stage has its workers, and where anything is scaled, every worker is by what it pulls."""
    workers = {pod.owner.name: stages for pod in manifests.pods if (stages := pulled(manifests, pod))}
    for stage in Stage:
        if not any(stage in stages for stages in workers.values()):
            yield Finding("Deployments", f"nobody works on the stage {stage}")
    scaled = manifests.of("ScaledObject")
    for one in scaled:
        target = str(one.spec["scaleTargetRef"]["name"])
        yield from _triggers(one, workers.get(target, []))
        deployment = manifests.find("Deployment", target)
        if deployment is not None and "replicas" in deployment.spec:
            yield deployment.finding("replicas is set, which every apply would set KEDA's number back to")
    if scaled:
        for name in sorted(workers.keys() - {one.spec["scaleTargetRef"]["name"] for one in scaled}):
            yield Finding(f"Deployment/{name}", "no ScaledObject is for it")


def pulled(manifests: Manifests, pod: Pod) -> Sequence[Stage]:
    """Stages that a Deployment's workers take tasks of; none where they are no workers."""
    for container in pod.containers:
        module = next((part for part in container.get("command") or [] if str(part).startswith("liftline_")), None)
        if pod.owner.kind != "Deployment" or module is None:
            continue
        service = getattr(importlib.import_module(f"{module}.__main__"), "SERVICE", None)
        if isinstance(service, Service):
            chosen = json.loads(variables(manifests, container).get("LIFTLINE_WORKER_STAGES", "[]"))
            return service.working_on(chosen)
    return []


def _triggers(scaled: Document, stages: Sequence[Stage]) -> Iterator[Finding]:
    wanted = set(consumers_of(stages))
    found = []
    for trigger in scaled.spec["triggers"]:
        metadata = trigger["metadata"]
        if trigger["type"] != TRIGGER:
            yield scaled.finding(f"a trigger is {trigger['type']}, not {TRIGGER}")
        if metadata.get("stream") != TASKS:
            yield scaled.finding(f"the stream {metadata.get('stream')} isn't {TASKS}, which the code makes")
        if not str(metadata.get("lagThreshold", "")).isdecimal() or int(metadata["lagThreshold"]) < 1:
            yield scaled.finding(f"lagThreshold of {metadata.get('consumer')} is no whole number")
        found.append(metadata.get("consumer"))
    for name in sorted(set(found) - wanted):
        yield scaled.finding(f"it is scaled by the consumer {name}, which its Deployment doesn't pull")
    for name in sorted(wanted - set(found)):
        yield scaled.finding(f"no trigger is for the consumer {name}, which its Deployment pulls")
    for name in sorted({name for name in found if found.count(name) > 1}):
        yield scaled.finding(f"several triggers are for the consumer {name}")
