"""Creates the bucket, with a lifecycle rule against unfinished multipart uploads where the server has such rules."""

from __future__ import annotations

import structlog
from minio import Minio
from minio.commonconfig import ENABLED, Filter
from minio.error import MinioException, S3Error
from minio.lifecycleconfig import AbortIncompleteMultipartUpload, LifecycleConfig, Rule

from liftline.errors import UsageError
from liftline.settings.services import S3Settings

log = structlog.get_logger(__name__)
_UNFINISHED_DAYS = 2
_THERE = ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")


def ensure(client: Minio, settings: S3Settings) -> None:
    """Create the bucket if it is absent. Raises UsageError where name, region or keys are refused."""
    try:
        if client.bucket_exists(settings.bucket):
            return
        client.make_bucket(settings.bucket, settings.region)
    except ValueError as error:
        raise UsageError(f"LIFTLINE_S3_BUCKET: {error}; correct it.") from error
    except S3Error as error:
        if error.code in _THERE and client.bucket_exists(settings.bucket):
            return
        raise UsageError(
            f"the artifact store at {settings.endpoint} refuses the bucket {settings.bucket!r} "
            f"({error.code}: {error.message}); check LIFTLINE_S3_BUCKET, _REGION and the keys."
        ) from error
    _forget_unfinished_uploads(client, settings.bucket)


def _forget_unfinished_uploads(client: Minio, bucket: str) -> None:
    """Parts of an upload whose sender died aren't listed, but take room."""
    abort = AbortIncompleteMultipartUpload(days_after_initiation=_UNFINISHED_DAYS)
    rule = Rule(ENABLED, rule_filter=Filter(prefix=""), rule_id="unfinished", abort_incomplete_multipart_upload=abort)
    try:
        client.set_bucket_lifecycle(bucket, LifecycleConfig([rule]))
    except (MinioException, ValueError) as error:
        log.warning("unfinished_uploads_are_kept", bucket=bucket, reason=str(error))
