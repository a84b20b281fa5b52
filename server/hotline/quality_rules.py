"""`[quality]` of the hotline's file: how long an agent may appeal, what becomes training, when samples are drawn.

The log keeps the first two, so that every replay lets go of the same reviews.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from quality.appeals import AppealRules
from quality.forms.definitions import Form
from quality.forms.reading import read_form
from quality.rollup import TrainingRules, read_training_rules
from server.eventlog.quality_events import QualityRulesSet
from tables.toml import located, read
from tables.values import Table, known

DRAWN, ALL = READ = ("drawn", "all")
FORM = Path(str(resources.files("quality.forms") / "complaint.toml"))


@dataclass(frozen=True, slots=True)
class QualityRules:
    """The operator's rules."""

    appeals: AppealRules = field(default_factory=AppealRules)
    training: TrainingRules = field(default_factory=TrainingRules)
    draw_after: float = 300.0
    """Seconds after a period's end at which its samples are drawn; by then its last conversations are in the records
    or not in the frame."""
    reviewers_read: str = DRAWN
    """Which scores a QA role reads: those of calls drawn for the reviewer, or all."""

    def for_log(self, source: str) -> QualityRulesSet:
        """The rules that the register follows, as the log keeps them."""
        return QualityRulesSet(self.appeals, self.training, source)


def product_form() -> Form:
    """The form that comes with the product."""
    values, written = read(FORM)
    with located(FORM, written):
        return read_form(Table(values))


def read_quality_rules(data: Any, skills: Collection[str]) -> QualityRules:
    """Read the table. Raises TableError with the key of the value that cannot be used."""
    table = Table(data, ("quality",))
    usual = QualityRules()
    training = read_training_rules(table.table("training"))
    for question, skill in training.gates:
        known(skill, skills, ("quality", "training", "gates", question), "skill")
    rules = QualityRules(
        appeals=AppealRules(table.number("within_days", usual.appeals.within_days, most=366.0, above=0.0)),
        training=training,
        draw_after=table.number("draw_after", usual.draw_after, most=43_200.0),
        reviewers_read=table.choice("reviewers_read", READ, usual.reviewers_read),
    )
    table.done()
    return rules
