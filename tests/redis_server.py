"""A real Redis for a test: on a unix socket of its own, with the settings that the hotline runs it with.

Fixture, to be imported where it is used: `from tests.redis_server import redis_server`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis as SyncRedis
from redis.asyncio import Redis
from redis.exceptions import RedisError

from provision import default_cache, provision
from tests.orphans import with_parent

MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""A folder in memory, if there is one: a disk that is busy with other tests takes milliseconds for each event."""


@dataclass
class RedisServer:
    """One redis-server in `home`; it can be killed, started again, and put to sleep."""

    home: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.home / 'redis.sock'}"

    def start(self) -> None:
        """Start it and return when it answers."""
        tool = provision("redis-server", default_cache(), lambda line: None)
        words = ["--port", "0", "--unixsocket", str(self.home / "redis.sock"), "--dir", str(self.home)]
        words += ["--appendonly", "yes", "--appendfsync", "always", "--save", "", "--daemonize", "no"]
        self.process = subprocess.Popen(
            tool.argv("redis-server", *words),
            env={**os.environ, **tool.env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=with_parent(signal.SIGKILL),
        )
        client, end = SyncRedis.from_url(self.url), time.monotonic() + 20
        while True:
            try:
                client.ping()
                break
            except (RedisError, OSError):
                assert time.monotonic() < end, "redis-server does not answer"
                time.sleep(0.01)
        client.close()

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def sleep(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def connect(self) -> Redis:
        """A connection such as the server opens."""
        return Redis.from_url(self.url, protocol=2, socket_timeout=5, socket_connect_timeout=2)


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer(Path(tempfile.mkdtemp(prefix="ss-redis-", dir=MEMORY)))
    try:
        server.start()
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.wake()
            server.kill()
        shutil.rmtree(server.home, ignore_errors=True)
