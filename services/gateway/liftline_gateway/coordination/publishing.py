"""Putting a finished job's outputs where clients find them: copies inside the store, `manifest.json` last.

Nothing is seen before the record says SUCCEEDED. Everything may be repeated, by several gateways at once.
"""

from __future__ import annotations

import asyncio
import json

import structlog

from liftline.errors import InvalidArtifactError, UnavailableError
from liftline.files.output_tree import MANIFEST
from liftline.jobs.manifest import manifest_of
from liftline.jobs.naming import JobKey
from liftline.pipeline.state import adopt, fail, succeed
from liftline.ports import ArtifactStore
from liftline.v1.artifacts_pb2 import Artifact, ArtifactRef
from liftline.v1.job_service_pb2 import Failure, Job
from liftline.v1.records_pb2 import JobRecord
from liftline_gateway.records.job_repository import JobRepository
from liftline_gateway.records.store_threads import StoreThreads

log = structlog.get_logger(__name__)


class Publisher:
    """Copies the outputs of a finished job into its tree and ends the job."""

    def __init__(self, jobs: JobRepository, store: ArtifactStore, threads: StoreThreads) -> None:
        self._jobs, self._store, self._threads = jobs, store, threads

    async def publish(self, key: JobKey) -> JobRecord | None:
        """Publish a job whose time it is; gives it as it is then. Raises UnavailableError, and may be repeated."""
        stored = await self._jobs.get(key)
        if stored is None or not stored.record.publishing:
            return None
        try:
            size = await self._put(key, stored.record)
        except InvalidArtifactError as error:
            return await self.adopt(key) or await self._give_up(key, str(error))
        record = await self._jobs.change(
            key, lambda one: succeed(one, manifest_size_bytes=size, time=self._jobs.time())
        )  # fmt: skip
        if record is None or record.state != Job.STATE_SUCCEEDED:
            await self._threads.run(self._store.remove_all, key.tree)
        return record

    async def adopt(self, key: JobKey) -> JobRecord | None:
        """End a job whose outputs are all there although its record doesn't know; None where they aren't.

        So it is after a backup of the records was restored: work files went at the job's end, so that it can't go on.
        """
        found = await self._threads.run(self._published, key)
        if found is None:
            return None
        artifacts, size = found
        log.warning("outputs_found", tenant=key.tenant, job=key.job)
        return await self._jobs.change(
            key, lambda one: adopt(one, artifacts, manifest_size_bytes=size, time=self._jobs.time())
        )  # fmt: skip

    def _published(self, key: JobKey) -> tuple[list[Artifact], int] | None:
        """What the tree's manifest names, and its own size; None where it isn't there, or not all that it names."""
        place = f"{key.tree}{MANIFEST}"
        size = self._store.size(place)
        if size is None:
            return None
        files = _files_of(self._store.get_bytes(place, at_most=size), place)
        artifacts = [
            Artifact(path=path, ref=ArtifactRef(key=f"{key.tree}{path}", sha256=sha256, size_bytes=size_bytes))
            for path, sha256 in files.items()
            if (size_bytes := self._store.size(f"{key.tree}{path}")) is not None
        ]
        return (artifacts, size) if len(artifacts) == len(files) else None

    async def _put(self, key: JobKey, record: JobRecord) -> int:
        copies = [self._copy(key, one) for one in record.artifacts if one.path]
        done = await asyncio.gather(*copies, return_exceptions=True)
        for problem in done:
            if isinstance(problem, BaseException):
                raise problem
        data = (json.dumps(manifest_of(record), indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
        await self._threads.run(self._store.put_bytes, f"{key.tree}{MANIFEST}", data)
        return len(data)

    async def _copy(self, key: JobKey, artifact: Artifact) -> None:
        await self._threads.run(self._store.copy, artifact.ref.key, f"{key.tree}{artifact.path}")

    async def _give_up(self, key: JobKey, problem: str) -> JobRecord | None:
        log.error("outputs_missing", tenant=key.tenant, job=key.job, error=problem)
        failure = Failure(
            reason=Failure.REASON_INTERNAL, message=f"A result was lost before it was published: {problem}"
        )  # fmt: skip
        return await self._jobs.change(key, lambda one: fail(one, failure, time=self._jobs.time()))


def _files_of(manifest: bytes, place: str) -> dict[str, str]:
    """Place in the tree -> SHA-256. Raises UnavailableError: a manifest of ours can be read, so it came wrong."""
    try:
        return dict(json.loads(manifest)["files"])
    except (ValueError, LookupError, TypeError) as error:
        raise UnavailableError(f"{place}: came unreadable from the store ({error}).") from error
