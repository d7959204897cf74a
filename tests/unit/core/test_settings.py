"""Settings come from the environment, are documented, and are wrong in plain words."""

from __future__ import annotations

from pathlib import Path

import pytest

from liftline.errors import UsageError
from liftline.settings import Settings, load_settings

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


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    lines = [line for line in DOCUMENT.read_text().splitlines() if f"`LIFTLINE_{name.upper()}`" in line]
    assert len(lines) == 1
    default = Settings.model_fields[name].default
    if isinstance(default, int | float):
        assert f"| {default:g} |" in lines[0] or f"| {default} |" in lines[0]
