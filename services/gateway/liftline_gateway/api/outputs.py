"""What a job made, with addresses to fetch it from."""

from __future__ import annotations

from datetime import timedelta

from liftline.files.output_tree import MANIFEST
from liftline.jobs.naming import JobKey
from liftline.ports import ArtifactStore
from liftline.service.api_errors import ApiError, ErrorKind
from liftline.v1.job_service_pb2 import Job, ListArtifactsResponse, OutputFile
from liftline.v1.records_pb2 import JobRecord
from liftline_gateway.records.job_repository import JobRepository
from liftline_gateway.records.store_threads import StoreThreads


class Outputs:
    """Lists output files of jobs that succeeded."""

    def __init__(self, jobs: JobRepository, store: ArtifactStore, threads: StoreThreads, *, expire: timedelta) -> None:
        """Download addresses work for `expire`."""
        self._jobs, self._store, self._threads, self._expire = jobs, store, threads, expire

    async def of(self, record: JobRecord) -> ListArtifactsResponse:
        """Files by path. Raises ApiError (FAILED_PRECONDITION) where the job hasn't succeeded."""
        if record.state != Job.STATE_SUCCEEDED:
            state = Job.State.Name(record.state).removeprefix("STATE_")
            raise ApiError(
                ErrorKind.FAILED_PRECONDITION,
                "JOB_NOT_SUCCEEDED",
                f"jobs/{record.job}: it is {state}; only jobs that SUCCEEDED have artifacts.",
                metadata={"state": state},
            )
        expire_time = self._jobs.time(later=self._expire)
        files = await self._threads.run(self._files, record)
        return ListArtifactsResponse(files=files, expire_time=expire_time)

    def _files(self, record: JobRecord) -> list[OutputFile]:
        files = [
            OutputFile(path=one.path, size_bytes=one.ref.size_bytes, sha256=one.ref.sha256)
            for one in record.artifacts
            if one.path
        ]
        files.append(OutputFile(path=MANIFEST, size_bytes=record.manifest_size_bytes))
        tree = JobKey(record.tenant, record.job).tree
        for file in files:
            file.download_uri = self._store.download_address(
                f"{tree}{file.path}", expires=self._expire, file_name=file.path.rpartition("/")[2]
            )
        return sorted(files, key=lambda one: one.path)
