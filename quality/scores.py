"""A score is a calculation from marks and a form, and says why it is what it is: what capped it, what made it zero.

`points = 100 · Σ weight·mark/levels ÷ Σ weight`, over the questions that apply. The lowest cap of the critical
questions that were failed holds the points down; a failed fatal question makes the score 0. `points` stays beside it:
how good the call was otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quality.errors import QualityError
from quality.forms.definitions import Critical, Form, Question
from tables.errors import Key, TableError
from tables.values import Table, number

_LONGEST_CALL = 86_400.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A reviewer's answer to one question: 0 to the question's levels, or None for not applicable."""

    question: str
    value: int | None
    at: tuple[float, ...] = ()
    """Where in the recording it is heard, seconds from its beginning."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A critical question that was failed, and what it did to the score: a cap, or 0 of a fatal one."""

    question: str
    critical: Critical
    fatal: bool
    cap: float


@dataclass(frozen=True, slots=True)
class Score:
    """What marks are worth by a form. All of it is 0 to 100."""

    form: str
    version: int
    digest: str
    points: float
    """Before a fatal question made it 0, with caps."""
    score: float
    passed: bool
    faults: tuple[Fault, ...] = ()
    """In the order of the form."""

    @property
    def fatal(self) -> bool:
        """Whether a fatal question was failed."""
        return any(each.fatal for each in self.faults)


def score(form: Form, marks: Sequence[Mark]) -> Score:
    """The score of a whole form. Raises QualityError for a question without a mark, or with a wrong or a second one."""
    check(form, marks)
    given = {mark.question: mark for mark in marks}
    missing = [each.id for each in form.questions if each.id not in given]
    if missing:
        raise QualityError(f"form {form}: no mark for {', '.join(missing)}")
    applied = [(question, value) for question in form.questions if (value := given[question.id].value) is not None]
    faults = tuple(
        Fault(question.id, question.critical, question.fatal, 0.0 if question.fatal else question.cap or 0.0)
        for question, value in applied
        if question.critical and value == 0
    )
    weight = math.fsum(question.weight for question, _ in applied)
    earned = math.fsum(question.weight * value / question.levels for question, value in applied)
    # Rounded, so that a score that is 85 in decimals is not a hair less than the pass mark.
    points = min([round(100.0 * earned / weight, 6), *(each.cap for each in faults if not each.fatal)])
    final = 0.0 if any(each.fatal for each in faults) else points
    return Score(form.name, form.version, form.digest, points, final, final >= form.pass_mark, faults)


def check(form: Form, marks: Sequence[Mark]) -> None:
    """Whether a draft may be saved: some questions may have no mark yet. Raises QualityError as `score` does."""
    questions = {each.id: each for each in form.questions}
    seen: set[str] = set()
    for mark in marks:
        question = questions.get(mark.question)
        if question is None:
            raise QualityError(f"form {form} has no question {mark.question}")
        if mark.question in seen:
            raise QualityError(f"form {form}: question {mark.question} is marked twice")
        seen.add(mark.question)
        if mark.value is None and not question.may_be_na:
            raise QualityError(f"form {form}: {mark.question} always applies: mark it 0 to {question.levels}")
        if mark.value is not None and not 0 <= mark.value <= question.levels:
            raise QualityError(f"form {form}: {mark.question} is marked 0 to {question.levels}, not {mark.value}")
        if not all(0.0 <= at <= _LONGEST_CALL for at in mark.at):
            raise QualityError(
                f"form {form}: the times of {mark.question} are seconds of the recording, 0 to {_LONGEST_CALL:g}"
            )


def category(mark: Mark) -> str:
    """The mark as agreement counts it; see `Question.answers`."""
    return "na" if mark.value is None else str(mark.value)


def read_marks(form: Form, table: Table) -> tuple[Mark, ...]:
    """Marks of a TOML file: `greeting = 1`, `hold = "na"`, or `correct = { value = 0, at = [83.5], note = "…" }`.

    Gives those that are there, in the order of the form. Raises TableError at the first that cannot be used.
    """
    marks = tuple(_mark(question, table) for question in form.questions if table.has(question.id))
    table.done()
    return marks


def _mark(question: Question, table: Table) -> Mark:
    key = table.at(question.id)
    given = table.data[question.id]
    if not isinstance(given, Mapping):
        return Mark(question.id, _value(question, given, key))
    inner = Table(given, key)
    mark = Mark(
        question.id,
        inner.get("value", None, lambda value, at: (_value(question, value, at),))[0],
        inner.items("at", lambda value, at: number(value, at, 0.0, _LONGEST_CALL, unit=" of seconds")),
        inner.text("note", ""),
    )
    inner.done()
    return mark


def _value(question: Question, value: object, key: Key) -> int | None:
    if value == "na" and question.may_be_na:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= question.levels:
        or_na = ', or "na"' if question.may_be_na else ""
        raise TableError(key, f"this must be a whole number from 0 to {question.levels}{or_na}, not {value!r}")
    return value
