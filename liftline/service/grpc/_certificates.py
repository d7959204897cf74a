"""Certificates of a server, read anew when their files change: whoever renews them need not restart it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc
import structlog

from liftline.errors import UsageError
from liftline.settings.services import GrpcSettings

log = structlog.get_logger(__name__)


def server_credentials(settings: GrpcSettings) -> grpc.ServerCredentials | None:
    """What the settings protect a server with; None for nothing. Raises UsageError for files that can't be used."""
    certificate, key, authority = settings.tls_cert_file, settings.tls_key_file, settings.tls_client_ca_file
    if certificate is None and key is None and authority is None:
        return None
    if certificate is None or key is None:
        raise UsageError("LIFTLINE_GRPC_TLS_CERT_FILE and LIFTLINE_GRPC_TLS_KEY_FILE: one without the other; set both.")
    files = _Files(certificate, key, authority)
    current = _Current(files)
    return grpc.dynamic_ssl_server_credentials(
        current.content.configuration,
        current.changed,  # type: ignore[arg-type]  # the stubs forget that it may be None
        require_client_authentication=authority is not None,
    )


@dataclass(frozen=True)
class _Content:
    """Of the files, PEM."""

    certificate: bytes
    key: bytes
    authority: bytes | None

    @property
    def configuration(self) -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration([(self.key, self.certificate)], self.authority)


@dataclass(frozen=True)
class _Files:
    """Where they lie."""

    certificate: Path
    key: Path
    authority: Path | None

    def read(self) -> _Content:
        """What they hold. Raises OSError."""
        authority = None if self.authority is None else self.authority.read_bytes()
        return _Content(self.certificate.read_bytes(), self.key.read_bytes(), authority)

    def check(self) -> None:
        """gRPC itself would start with files that are no certificates, and refuse every client. Raises UsageError."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.certificate, self.key)
            if self.authority is not None:
                context.load_verify_locations(self.authority)
        except OSError as error:
            files = ", ".join(str(path) for path in (self.certificate, self.key, self.authority) if path is not None)
            problem = f"no certificate with its key, or no authority ({error}), in {files}"
            raise UsageError(f"LIFTLINE_GRPC_TLS_*: {problem}; correct them.") from error


class _Current:
    """The content in use."""

    def __init__(self, files: _Files) -> None:
        """Raises UsageError."""
        files.check()
        self._files, self.content = files, files.read()

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """What is to be used from now on; None where nothing changed, or what is there is of no use.

        gRPC asks at every new connection, from threads of its own.
        """
        try:
            found = self._files.read()
            if found == self.content:
                return None
            self._files.check()
        except (OSError, UsageError) as error:
            log.warning("certificate_not_taken", error=str(error))
            return None
        self.content = found
        log.info("certificate_renewed")
        return found.configuration
