"""A manifest from plain values: what it tells, and which video it is of."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

from liftline import __version__
from liftline.jobs.manifest import is_of, manifest, package_versions, plain
from liftline.ports import ModelInfo
from liftline.video.opening import VideoLimits


def made(**changes: object) -> dict[str, object]:
    values = {
        "video": "clip.mp4", "video_sha256": "ab" * 32, "frame_count": 3, "segment_count": 1,
        "video_facts": {"exact_times": True, "video": {"codec": "h264"}},
        "models": [ModelInfo("blazepose", "cd" * 32, "Apache-2.0", "mediapipe")], "settings": {"segment_s": 2.0},
        "files": {"b.npz": "2", "a.npz": "1"}, "seconds": {"plan": 0.12345}, "warnings": ["careful"],
        "versions": {"liftline": "9.9", "python": "3.99", "av": "18.0"},
    }  # fmt: skip
    return manifest(**{**values, **changes})


def test_it_is_json_with_files_in_order_and_what_the_video_was() -> None:
    told = json.loads(json.dumps(made(), allow_nan=False))
    assert list(told["files"]) == ["a.npz", "b.npz"]
    assert told["input"] == {
        "file": "clip.mp4", "sha256": "ab" * 32, "frames": 3, "segments": 1, "exact_times": True,
        "video": {"codec": "h264"},
    }  # fmt: skip
    assert told["models"] == [
        {"name": "blazepose", "sha256": "cd" * 32, "licence": "Apache-2.0", "source": "mediapipe"}
    ]
    assert told["seconds"] == {"plan": 0.123}


def test_versions_are_those_of_where_the_work_was_done() -> None:
    told = made()
    assert (told["liftline"], told["python"]) == ("9.9", "3.99")
    assert told["packages"]["av"] == "18.0"
    assert told["packages"]["torch"] is None


def test_this_installation_knows_its_versions() -> None:
    versions = package_versions()
    assert (versions["liftline"], versions["av"]) == (__version__, av.__version__)
    assert None not in versions.values()


@pytest.mark.parametrize(
    ("text", "sha256", "answer"),
    [
        (json.dumps(made()).encode(), "ab" * 32, True),
        (json.dumps(made()).encode(), "cd" * 32, False),
        (b"", "ab" * 32, False),
        (b"\xff\xfe", "ab" * 32, False),
        (b"[]", "ab" * 32, False),
        (b'{"input": null}', "ab" * 32, False),
    ],
)
def test_whether_a_text_is_the_manifest_of_a_video(text: bytes, sha256: str, answer: bool) -> None:
    assert is_of(text, sha256) is answer


def test_settings_become_plain_values() -> None:
    assert plain(VideoLimits(1, 2, 3.5)) == {"max_pixels": 1, "max_frames": 2, "max_duration_s": 3.5}
    assert plain(Path("a/b")) == "a/b"
    assert plain(None) is None
