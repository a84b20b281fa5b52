"""A scripted telephone: what a person does with a phone is a method, and what they would notice can be awaited.

One `Phone` is one SIP account on one UDP socket, with any number of calls. Closing it leaves no task and no socket.

    async with Phone("13800001111", "127.0.0.1", 5060) as phone:
        call = await phone.dial("4008001234", source=Tone(1000))
        await call.answered(within=5)
        await call.press("1")
        await call.hangup()
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Self

from sipmessage import URI, Request

from softphone import digest, sdp, sip
from softphone.audio import CODECS, QUIET, Source
from softphone.call import Call, CallEnded, CallState
from softphone.rtp import Endpoint

__all__ = [
    "Answer", "Call", "CallEnded", "CallState", "Ignore", "Phone", "Policy", "Progress", "Redirect", "Refuse",
    "Refused", "Ring",
]  # fmt: skip


class Refused(Exception):
    """The server does not take this phone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer after ringing for `after` seconds."""

    after: float = 0.0
    source: Source | None = QUIET


@dataclass(frozen=True, slots=True)
class Ring:
    """Ring until the caller gives up or somebody acts on the call."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Refuse with a SIP code: 486 busy, 603 declined, 480 not available; ring for `after` seconds first."""

    code: int = 486
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Ignore:
    """Say nothing at all, like a phone that lost its network."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Give this provisional answer, such as 183 or 199, and nothing more."""

    code: int = 183


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the caller elsewhere, to a SIP address, as a phone does whose calls are forwarded."""

    to: str
    code: int = 302


Policy = Answer | Ring | Refuse | Ignore | Progress | Redirect


class Phone:
    """A softphone of `user` at the SIP server `host:sip_port`.

    `secret` answers challenges; `port` 0 takes a free one; `on_invite` says what to do with incoming calls.
    """

    def __init__(
        self, user: str, host: str, sip_port: int, *, secret: str | None = None, bind: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.user = user
        self.secret = secret
        self.login = user
        """The name by which it answers challenges: "authentication name" in most phones' menus."""
        self.server: sip.Address = (host, sip_port)
        self.on_invite: Policy | Callable[[Call], Policy] = Ring()
        self.calls: list[Call] = []
        """Every call that was made or came in, in order."""
        self.registered = False
        self.codecs: tuple[int, ...] = tuple(CODECS)
        """Payload types of the codecs that it speaks, the preferred one first."""
        self.events = True
        """Whether it sends keys as RFC 4733 events, and says so in its offers."""
        self._bind = (bind, port)
        self._current: dict[tuple[str, str], Call] = {}
        self._incoming: asyncio.Queue[Call] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refresh: asyncio.TimerHandle | None = None
        self._registration = (secrets.token_hex(8), secrets.token_hex(6))
        self._registrations = 0

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> Self:
        """Take the socket. Raises OSError if the port is in use."""
        self.loop = asyncio.get_running_loop()
        _, self.wire = await self.loop.create_datagram_endpoint(
            lambda: sip.Wire(self._receive, self._unconfirmed), local_addr=self._bind
        )
        return self

    async def close(self) -> None:
        """End all calls, sign off, and let go of the socket; within two seconds, even if the server does not answer."""
        if self._refresh:
            self._refresh.cancel()
        goodbyes: list[Coroutine[object, object, object]] = [call.hangup(1.0) for call in self._current.values()]
        if self.registered:
            self.registered = False
            goodbyes.append(asyncio.wait_for(self._register(0), 1.0))
        await asyncio.gather(*goodbyes, return_exceptions=True)
        for call in tuple(self._current.values()):
            call.over("the phone was closed")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.wire.close()

    def unplug(self) -> None:
        """Lose the network in the middle of everything: nothing is sent any more, and nothing heard."""
        self.wire.unplugged = True
        for call in self._current.values():
            call.rtp.play(None)

    def plug_in(self) -> None:
        """Have the network again. Calls of before stay silent: a phone that was restarted knows nothing of them."""
        self.wire.unplugged = False

    @property
    def port(self) -> int:
        """The UDP port that the phone listens on."""
        return self.wire.address[1]

    @property
    def contact(self) -> str:
        """Where the phone is reached: the SIP URI for an agent's fixed contact."""
        host, port = self.wire.address
        return str(URI("sip", host, user=self.user, port=port))

    def via(self) -> str:
        """A Via for a new transaction."""
        host, port = self.wire.address
        return f"SIP/2.0/UDP {host}:{port};branch={sip.branch()};rport"

    def media(self, port: int) -> sdp.Media:
        """What the phone offers for the sound at `port`."""
        return sdp.Media(self.wire.address[0], port, self.codecs, sdp.EVENT_TYPE if self.events else None)

    # Registration

    async def register(self, expires: int = 120) -> None:
        """Sign on and stay signed on. Raises Refused with the server's answer, TimeoutError without one."""
        granted = await self._register(expires)
        self.registered = True
        self._refresh = self.loop.call_later(0.8 * granted, lambda: self._spawn(self._again(expires)))

    async def _again(self, expires: int) -> None:
        try:
            await self.register(expires)
        except (Refused, TimeoutError, ConnectionError, ValueError) as error:
            self.registered = False
            sip.log.warning("the registration was not renewed", user=self.user, reason=str(error))

    async def _register(self, expires: int) -> int:
        """One REGISTER with its challenge; returns the seconds granted."""
        proof: list[sip.Header] = []
        host, port = self.server
        call_id, tag = self._registration
        while True:
            self._registrations += 1
            request = Request("REGISTER", URI("sip", host, port=port))
            account = f"<{URI('sip', host, user=self.user)}>"
            fields = [("Via", self.via()), ("Max-Forwards", "70"), ("From", f"{account};tag={tag}"), ("To", account)]
            fields += [("Call-ID", call_id), ("CSeq", f"{self._registrations} REGISTER")]
            fields += [("Contact", f"<{self.contact}>"), ("Expires", str(expires)), ("User-Agent", sip.USER_AGENT)]
            response = await self.wire.request(sip.compose(request, fields + proof), self.server)
            if response.code < 300:
                return response.expires or expires
            if response.code == 423 and (response.min_expires or 0) > expires:
                expires = response.min_expires or expires
            elif response.code in (401, 407) and not proof and self.secret is not None:
                proof = [digest.proof(response, "REGISTER", str(request.uri), self.login, self.secret)]
            else:
                raise Refused(f"{host}:{port} does not take {self.user}: {response.code} {response.phrase}")

    # Calls

    async def dial(
        self,
        number: str,
        *,
        caller_id: str | None = None,
        name: str = "",
        source: Source | None = QUIET,
        headers: Iterable[sip.Header] = (),
    ) -> Call:
        """Call `number`; returns at once, the call tells what becomes of it. `source` plays from the answer on."""
        host, port = self.server
        call = Call(
            self, await Endpoint.open(self._bind[0]), URI("sip", host, user=number, port=port), secrets.token_hex(12)
        )
        self._remember(call)
        display = f'"{name}" ' if name else ""
        local = f"{display}<{URI('sip', host, user=caller_id or self.user)}>"
        self._spawn(call.dial(local, headers, source))
        return call

    async def incoming(self, within: float = 10.0) -> Call:
        """The next call that came in, answered or not. Raises TimeoutError if none came."""
        try:
            return await asyncio.wait_for(self._incoming.get(), within)
        except TimeoutError:
            raise TimeoutError(f"nobody called {self.user} within {within:g} s") from None

    def forget(self, call: Call) -> None:
        """A call that is over gets no more requests."""
        self._current.pop((call.call_id, call.tag), None)

    def _remember(self, call: Call) -> None:
        self.calls.append(call)
        self._current[(call.call_id, call.tag)] = call

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # What the network asks of the phone

    def _receive(self, request: Request) -> None:
        tag = request.to_address.parameters.get("tag")
        call = self._current.get((request.call_id, tag)) if tag else None
        if call:
            call.receive(request)
        elif request.method == "CANCEL":
            self._give_up(request)
        elif request.method == "INVITE" and not tag:
            self._spawn(self._offered(request))
        elif request.method == "OPTIONS":
            self.wire.respond(request, 200, [("Contact", f"<{self.contact}>"), ("Allow", sip.ALLOW)])
        else:
            self.wire.respond(request, 481 if request.method in sip.ALLOW.split(", ") else 501, [("Allow", sip.ALLOW)])

    def _give_up(self, cancel: Request) -> None:
        for call in self._current.values():
            if call.invite and call.invite.via[0] == cancel.via[0]:
                call.receive(cancel)
                return
        self.wire.respond(cancel, 481)

    async def _offered(self, invite: Request) -> None:
        if not invite.contact:
            self.wire.respond(invite, 400)
            return
        try:
            rtp = await Endpoint.open(self._bind[0])
        except OSError as error:
            sip.log.warning("a call cannot be taken", user=self.user, reason=str(error))
            self.wire.respond(invite, 503)
            return
        call = Call(self, rtp, invite.contact[0].uri, invite.call_id, invite=invite)
        policy = self.on_invite(call) if callable(self.on_invite) else self.on_invite
        self._remember(call)
        if isinstance(policy, Answer | Ring) or (isinstance(policy, Refuse) and policy.after):
            call.ring()
        if isinstance(policy, Answer):
            call.after(policy.after, lambda: call.pick_up(policy.source))
        elif isinstance(policy, Refuse):
            call.after(policy.after, lambda: call.refuse(policy.code))
        elif isinstance(policy, Redirect):
            call.refuse(policy.code, [("Contact", f"<{policy.to}>")])
        elif isinstance(policy, Progress):
            call.ring(policy.code)
        self._incoming.put_nowait(call)

    def _unconfirmed(self, invite: Request) -> None:
        for call in tuple(self._current.values()):
            if call.invite is invite:
                call.over("our answer was never confirmed")
