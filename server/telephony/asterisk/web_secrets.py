"""Law: a browser's secret is one of its sign-in, is never the desk phone's, and is nowhere kept but as a digest.

The digest stands in Asterisk's own database, where Asterisk looks for it at each request (`files.sorcery_conf`): it
holds at once, nothing is reloaded, and no other telephone notices. Beside it stands whose it is, so that a server that
takes over knows it too.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from typing import Any

from server.telephony.ami.link import Ami, AmiFailed
from server.telephony.asterisk.control import ask
from server.telephony.asterisk.files import WEB_SECRETS
from server.telephony.asterisk.pjsip import REALM
from server.telephony.asterisk.site import AGENT, web_device
from server.telephony.asterisk.values import check

_AUTHS, _HOLDERS = f"{WEB_SECRETS}/auth", f"{WEB_SECRETS}/holder"


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose the browser's phone of `agent` is: of one page (`id`) of one sign-in. Instants are UTC epoch seconds."""

    agent: str
    id: str
    sign_in: str
    expires_at: float

    @property
    def device(self) -> str:
        """The PJSIP endpoint, which is the user name too."""
        return web_device(self.agent)


def new_digest(agent: str) -> str:
    """`ha1` of a secret that nobody knows: what a page and Asterisk have in common."""
    made_up = secrets.token_urlsafe(32)
    return hashlib.md5(f"{web_device(agent)}:{REALM}:{made_up}".encode(), usedforsecurity=False).hexdigest()


class WebSecrets:
    """The secrets of one Asterisk's browsers. Acts raise the link's errors."""

    def __init__(self, ami: Ami) -> None:
        self._ami = ami

    async def put(self, holder: Holder, ha1: str) -> None:
        """From now on this agent's browser has this secret, and no other."""
        device = check("device", holder.device)
        auth = {"auth_type": "md5", "username": device, "realm": REALM, "md5_cred": ha1}
        await self._put(_AUTHS, device, auth)
        await self._put(_HOLDERS, device, asdict(holder))

    async def remove(self, agent: str) -> None:
        """This agent's browser has no secret any more: it cannot register, and is not taken for the agent."""
        for family in (_AUTHS, _HOLDERS):
            try:
                await self._ami.action("DBDelTree", Family=family, Key=check("device", web_device(agent)))
            except AmiFailed:
                continue  # there was none

    async def holders(self) -> list[Holder]:
        """All that there are, where this Asterisk's own command line can be asked."""
        if (socket := getattr(self._ami, "socket", None)) is None:
            return []
        found = []
        for line in (await ask(socket, f"database show {_HOLDERS}")).text.splitlines():
            try:
                holder = Holder(**json.loads(line.partition(": ")[2]))
            except (ValueError, TypeError):
                continue  # a line of the table that is none of its entries
            if AGENT.fullmatch(holder.agent):
                found.append(holder)
        return found

    async def _put(self, family: str, key: str, value: dict[str, Any]) -> None:
        await self._ami.action("DBPut", Family=family, Key=key, Val=json.dumps(value, separators=(",", ":")))
