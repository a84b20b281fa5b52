"""Every refusal of the core is one sentence that names the thing and what would be right."""

from __future__ import annotations


class QualityError(ValueError):
    """Something that the rules of quality assurance forbid; the message is a sentence for people."""
