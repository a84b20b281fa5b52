"""Settings of this installation, from the environment. The hotline's own definitions are in its TOML files."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """One installation's settings. Everything binds to `bind` (127.0.0.1) unless configured."""

    model_config = SettingsConfigDict(env_prefix="SANSHENG_", populate_by_name=True, frozen=False)

    home: Path = Path("var")
    bind: str = "127.0.0.1"
    sip_port: int = 5060
    http_port: int = 8400
    agi_port: int = 4573
    ami_port: int = 5038
    asterisk_http_port: int = 8088
    rtp_ports: str = "10000-10999"
    trunk: str = ""
    asterisk: str = ""
    """Host of an Asterisk that runs elsewhere; empty: the private one."""
    database_url: str = Field("", validation_alias="DATABASE_URL")
    redis_url: str = Field("", validation_alias="REDIS_URL")

    @cached_property
    def root(self) -> Path:
        """The home as an absolute path."""
        return self.home.expanduser().absolute()
