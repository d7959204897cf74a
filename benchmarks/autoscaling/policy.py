"""The knobs of a ScaledObject and of the HorizontalPodAutoscaler that KEDA makes of it, and the policies compared.

Names are those of the manifests: https://keda.sh/docs/latest/reference/scaledobject-spec/,
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/horizontal-pod-autoscaler-v2/.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from liftline.jobs.naming import SEGMENTED, Stage


@dataclass(frozen=True)
class Policy:
    """How one Deployment is scaled; defaults are KEDA's and Kubernetes' own.

    Attributes:
        name: in tables.
        lag_threshold: `lagThreshold` of triggers for segments: tasks per pod that are aimed at.
        plan_lag_threshold: the same for tasks that stand for a whole video. Detectors detect before they plan, so most
            of a burst waits there.
        activation_lag: `activationLagThreshold`: more tasks than that wake the Deployment up.
        polling_s: `pollingInterval`: how often KEDA looks while nothing runs.
        cooldown_s: `cooldownPeriod`: so long after the last task everything ends, if `min_replicas` is 0.
        min_replicas, max_replicas: `minReplicaCount`, `maxReplicaCount`.
        scale_down_window_s: `behavior.scaleDown.stabilizationWindowSeconds`.
    """

    name: str
    lag_threshold: int
    plan_lag_threshold: int
    activation_lag: int = 0
    polling_s: float = 30.0
    cooldown_s: float = 300.0
    min_replicas: int = 0
    max_replicas: int = 8
    scale_down_window_s: float = 300.0

    def threshold_of(self, consumer: str) -> int:
        """Of the trigger for this consumer, `<stage>-<priority>`."""
        stage = Stage(consumer.partition("-")[0])
        return self.lag_threshold if stage in SEGMENTED else self.plan_lag_threshold


EAGER = Policy("eager", lag_threshold=1, plan_lag_threshold=1, polling_s=5, cooldown_s=30, scale_down_window_s=0)
BALANCED = Policy(
    "balanced", lag_threshold=4, plan_lag_threshold=2, polling_s=10, cooldown_s=120, scale_down_window_s=60
)  # fmt: skip
"""What `deploy/k8s/components/keda` has for the detector; docs/autoscaling.md says why."""
FRUGAL = Policy(
    "frugal", lag_threshold=16, plan_lag_threshold=16, polling_s=30, cooldown_s=300, scale_down_window_s=300
)  # fmt: skip
COMPARED = (EAGER, BALANCED, FRUGAL)
"""They differ in everything."""
TURNED = (
    replace(BALANCED, name="lag 1", lag_threshold=1),
    replace(BALANCED, name="lag 8", lag_threshold=8),
    replace(BALANCED, name="lag 16", lag_threshold=16),
    replace(BALANCED, name="plan 1", plan_lag_threshold=1),
    replace(BALANCED, name="plan 4", plan_lag_threshold=4),
    replace(BALANCED, name="window 0", scale_down_window_s=0),
    replace(BALANCED, name="window 300", scale_down_window_s=300),
    replace(BALANCED, name="cooldown 30", cooldown_s=30),
    replace(BALANCED, name="min 1", min_replicas=1),
)
"""The balanced one with one knob turned."""
POLICIES = {policy.name: policy for policy in (*COMPARED, *TURNED)}
