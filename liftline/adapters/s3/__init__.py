"""`ArtifactStore` on any S3 server. Only what AWS, Ceph and MinIO have in common is asked of it."""

from liftline.adapters.s3.store import S3Store

__all__ = ["S3Store"]
