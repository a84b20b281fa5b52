"""A real S3 server for the tests, in a process of its own that can be killed; its objects live in its memory."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from botocore.exceptions import BotoCoreError

from tests.orphans import with_parent

KEYS = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
BUCKET = "recordings"


class S3Server:
    """Listens at `endpoint` while it runs, and has the bucket `BUCKET`."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """AWS's variables that lead here."""
        return {**KEYS, "AWS_ENDPOINT_URL": self.endpoint}

    def client(self):
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=KEYS["AWS_REGION"],
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )

    def start(self) -> None:
        program = "import sys; from moto.server import main; main(sys.argv[1:])"
        command = [sys.executable, "-c", program, "-H", "127.0.0.1", "-p", str(self.port)]
        environment = {**os.environ, "MOTO_CALL_RESET_API": "false"}
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            preexec_fn=with_parent(signal.SIGKILL),
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                self.client().create_bucket(Bucket=BUCKET)
                return
            except BotoCoreError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.05)

    def kill(self) -> None:
        """As a crash of the machine: nothing is said, nothing is kept."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """A running server; it is gone afterwards."""
    server = S3Server()
    server.start()
    try:
        yield server
    finally:
        server.kill()
