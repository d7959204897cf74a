"""A client's way through the API: upload, create, watch, fetch, cancel, delete."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import unquote, urlsplit

import grpc

from liftline.v1 import job_service_pb2 as api
from tests.integration.gateway.gateways import VIDEO, Deployment, key_of, put, refusal, run, states

Code = grpc.StatusCode


async def test_a_job_from_upload_to_artifacts(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        settings = api.JobSettings(max_people=2, layout=api.LAYOUT_OVERLAY)
        made = await client.job(settings=settings, priority=api.PRIORITY_HIGH, request_id="one")
        assert (made.state, made.video_name, made.settings) == (api.Job.STATE_QUEUED, "clip.mp4", settings)
        changes = aiter(client.watch(made.name))
        assert (await anext(changes)).job == made
        await deployment.work()
        seen = await states(changes)
        assert seen[-1].state == api.Job.STATE_SUCCEEDED
        assert seen[-1] == await client.get(made.name)
        assert [stage.tasks_done for stage in seen[-1].stages] == [1, 2, 1, 1, 2, 1]
        listed = await client.call("ListArtifacts", api.ListArtifactsRequest(name=made.name))
        assert [file.path for file in listed.files] == [
            "custom_data/tracks_clip.npz", "manifest.json", "output_videos/clip.mp4", "poses_3d/clip.npz",
        ]  # fmt: skip
        for file in listed.files:
            content = Path(unquote(urlsplit(file.download_uri).path)).read_bytes()
            assert len(content) == file.size_bytes

    await run(use, tmp_path)


async def test_the_video_moves_from_the_upload_to_the_job(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        job = await client.job()
        assert deployment.store.get_bytes(f"{key_of(job).prefix}input/clip.mp4", at_most=100) == VIDEO
        while list(deployment.store.keys("tenants/anna/uploads/")):
            await asyncio.sleep(0.02)

    await run(use, tmp_path, coordinating=False)


async def test_a_video_that_is_not_there_yet_makes_no_job(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        upload = await client.call("CreateUpload", api.CreateUploadRequest(file_name="clip.mp4", size_bytes=20))
        request = api.CreateJobRequest(upload=upload.name, request_id="one")
        assert await refusal(client.call("CreateJob", request)) == (Code.FAILED_PRECONDITION, "UPLOAD_MISSING")
        longer = await client.upload(announced=3)
        answer = await refusal(client.job(upload=longer))
        assert answer == (Code.FAILED_PRECONDITION, "UPLOAD_SIZE")
        assert await refusal(client.job(upload="uploads/none")) == (Code.NOT_FOUND, "NOT_FOUND")
        assert await deployment.jobs() == []
        assert await deployment.records.keys("active.anna.") == []

    await run(use, tmp_path)


async def test_an_upload_makes_one_job_and_what_is_put_there_later_is_removed(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        announce = api.CreateUploadRequest(file_name="clip.mp4", size_bytes=len(VIDEO))
        upload = await client.call("CreateUpload", announce)
        put(upload.upload_uri, VIDEO)
        job = await client.job(upload=upload.name)
        place = Path(unquote(urlsplit(upload.upload_uri).path)).parent
        while place.exists():
            await asyncio.sleep(0.02)
        place.mkdir(parents=True)
        put(upload.upload_uri, b"more")
        assert await refusal(client.job(upload=upload.name)) == (Code.FAILED_PRECONDITION, "UPLOAD_USED")
        await client.call("CancelJob", api.CancelJobRequest(name=job.name))
        while await deployment.records.keys("uploads."):
            deployment.clock.forward(1000)
            await asyncio.sleep(0.05)
        assert list(deployment.store.keys("tenants/anna/uploads/")) == []

    await run(use, tmp_path)


async def test_an_upload_expires(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        upload = await client.upload()
        deployment.clock.forward(61)
        assert await refusal(client.job(upload=upload)) == (Code.NOT_FOUND, "NOT_FOUND")
        while await deployment.records.keys("uploads."):
            deployment.clock.forward(60)
            await asyncio.sleep(0.05)
        assert list(deployment.store.keys("tenants/anna/uploads/")) == []

    await run(use, tmp_path, upload_expire_s=60)


async def test_jobs_are_listed_newest_first_in_pages(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        made = [(await client.job()).name for _ in range(5)]
        await client.call("DeleteJob", api.DeleteJobRequest(name=made[2]))
        listed, token, pages = [], "", 0
        while pages == 0 or token:
            page = await client.call("ListJobs", api.ListJobsRequest(page_size=2, page_token=token))
            listed += [job.name for job in page.jobs]
            token, pages = page.next_page_token, pages + 1
            await client.job()
        assert listed == [made[4], made[3], made[1], made[0]]

    await run(use, tmp_path, coordinating=False)


async def test_a_cancelled_job_stays_so_and_its_tasks_are_gone(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        job = await client.job()
        watching = asyncio.create_task(states(client.watch(job.name)))
        assert (await client.call("CancelJob", api.CancelJobRequest(name=job.name))).state == api.Job.STATE_CANCELLED
        assert await deployment.tasks_waiting() == set()
        assert (await watching)[-1].state == api.Job.STATE_CANCELLED
        assert await deployment.work() == []
        again = await client.call("CancelJob", api.CancelJobRequest(name=job.name))
        assert again.state == api.Job.STATE_CANCELLED
        answer = await refusal(client.call("ListArtifacts", api.ListArtifactsRequest(name=job.name)))
        assert answer == (Code.FAILED_PRECONDITION, "JOB_NOT_SUCCEEDED")

    await run(use, tmp_path)


async def test_a_job_that_succeeded_is_not_cancelled(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        job = await client.job()
        await deployment.work()
        await states(client.watch(job.name))
        cancelled = await client.call("CancelJob", api.CancelJobRequest(name=job.name))
        assert cancelled.state == api.Job.STATE_SUCCEEDED

    await run(use, tmp_path)


async def test_a_deleted_job_is_gone_at_once_and_its_bytes_soon(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        job = await client.job(request_id="one")
        await deployment.work()
        await states(client.watch(job.name))
        request = api.DeleteJobRequest(name=job.name)
        await client.call("DeleteJob", request)
        assert await refusal(client.get(job.name)) == (Code.NOT_FOUND, "NOT_FOUND")
        assert await refusal(client.call("DeleteJob", request)) == (Code.NOT_FOUND, "NOT_FOUND")
        assert await refusal(states(client.watch(job.name))) == (Code.NOT_FOUND, "NOT_FOUND")
        while await deployment.records.keys("active.anna."):
            await asyncio.sleep(0.05)
        assert await deployment.records.keys("requests.anna.") == []
        assert list(deployment.store.keys("tenants/anna/jobs/")) == []

    await run(use, tmp_path)


async def test_whoever_watches_learns_that_the_job_was_deleted(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        job = await client.job()
        changes = aiter(client.watch(job.name))
        assert (await anext(changes)).job.name == job.name
        await client.call("DeleteJob", api.DeleteJobRequest(name=job.name))
        assert await refusal(states(changes)) == (Code.NOT_FOUND, "NOT_FOUND")

    await run(use, tmp_path)


async def test_fields_that_nobody_knows_are_not_kept(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        request = api.CreateJobRequest(upload=await client.upload(), settings=api.JobSettings(max_people=3))
        number, length = b"\xba\x3e", b"\x90\x4e"  # 999, length-delimited; 10,000 bytes
        request.settings.MergeFromString(number + length + bytes(10_000))
        assert request.ByteSize() > 10_000
        job = await client.call("CreateJob", request)
        assert job.settings.max_people == 3
        record = await deployment.record(job)
        assert record.ByteSize() < 1000

    await run(use, tmp_path)


async def test_limits_per_tenant(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        anna, bert = await deployment.client("anna"), await deployment.client("bert")
        first, second = await anna.job(), await anna.job()
        waiting = await anna.upload()
        assert await refusal(anna.job(upload=waiting)) == (Code.RESOURCE_EXHAUSTED, "TOO_MANY_JOBS")
        await bert.job()
        await anna.call("CancelJob", api.CancelJobRequest(name=first.name))
        assert (await anna.job(upload=waiting)).state == api.Job.STATE_QUEUED
        await anna.call("DeleteJob", api.DeleteJobRequest(name=second.name))
        await anna.job()

    await run(use, tmp_path, tenant_max_jobs=2)


async def test_bytes_of_all_videos_are_limited(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        job = await client.job()
        await client.upload()
        announce = api.CreateUploadRequest(file_name="clip.mp4", size_bytes=len(VIDEO))
        assert await refusal(client.call("CreateUpload", announce)) == (Code.RESOURCE_EXHAUSTED, "TOO_MANY_BYTES")
        await client.call("CancelJob", api.CancelJobRequest(name=job.name))
        await client.call("CreateUpload", announce)

    await run(use, tmp_path, tenant_max_bytes=2 * len(VIDEO))
