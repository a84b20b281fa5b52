"""docs/floor.md says what the tables say, and its example runs."""

from __future__ import annotations

import re
from pathlib import Path

from acd.agents import STATUS_TAKES_EFFECT, TRANSITIONS

PAGE = (Path(__file__).parents[2] / "docs" / "floor.md").read_text(encoding="utf-8")


def test_the_diagram_is_the_table():
    drawn = [f"    {before} --> {after}: {signal}" for (before, signal), after in TRANSITIONS.items()]
    assert "\n".join(["stateDiagram-v2", "    [*] --> idle", *drawn]) in PAGE


def test_the_page_says_when_a_status_takes_effect():
    assert "\n".join(f"| {state} | {effect} |" for state, effect in STATUS_TAKES_EFFECT.items()) in PAGE


def test_the_example_runs():
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "docs/floor.md", "exec"), {})
