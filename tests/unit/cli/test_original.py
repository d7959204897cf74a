"""What `process_video.py` uses: the original's models where they are, and words where they aren't."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.console import Console

from liftline.errors import ModelError
from liftline.settings.checked import field_infos
from liftline.settings.job import JobSettings, LiftChoices
from liftline_cli.console.reporting import ConsoleReporter
from liftline_cli.original import DEFAULT_CHECKPOINT, find_checkpoint, original_job


@dataclass
class Said(ConsoleReporter):
    """Remembers what was said."""

    console: Console = field(default_factory=lambda: Console(quiet=True))
    sentences: list[str] = field(default_factory=list)

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Working directory, the script's, the models'."""
    found = [tmp_path / name for name in ("here", "beside", "models")]
    for folder in found:
        folder.mkdir()
    return found


def test_the_default_checkpoint_is_taken_from_the_first_folder_that_has_it(folders: list[Path]) -> None:
    for folder in reversed(folders):
        (folder / DEFAULT_CHECKPOINT).touch()
        said = Said()
        assert find_checkpoint(DEFAULT_CHECKPOINT, folders, said) == folder / DEFAULT_CHECKPOINT
        assert said.sentences == []


def test_without_the_default_checkpoint_the_bundled_one_is_named_and_how_to_get_it(folders: list[Path]) -> None:
    said = Said()
    assert find_checkpoint(DEFAULT_CHECKPOINT, folders, said) is None
    assert "bundled" in said.sentences[0]
    assert "liftline models fetch videopose3d" in said.sentences[0]
    assert "CC BY-NC" in said.sentences[0]


def test_a_checkpoint_that_was_named_is_never_replaced(folders: list[Path]) -> None:
    with pytest.raises(ModelError, match=r"mine\.bin"):
        find_checkpoint("mine.bin", folders, Said())


def test_videopose3ds_weights_are_used_as_by_its_own_program() -> None:
    settings = original_job(Path(DEFAULT_CHECKPOINT))
    assert (settings.smooth, settings.native_rate) == ("none", True)
    steps = [name for name, info in field_infos(LiftChoices).items() if info.default is True]
    assert len(steps) >= 5
    assert not any(getattr(settings, step) for step in steps)


@pytest.mark.parametrize("checkpoint", [None, Path("mine.safetensors")])
def test_liftlines_weights_are_used_as_ever(checkpoint: Path | None) -> None:
    settings = original_job(checkpoint)
    assert settings == JobSettings()
    assert (settings.smooth, settings.native_rate) == ("butterworth", False)
