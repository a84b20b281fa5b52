"""`sansheng doctor`: what keeps the hotline from working well, and what to do about it."""

from __future__ import annotations


def doctor() -> None:
    """Check ports, versions, sounds, disk, clock and permissions."""
