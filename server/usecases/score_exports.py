"""Scores of quality assurance as rows for exports: whoever pulls many says why, and another person approves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from quality.reviews import Review
from server.storage.notation import iso
from server.storage.projections.rows import utc
from server.storage.queries.quality import ReviewFilter
from server.storage.sheets import Row
from server.usecases.exports import Kind, columns
from server.usecases.principal import Principal
from server.usecases.quality_reviews import ReviewActs, score_row


def score_kinds(reviews: ReviewActs) -> dict[str, Kind]:
    """The kind `scores`: what its asker reads of scores, without the marks and what was said of the call."""

    async def rows(who: Principal, filters: Mapping[str, str], page: int) -> AsyncIterator[Sequence[Row]]:
        which = ReviewFilter(agent=filters.get("agent"), reviewer=filters.get("reviewer"), state=filters.get("state"))
        cursor: str | None = None
        while True:
            found, cursor = await reviews.page(who, which, page, cursor)
            yield [_row(each) for each in found]
            if cursor is None:
                return

    names = "id call agent job form version reviewer second_reviewer state scored_at score points passed fatal"
    return {"scores": Kind(columns(names), ("agent", "reviewer", "state"), rows)}


def _row(review: Review) -> Row:
    counts = review.counts
    return {**score_row(review), "scored_at": None if counts is None else iso(utc(counts.at))}
