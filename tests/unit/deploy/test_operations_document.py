"""docs/operations.md names every metric and every alert, and none that isn't there."""

from __future__ import annotations

import re

import yaml

from deploy.kubelint.rendering import K8S
from deploy.kubelint.rules.expressions import exported

DOCUMENT = K8S.parents[1] / "docs" / "operations.md"
RULES = yaml.safe_load((K8S / "components" / "monitoring" / "alerts.yaml").read_text())["spec"]["groups"]
ALERTS = {rule["alert"] for group in RULES for rule in group["rules"] if "alert" in rule}


def test_every_alert_is_explained() -> None:
    assert set(re.findall(r"`(Liftline[A-Z]\w+)`", DOCUMENT.read_text())) == ALERTS


def test_every_metric_is_explained() -> None:
    metrics = {re.sub("_(bucket|sum|count)$", "", name) for name in exported()}
    assert set(re.findall(r"`(liftline_[a-z_]+)`", DOCUMENT.read_text())) == metrics
