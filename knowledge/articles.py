"""The kinds of articles: what to ask and to answer, what was answered, what to say."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What an article is."""

    ARTICLE = "article"
    """知识: what to ask about a matter, and the answer."""
    CASE = "case"
    """案例: what was answered to one customer, for the next one."""
    SCRIPT = "script"
    """话术: what an agent says, by queue, and apart in callback mode."""
