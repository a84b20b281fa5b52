"""An appeal comes in time and is decided by another reviewer; the first score stays, and the decision's counts.

The time runs from the first score, in days of 24 hours.
"""

from __future__ import annotations

from dataclasses import dataclass

from quality.errors import QualityError
from quality.events import AppealDecided, AppealMade, Event
from quality.forms.definitions import Form
from quality.reviews import Review, Step, may_decide, step
from quality.scores import Mark, score
from tables.values import Table

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class AppealRules:
    """The operator's rules."""

    within_days: float = 5.0
    """Days from the first score until it can no longer be appealed against."""


def read_appeal_rules(table: Table) -> AppealRules:
    """The rules of a TOML table. Raises TableError with the key and what would be right."""
    rules = AppealRules(table.number("within_days", AppealRules().within_days, most=366.0, above=0.0))
    table.done()
    return rules


def appeal_until(review: Review, rules: AppealRules) -> float | None:
    """The last instant for an appeal, UTC seconds; None before there is a score."""
    return None if review.first is None else review.first.at + rules.within_days * DAY


def appeal(
    review: Review, by: str, why: str, now: float, form: Form, rules: AppealRules, questions: tuple[str, ...] = ()
) -> list[Event]:
    """Appeal against the first score. Raises QualityError when it is too late, without a reason, for a question that
    the form does not have, and for the reviewer whose score it is.
    """
    step(review, Step.APPEAL)
    until = appeal_until(review, rules)
    if until is None or now > until:
        raise QualityError(f"review {review.review}: an appeal is made within {rules.within_days:g} days of the score")
    if not by or by == review.reviewer:
        raise QualityError(f"review {review.review}: the agent appeals, or the team's leader, not the score's reviewer")
    if not why.strip():
        raise QualityError(f"review {review.review}: an appeal says why")
    for name in questions:
        if name not in {each.id for each in form.questions}:
            raise QualityError(f"form {form} has no question {name}")
    return [AppealMade(review.review, by, why, questions)]


def decide(review: Review, reviewer: str, form: Form, marks: tuple[Mark, ...], why: str) -> list[Event]:
    """Score the call on appeal; the same marks as before uphold the first score. Raises QualityError for a reviewer who
    gave a score of it, appealed, or is heard or accused in the call, and without a reason."""
    step(review, Step.DECIDE)
    if (form.name, form.version) != (review.form, review.version):
        raise QualityError(
            f"review {review.review} is scored by form {review.form} version {review.version}, not {form}"
        )
    if not may_decide(review, reviewer):
        raise QualityError(
            f"review {review.review}: {reviewer or 'nobody'} cannot decide this appeal: "
            "another reviewer does, who gave no score of the call and is neither heard nor accused in it"
        )
    if not why.strip():
        raise QualityError(f"review {review.review}: a decision says why")
    return [AppealDecided(review.review, reviewer, marks, score(form, marks), why)]
