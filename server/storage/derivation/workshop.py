"""Law: copies are made in a process of their own, one at a time, at the lowest priority; nothing waits for them
unasked.

The queue is bounded: when it is full the next one is refused, and made when it is asked for again. A worker that dies
takes one copy with it; the next one gets a new worker.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future

import msgspec
import structlog

from server.config import Settings
from server.storage.derivation.worker import Answer, Job

WAITING = 200
"""Recordings in the queue at most."""
IDLE = 60.0
"""Seconds after which a worker without work ends."""
_log = structlog.get_logger("derivation")


class Busy(Exception):
    """The queue is full."""


class Workshop:
    """`environment` has the settings by which the worker opens the store. `derive` may be called from any thread."""

    def __init__(self, environment: Mapping[str, str], waiting: int = WAITING) -> None:
        self._environment = dict(environment)
        self._queue: queue.Queue[tuple[Job, Future[Answer]] | None] = queue.Queue(waiting)
        self._wanted: dict[str, Future[Answer]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._worker: subprocess.Popen[bytes] | None = None
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many recordings wait."""
        return self._queue.qsize()

    def derive(self, key: str, sha256: str) -> Future[Answer]:
        """Make the copies of this recording; one that is wanted already is made once. Raises Busy."""
        with self._lock:
            if self._closed:
                raise Busy("the server is stopping")
            if (wanted := self._wanted.get(key)) is not None:
                return wanted
            done: Future[Answer] = Future()
            try:
                self._queue.put_nowait((Job(key, sha256), done))
            except queue.Full:
                raise Busy(f"{self._queue.maxsize} copies are to be made already: ask again later") from None
            self._wanted[key] = done
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="derivation", daemon=True)
                self._thread.start()
        return done

    def close(self) -> None:
        """Make no more copies, and end the worker. Blocking."""
        with self._lock:
            self._closed = True
            thread = self._thread
        if (worker := self._worker) is not None:
            worker.kill()
        if thread is not None:
            while not self._queue.empty():
                self._queue.get_nowait()
            self._queue.put(None)
            thread.join(5.0)

    def _run(self) -> None:
        while True:
            try:
                taken = self._queue.get(timeout=IDLE)
            except queue.Empty:
                self._end_worker()
                continue
            if taken is None:
                self._end_worker()
                return
            job, done = taken
            answer = self._ask(job)
            with self._lock:
                self._wanted.pop(job.key, None)
            if answer.what:
                _log.warning("no copies were made", key=job.key, what=answer.what, why=answer.why)
            done.set_result(answer)

    def _ask(self, job: Job) -> Answer:
        try:
            worker = self._worker or self._start()
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdin.write(msgspec.json.encode(job) + b"\n")
            worker.stdin.flush()
            line = worker.stdout.readline()
            if line:
                return msgspec.json.decode(line, type=Answer)
            why = f"the worker ended ({worker.wait()})"
        except (OSError, msgspec.DecodeError) as error:
            why = str(error)
        self._end_worker()
        return Answer("failed", why)

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "server.storage.derivation.worker"]
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._worker = worker
        assert worker.stdin is not None
        worker.stdin.write(msgspec.json.encode(self._environment) + b"\n")
        worker.stdin.flush()
        return worker

    def _end_worker(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        for pipe in (worker.stdin, worker.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                pass
        try:
            worker.wait(5.0)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def environment_of(settings: Settings, outside: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What the worker needs to open the store: where recordings are, their key, and AWS's variables."""
    own = {
        "SANSHENG_HOME": str(settings.root),
        "SANSHENG_RECORDINGS": settings.recordings_bucket or str(settings.recordings_folder),
        "SANSHENG_RECORDINGS_KEY": settings.recordings_key,
    }
    aws = {name: value for name, value in outside.items() if name.startswith("AWS_")}
    return {name: value for name, value in {**aws, **own}.items() if value}
