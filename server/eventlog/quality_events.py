"""The operator's rules of quality assurance, as the log keeps them."""

from __future__ import annotations

from dataclasses import dataclass

from quality.appeals import AppealRules
from quality.rollup import TrainingRules


@dataclass(frozen=True, slots=True)
class QualityRulesSet:
    """The rules from here on; a log without this event was played by the rules as they are by default."""

    appeals: AppealRules
    training: TrainingRules
    source: str = ""
