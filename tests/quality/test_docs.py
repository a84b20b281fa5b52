"""docs/quality.md says what the tables say, and its examples run."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from quality.appeals import AppealRules
from quality.forms.definitions import Question
from quality.plans import Plan, RiskRules, read_plan
from quality.reviews import TRANSITIONS, ReviewState
from quality.rollup import ROLL_UP, TRAINING, RollUpState, TrainingRules, TrainingState
from quality.scores import read_marks
from tables.values import Table

PAGE = (Path(__file__).parents[2] / "docs" / "quality.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("table", "first"),
    [(TRANSITIONS, ReviewState.DRAFT), (ROLL_UP, RollUpState.WITH_LEADER), (TRAINING, TrainingState.NEEDED)],
)
def test_the_diagrams_are_the_tables(table, first):
    drawn = [f"    {before} --> {after}: {step}" for (before, step), after in table.items()]
    assert "\n".join(["stateDiagram-v2", f"    [*] --> {first}", *drawn, "```"]) in PAGE


def test_the_example_runs():
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "docs/quality.md", "exec"), {})


def test_the_plan_of_the_page_is_the_default_one_with_every_key():
    plan, marks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    values = tomllib.loads(plan)
    assert {"name", *values} == {each.name for each in fields(Plan)}
    assert set(values["risk"]) == {each.name for each in fields(RiskRules)}
    given = {"businesses": ("complaint",), "risk": RiskRules(keywords=("12315", "媒体", "起诉"))}
    assert read_plan("weekly", Table(values)) == Plan("weekly", "2027-spring", **given)
    assert tomllib.loads(marks)


def test_the_marks_of_the_page_are_marks_of_the_products_form(form):
    marks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1]
    assert len(read_marks(form, Table(tomllib.loads(marks)))) == 3


def test_every_key_of_a_question_is_explained():
    keys = {each.name for each in fields(Question)} - {"may_be_na"} | {"na"}
    rows = "\n".join(row for row in PAGE.splitlines() if row.startswith("| `"))
    assert all(f"`{key}`" in rows for key in keys)


def test_the_page_names_the_rules_as_they_are():
    assert f"`within_days` ({AppealRules().within_days:g})" in PAGE
    assert f"`recurs` ({TrainingRules().recurs})" in PAGE
