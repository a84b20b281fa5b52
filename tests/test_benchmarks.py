"""Every benchmark can be started: all its imports exist."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.thorough

BENCH = Path(__file__).parents[1] / "bench"


SHARED = ("load.py", "made_up.py", "multiply.py", "painted.py", "rig.py", "stream_clients.py")


@pytest.mark.parametrize("name", sorted({file.name for file in BENCH.glob("*.py")} - {*SHARED}))
def test_a_benchmark_says_how_it_is_run(name: str) -> None:
    done = subprocess.run(
        [sys.executable, BENCH / name, "--help"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout
