"""What the gateway remembers, typed: jobs, those that need care, uploads, requests. Keys are those of `naming`."""

from __future__ import annotations

import bisect
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp

from liftline.errors import InvalidArtifactError, UnavailableError
from liftline.files.store_keys import form_key
from liftline.jobs.naming import JobKey, TaskKey
from liftline.pipeline.state import Step
from liftline.ports import Records
from liftline.v1.events_pb2 import Task, TaskResult
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import ActiveRecord, Attempts, JobRecord, RequestRecord, UploadRecord

_ACTIVE, _UPLOADS, _ATTEMPTS = "active.", "uploads.", "attempts."
_MOST_CONFLICTS, _READ_AT_ONCE = 1000, 100
AnyRecord = TypeVar("AnyRecord", bound=Message)


@dataclass(frozen=True)
class StoredJob:
    """A job's record as it was read."""

    record: JobRecord
    revision: int


@dataclass(frozen=True)
class Page:
    """Jobs of a tenant, newest first. `next_after`: what the next page begins after; None at the end."""

    jobs: Sequence[JobRecord]
    next_after: str | None


@dataclass(frozen=True)
class UploadKey:
    """An upload of a tenant."""

    tenant: str
    upload: str

    @property
    def record(self) -> str:
        """Key of the upload's record in the key-value bucket."""
        return f"{_UPLOADS}{self.tenant}.{self.upload}"

    @property
    def prefix(self) -> str:
        """What bucket keys below it begin with."""
        return f"tenants/{self.tenant}/uploads/{self.upload}/"

    def video(self, file_name: str) -> str:
        """Bucket key of the video while it is an upload; nobody sees it there."""
        return form_key(f"{self.prefix}{file_name}")


