"""Processor time is counted for a process and all below it."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.processor_time import Meter, tree_seconds

BURN_AND_WAIT = "import sys, time\nwhile time.process_time() < 0.5: pass\nprint(flush=True)\nsys.stdin.read()"


def test_what_a_child_uses_counts_while_it_runs_and_after_it_was_waited_for() -> None:
    meter = Meter()
    meter.read()
    child = subprocess.Popen([sys.executable, "-c", BURN_AND_WAIT], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    assert meter.read() >= 0.4
    child.communicate(b"\n")
    assert tree_seconds(os.getpid()) >= 0.4
    assert meter.read() < 0.3


def test_an_unknown_process_has_used_nothing() -> None:
    assert tree_seconds(-1) == 0.0
