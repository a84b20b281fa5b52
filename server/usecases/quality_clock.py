"""While a server leads, the sample of each period that is over is drawn by itself: it waits when QA comes to work."""

from __future__ import annotations

import asyncio

import structlog

from server.hotline.dispatcher import NotLeading
from server.usecases.quality import QualityActs

EVERY = 60.0
"""Seconds between two looks at the clock."""
_log = structlog.get_logger("quality")


async def draw_by_the_clock(acts: QualityActs, every: float = EVERY) -> None:
    """Draw what is due, for ever. A draw that fails is tried again; nothing else waits for it."""
    while True:
        try:
            for job in await acts.draw_due():
                _log.info("a sample was drawn", job=job.job, plan=job.plan.name, period=job.period, n=len(job.calls))
        except NotLeading:
            return
        except Exception:
            _log.exception("samples that are due could not be drawn: tried again in a minute")
        await asyncio.sleep(every)
