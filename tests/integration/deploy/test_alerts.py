"""Each alert fires when what it warns of happens, and none while all is well; Prometheus' promtool runs the rules."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.kubelint.rendering import K8S

PROMTOOL = shutil.which("promtool")
pytestmark = pytest.mark.skipif(PROMTOOL is None, reason="promtool isn't there (Debian's package prometheus)")
RULES = yaml.safe_load((K8S / "components" / "monitoring" / "alerts.yaml").read_text())["spec"]
ALERTS = [rule["alert"] for group in RULES["groups"] for rule in group["rules"] if "alert" in rule]

CONSUMER = '{stream_name="LIFTLINE_TASKS", consumer_name="%s", server_id="%s", is_consumer_leader="%s"}'
PENDING, TAKEN = f"jetstream_consumer_num_pending{CONSUMER}", f"jetstream_consumer_num_ack_pending{CONSUMER}"
HIGH, LOW, BEHIND = ("detect-high", "a", "true"), ("detect-low", "a", "true"), ("detect-high", "b", "false")
DEAD = 'jetstream_stream_last_seq{stream_name="LIFTLINE_DEAD", server_id="a"}'
WELL = {
    # Work goes on. The second server of a cluster only follows the first, and tells what was true once.
    PENDING % HIGH: "3x240",
    PENDING % BEHIND: "5000x240",
    PENDING % LOW: "0x240",
    TAKEN % HIGH: "2x240",
    TAKEN % BEHIND: "7x240",
    TAKEN % LOW: "0x240",
    DEAD: "7x240",
    'jetstream_server_total_message_bytes{server_id="a"}': "100x240",
    'jetstream_server_max_storage{server_id="a"}': "1000x240",
    'liftline_tasks_total{stage="detect", ending="done", pod="a"}': "0+6x240",
    'liftline_job_changes_total{state="STATE_SUCCEEDED"}': "0+1x240",
    'liftline_job_changes_total{state="STATE_FAILED"}': "0x240",
    "liftline_reconciler_rounds_total": "0+6x240",
    'liftline_reconciler_repairs_total{kind="task_lost"}': "0x240",
    'liftline_event_lag_seconds_bucket{le="1"}': "0+10x240",
    'liftline_event_lag_seconds_bucket{le="600"}': "0+10x240",
    'liftline_event_lag_seconds_bucket{le="+Inf"}': "0+10x240",
    "liftline_bus_errors_total": "0+1x240",
    "liftline_store_errors_total": "0x240",
    'liftline_grpc_requests_total{code="OK"}': "0+100x240",
    'liftline_grpc_requests_total{code="NOT_FOUND"}': "0+100x240",
    'kube_pod_container_status_restarts_total{namespace="liftline", pod="liftline-detector-1"}': "1x240",
    'certmanager_certificate_expiration_timestamp_seconds{name="liftline-gateway"}': "10000000x240",
}
"""Four hours, a value a minute."""

HAPPENS: dict[str, dict[str, str | None]] = {
    "LiftlineTasksNotStarted": {TAKEN % HIGH: "0x240"},
    "LiftlineQueueSlow": {PENDING % LOW: "500x240"},
    "LiftlineDeadLetters": {DEAD: "7x230 8x10"},
    "LiftlineQueuesUnseen": {PENDING % HIGH: None, PENDING % LOW: None},
    "LiftlineNatsFillsUp": {'jetstream_server_total_message_bytes{server_id="a"}': "900x240"},
    "LiftlineJobsFail": {'liftline_job_changes_total{state="STATE_FAILED"}': "0+1x240"},
    "LiftlineReconcilerStopped": {"liftline_reconciler_rounds_total": "9x240"},
    "LiftlineRepairs": {'liftline_reconciler_repairs_total{kind="task_lost"}': "0+1x240"},
    "LiftlineEventsLate": {'liftline_event_lag_seconds_bucket{le="1"}': "0x240"},
    "LiftlineNatsErrors": {"liftline_bus_errors_total": "0+30x240"},
    "LiftlineStoreErrors": {"liftline_store_errors_total": "0+30x240"},
    "LiftlineGatewayErrors": {'liftline_grpc_requests_total{code="INTERNAL"}': "0+50x240"},
    "LiftlineWorkersRestart": {
        'kube_pod_container_status_restarts_total{namespace="liftline", pod="liftline-detector-1"}': "0+1x240"
    },
    "LiftlineCertificateEnds": {
        'certmanager_certificate_expiration_timestamp_seconds{name="liftline-gateway"}': "1000000x240"
    },
}
"""What is otherwise than well; None: a series that isn't there."""


def firing(tmp_path: Path, changes: dict[str, str | None]) -> set[str]:
    """Alerts that fire after nearly four hours of it."""
    assert PROMTOOL is not None
    series = [{"series": name, "values": values} for name, values in {**WELL, **changes}.items() if values is not None]
    expression = 'count by (alertname) (ALERTS{alertstate="firing"})'
    test: dict[str, Any] = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": series,
                "promql_expr_test": [{"expr": expression, "eval_time": "235m", "exp_samples": [{"labels": "{a='b'}"}]}],
            }
        ],
    }
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(RULES))
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(test))
    done = subprocess.run([PROMTOOL, "test", "rules", str(tmp_path / "test.yaml")], capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert "got:" in said, said
    got = said.partition("got:")[2]
    return {alert for alert in ALERTS if f'alertname="{alert}"' in got}


def test_none_fires_while_all_is_well(tmp_path: Path) -> None:
    assert firing(tmp_path, {}) == set()


@pytest.mark.parametrize("alert", HAPPENS)
def test_an_alert_fires_when_it_should_and_alone(alert: str, tmp_path: Path) -> None:
    assert firing(tmp_path, HAPPENS[alert]) == {alert}


def test_every_alert_is_tried() -> None:
    assert sorted(HAPPENS) == sorted(ALERTS)
