"""Alerts and dashboards ask for metrics, labels and label values' names that somebody exports."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry

from deploy.kubelint.documents import Document, Finding, Manifests
from liftline.telemetry.metrics import GatewayMetrics, RequestMetrics, WorkerMetrics

OTHERS = frozenset({
    # prometheus-nats-exporter -jsz=all: collector/jsz.go
    "jetstream_consumer_num_pending", "jetstream_consumer_num_ack_pending", "jetstream_stream_last_seq",
    "jetstream_stream_total_messages", "jetstream_server_total_message_bytes", "jetstream_server_max_storage",
    # kube-state-metrics, cert-manager, Prometheus itself
    "kube_pod_container_status_restarts_total", "certmanager_certificate_expiration_timestamp_seconds", "up",
})  # fmt: skip
"""Metrics that others export, as their sources name them."""
_WORDS = frozenset(
    {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "offset", "bool"}
)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_GROUPED = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_NAME = re.compile(r"(?<![\w:.])([a-zA-Z_:][\w:]*)\s*(\(|\{[^}]*\})?")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")


def check(manifests: Manifests) -> Iterator[Finding]:
    """Rules and dashboards that ask for unknown metrics or labels; alerts without a severity."""
    rules = [
        (one, rule) for one in manifests.of("PrometheusRule") for group in one.spec["groups"] for rule in group["rules"]
    ]
    recorded = dict.fromkeys(rule["record"] for _, rule in rules if "record" in rule)
    known = {**exported(), **dict.fromkeys(OTHERS), **recorded}
    for one, rule in rules:
        name = rule.get("alert") or rule["record"]
        for problem in problems(rule["expr"], known):
            yield one.finding(f"{name}: {problem}")
        if "alert" in rule and "severity" not in (rule.get("labels") or {}):
            yield one.finding(f"{name}: it has no severity")
    for one in manifests.of("ConfigMap"):
        if "grafana_dashboard" in (one.body["metadata"].get("labels") or {}):
            yield from _dashboard(one, known)


def exported() -> Mapping[str, frozenset[str] | None]:
    """Names of series that our services export, with their labels."""
    names: dict[str, frozenset[str] | None] = {}
    for kind in (WorkerMetrics, GatewayMetrics, RequestMetrics):
        for metric in vars(kind(CollectorRegistry())).values():
            labels = frozenset(metric._labelnames)
            (family,) = metric.describe()
            names |= {family.name + suffix: labels | extra for suffix, extra in _SERIES[family.type]}
    return names


_SERIES = {
    "counter": [("_total", frozenset[str]())],
    "gauge": [("", frozenset[str]())],
    "histogram": [("_bucket", frozenset({"le"})), ("_sum", frozenset[str]()), ("_count", frozenset[str]())],
}


def problems(expression: str, known: Mapping[str, frozenset[str] | None]) -> Iterator[str]:
    """Names in it that nobody exports, and labels that a metric of ours hasn't."""
    plain = _GROUPED.sub(" ", _STRING.sub('""', expression))
    for name, after in _NAME.findall(plain):
        if after == "(" or name in _WORDS:
            continue
        if name not in known:
            yield f"nobody exports {name}"
        elif (labels := known[name]) is not None:
            for label in sorted(set(_MATCHER.findall(after)) - labels):
                yield f"{name} has no label {label}"


def _dashboard(one: Document, known: Mapping[str, frozenset[str] | None]) -> Iterator[Finding]:
    for text in one.body["data"].values():
        for panel in json.loads(text)["panels"]:
            for target in panel["targets"]:
                for problem in problems(target["expr"], known):
                    yield one.finding(f"{panel['title']}: {problem}")
