"""Checkpoints: ours and VideoPose3D's load; whatever else a file holds is refused and never run."""

from __future__ import annotations

import importlib
import io
import json
import os
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from liftline.errors import ExitCode, ModelError, UsageError
from liftline_lifter.lifting.checkpoint import (
    METADATA_KEY,
    bundled_checkpoint_path,
    load_checkpoint,
)
from liftline_lifter.lifting.network import TemporalModel
from liftline_lifter.lifting.normalise import Normalisation

METADATA = {
    "schema_version": 1,
    "name": "tiny",
    "filter_widths": [3, 3],
    "channels": 8,
    "causal": False,
    "normalisation": "person",
    "rate_hz": 50.0,
    "licence": "MIT",
    "training": "none",
}


def tiny(joints_out: int = 17, *, widths: tuple[int, ...] = (3, 3)) -> TemporalModel:
    torch.manual_seed(0)
    return TemporalModel(widths, 8, joints_out=joints_out)


def write_own(path: Path, *, state: dict[str, torch.Tensor] | None = None, **changes: Any) -> Path:
    """A safetensors checkpoint; a change to None drops the entry."""
    metadata = {key: value for key, value in (METADATA | changes).items() if value is not None}
    weights = tiny().state_dict() if state is None else state
    safetensors.torch.save_file(weights, path, {METADATA_KEY: json.dumps(metadata)})
    return path


def official(**changes: Any) -> dict[str, Any]:
    """What VideoPose3D's run.py saves."""
    model = tiny()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    model.eval()(torch.randn(1, 9, 17, 2)).sum().backward()
    optimizer.step()
    content = {
        "epoch": 80,
        "lr": 4.1e-05,
        "random_state": np.random.RandomState(1234),
        "optimizer": optimizer.state_dict(),
        "model_pos": model.state_dict(),
        "model_traj": None,
        "random_state_semi": None,
    }
    return content | changes


def write_official(path: Path, *, legacy: bool = False, **changes: Any) -> Path:
    torch.save(official(**changes), path, _use_new_zipfile_serialization=not legacy)
    return path


class _Of2019:
    """Pickles as NumPy 1.16 pickled a RandomState: the old names, and the old state tuple."""

    def __reduce__(self) -> tuple[Any, ...]:
        key = np.random.RandomState(1234).get_state()[1]
        return getattr(np.random, "__RandomState_ctor"), (), ("MT19937", key, 624, 0, 0.0)


