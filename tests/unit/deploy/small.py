"""Manifests that are small and right, to plant mistakes in."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import yaml

from deploy.kubelint.documents import Document, Manifests
from liftline import __version__

SECRETS = {"liftline-nats": ["user", "password"], "liftline-s3": ["keys"], "liftline-jwt": ["key"]}
STAGES = {"detector": ("detect", "plan"), "lifter": ("lift", "track"), "renderer": ("mux", "render")}

_SETTINGS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data:
  LIFTLINE_NATS_URL: tls://nats:4222
  LIFTLINE_NATS_CA_FILE: /ca/ca.crt
  LIFTLINE_S3_ENDPOINT: https://s3.example.com
  LIFTLINE_GRPC_HEALTH_LISTEN: 0.0.0.0:50052
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: liftline}
---
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: liftline}
spec: {selfSigned: {}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: nats}
spec: {secretName: nats-tls, dnsNames: [nats, nats.default.svc], issuerRef: {kind: Issuer, name: liftline}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: autoscaling}
data: {where: "nats.default.svc:8222"}
---
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata: {name: nats}
spec: {configMapTargetRef: [{parameter: natsServerMonitoringEndpoint, name: autoscaling, key: where}]}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: liftline}
spec:
  groups:
    - name: liftline
      rules:
        - {record: "waiting:sum", expr: "sum(jetstream_consumer_num_pending)"}
        - alert: Failed
          expr: sum by (stage) (rate(liftline_tasks_total{ending="failed"}[5m])) > 0.1 and on () waiting:sum > 0
          labels: {severity: warning}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: out}
spec:
  podSelector: {matchLabels: {app.kubernetes.io/part-of: liftline}}
  policyTypes: [Egress]
  egress:
    - to: [{namespaceSelector: {}}]
      ports: [{port: 53, protocol: UDP}]
    - to: [{podSelector: {matchLabels: {app: nats}}}]
      ports: [{port: nats}]
    - to: [{ipBlock: {cidr: 0.0.0.0/0}}]
      ports: [{port: 443}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: nats}
spec:
  podSelector: {matchLabels: {app: nats}}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {matchLabels: {app.kubernetes.io/part-of: liftline}}}]
      ports: [{port: nats}]
---
apiVersion: v1
kind: Service
metadata: {name: nats}
spec: {selector: {app: nats}, ports: [{name: nats, port: 4222, targetPort: nats}]}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: nats}
spec: {selector: {matchLabels: {app: nats}}, podMetricsEndpoints: [{port: nats}]}
"""

_NATS = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: nats}
spec:
  serviceName: nats
  selector: {matchLabels: {app: nats}}
  template:
    metadata: {labels: {app: nats}}
    spec:
      serviceAccountName: liftline
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true, runAsUser: 1, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: nats
          image: nats:2.12.15
          ports: [{name: nats, containerPort: 4222}]
          startupProbe: &probe {tcpSocket: {port: nats}}
          readinessProbe: *probe
          livenessProbe: *probe
          securityContext:
            {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
          resources: {requests: {cpu: 1, memory: 1Gi, ephemeral-storage: 1Gi}, limits: {memory: 1Gi}}
          volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""

_WORKER = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME, app.kubernetes.io/part-of: liftline}}
    spec:
      serviceAccountName: liftline
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 80
      securityContext: {runAsNonRoot: true, runAsUser: 1, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: liftline
          image: example.com/NAME:VERSION
          command: [python, -m, liftline_NAME]
          envFrom: [{configMapRef: {name: settings}}]
          env:
            - {name: LIFTLINE_WORKER_GRACE_S, value: "60"}
            - {name: LIFTLINE_S3_ACCESS_KEY, valueFrom: {secretKeyRef: {name: liftline-s3, key: keys}}}
            - {name: LIFTLINE_S3_SECRET_KEY, valueFrom: {secretKeyRef: {name: liftline-s3, key: keys}}}
          ports: [{name: health, containerPort: 50052}]
          startupProbe: &probe {grpc: {port: 50052}}
          readinessProbe: *probe
          livenessProbe: *probe
          securityContext:
            {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
          resources:
            requests: {cpu: 500m, memory: 1Gi, ephemeral-storage: 1Gi}
            limits: {memory: 2Gi, ephemeral-storage: 2Gi}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            - {name: ca, mountPath: /ca}
      volumes:
        - {name: tmp, emptyDir: {sizeLimit: 1Gi}}
        - {name: ca, secret: {secretName: nats-tls, items: [{key: ca.crt, path: ca.crt}]}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: NAME}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: NAME}}}
"""


@cache
def _bodies() -> list[Mapping[str, Any]]:
    text = "---".join([_SETTINGS, _NATS, *(_WORKER.replace("NAME", name) for name in STAGES)])
    return [*yaml.safe_load_all(text.replace("VERSION", __version__)), *map(_scaled, STAGES)]


def _scaled(name: str) -> dict[str, Any]:
    triggers = [
        {
            "type": "nats-jetstream",
            "metadata": {"stream": "LIFTLINE_TASKS", "consumer": f"{stage}-{priority}", "lagThreshold": "2"},
            "authenticationRef": {"name": "nats"},
        }
        for stage in STAGES[name]
        for priority in ("high", "normal", "low")
    ]
    return {
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": name},
        "spec": {"scaleTargetRef": {"name": name}, "triggers": triggers},
    }  # fmt: skip


class Plot:
    """A copy of them to change."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = copy.deepcopy([dict(body) for body in _bodies()])

    def __call__(self, kind: str, name: str) -> dict[str, Any]:
        """The object of that kind and name."""
        return next(one for one in self.bodies if one["kind"] == kind and one["metadata"]["name"] == name)

    def spec(self, name: str) -> Any:
        """Of the pods of a Deployment."""
        return self("Deployment", name)["spec"]["template"]["spec"]

    def container(self, name: str) -> Any:
        """Of a Deployment."""
        return self.spec(name)["containers"][0]

    def setting(self, name: str, value: str) -> None:
        """Of all services."""
        self("ConfigMap", "settings")["data"][name] = value

    def remove(self, kind: str, name: str) -> None:
        """Leave an object out."""
        self.bodies.remove(self(kind, name))

    @property
    def manifests(self) -> Manifests:
        """As they are now."""
        return Manifests([Document(body) for body in self.bodies], SECRETS)


Planting = Callable[[Plot], object]
