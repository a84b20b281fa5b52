"""The phone in the browser over HTTP: a page asks for the phone of its sign-in, and signs it off.

SIP itself goes over `WS /ws/phone` (see `server.web.phone_socket`).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from pydantic import BaseModel, Field

from server.usecases.browser_phones import BrowserPhoneActs
from server.usecases.page_phones import OpenedPhone, guest_number
from server.web.api.shapes import Body, Instant, Who, instant, router
from server.web.phone_socket import PATH
from server.web.problems import answers


class PhoneIn(Body):
    """How a page asks for the phone."""

    takeover: bool = Field(False, description="Take it from another page that has it, and disconnect that page.")


class PhoneOffIn(Body):
    """Which page is closed."""

    id: str | None = Field(
        None, max_length=64, description="The id in the page's `url`: another page that has the phone by now keeps it."
    )


class BrowserPhone(BaseModel):
    """The phone of one page. Register as `uri` over `url` (subprotocol `sip`), with `user`, `realm` and `ha1`."""

    user: str
    realm: str
    ha1: str = Field(description="MD5 of `user:realm:secret`; the secret itself is nowhere kept.")
    uri: str
    url: str = Field(description="Path of the WebSocket, with the page's own id.")
    expires_at: Instant
    ice: list[dict[str, Any]] = Field(description="ICE servers, as RTCPeerConnection takes them.")


class GuestPhone(BrowserPhone):
    """A caller's phone in a page. `number` is what its calls show, `dial` what it may call: the hotline."""

    number: str
    dial: str


def _shown(opened: OpenedPhone, id: str) -> dict[str, Any]:
    return {
        "user": opened.user,
        "realm": opened.realm,
        "ha1": opened.ha1,
        "uri": f"sip:{opened.user}@{opened.realm}",
        "url": f"{PATH}?id={quote(id)}",
        "expires_at": instant(opened.expires_at),
        "ice": [],
    }


def phone_routes(acts: BrowserPhoneActs) -> APIRouter:
    """The routes of the phone in the browser."""
    routes = router("phone")

    @routes.post("/phone", response_model=BrowserPhone, responses=answers(404, 409, 422, 503))
    async def open_phone(who: Who, wanted: PhoneIn | None = None) -> dict[str, Any]:
        """The phone of the sign-in's own work number, for this page. Each answer has another secret."""
        opened = await acts.open(who, take_over=wanted is not None and wanted.takeover)
        return _shown(opened, opened.id)

    @routes.delete("/phone", status_code=204, responses=answers(404, 409, 503))
    async def close_phone(who: Who) -> None:
        """Sign the page's phone off: the agent is not rung there."""
        await acts.close(who)

    @routes.post("/phone/off", status_code=204, responses=answers(404, 409, 422, 503))
    async def phone_off(who: Who, closed: PhoneOffIn | None = None) -> None:
        """The same for a page that is being closed, which asks for it with `keepalive`: a page that was reloaded may
        have the phone before this comes, and keeps it."""
        await acts.close(who, closed.id if closed is not None else None)

    @routes.post("/phone/try", response_model=GuestPhone, responses=answers(409, 503))
    async def open_guest(who: Who) -> dict[str, Any]:
        """A caller's phone for this page, for an hour: what it dials reaches the hotline as a call of the public."""
        guest, opened = await acts.open_guest(who)
        return _shown(opened, f"{guest}.{opened.id}") | {"number": guest_number(guest), "dial": "4008001234"}

    @routes.delete("/phone/try", status_code=204, responses=answers(409, 503))
    async def close_guest(who: Who) -> None:
        """Put the caller's phone away."""
        await acts.close_guest(who)

    return routes
