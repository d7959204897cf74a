"""Settings of deployed services, from `LIFTLINE_*` environment variables. Documented in `docs/settings.md`."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from liftline.jobs.naming import Stage

_WEEK_S = 7 * 24 * 3600.0
"""S3 signs addresses for no longer."""


def _config(prefix: str) -> SettingsConfigDict:
    return SettingsConfigDict(env_prefix=f"LIFTLINE_{prefix}_", frozen=True)


class NatsSettings(BaseSettings):
    """Connection to NATS and how its streams are made: LIFTLINE_NATS_*."""

    model_config = _config("NATS")

    url: str = Field(default="nats://127.0.0.1:4222", description="Address; `tls://` outside of this machine.")
    creds_file: Path | None = Field(default=None, description="Credentials file of a NATS user (JWT and key).")
    user: str | None = Field(default=None, description="User name, instead of a credentials file.")
    password: SecretStr | None = Field(default=None, description="Password of that user.")
    inbox: str | None = Field(
        default=None, pattern=r"^[^\s*>.]+(\.[^\s*>.]+)*$",
        description="What subjects of answers to it begin with; `_INBOX_` and the user's name if unset.",
    )  # fmt: skip
    ca_file: Path | None = Field(default=None, description="Certificate authority of the server. System's if unset.")
    cert_file: Path | None = Field(default=None, description="Client certificate, for mutual TLS.")
    key_file: Path | None = Field(default=None, description="Its key.")
    ack_wait_s: float = Field(
        default=30.0, gt=0, description="A task whose worker is silent for so long goes to another worker."
    )
    replicas: int = Field(default=1, ge=1, le=5, description="Servers that hold each stream.")
    events_days: float = Field(default=7.0, gt=0, description="How long events are kept.")

    @property
    def inbox_prefix(self) -> str:
        """What subjects of answers begin with: nobody else's, so that nobody else need be allowed to hear them."""
        return self.inbox or (inbox_of(self.user) if self.user else "_INBOX")


def inbox_of(user: str) -> str:
    """What subjects of answers to a user of NATS begin with, if no setting says otherwise."""
    return "_INBOX_" + re.sub(r"[\s*>.]", "_", user)


class S3Settings(BaseSettings):
    """Connection to the S3 server that holds artifacts: LIFTLINE_S3_*."""

    model_config = _config("S3")

    endpoint: str = Field(default="http://127.0.0.1:9000", description="Address; `https://` outside of this machine.")
    public_endpoint: str | None = Field(default=None, description="Address that clients use, where it is another.")
    access_key: str = Field(default="", description="Access key.")
    secret_key: SecretStr = Field(default=SecretStr(""), description="Secret key.")
    bucket: str = Field(default="liftline", description="Bucket; made if it isn't there.")
    region: str = Field(default="us-east-1", description="Region.")
    ca_file: Path | None = Field(default=None, description="Certificate authority of the server. System's if unset.")


class GrpcSettings(BaseSettings):
    """Where a service listens and whose calls it accepts: LIFTLINE_GRPC_*."""

    model_config = _config("GRPC")

    listen: str = Field(default="127.0.0.1:50051", description="Address and port to listen on.")
    tls_cert_file: Path | None = Field(default=None, description="Certificate. Needed outside of this machine.")
    tls_key_file: Path | None = Field(default=None, description="Its key.")
    tls_client_ca_file: Path | None = Field(
        default=None, description="Clients need a certificate of this authority (mutual TLS)."
    )
    jwt_key_file: Path | None = Field(
        default=None,
        description="Checks bearer tokens: a public key (PEM) or shared secret. Needed outside of this machine.",
    )
    jwt_audience: str = Field(default="liftline", description="Audience that tokens must be for.")
    health_listen: str | None = Field(
        default=None, description="Address and port that answers health checks alone, without TLS; none if unset."
    )
    max_connections: int = Field(default=4096, ge=1, description="Connections at a time; further ones are closed.")
    max_refusals: int = Field(
        default=200, ge=0,
        description="More requests in a few seconds that are without a good token, or taken back at once, cost a "
        "connection. 0 for any number, behind a proxy that joins the requests of several clients.",
    )  # fmt: skip


class TelemetrySettings(BaseSettings):
    """Logs and metrics: LIFTLINE_TELEMETRY_*. Traces go where OpenTelemetry's `OTEL_EXPORTER_OTLP_ENDPOINT` says."""

    model_config = _config("TELEMETRY")

    log_format: str = Field(default="json", pattern="json|console", description="How log lines look.")
    log_level: str = Field(default="info", pattern="debug|info|warning|error", description="Least level logged.")
    metrics_listen: str | None = Field(
        default=None, description="Address and port of Prometheus' `/metrics`; none if unset."
    )


class WorkerSettings(BaseSettings):
    """How a detector, lifter or renderer takes tasks: LIFTLINE_WORKER_*."""

    model_config = _config("WORKER")

    stages: tuple[Stage, ...] = Field(
        default=(), description="JSON list of the stages it works on; all of its service if empty."
    )
    tasks_at_once: int = Field(default=0, ge=0, description="Tasks worked on at once; 0 for what suits the machine.")
    prefetch: int = Field(default=1, ge=0, description="Tasks more that are fetched meanwhile.")
    stall_s: float = Field(
        default=120.0, gt=0, description="A task without progress for so long hangs: the process ends itself."
    )
    deadline_s: float = Field(default=6 * 3600.0, gt=0, description="The same for a task that takes longer in all.")
    max_attempts: int = Field(default=3, ge=1, description="After so many workers died of a task the job fails.")
    grace_s: float = Field(
        default=60.0, ge=0, description="After SIGTERM running tasks may finish for so long; then they're given back."
    )
    scratch_dir: Path | None = Field(default=None, description="Folder for work files. The system's if unset.")


class GatewaySettings(BaseSettings):
    """Limits of jobs and tenants, timing of the reconciler, webhooks: LIFTLINE_GATEWAY_*."""

    model_config = _config("GATEWAY")

    max_parallel_segments: int = Field(default=64, ge=1, description="Segments of one job worked on at a time.")
    tenant_max_jobs: int = Field(
        default=1000, ge=1, description="Jobs of one tenant that haven't ended; as many uploads may wait for theirs."
    )
    tenant_max_bytes: int = Field(default=1 << 40, ge=1, description="Bytes of the videos of all those.")
    max_upload_bytes: int = Field(
        default=5_000_000_000, ge=1, le=5 << 30, description="Bytes of one video; S3 takes 5 GiB at once."
    )
    max_duration_s: float = Field(default=24 * 3600.0, gt=0, description="Duration of one video.")
    upload_expire_s: float = Field(
        default=3600.0, ge=1, le=_WEEK_S, description="A video that isn't there by then is given up; a week at most."
    )
    address_expire_s: float = Field(
        default=3600.0, ge=1, le=_WEEK_S, description="How long download addresses work; a week at most."
    )
    reconcile_s: float = Field(default=10.0, gt=0, description="How often jobs are looked through.")
    stale_s: float = Field(default=30.0, gt=0, description="A job without news for so long is looked into.")
    webhook_hosts: tuple[str, ...] = Field(
        default=(), description="JSON list of hosts that webhooks may go to; none if empty."
    )
    webhook_secret: SecretStr = Field(default=SecretStr(""), description="Key that webhooks are signed with.")
    webhook_ca_file: Path | None = Field(default=None, description="Authority of those hosts. System's if unset.")
