"""How to reach a gateway: where it is, who asks, whom to trust.

Outside of this machine everything is encrypted; on it, where certificates are named.
"""

from __future__ import annotations

from pathlib import Path

import grpc
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from liftline import __version__
from liftline.client.local_gateway import serving_gateway
from liftline.errors import UsageError
from liftline.net.addresses import is_loopback, split_address

DEFAULT_SERVER = "127.0.0.1:50051"


class Connection(BaseSettings):
    """How to reach a gateway. Fields that aren't given are read from LIFTLINE_SERVER, LIFTLINE_TOKEN and so on."""

    model_config = SettingsConfigDict(env_prefix="LIFTLINE_", frozen=True)

    server: str | None = Field(
        default=None,
        description="Address and port of the gateway. If unset, that of `liftline up`, else 127.0.0.1:50051.",
    )
    token: SecretStr | None = Field(default=None, description="Bearer token that says who asks.")
    token_file: Path | None = Field(default=None, description="File that holds it.")
    ca_file: Path | None = Field(
        default=None, description="Certificate authority of the gateway and its artifact store. The system's if unset."
    )
    cert_file: Path | None = Field(default=None, description="Client certificate, for mutual TLS.")
    key_file: Path | None = Field(default=None, description="Its key.")

    @property
    def address(self) -> str:
        """host:port of the gateway: as given, else that of `liftline up`, else DEFAULT_SERVER."""
        return self.server or serving_gateway() or DEFAULT_SERVER

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken: always but on this machine without certificates."""
        host, _ = split_address("LIFTLINE_SERVER", self.address)
        return not is_loopback(host) or self.ca_file is not None or self.cert_file is not None

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with every request. Raises UsageError where the token can't be read."""
        token = self.token.get_secret_value() if self.token else _read(self.token_file).decode(errors="replace")
        token = token.strip()
        if not token:
            return ()
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise UsageError("LIFTLINE_TOKEN: it has characters that no token has; check what was copied.")
        return (("authorization", f"Bearer {token}"),)

    @property
    def credentials(self) -> grpc.ChannelCredentials | None:
        """TLS credentials of the channel; None for an unencrypted one. Raises UsageError if a file can't be read."""
        if not self.encrypted:
            return None
        if (self.cert_file is None) != (self.key_file is None):
            raise UsageError("LIFTLINE_CERT_FILE and LIFTLINE_KEY_FILE belong together; give both or none.")
        return grpc.ssl_channel_credentials(
            root_certificates=_read(self.ca_file) or None,
            private_key=_read(self.key_file) or None,
            certificate_chain=_read(self.cert_file) or None,
        )

    @property
    def options(self) -> tuple[tuple[str, str | int], ...]:
        """Options of the channel: it reconnects to a gateway that comes back within two seconds."""
        host, _ = split_address("LIFTLINE_SERVER", self.address)
        return (
            ("grpc.primary_user_agent", f"liftline/{__version__}"),
            ("grpc.initial_reconnect_backoff_ms", 200),
            ("grpc.min_reconnect_backoff_ms", 200),
            ("grpc.max_reconnect_backoff_ms", 2000),
            ("grpc.enable_http_proxy", 0 if is_loopback(host) else 1),
        )


def _read(path: Path | None) -> bytes:
    if path is None:
        return b""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: can't be read ({error.strerror or error}); name another file.") from error
