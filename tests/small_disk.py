"""A real disk that is small: a tmpfs in a user and mount namespace of a process that the test ends."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_KEEP = 'mount -t tmpfs -o size={size} small "$1" && echo mounted && exec cat'


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A disk of so many bytes, seen by this process too. The test is skipped where the machine makes no namespaces."""
    folder.mkdir()
    mount = ["sh", "-c", _KEEP.format(size=size), "sh", str(folder)]
    command = ["unshare", "--user", "--map-root-user", "--mount", *mount]
    try:
        keeper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError:
        pytest.skip("this machine has no unshare")
    try:
        assert keeper.stdout is not None
        assert keeper.stderr is not None
        disk = Path(f"/proc/{keeper.pid}/root{folder}")
        if keeper.stdout.readline() != b"mounted\n":
            pytest.skip(f"this machine makes no namespaces: {keeper.stderr.read().decode().strip()}")
        if not disk.is_mount():
            pytest.skip("another process's namespace cannot be entered here")
        yield disk
    finally:
        keeper.kill()
        keeper.communicate()


def fill(disk: Path) -> Path:
    """A file that leaves no room."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    return ballast
