"""The target of a transfer or a consult."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Target:
    """An agent by work number, a queue by name, or an outside number."""

    kind: Literal["agent", "queue", "outside"]
    to: str
