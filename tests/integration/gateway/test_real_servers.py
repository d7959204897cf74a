"""The API over a real NATS and a real S3 server, as clients use it from elsewhere."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from email.message import Message
from pathlib import Path

import grpc
import pytest
import urllib3

from liftline.adapters.nats import connection as nats
from liftline.adapters.nats import topology
from liftline.adapters.nats.bus import NatsBus
from liftline.adapters.nats.records import NatsRecords
from liftline.adapters.s3 import S3Store
from liftline.v1 import job_service_pb2 as api
from liftline_cli.up._nats_server import NatsServer
from liftline_cli.up.s3_server import S3Server
from tests.forms import form_of, send
from tests.integration.gateway.gateways import VIDEO, Client, Deployment, deployment, key_of, reason, refusal, states
from tests.servers import nats_settings, running_nats, s3_settings

Code = grpc.StatusCode
_buckets = itertools.count()
Use = Callable[[Deployment, NatsServer], Awaitable[None]]


@pytest.fixture
def servers(tmp_path: Path, s3_server: S3Server) -> Callable[[Use], None]:
    """Runs what is given with two gateways on servers that nobody else uses."""

    def run(use: Use) -> None:
        with running_nats(tmp_path / "nats") as server:
            asyncio.run(_bounded(use, tmp_path, server, s3_server))

    return run


async def _bounded(use: Use, folder: Path, nats_server: NatsServer, s3_server: S3Server) -> None:
    store = S3Store(s3_settings(s3_server, bucket=f"gateway-{next(_buckets)}"))
    await asyncio.to_thread(store.ensure_bucket)
    async with asyncio.timeout(90), nats.connected(nats_settings(nats_server), name="test") as connection:
        await topology.ensure(connection)
        bus, records = NatsBus(connection), NatsRecords(connection)
        async with deployment(folder, replicas=2, bus=bus, records=records, store=store) as running:
            await use(running, nats_server)


def http(method: str, address: str, body: bytes | None = None) -> urllib3.BaseHTTPResponse:
    return urllib3.request(method, address, body=body, retries=False, timeout=10)


def post(upload: api.Upload, content: bytes) -> int:
    """Status of the answer to a form."""
    with urllib3.PoolManager(retries=False, timeout=10) as pool:
        return send(pool, form_of(upload, size_bytes=len(VIDEO)), content)


async def uploaded(client: Client, name: str = "clip.mp4") -> api.Upload:
    made = await client.call("CreateUpload", api.CreateUploadRequest(file_name=name, size_bytes=len(VIDEO)))
    assert await asyncio.to_thread(post, made, VIDEO) == 204
    return made


@pytest.mark.parametrize(
    "name",
    [
        "clip.mp4",
        "${filename} costs 5$.mp4 ",
        "Sprünge & mehr, 1+1=2 %41 'a\"b'.mov",
        "Aufnahme 1.00.00\u202fPM \U0001f469\u200d\U0001f467.mp4",
    ],
)
def test_a_video_goes_in_and_files_come_out(name: str, servers: Callable[[Use], None]) -> None:
    async def use(running: Deployment, server: NatsServer) -> None:
        client, other = await running.client(), await running.client(replica=1)
        job = await client.job(upload=(await uploaded(client, name)).name)
        assert job.video_name == name
        watching = asyncio.create_task(states(other.watch(job.name)))
        await running.work()
        assert (await watching)[-1].state == api.Job.STATE_SUCCEEDED
        listed = await other.call("ListArtifacts", api.ListArtifactsRequest(name=job.name))
        for file in listed.files:
            answer = await asyncio.to_thread(http, "GET", file.download_uri)
            assert (answer.status, len(answer.data)) == (200, file.size_bytes)
            said = Message()
            said["content-disposition"] = answer.headers["content-disposition"]
            assert said.get_filename() == file.path.rpartition("/")[2]
        manifest = next(file for file in listed.files if file.path == "manifest.json")
        files = json.loads((await asyncio.to_thread(http, "GET", manifest.download_uri)).data)["files"]
        assert files == {file.path: file.sha256 for file in listed.files if file is not manifest}
        assert (
            await asyncio.to_thread(running.store.get_bytes, f"{key_of(job).prefix}input/{name}", at_most=100) == VIDEO
        )

    servers(use)


def test_twenty_at_once_over_two_gateways_make_one_job(servers: Callable[[Use], None]) -> None:
    async def use(running: Deployment, server: NatsServer) -> None:
        clients = [await running.client(replica=number % 2) for number in range(20)]
        upload = (await uploaded(clients[0])).name
        made = await asyncio.gather(*(client.job(upload=upload, request_id="one") for client in clients))
        assert len({job.name for job in made}) == 1
        assert len(await running.jobs()) == 1
        assert len(await running.tasks_waiting()) == 1

    servers(use)


def test_a_form_is_good_for_its_own_object_alone(servers: Callable[[Use], None]) -> None:
    async def use(running: Deployment, server: NatsServer) -> None:
        anna, bert = await running.client("anna"), await running.client("bert")
        hers, his = await uploaded(anna), await uploaded(bert)
        stolen = api.Upload()
        stolen.CopyFrom(his)
        stolen.upload_fields["key"] = hers.upload_fields["key"]
        assert await asyncio.to_thread(post, stolen, VIDEO[::-1]) == 403
        assert await asyncio.to_thread(post, his, VIDEO + b"x") == 400
        for method in ("PUT", "GET", "DELETE"):
            for address in (hers.upload_uri, f"{hers.upload_uri}/{hers.upload_fields['key']}"):
                assert (await asyncio.to_thread(http, method, address)).status == 403
        content = await asyncio.to_thread(running.store.get_bytes, hers.upload_fields["key"], at_most=100)
        assert content == VIDEO
        assert await refusal(bert.job(upload=hers.name)) == (Code.NOT_FOUND, "NOT_FOUND")

    servers(use)


def test_a_client_that_still_puts_is_told_what_to_do(servers: Callable[[Use], None]) -> None:
    async def use(running: Deployment, server: NatsServer) -> None:
        client = await running.client()
        made = await client.call("CreateUpload", api.CreateUploadRequest(file_name="clip.mp4", size_bytes=len(VIDEO)))
        assert (await asyncio.to_thread(http, "PUT", made.upload_uri, VIDEO)).status == 403
        with pytest.raises(grpc.aio.AioRpcError, match=r"POST it to `upload_uri` .* as a form") as caught:
            await client.job(upload=made.name)
        assert reason(caught.value) == (Code.FAILED_PRECONDITION, "UPLOAD_MISSING")

    servers(use)


def test_watchers_outlive_a_restart_of_nats(servers: Callable[[Use], None]) -> None:
    async def use(running: Deployment, server: NatsServer) -> None:
        client = await running.client()
        job = await client.job(upload=(await uploaded(client)).name)
        watching = asyncio.create_task(states(client.watch(job.name, timeout=60)))
        await running.work(tasks=1)
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(1)
        await asyncio.to_thread(server.start)
        await asyncio.sleep(1)
        while not watching.done():
            await running.work()
        assert (await watching)[-1].state == api.Job.STATE_SUCCEEDED

    servers(use)


def test_a_server_that_is_away_is_told_as_such(servers: Callable[[Use], None]) -> None:
    async def use(running: Deployment, server: NatsServer) -> None:
        client = await running.client()
        job = await client.job(upload=(await uploaded(client)).name)
        await asyncio.to_thread(server.kill)
        assert await refusal(client.get(job.name)) == (Code.UNAVAILABLE, "UNAVAILABLE")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.call("GetJob", api.GetJobRequest(name=job.name), timeout=0.5)
        assert caught.value.code() is Code.DEADLINE_EXCEEDED
        await asyncio.to_thread(server.start)
        async with asyncio.timeout(20):
            while True:
                try:
                    assert (await client.get(job.name)).name == job.name
                    return
                except grpc.aio.AioRpcError:
                    await asyncio.sleep(0.2)

    servers(use)
