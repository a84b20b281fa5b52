"""A test that failed is run once more, alone; it fails the run only when it fails again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.thorough

TREE = Path(__file__).parents[1]
RERUN = Path(__file__).with_name("rerun.py")
FAILS_ONCE = """
from pathlib import Path

def test_fails_once(request):
    seen = Path(request.config.rootpath) / "seen"
    if not seen.exists():
        seen.touch()
        raise AssertionError("the first time")
"""
STARTS_A_SERVER = """
import asyncio, subprocess, sys
from pathlib import Path
import pytest

@pytest.fixture
async def server(request):
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (Path(request.config.rootpath) / "pid").write_text(str(process.pid))
    yield
    process.kill()
    process.wait()

async def test_it(server):
    await asyncio.sleep(300)
"""
STARTS_AND_TELLS = """
import signal, subprocess, sys, time
from tests.orphans import with_parent

process = subprocess.Popen(
    [sys.executable, "-c", "print(1, flush=True); import time; time.sleep(600)"],
    stdout=subprocess.PIPE, start_new_session=True, preexec_fn=with_parent(signal.SIGTERM),
)
process.stdout.readline()
print(process.pid, flush=True)
time.sleep(600)
"""
PLAIN = os.environ | {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_ADDOPTS": "-p xdist.plugin -p pytest_asyncio.plugin",
}
"""Each of the many processes loads no more plugins than it needs."""


def rerun(folder: Path, test: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_one.py").write_text(test)
    words = [sys.executable, str(RERUN), *arguments]
    return subprocess.run(words, cwd=folder, env=PLAIN, capture_output=True, text=True)


def test_a_test_that_passes_alone_is_listed_as_flaky_and_fails_no_run(tmp_path: Path) -> None:
    done = rerun(tmp_path, FAILS_ONCE, "-n", "2")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-2] == "flaky: test_one.py::test_fails_once"


def test_a_test_that_fails_again_fails_the_run(tmp_path: Path) -> None:
    done = rerun(tmp_path, "def test_no():\n    assert False\n")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "failed twice: test_one.py::test_no"


def test_a_flaky_test_hides_no_other_failure(tmp_path: Path) -> None:
    done = rerun(tmp_path, FAILS_ONCE + "\ndef test_no():\n    assert False\n")
    assert done.returncode == 1
    assert "flaky: test_one.py::test_fails_once" in done.stdout


def test_what_is_no_test_failure_is_told_as_pytest_tells_it(tmp_path: Path) -> None:
    assert rerun(tmp_path, "def test_yes():\n    pass\n", "--no-such-option").returncode == 4
    assert rerun(tmp_path, "").returncode == 5


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_run_that_is_ended_by_a_signal_leaves_no_server(tmp_path: Path, processes: str) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    (tmp_path / "test_one.py").write_text(STARTS_A_SERVER)
    words = [sys.executable, str(RERUN), "-p", "tests.ending", "-n", processes]
    with subprocess.Popen(words, cwd=tmp_path, env=PLAIN | {"PYTHONPATH": str(TREE)}) as run:
        pid, end = tmp_path / "pid", time.monotonic() + 60
        while not (pid.exists() and pid.read_text()):
            assert time.monotonic() < end
            assert run.poll() is None
            time.sleep(0.05)
        run.send_signal(signal.SIGTERM)
        assert run.wait(60) == 2
    assert not Path(f"/proc/{pid.read_text()}").exists()


def test_a_process_of_tests_that_is_killed_leaves_no_server() -> None:
    words = [sys.executable, "-c", STARTS_AND_TELLS]
    with subprocess.Popen(words, cwd=TREE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        server, end = Path(f"/proc/{int(run.stdout.readline())}/stat"), time.monotonic() + 10
        assert runs(server)
        run.kill()
    while runs(server):
        assert time.monotonic() < end, "the server goes on"
        time.sleep(0.01)


def runs(stat: Path) -> bool:
    """Whether this process does more than wait to be reaped."""
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
