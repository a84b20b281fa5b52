"""Run pytest, and run each test that failed once more, alone: one that passes then is flaky, and is named.

    python tests/rerun.py -n 2 --dist loadfile

The arguments are pytest's. The exit code is 0 when every test passed, at the latest alone; otherwise pytest's own.
A flaky test fails no run, but it is a defect: docs/contributing.md says what becomes of it.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

SOME_FAILED = 1
MOST = 25
"""More failures than this are no chance: they are not run again."""


def failed_tests(cache: Path) -> list[str]:
    """Ids of the tests that failed in the run that used this cache folder, sorted."""
    kept = cache / "v" / "cache" / "lastfailed"
    return sorted(json.loads(kept.read_text(encoding="utf-8"))) if kept.exists() else []


def run(arguments: Sequence[str], cache: Path) -> int:
    """One pytest process; its exit code. SIGTERM is passed on, Ctrl-C reaches it by itself: it ends in order."""
    process = subprocess.Popen([sys.executable, "-m", "pytest", "-o", f"cache_dir={cache}", *arguments])
    signal.signal(signal.SIGTERM, lambda number, frame: process.send_signal(number))
    signal.signal(signal.SIGINT, lambda number, frame: None)
    return process.wait()


def passes_alone(test: str, cache: Path) -> bool:
    """Whether this one test passes in a process of its own."""
    print(f"\nonce more, alone: {test}", flush=True)
    return run(["-n", "0", "--no-header", test], cache) == 0


def main(arguments: Sequence[str]) -> int:
    """The exit code of the whole."""
    with tempfile.TemporaryDirectory(prefix="sansheng-rerun-") as folder:
        caches = (Path(folder) / str(number) for number in range(MOST + 1))
        cache = next(caches)
        code = run(arguments, cache)
        failed = failed_tests(cache)
        if code != SOME_FAILED or not failed:
            return code
        if len(failed) > MOST:
            print(f"{len(failed)} tests failed: none of them is run again")
            return code
        flaky = [test for test in failed if passes_alone(test, next(caches))]
    print()
    for test in failed:
        print(f"flaky: {test}" if test in flaky else f"failed twice: {test}")
    if len(flaky) < len(failed):
        return code
    print(f"{len(flaky)} flaky: each failed beside the others and passed alone; find the race")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
