"""Stopping jobs for clients: the record first, then what waits in queues. Running tasks notice by the record."""

from __future__ import annotations

from liftline.jobs.messages import tell_changed
from liftline.jobs.naming import JobKey
from liftline.pipeline import state
from liftline.ports import Bus
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import ActiveRecord, JobRecord
from liftline_gateway.records.job_repository import JobRepository


async def cancel_job(jobs: JobRepository, bus: Bus, key: JobKey) -> JobRecord | None:
    """The job as it is then: cancelled, or as it ended before. None where there is none. Raises UnavailableError."""
    record = await jobs.change(key, lambda one: state.cancel(one, time=jobs.time()))
    if record is None or record.state == Job.STATE_DELETING:
        return None
    await bus.purge_tasks(key.task_subjects)
    await tell_changed(bus, key, record.state)
    return record


async def delete_job(jobs: JobRepository, bus: Bus, key: JobKey) -> bool:
    """Whether there was one; from here on there is none, and the reconciler sweeps. Raises UnavailableError."""
    stored = await jobs.get(key)
    if stored is None or stored.record.state == Job.STATE_DELETING:
        return False
    note = ActiveRecord(request_id=stored.record.request_id)
    await jobs.add_active(key, note)
    await jobs.change(key, lambda one: state.delete(one, time=jobs.time()))
    await jobs.add_active(key, note)  # who tidied up after the job's end may just have taken it away
    await bus.purge_tasks(key.task_subjects)
    await tell_changed(bus, key, Job.STATE_DELETING)
    return True
