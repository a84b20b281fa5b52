"""What a page is told with each call that it gets: the call's number, what it is for, and whether to answer by itself.

Headers of the INVITE: `X-Sansheng-Call`, `X-Sansheng-Purpose`, `X-Sansheng-Auto-Answer`. A desk phone ignores them.
"""

from __future__ import annotations

from enum import StrEnum

CONTEXT = "sansheng-page"
"""Dialplan context that adds the headers to a channel before it is dialled."""


class Purpose(StrEnum):
    """Why a page is called."""

    OFFER = "offer"
    CALLBACK = "callback"
    LISTEN = "listen"
    CONSULT = "consult"
    INTERNAL = "internal"
    RETURN = "return"
    """The page was gone in mid-call, and is back."""


def dialled(call: int, purpose: Purpose, *, auto_answer: bool = False) -> str:
    """The option of `Dial` that adds the headers; `call` 0 is no caller's call."""
    return f"b({CONTEXT}^s^1({call or ''}^{purpose}^{'yes' if auto_answer else ''}))"


def originated(call: int, purpose: Purpose, *, auto_answer: bool = False) -> tuple[str, ...]:
    """The variables of an Originate that add them."""
    values = {"Call": str(call or ""), "Purpose": purpose.value, "Auto-Answer": "yes" if auto_answer else ""}
    return tuple(f"PJSIP_HEADER(add,X-Sansheng-{name})={value}" for name, value in values.items() if value)