class JobRepository:
    """Every method raises UnavailableError where the records can't be reached; a change may have happened then."""

    def __init__(
        self,
        records: Records,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        came_to: Callable[[JobRecord], object] = lambda _: None,
    ) -> None:
        """`now` stamps changes; `came_to` is called when a job has come into another state, its first one included."""
        self._records, self._now, self._came_to = records, now, came_to

    @property
    def records(self) -> Records:
        """The key-value bucket itself."""
        return self._records

    def time(self, *, later: timedelta = timedelta()) -> Timestamp:
        """Now, or so much later, for a record."""
        time = Timestamp()
        time.FromDatetime(self._now() + later)
        return time

    async def get(self, key: JobKey) -> StoredJob | None:
        """A job's record; None where there is none. Raises InvalidArtifactError where it can't be read."""
        entry = await self._records.get(key.record)
        if entry is None:
            return None
        return StoredJob(_parsed(JobRecord(), entry.value, key.record), entry.revision)

    async def create(self, record: JobRecord) -> JobRecord:
        """Store the record of a new job; returns the one stored before, if any."""
        key = JobKey(record.tenant, record.job)
        if await self._records.create(key.record, record.SerializeToString()) is not None:
            self._came_to(record)
            return record
        stored = await self.get(key)
        return record if stored is None else stored.record

    async def change(self, key: JobKey, change: Callable[[JobRecord], JobRecord]) -> JobRecord | None:
        """Change a job by a pure function, which is called again after a conflict.

        Returns its record, None where it is gone. Nothing is written where the function gives an equal one.
        """
        return await self.step(key, lambda record: (change(record), []))

    async def step(
        self,
        key: JobKey,
        step: Callable[[JobRecord], Step],
        release: Callable[[Sequence[Task]], Awaitable[None]] | None = None,
    ) -> JobRecord | None:
        """Change a job by compare-and-set, as `change` does, by a function that also gives tasks.

        `release` publishes them before the record that knows them is written. Raises UnavailableError after 1000
        conflicts.
        """
        for _ in range(_MOST_CONFLICTS):
            stored = await self.get(key)
            if stored is None:
                return None
            record, tasks = step(stored.record)
            if record == stored.record:
                return record
            if release is not None:
                await release(tasks)
            record.update_time.CopyFrom(self.time())
            if await self._records.update(key.record, record.SerializeToString(), revision=stored.revision) is None:
                continue  # changed meanwhile
            if record.state != stored.record.state:
                self._came_to(record)
            return record
        raise UnavailableError(f"{key.record}: others changed it {_MOST_CONFLICTS} times in between; try again later.")

    async def delete(self, key: JobKey) -> None:
        """Delete a job's record."""
        await self._records.delete(key.record)

    async def page(self, tenant: str, *, size: int, after: str | None = None) -> Page:
        """Jobs of a tenant, newest first, beginning after the job `after`; those being removed are left out."""
        prefix = f"jobs.{tenant}."
        ids = [key.removeprefix(prefix) for key in await self._records.keys(prefix)]
        end = len(ids) if after is None else bisect.bisect_left(ids, after)
        jobs: list[JobRecord] = []
        while end > 0 and len(jobs) < size:
            begin = max(0, end - min(size - len(jobs), _READ_AT_ONCE))
            keys = [f"{prefix}{one}" for one in reversed(ids[begin:end])]
            found = await self._records.get_all(keys)
            read = [_parsed(JobRecord(), found[key].value, key) for key in keys if key in found]
            jobs += [record for record in read if record.state != Job.STATE_DELETING]
            end = begin
        return Page(jobs, ids[end] if end > 0 else None)

    async def add_active(self, key: JobKey, active: ActiveRecord) -> None:
        """Note that a job needs care, by `active.<tenant>.<job>`. Idempotent."""
        await self._records.create(key.active, active.SerializeToString())

    async def remove_active(self, key: JobKey) -> None:
        """Note that a job needs no more care."""
        await self._records.delete(key.active)

    async def active_jobs(self, tenant: str | None = None) -> list[JobKey]:
        """Jobs that need care, of one tenant or all."""
        keys = await self._records.keys(_ACTIVE if tenant is None else f"{_ACTIVE}{tenant}.")
        return [JobKey(*key.removeprefix(_ACTIVE).split(".", 1)) for key in keys]

    async def active(self, key: JobKey) -> ActiveRecord | None:
        """The note of a job that needs care; None where it needs none."""
        return await self._read(ActiveRecord(), key.active)

    async def result(self, key: TaskKey) -> TaskResult | None:
        """The result of a task that was stored first; None while there is none."""
        return await self._read(TaskResult(), key.result)

    async def task_names(self, prefix: str) -> set[str]:
        """Names of tasks with an entry below `JobKey.results` or `JobKey.attempts`."""
        return {key.removeprefix(prefix) for key in await self._records.keys(prefix)}

    async def attempted_jobs(self) -> set[JobKey]:
        """Jobs with records of attempts at their tasks."""
        keys = await self._records.keys(_ATTEMPTS)
        return {JobKey(*key.removeprefix(_ATTEMPTS).split(".")[:2]) for key in keys}

    async def open_attempts(self, tasks: Collection[str]) -> bool:
        """Whether an attempt at one of these tasks has come to no end; `tasks` are keys of their attempts."""
        found = await self._records.get_all(list(tasks))
        return any(_parsed(Attempts(), entry.value, key).open for key, entry in found.items())

    async def create_request(self, tenant: str, request_id: str, request: RequestRecord) -> RequestRecord:
        """Store the record of a CreateJob request; returns the one stored before under that id, if any."""
        key = _request_key(tenant, request_id)
        if await self._records.create(key, request.SerializeToString()) is not None:
            return request
        return await self._read(RequestRecord(), key) or request

    async def request(self, tenant: str, request_id: str) -> RequestRecord | None:
        """The record of a CreateJob request by its id; None where there is none."""
        return await self._read(RequestRecord(), _request_key(tenant, request_id))

    async def delete_request(self, tenant: str, request_id: str) -> None:
        """Delete the record of a request."""
        await self._records.delete(_request_key(tenant, request_id))

    async def create_upload(self, key: UploadKey, upload: UploadRecord) -> None:
        """Store the record of a new upload."""
        await self._records.create(key.record, upload.SerializeToString())

    async def upload(self, key: UploadKey) -> UploadRecord | None:
        """The record of an upload; None where there is none."""
        return await self._read(UploadRecord(), key.record)

    async def use_upload(self, key: UploadKey) -> None:
        """Mark an upload as used by a job. Idempotent; does nothing where the upload is gone."""
        entry = await self._records.get(key.record)
        if entry is not None:
            upload = _parsed(UploadRecord(), entry.value, key.record)
            if not upload.used:
                upload.used = True
                await self._records.update(key.record, upload.SerializeToString(), revision=entry.revision)

    async def uploads(self, tenant: str | None = None) -> list[UploadKey]:
        """Keys of all uploads, of one tenant or all."""
        keys = await self._records.keys(_UPLOADS if tenant is None else f"{_UPLOADS}{tenant}.")
        return [UploadKey(*key.removeprefix(_UPLOADS).split(".", 1)) for key in keys]

    async def delete_upload(self, key: UploadKey) -> None:
        """Delete the record of an upload."""
        await self._records.delete(key.record)

    async def _read(self, record: AnyRecord, key: str) -> AnyRecord | None:
        entry = await self._records.get(key)
        return None if entry is None else _parsed(record, entry.value, key)


def _request_key(tenant: str, request_id: str) -> str:
    return f"requests.{tenant}.{request_id}"


def _parsed(record: AnyRecord, value: bytes, key: str) -> AnyRecord:
    try:
        record.ParseFromString(value)
    except DecodeError as error:
        raise InvalidArtifactError(f"{key}: no record of Liftline's ({error}).") from error
    return record
