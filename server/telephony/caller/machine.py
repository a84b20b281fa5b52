"""Asterisk listens to a customer who was called back: a person greets briefly and waits, a machine talks on (AMD)."""

from __future__ import annotations

import structlog

from server.telephony.agi.server import AgiCall, AgiHangup, AgiRefused

_log = structlog.get_logger("machine")


async def is_machine(agi: AgiCall) -> bool:
    """Whether an answering machine seems to have picked up; what cannot be told is a person.

    It takes up to five seconds. Raises AgiHangup and AgiGone.
    """
    try:
        await agi.execute("AMD")
    except AgiHangup:
        raise
    except AgiRefused as error:
        _log.error("Asterisk cannot listen for answering machines: amd counts as off", error=str(error))
        return False
    return await agi.get_variable("AMDSTATUS") == "MACHINE"
