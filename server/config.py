"""Settings of this installation, from the environment. The hotline's own definitions are in its TOML files."""

from __future__ import annotations

import socket
from functools import cached_property
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsError(ValueError):
    """A setting that cannot be used; the text names the variable and says what would be right."""


class Settings(BaseSettings):
    """One installation's settings. Everything binds to `bind` (127.0.0.1) unless configured."""

    model_config = SettingsConfigDict(env_prefix="SANSHENG_", populate_by_name=True, frozen=False)

    home: Path = Path("var")
    bind: str = "127.0.0.1"
    sip_port: int = Field(5060, ge=1, le=65535)
    http_port: int = Field(8400, ge=1, le=65535)
    agi_port: int = Field(4573, ge=1, le=65535)
    ami_port: int = Field(5038, ge=1, le=65535)
    asterisk_http_port: int = Field(8088, ge=1, le=65535)
    rtp_ports: str = "10000-10999"
    trunk: str = ""
    """SIP URI that outgoing calls go to; empty: no outgoing calls."""
    asterisk: str = ""
    """Host of an Asterisk that runs elsewhere; empty: the private one."""
    asterisk_user: str = "sansheng"
    asterisk_secret: str = ""
    """Management login of an Asterisk that runs elsewhere."""
    node: str = Field(default_factory=socket.gethostname)
    lease_seconds: float = Field(2.0, gt=0.2)
    """How long a server that stopped answering keeps the lead."""
    drain_seconds: float = Field(30.0, ge=0)
    """How long an orderly stop waits for conversations to end."""
    database_url: str = Field("", validation_alias="DATABASE_URL")
    redis_url: str = Field("", validation_alias="REDIS_URL")

    @cached_property
    def root(self) -> Path:
        """The home as an absolute path."""
        return self.home.expanduser().absolute()

    @property
    def records_url(self) -> str:
        """The database of the records."""
        return self.database_url or f"sqlite:///{self.root / 'records.db'}"

    @property
    def redis_socket(self) -> Path:
        """Where the private Redis listens."""
        return self.root / "redis" / "redis.sock"

    @property
    def log_url(self) -> str:
        """The Redis of the event log."""
        return self.redis_url or f"unix://{self.redis_socket}"

    @property
    def token_file(self) -> Path:
        """The bearer token with which the command line on this machine talks to the server."""
        return self.root / "secrets" / "api-token"

    @property
    def api(self) -> str:
        """Where the server on this machine answers."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.bind, self.bind)
        return f"http://{host}:{self.http_port}"


def load_settings() -> Settings:
    """Settings from the environment. Raises SettingsError."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        variable = name if name.isupper() else f"SANSHENG_{name.upper()}"
        raise SettingsError(f"{variable}={first['input']!r}: {first['msg']}") from None
