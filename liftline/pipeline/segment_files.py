"""Files that workers made of every segment, for stages that join them."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from liftline.errors import InvalidArtifactError
from liftline.jobs.naming import artifact
from liftline.pipeline.handler import Work
from liftline.v1.artifacts_pb2 import ArtifactRef
from liftline.v1.events_pb2 import TaskResult

AHEAD = 4
"""Files fetched before they are asked for; so many are on the disk at most, and the one in use."""


@contextmanager
def segment_files(work: Work, results: Sequence[TaskResult], role: str) -> Generator[Generator[Path]]:
    """The file of that role in each result, in order. One is removed when the next is asked for.

    Raises what fetching raises, and InvalidArtifactError where a result has no such file.
    """
    refs = [_ref(result, role) for result in results]
    with ThreadPoolExecutor(AHEAD, thread_name_prefix="fetching-ahead") as pool:
        try:
            yield _in_order(work, refs, pool)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _in_order(work: Work, refs: Sequence[ArtifactRef], pool: ThreadPoolExecutor) -> Generator[Path]:
    coming: deque[Future[Path]] = deque(pool.submit(work.fetch, ref) for ref in refs[:AHEAD])
    for number in range(len(refs)):
        path = coming.popleft().result()
        coming.extend(pool.submit(work.fetch, ref) for ref in refs[number + AHEAD : number + AHEAD + 1])
        yield path
        path.unlink(missing_ok=True)


def _ref(result: TaskResult, role: str) -> ArtifactRef:
    found = artifact(result.artifacts, role)
    if found is None:
        raise InvalidArtifactError(f"A segment's result has no '{role}'; its worker was of another version.")
    return found.ref
