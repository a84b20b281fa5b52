"""docs/floor.md and docs/callbacks.md say what the tables say, and their examples run."""

from __future__ import annotations

import re
from pathlib import Path

from acd.callbacks.events import GIVEN, AttemptOutcome
from acd.callbacks.lifecycle import NOT_COUNTED, WORDS
from acd.callbacks.policy import CallbackRules
from acd.callbacks.states import TRANSITIONS as LIFE
from acd.floor.agents import STATUS_TAKES_EFFECT, TRANSITIONS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "floor.md").read_text(encoding="utf-8")
CALLBACKS = (DOCS / "callbacks.md").read_text(encoding="utf-8")


def test_the_diagram_is_the_table():
    drawn = [f"    {before} --> {after}: {signal}" for (before, signal), after in TRANSITIONS.items()]
    assert "\n".join(["stateDiagram-v2", "    [*] --> idle", *drawn]) in PAGE


def test_the_page_says_when_a_status_takes_effect():
    assert "\n".join(f"| {state} | {effect} |" for state, effect in STATUS_TAKES_EFFECT.items()) in PAGE


def test_the_example_runs():
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "docs/floor.md", "exec"), {})


# docs/callbacks.md


def test_the_diagram_of_promises_is_the_table():
    drawn = [f"    {before} --> {after}: {turn}" for (before, turn), after in LIFE.items()]
    assert "\n".join(["stateDiagram-v2", "    [*] --> pending", *drawn]) in CALLBACKS


def test_the_page_says_what_follows_from_each_outcome():
    rows = []
    for outcome in AttemptOutcome:
        delay = getattr(CallbackRules().delays, outcome.value, None)
        again = "never: broken" if delay is None else f"{delay:g} s"
        rows.append(f"| {outcome} | {WORDS[outcome]} | {'no' if outcome in NOT_COUNTED else 'yes'} | {again} |")
    assert "\n".join(rows) in CALLBACKS


def test_the_page_names_the_rules_as_they_are():
    rules = CallbackRules()
    for name in ("on_above", "hold", "off_below", "dwell"):
        assert f"`{name}` ({getattr(rules, name):g} s)" in CALLBACKS
    for name in ("on_ratio", "full_hours", "attempts"):
        assert f"`{name}` ({getattr(rules, name):g})" in CALLBACKS
    given = ("flow", "queue", "fallback", "line_full", "shutdown")
    assert "| " + ", ".join(f"`{source}`" for source in given) + " | made" in CALLBACKS
    assert set(given) == GIVEN


def test_the_example_of_callbacks_runs():
    (example,) = re.findall(r"```python\n(.*?)```", CALLBACKS, re.DOTALL)
    exec(compile(example, "docs/callbacks.md", "exec"), {})
