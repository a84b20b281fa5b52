"""Instants of the log as the records have them."""

from __future__ import annotations

from datetime import UTC, datetime


def utc(at: float) -> datetime:
    """Epoch seconds as a datetime. Raises ValueError or OverflowError for what is no instant."""
    return datetime.fromtimestamp(at, UTC)
