"""Nobody sees, lists, watches, cancels, deletes or fetches what is another tenant's, and nobody calls without token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from liftline.service.tokens import mint_token
from liftline.v1 import job_service_pb2 as api
from tests.integration.gateway.gateways import Client, Deployment, key_of, refusal, run, states

Code = grpc.StatusCode
METHODS = {
    "CreateUpload": api.CreateUploadRequest(file_name="clip.mp4", size_bytes=1),
    "CreateJob": api.CreateJobRequest(upload="uploads/a"),
    "GetJob": api.GetJobRequest(name="jobs/a"),
    "ListJobs": api.ListJobsRequest(),
    "WatchJob": api.WatchJobRequest(name="jobs/a"),
    "CancelJob": api.CancelJobRequest(name="jobs/a"),
    "DeleteJob": api.DeleteJobRequest(name="jobs/a"),
    "ListArtifacts": api.ListArtifactsRequest(name="jobs/a"),
}


def every_way(client: Client, name: str) -> dict[str, Callable[[], Awaitable[object]]]:
    """All that can be done to a job by its name."""
    return {
        "get": lambda: client.get(name),
        "watch": lambda: states(client.watch(name)),
        "cancel": lambda: client.call("CancelJob", api.CancelJobRequest(name=name)),
        "delete": lambda: client.call("DeleteJob", api.DeleteJobRequest(name=name)),
        "artifacts": lambda: client.call("ListArtifacts", api.ListArtifactsRequest(name=name)),
    }


async def test_another_tenants_job_is_not_there(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        anna, bert = await deployment.client("anna"), await deployment.client("bert")
        done, running = await anna.job(), await anna.job()
        await deployment.work(tasks=20)
        await states(anna.watch(done.name))
        before = [await anna.get(done.name), await anna.get(running.name)]
        for job in before:
            number = job.name.removeprefix("jobs/")
            for name in (job.name, f"tenants/anna/jobs/{number}"):
                for way, attempt in every_way(bert, name).items():
                    assert await refusal(attempt()) == (Code.NOT_FOUND, "NOT_FOUND"), way
            for name in (f"jobs/../anna/jobs/{number}", f"jobs/anna.{number}", f"jobs/*{number}", "jobs/>", "jobs/*"):
                for way, attempt in every_way(bert, name).items():
                    assert await refusal(attempt()) == (Code.INVALID_ARGUMENT, "INVALID_REQUEST"), way
        assert [await anna.get(done.name), await anna.get(running.name)] == before
        assert list((await bert.call("ListJobs", api.ListJobsRequest())).jobs) == []
        assert len((await anna.call("ListJobs", api.ListJobsRequest())).jobs) == 2

    await run(use, tmp_path)


async def test_another_tenants_upload_makes_no_job(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        anna, bert = await deployment.client("anna"), await deployment.client("bert")
        upload = await anna.upload()
        number = upload.removeprefix("uploads/")
        for name in (upload, f"tenants/anna/uploads/{number}"):
            assert await refusal(bert.job(upload=name)) == (Code.NOT_FOUND, "NOT_FOUND")
        assert (await anna.job(upload=upload)).name

    await run(use, tmp_path, coordinating=False)


async def test_request_ids_of_tenants_have_nothing_to_do_with_each_other(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        anna, bert = await deployment.client("anna"), await deployment.client("bert")
        hers, his = await anna.job(request_id="one"), await bert.job(request_id="one")
        assert hers.name != his.name
        assert await refusal(bert.get(hers.name)) == (Code.NOT_FOUND, "NOT_FOUND")

    await run(use, tmp_path, coordinating=False)


async def test_a_page_token_shows_nobody_elses_jobs(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        anna, bert = await deployment.client("anna"), await deployment.client("bert")
        for _ in range(3):
            await anna.job()
        page = await anna.call("ListJobs", api.ListJobsRequest(page_size=1))
        stolen = await bert.call("ListJobs", api.ListJobsRequest(page_token=page.next_page_token))
        assert list(stolen.jobs) == []

    await run(use, tmp_path, coordinating=False)


async def test_files_of_a_job_lie_below_its_tenant(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        for tenant in ("anna", "bert"):
            client = await deployment.client(tenant)
            job = await client.job()
            await deployment.work()
            await states(client.watch(job.name))
            listed = await client.call("ListArtifacts", api.ListArtifactsRequest(name=job.name))
            assert len(listed.files) == 4
            for file in listed.files:
                assert f"/{key_of(job, tenant).tree}{file.path}" in file.download_uri

    await run(use, tmp_path)


async def test_a_tenant_whose_name_begins_like_anothers_is_another(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        anna, ann = await deployment.client("anna"), await deployment.client("ann")
        job = await anna.job()
        assert await refusal(ann.get(job.name)) == (Code.NOT_FOUND, "NOT_FOUND")
        assert list((await ann.call("ListJobs", api.ListJobsRequest())).jobs) == []

    await run(use, tmp_path, coordinating=False)


def _token(deployment: Deployment, kind: str) -> str:
    (deployment.folder / "other").write_text("another secret of thirty-two bytes or more")
    key = deployment.folder / ("other" if kind == "forged" else "key")
    audience = "elsewhere" if kind == "for another audience" else "liftline"
    lifetime = timedelta(minutes=-5 if kind == "expired" else 5)
    return "" if kind == "none" else mint_token(key, tenant="anna", audience=audience, lifetime=lifetime)


@pytest.mark.parametrize("kind", ["none", "forged", "expired", "for another audience"])
async def test_no_method_answers_without_a_good_token(kind: str, tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        client.token = _token(deployment, kind)
        for method, request in METHODS.items():
            call = client.watch("jobs/a") if method == "WatchJob" else client.call(method, request)
            answer, _ = await refusal(states(call) if method == "WatchJob" else call)
            assert answer is Code.UNAUTHENTICATED, method

    await run(use, tmp_path, coordinating=False)


def test_every_method_is_tried_here(tmp_path: Path) -> None:
    assert set(METHODS) == {method.name for method in api.DESCRIPTOR.services_by_name["JobService"].methods}


async def test_reflection_names_the_service(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        stub = reflection_pb2_grpc.ServerReflectionStub(client.channel)
        ask = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
        answers = [answer async for answer in stub.ServerReflectionInfo(ask, metadata=client.metadata)]
        names = {service.name for service in answers[0].list_services_response.service}
        assert "liftline.v1.JobService" in names

    await run(use, tmp_path, coordinating=False)
