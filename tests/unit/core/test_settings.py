"""Settings come from the environment, are documented, and are wrong in plain words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from liftline.client import Connection
from liftline.errors import UsageError
from liftline.settings import environment
from liftline.settings.machine import Settings, load_settings
from liftline.settings.services import (
    GatewaySettings,
    GrpcSettings,
    NatsSettings,
    S3Settings,
    TelemetrySettings,
    WorkerSettings,
)
from liftline_detector.settings import detector_settings
from liftline_lifter.settings import LifterSettings

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "settings.md"


def test_the_environment_overrides_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFTLINE_SEGMENT_S", "2.5")
    assert load_settings().segment_s == 2.5


@pytest.mark.parametrize("value", ["-1", "many"])
def test_a_wrong_value_names_its_variable(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFTLINE_MAX_PIXELS", value)
    with pytest.raises(UsageError, match=f"LIFTLINE_MAX_PIXELS='{value}'"):
        load_settings()


def test_models_lie_in_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LIFTLINE_MODELS_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert load_settings().models_dir == tmp_path / "liftline" / "models"


ALL = (
    Settings, NatsSettings, S3Settings, GrpcSettings, TelemetrySettings, WorkerSettings, GatewaySettings, Connection,
    detector_settings(), LifterSettings,
)  # fmt: skip
VARIABLES = [(f"{kind.model_config['env_prefix']}{name.upper()}", field.default) for kind in ALL
             for name, field in kind.model_fields.items()]  # fmt: skip


@pytest.mark.parametrize(("variable", "default"), VARIABLES, ids=[name for name, _ in VARIABLES])
def test_every_setting_is_documented_with_its_default(variable: str, default: object) -> None:
    lines = [line for line in DOCUMENT.read_text().splitlines() if f"`{variable}`" in line]
    assert len(lines) == 1
    if isinstance(default, bool):
        assert f"| {str(default).lower()} |" in lines[0]
    elif isinstance(default, int | float):
        assert f"| {default:g} |" in lines[0] or f"| {default} |" in lines[0]
    elif isinstance(default, str) and default:
        assert f"| `{default}` |" in lines[0]


def test_no_documented_setting_is_unknown() -> None:
    named = set(re.findall(r"`(LIFTLINE_[A-Z0-9_]+)`", DOCUMENT.read_text()))
    assert named - {name for name, _ in VARIABLES} == set()


def test_a_wrong_value_of_a_service_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFTLINE_WORKER_MAX_ATTEMPTS", "0")
    with pytest.raises(UsageError, match="LIFTLINE_WORKER_MAX_ATTEMPTS"):
        environment.load(WorkerSettings)
