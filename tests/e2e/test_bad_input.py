"""Whatever is wrong: one clear sentence, the right exit code, nothing half-written, earlier results untouched."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from liftline.files.atomic import sha256_file
from tests.support import Liftline


def snapshot(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): sha256_file(p) for p in folder.rglob("*") if p.is_file()}


def audio_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux([*stream.encode(frame), *stream.encode(None)])


BAD_VIDEOS: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (lambda path: path.write_text("This is no video.\n" * 100), "video"),
    "empty": (lambda path: path.write_bytes(b""), "empty"),
    "random": (lambda path: path.write_bytes(np.random.default_rng(0).bytes(50_000)), "video"),
    "audio only": (audio_only, "no video stream"),
    "empty folder": (lambda path: path.mkdir(), "no videos"),
    "missing": (lambda path: None, "no such file"),
    "playlist": (lambda path: path.write_text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n"), "bad.mp4"),
}


@pytest.mark.parametrize("kind", BAD_VIDEOS)
def test_a_bad_video_is_one_sentence_and_exit_code_3(kind: str, liftline: Liftline, tmp_path: Path) -> None:
    make, words = BAD_VIDEOS[kind]
    make(tmp_path / "bad.mp4")
    outcome = liftline("process", tmp_path / "bad.mp4", "-o", tmp_path / "out")
    assert outcome.exit_code == 3, outcome.stderr
    assert "bad.mp4" in outcome.stderr
    assert words in outcome.stderr.lower()
    assert outcome.stderr.strip().count("\n") == 0, "one sentence, no traceback"
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and p.name != "bad.mp4"]


def test_scripts_get_the_error_as_json(liftline: Liftline, tmp_path: Path) -> None:
    outcome = liftline("process", tmp_path / "bad.mp4", "-o", tmp_path / "out", "--json")
    assert outcome.exit_code == 3
    assert json.loads(outcome.stdout)["kind"] == "InvalidVideoError"


def test_a_bad_video_leaves_earlier_results_untouched(processed: Path, liftline: Liftline, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    shutil.copytree(processed, folder)
    before = snapshot(folder)
    bad = tmp_path / "walk.mp4"
    bad.write_bytes(b"not a video any more")
    assert liftline("process", bad, "-o", folder).exit_code == 3
    assert snapshot(folder) == before


@pytest.mark.parametrize(
    "content", [None, b"", b"not weights", b"\x80\x04]q\x00."], ids=["missing", "empty", "text", "pickle"]
)
def test_bad_weights_are_exit_code_4_before_any_work(
    content: bytes | None, clip: Path, liftline: Liftline, tmp_path: Path
) -> None:
    weights = tmp_path / "weights.bin"
    if content is not None:
        weights.write_bytes(content)
    outcome = liftline("process", clip, "-o", tmp_path / "out", "--checkpoint", weights)
    assert outcome.exit_code == 4, outcome.stderr
    assert "weights.bin" in outcome.stderr
    assert not (tmp_path / "out" / "poses_3d").exists()


def test_missing_model_files_are_exit_code_4_and_name_the_command(
    clip: Path, liftline: Liftline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIFTLINE_MODELS_DIR", str(tmp_path / "none"))
    outcome = liftline("process", clip, "-o", tmp_path / "out")
    assert outcome.exit_code == 4
    assert "liftline models fetch" in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--detector", "yolo"], "yolo"),
        (["--export", "fbx"], "fbx"),
        (["--layout", "collage"], "collage"),
        (["--smooth", "kalman"], "kalman"),
        (["--focal-px", "0"], "focal"),
        (["--device", "tpu"], "tpu"),
        (["--device", "cuda:99"], "cuda:99"),
        (["--precision", "fp8"], "fp8"),
        (["--score-threshold", "7"], "score-threshold"),
        (["--precision", "bf16"], "--detector detectron2"),
        (["--detector", "blazepose", "--detectron-cfg", "x.yaml", "--precision", "bf16"], "--detector detectron2"),
        (["--max-people", "0"], "max-people"),
        (["--causal"], "--checkpoint"),
    ],
)
def test_unusable_options_are_exit_code_2(
    arguments: list[str], words: str, clip: Path, liftline: Liftline, tmp_path: Path
) -> None:
    outcome = liftline("process", clip, "-o", tmp_path / "out", *arguments)
    assert outcome.exit_code == 2, outcome.stderr
    assert words in outcome.stderr
    assert not (tmp_path / "out" / "poses_3d").exists()


def test_an_output_folder_that_cannot_be_written_is_said(clip: Path, liftline: Liftline, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    outcome = liftline("process", clip, "-o", tmp_path / "taken")
    assert outcome.exit_code == 1
    assert "can't be written" in outcome.stderr
    assert (tmp_path / "taken").read_text() == "a file"


def test_a_video_is_never_overwritten_by_its_own_result(processed: Path, liftline: Liftline, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    shutil.copytree(processed, folder)
    result = folder / "output_videos" / "walk.mp4"
    before = sha256_file(result)
    outcome = liftline("process", result, "-o", folder)
    assert outcome.exit_code == 2
    assert "another --output-dir" in outcome.stderr
    assert sha256_file(result) == before


def test_a_truncated_video_keeps_what_decodes_and_says_so(clip: Path, liftline: Liftline, tmp_path: Path) -> None:
    data = clip.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: len(data) * 3 // 4])
    outcome = liftline("process", cut, "-o", tmp_path / "out", "--json")
    if data.rfind(b"moov") > len(data) * 3 // 4:
        assert outcome.exit_code == 3
        return
    assert outcome.exit_code == 0, outcome.stderr
    assert outcome.report["warnings"]
    with av.open(str(tmp_path / "out" / "output_videos" / "cut.mp4")) as container:
        assert 0 < sum(1 for _ in container.decode(video=0)) < 16


def test_poses_of_another_video_are_refused(
    processed: Path, blank_video: Callable[..., Path], liftline: Liftline, tmp_path: Path
) -> None:
    poses = processed / "poses_3d" / "walk.npz"
    outcome = liftline("render", blank_video(), poses, "--output", tmp_path / "out.mp4")
    assert outcome.exit_code == 3
    assert "320x240" in outcome.stderr
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04" + bytes(60)])
def test_keypoints_that_are_none_are_exit_code_3(content: bytes, liftline: Liftline, tmp_path: Path) -> None:
    (tmp_path / "k.npz").write_bytes(content)
    outcome = liftline("lift", tmp_path / "k.npz", "--output", tmp_path / "p.npz")
    assert outcome.exit_code == 3, outcome.stderr
    assert "k.npz" in outcome.stderr
    assert not (tmp_path / "p.npz").exists()


@pytest.mark.parametrize(("limit", "value"), [("MAX_PIXELS", "1000"), ("MAX_FRAMES", "3"), ("MAX_DURATION_S", "0.5")])
def test_a_video_beyond_a_limit_is_exit_code_3_and_says_which(
    limit: str, value: str, clip: Path, liftline: Liftline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"LIFTLINE_{limit}", value)
    outcome = liftline("process", clip, "-o", tmp_path / "out", "--json")
    assert outcome.exit_code == 3, outcome.stderr
    assert outcome.report["kind"] == "LimitExceededError"
    assert "walk.mp4" in outcome.stderr
    assert not (tmp_path / "out").exists()
