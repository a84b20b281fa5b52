"""A test that failed is run once more, alone; it fails the run only when it fails again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.thorough

RERUN = Path(__file__).with_name("rerun.py")
FAILS_ONCE = """
from pathlib import Path

def test_fails_once(request):
    seen = Path(request.config.rootpath) / "seen"
    if not seen.exists():
        seen.touch()
        raise AssertionError("the first time")
"""


def rerun(folder: Path, test: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_one.py").write_text(test)
    return subprocess.run([sys.executable, str(RERUN), *arguments], cwd=folder, capture_output=True, text=True)


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
