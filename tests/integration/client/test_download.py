"""A job's output tree into a folder: whole or absent, whatever breaks."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from liftline.client import Client, JobStateError, OutputFile, ServerError
from liftline.client.output_folder import OutputFolder
from liftline.client.transfer import Transfers
from liftline.errors import InvalidArtifactError, OutputError
from liftline.v1 import job_service_pb2 as pb
from tests.integration.client.conftest import Use
from tests.integration.client.fake_gateway import Gateway, broken_after, status

RECORDS: list[dict[str, Any]] = [
    {"frame": 1, "time_s": 0.0, "instances": [{"track_id": 1, "score": 0.5}]},
    {"frame": 2, "time_s": 0.04, "instances": []},
]
VIDEO = bytes(range(256)) * 1000


@pytest.fixture
def job(gateway: Gateway) -> str:
    lines = "".join(json.dumps(record) + "\n" for record in RECORDS)
    gateway.put(pb.Job(name="jobs/one", state=pb.Job.STATE_RUNNING, video_name="clip.mp4"))
    gateway.succeed(
        "jobs/one",
        {"output_videos/clip.mp4": VIDEO, "detectron_output/keypoints.jsonl.gz": gzip.compress(lines.encode())},
    )
    return "one"


def test_the_tree_is_as_local_mode_leaves_it(use: Use, job: str, tmp_path: Path) -> None:
    files = use("download", job, tmp_path)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    frames = {f"detectron_output/frame_{number:04d}_keypoints.json" for number in (1, 2)}
    assert found == {"manifest.json", "output_videos/clip.mp4", *frames}
    assert [json.loads((tmp_path / name).read_text()) for name in sorted(frames)] == RECORDS
    assert (tmp_path / "output_videos" / "clip.mp4").read_bytes() == VIDEO
    assert sorted(files) == ["detectron_output", "manifest.json", "output_videos/clip.mp4"]


def test_the_manifest_has_the_hash_of_every_file_in_the_folder(use: Use, job: str, tmp_path: Path) -> None:
    use("download", job, tmp_path)
    hashes = json.loads((tmp_path / "manifest.json").read_text())["files"]
    found = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "manifest.json"]
    assert hashes == {
        str(path.relative_to(tmp_path)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found
    }  # fmt: skip


def test_files_of_an_earlier_longer_video_go(use: Use, job: str, tmp_path: Path) -> None:
    stale = tmp_path / "detectron_output" / "frame_0003_keypoints.json"
    stale.parent.mkdir()
    stale.write_text("{}")
    use("download", job, tmp_path)
    assert not stale.exists()


def test_a_connection_that_breaks_is_gone_on_with(use: Use, gateway: Gateway, job: str, tmp_path: Path) -> None:
    gateway.trees["jobs/one"].pop("detectron_output/keypoints.jsonl.gz")
    gateway.store.faults.extend([broken_after(100_000), status(503), broken_after(1000)])
    use("download", job, tmp_path)
    assert (tmp_path / "output_videos" / "clip.mp4").read_bytes() == VIDEO
    assert gateway.store.ranges[:4] == [None, "bytes=100000-", "bytes=100000-", "bytes=101000-"]


def test_a_stopped_download_leaves_nothing_half_and_goes_on_later(
    use: Use, gateway: Gateway, job: str, tmp_path: Path
) -> None:
    gateway.trees["jobs/one"].pop("detectron_output/keypoints.jsonl.gz")
    gateway.store.faults.extend([broken_after(50_000), status(400)])
    with pytest.raises(ServerError):
        use("download", job, tmp_path)
    assert not [path for path in tmp_path.glob("[!.]*") if path.is_file()]
    assert not (tmp_path / "output_videos").exists()
    gateway.store.ranges.clear()
    use("download", job, tmp_path)
    assert gateway.store.ranges[0] == "bytes=50000-"
    assert (tmp_path / "output_videos" / "clip.mp4").read_bytes() == VIDEO


def test_a_file_that_is_there_is_not_fetched_again(use: Use, gateway: Gateway, job: str, tmp_path: Path) -> None:
    gateway.trees["jobs/one"].pop("detectron_output/keypoints.jsonl.gz")
    use("download", job, tmp_path)
    gateway.store.ranges.clear()
    use("download", job, tmp_path)
    assert len(gateway.store.ranges) == 1, "the manifest alone"


def test_wrong_bytes_never_reach_the_folder(use: Use, gateway: Gateway, job: str, tmp_path: Path) -> None:
    gateway.store.objects["jobs/one/output_videos/clip.mp4"] = VIDEO[::-1]
    with pytest.raises(InvalidArtifactError, match="SHA-256"):
        use("download", job, tmp_path)
    assert not (tmp_path / "output_videos").exists()
    assert not (tmp_path / "manifest.json").exists()


def test_a_part_that_is_no_part_of_the_file_is_fetched_anew(use: Use, job: str, tmp_path: Path) -> None:
    part = tmp_path / ".liftline" / "download" / "one" / "output_videos-clip.mp4"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"something else")
    use("download", job, tmp_path)
    assert (tmp_path / "output_videos" / "clip.mp4").read_bytes() == VIDEO


def test_addresses_that_expire_on_the_way_are_asked_for_anew(
    use: Use, gateway: Gateway, job: str, tmp_path: Path
) -> None:
    gateway.store.faults.extend([lambda handler: handler.send_object(), status(403)])
    use("download", job, tmp_path)
    assert (tmp_path / "manifest.json").exists()


def test_addresses_that_never_work_are_an_error(use: Use, gateway: Gateway, job: str, tmp_path: Path) -> None:
    gateway.store.faults.extend([status(403)] * 3)
    with pytest.raises(ServerError, match="403"):
        use("download", job, tmp_path)


def test_keypoints_that_are_damaged_are_refused(use: Use, gateway: Gateway, tmp_path: Path) -> None:
    gateway.put(pb.Job(name="jobs/two", state=pb.Job.STATE_RUNNING, video_name="clip.mp4"))
    gateway.succeed("jobs/two", {"detectron_output/keypoints.jsonl.gz": gzip.compress(b'{"frame": "../x"}\n')})
    with pytest.raises(InvalidArtifactError, match="line 1"):
        use("download", "two", tmp_path)
    assert not (tmp_path / "manifest.json").exists()


@pytest.mark.parametrize("lines", [b"[" * 100_000, b'{"frame": 1, "x": NaN}', b"3"])
def test_keypoints_that_are_no_json_are_refused(gateway: Gateway, tmp_path: Path, lines: bytes) -> None:
    gateway.put(pb.Job(name="jobs/two", state=pb.Job.STATE_RUNNING, video_name="clip.mp4"))
    gateway.succeed("jobs/two", {"detectron_output/keypoints.jsonl.gz": gzip.compress(lines + b"\n")})
    with Client(gateway.connection) as client, pytest.raises(InvalidArtifactError, match=r"keypoints\.jsonl"):
        client.download("two", tmp_path)


@pytest.mark.parametrize(
    "manifest", [b"[" * 100_000, b"[]", b'{"files": {}, "x": NaN}', b'{"files": {}, "x": "\\udfff"}']
)
def test_a_manifest_that_is_none_is_refused(gateway: Gateway, tmp_path: Path, manifest: bytes) -> None:
    gateway.jobs["jobs/two"] = pb.Job(name="jobs/two", state=pb.Job.STATE_SUCCEEDED, video_name="clip.mp4")
    gateway.trees["jobs/two"] = {"manifest.json": manifest}
    with Client(gateway.connection) as client, pytest.raises(InvalidArtifactError, match=r"manifest\.json"):
        client.download("two", tmp_path)
    assert not (tmp_path / "manifest.json").exists()


def test_a_gateway_that_gives_a_job_the_name_of_a_folder_reaches_none(gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    gateway.jobs["jobs/two"] = pb.Job(name=f"jobs/{tmp_path / 'home'}", state=pb.Job.STATE_SUCCEEDED)
    with Client(gateway.connection) as client, pytest.raises(ServerError, match="no name of a job"):
        client.download("two", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


@pytest.mark.parametrize(
    "job",
    [
        pb.Job(name="jobs/two"),
        pb.Job(name="jobs/two", state=pb.Job.STATE_RUNNING, stages=[pb.StageProgress()]),
        pb.Job.FromString(pb.Job(name="jobs/two").SerializeToString() + b"\x10\x4d"),
    ],
)
def test_what_a_newer_gateway_tells_is_told_as_unknown(gateway: Gateway, job: pb.Job) -> None:
    gateway.jobs["jobs/two"] = job
    with Client(gateway.connection) as client, pytest.raises(ServerError, match="update Liftline"):
        client.get("two")


def test_a_job_that_runs_has_nothing_to_download(use: Use, gateway: Gateway, tmp_path: Path) -> None:
    gateway.put(pb.Job(name="jobs/two", state=pb.Job.STATE_RUNNING))
    with pytest.raises(JobStateError, match="not finished"):
        use("download", "two", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(use: Use, job: str, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="taken"):
        use("download", job, tmp_path / "taken")


@pytest.mark.parametrize(
    "path", ["../outside", "/etc/passwd", "a/../../b", "a\\..\\b", "a//b", ".", "", "a\n", ".liftline/a"]
)
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    files = [OutputFile(path, 1, "", "http://127.0.0.1:1/"), OutputFile("manifest.json", 1, "", "http://127.0.0.1:1/")]
    with pytest.raises(ServerError, match="no place in a folder"):
        OutputFolder(tmp_path, "one", "clip.mp4", Transfers()).attempt(files, lambda _file: lambda _done, _total: None)