class _Calls:
    """Pickles as a call."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._call = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self._call


def refused(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_checkpoint(path)
    message = str(caught.value)
    assert str(path) in message
    assert "use the bundled checkpoint" in message
    assert "\n" not in message
    return message


def test_our_checkpoint_comes_back_as_it_was_written(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(write_own(tmp_path / "tiny.safetensors", rate_hz=25, causal=True))
    assert (checkpoint.name, checkpoint.licence, checkpoint.rate_hz) == ("tiny", "MIT", 25.0)
    assert (checkpoint.filter_widths, checkpoint.causal, checkpoint.training) == ((3, 3), True, "none")
    assert checkpoint.normalisation is Normalisation.PERSON
    assert checkpoint.trajectory_model is None
    assert len(checkpoint.sha256) == 64
    assert not checkpoint.pose_model.training
    for name, tensor in tiny().state_dict().items():
        torch.testing.assert_close(checkpoint.pose_model.state_dict()[name], tensor)


def test_the_sha256_is_that_of_the_file(tmp_path: Path) -> None:
    paths = write_own(tmp_path / "a.safetensors"), write_own(tmp_path / "b.safetensors", name="other")
    first, second = (load_checkpoint(path).sha256 for path in paths)
    assert first != second


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy pickle"])
def test_an_official_checkpoint_with_its_random_state_loads(tmp_path: Path, legacy: bool) -> None:
    checkpoint = load_checkpoint(write_official(tmp_path / "pretrained_h36m.bin", legacy=legacy))
    assert checkpoint.name == "pretrained_h36m"
    assert checkpoint.normalisation is Normalisation.IMAGE_WIDTH
    assert (checkpoint.rate_hz, checkpoint.filter_widths) == (50.0, (3, 3))
    assert checkpoint.licence == "CC BY-NC 4.0"
    assert checkpoint.trajectory_model is None
    for name, tensor in tiny().state_dict().items():
        if "running" not in name and "tracked" not in name:
            assert checkpoint.pose_model.state_dict()[name].shape == tensor.shape


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy pickle"])
def test_a_random_state_under_the_names_of_2019_loads(tmp_path: Path, legacy: bool) -> None:
    path = write_official(tmp_path / "old.bin", legacy=legacy, random_state=_Of2019())
    data = path.read_bytes().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    if legacy:  # in a zip the length and checksum would have to change too
        path.write_bytes(data)
        assert b"__RandomState_ctor" in data
        assert b"cnumpy.core.multiarray\n_reconstruct" in data
    assert load_checkpoint(path).filter_widths == (3, 3)


def test_a_file_in_the_form_of_2019_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the official one: saved from a GPU by torch 1.0, five pickles of protocol 2 in a row, NumPy 1.16's names."""
    monkeypatch.setattr("torch.serialization.location_tag", lambda storage: "cuda:0")
    networks = {"model_pos": tiny().state_dict(), "model_traj": tiny(1).state_dict()}
    path = write_official(tmp_path / "old.bin", legacy=True, random_state=_Of2019(), **networks)
    data = path.read_bytes().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    path.write_bytes(data)
    assert data.startswith(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.")
    assert b"X\x06\x00\x00\x00cuda:0" in data
    assert b"cnumpy.random\n__RandomState_ctor\n" in data
    assert b"ctorch\nFloatStorage\n" in data
    checkpoint = load_checkpoint(path)
    assert checkpoint.trajectory_model is not None
    torch.testing.assert_close(checkpoint.pose_model.state_dict()["shrink.bias"], tiny().state_dict()["shrink.bias"])


def test_a_file_in_torchs_tar_form_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "old.bin"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name in ("sys_info", "pickle", "tensors", "storages"):
            content = pickle.dumps({"little_endian": True}, 2)
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    assert "tar form of 2016" in refused(path)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy pickle"])
def test_a_causal_network_is_causal_where_the_caller_says_so(tmp_path: Path, legacy: bool) -> None:
    path = write_official(tmp_path / "c.bin", legacy=legacy, model_traj=tiny(1).state_dict())
    checkpoint = load_checkpoint(path, causal=True)
    assert checkpoint.causal
    assert checkpoint.trajectory_model is not None
    assert checkpoint.trajectory_model.causal
    assert not load_checkpoint(path).causal


def test_our_checkpoint_says_itself_whether_it_is_causal(tmp_path: Path) -> None:
    causal, other = write_own(tmp_path / "c.safetensors", causal=True), write_own(tmp_path / "o.safetensors")
    assert load_checkpoint(causal).causal
    assert load_checkpoint(causal, causal=True).causal
    with pytest.raises(UsageError, match="looks at future frames"):
        load_checkpoint(other, causal=True)


def test_networks_that_see_different_lengths_are_refused(tmp_path: Path) -> None:
    path = write_official(tmp_path / "m.bin", model_traj=tiny(1, widths=(3,)).state_dict())
    assert "poses (3, 3) and root (3,)" in refused(path)


def test_a_trajectory_network_loads_with_the_pose_network(tmp_path: Path) -> None:
    path = write_official(tmp_path / "semi.bin", model_traj=tiny(1).state_dict())
    trajectory = load_checkpoint(path).trajectory_model
    assert trajectory is not None
    assert trajectory.joints_out == 1


def test_a_checkpoint_without_the_entries_for_training_loads(tmp_path: Path) -> None:
    path = tmp_path / "bare.bin"
    torch.save({"model_pos": tiny().state_dict()}, path)
    assert load_checkpoint(path).causal is False


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy pickle"])
@pytest.mark.parametrize(
    "harm",
    [
        lambda target: _Calls(os.system, f"touch {target}"),
        lambda target: _Calls(eval, f"open({str(target)!r}, 'w')"),
        lambda target: _Calls(open, str(target), "w"),
        lambda target: _Calls(np.save, str(target), np.zeros(1)),
        lambda target: _Calls(np.memmap, str(target), np.uint8, "w+", 0, 16),
        lambda target: _Calls(torch.hub.download_url_to_file, "file:///etc/hostname", str(target)),
        lambda target: _Calls(Path.touch, target),
    ],
    ids=["os.system", "eval", "open", "numpy.save", "numpy.memmap", "torch.hub", "pathlib"],
)
def test_a_pickle_that_calls_something_is_refused_and_not_run(
    tmp_path: Path, harm: Callable[[Path], object], legacy: bool
) -> None:
    target = tmp_path / "harmed"
    message = refused(write_official(tmp_path / "evil.bin", legacy=legacy, random_state=harm(target)))
    assert "asks for more than weights" in message
    assert not target.exists()


def test_a_call_hidden_in_the_allowed_names_is_not_run(tmp_path: Path) -> None:
    """The stand-ins take a RandomState's place; calling them with somebody else's function does nothing."""
    target = tmp_path / "harmed"
    evil = (
        b"\x80\x02}X\x09\x00\x00\x00model_posc" + b"numpy.random._pickle\n__bit_generator_ctor\n"
        b"(cos\nsystem\nX" + len(f"touch {target}").to_bytes(4, "little") + f"touch {target}".encode() + b"ttRs."
    )
    path = tmp_path / "evil.bin"
    path.write_bytes(evil)
    refused(path)
    assert not target.exists()


def test_a_plain_pickle_that_runs_code_on_loading_is_refused_and_not_run(tmp_path: Path) -> None:
    target, path = tmp_path / "harmed", tmp_path / "evil.bin"
    path.write_bytes(pickle.dumps(_Calls(os.system, f"touch {target}")))
    refused(path)
    assert not target.exists()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("kind", ["own", "zip", "legacy"])
def test_a_truncated_file_is_refused(tmp_path: Path, kind: str, share: float) -> None:
    path = tmp_path / "cut"
    data = (write_own(path) if kind == "own" else write_official(path, legacy=kind == "legacy")).read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    refused(path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no checkpoint",
        b"PK\x03\x04 no zip",
        b"\x80\x02 no pickle",
        b"\xff" * 100,
        b"{}" * 40,
        b"\x02" + b"\0" * 7 + b"{}",
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "other.bin"
    path.write_bytes(data)
    refused(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "nowhere.bin")
    assert ModelError.exit_code is ExitCode.MODEL


def test_a_folder_is_refused(tmp_path: Path) -> None:
    refused(tmp_path)


@pytest.mark.parametrize(
    "content",
    [[1, 2], {"model_state": {}}, {"model_pos": None}, {"model_pos": {}}, {"model_pos": {"a": 1}}, torch.zeros(3)],
)
def test_a_torch_file_without_the_networks_weights_is_refused(tmp_path: Path, content: object) -> None:
    path = tmp_path / "other.bin"
    torch.save(content, path)
    assert "torch file" in refused(path)


def without(state: dict[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    return {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: without(s, "shrink.bias"), "shrink.bias is missing"),
        (lambda s: without(s, "expand_conv.weight"), "no weights of a temporal model"),
        (lambda s: s | {"extra": torch.zeros(1)}, "extra is"),
        (lambda s: s | {"shrink.weight": torch.zeros(48, 8, 1), "shrink.bias": torch.zeros(48)}, "17 joints"),
        (lambda s: s | {"expand_conv.weight": torch.zeros(8, 32, 3)}, "17 keypoints"),
        (lambda s: s | {"expand_conv.weight": torch.zeros(8, 34)}, "no weights of a temporal model"),
        (lambda s: s | {"expand_conv.weight": torch.zeros(8, 34, 4)}, "even or too long"),
        (lambda s: s | {"expand_conv.weight": torch.zeros(8, 34, 999)}, "even or too long"),
        (lambda s: s | {"shrink.bias": torch.full((51,), torch.nan)}, "finite"),
    ],
)
def test_weights_of_another_network_are_refused(
    tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]], words: str
) -> None:
    state = change(dict(tiny().state_dict()))
    assert words in refused(write_own(tmp_path / "own.safetensors", state=state))
    assert words in refused(write_official(tmp_path / "official.bin", model_pos=state))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema_version": 2}, "schema version 2"),
        ({"rate_hz": None}, "rate_hz"),
        ({"rate_hz": 0}, "rate 0"),
        ({"rate_hz": "fast"}, "metadata"),
        ({"normalisation": "none"}, "metadata"),
        ({"causal": "no"}, "causal"),
        ({"filter_widths": [3, 3, 3]}, "its weights (3, 3) x 8"),
        ({"channels": 16}, "its weights (3, 3) x 8"),
        ({"filter_widths": 3}, "metadata"),
    ],
)
def test_metadata_that_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    assert words in refused(write_own(tmp_path / "own.safetensors", **changes))


def test_a_safetensors_file_without_our_metadata_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    safetensors.torch.save_file(tiny().state_dict(), path)
    assert "metadata" in refused(path)


def test_loading_leaves_torchs_list_of_safe_names_as_it_was(tmp_path: Path) -> None:
    for name in ("torch.distributed.tensor", "torch._dynamo.decorators"):
        importlib.import_module(name)  # PyTorch's own, which add names when whoever comes first loads them
    before = set(torch.serialization.get_safe_globals())
    load_checkpoint(write_official(tmp_path / "official.bin"))
    assert set(torch.serialization.get_safe_globals()) == before
    with pytest.raises(pickle.UnpicklingError):
        torch.load(io.BytesIO((tmp_path / "official.bin").read_bytes()), weights_only=True)


def test_the_bundled_checkpoint_loads_and_sees_at_least_81_frames() -> None:
    checkpoint = load_checkpoint(bundled_checkpoint_path())
    assert checkpoint.pose_model.receptive_field >= 81
    assert (checkpoint.rate_hz, checkpoint.normalisation) == (50.0, Normalisation.PERSON)
    assert bundled_checkpoint_path().stat().st_size <= 40e6
    assert "mocap.cs.cmu.edu" in checkpoint.training
