"""One call of a softphone: its dialog, its sound, and what a person would notice of it, each as something to wait for.

Every wait has an end: it returns, or it raises TimeoutError or CallEnded with a sentence saying what happened instead.
"""

from __future__ import annotations

import asyncio
import enum
import ipaddress
import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol
from urllib.parse import quote

from sipmessage import URI, Request, Response

from softphone import digest, sdp, sip
from softphone.audio import QUIET, Source
from softphone.rtp import Endpoint

_SDP: sip.Header = ("Content-Type", "application/sdp")


class CallEnded(Exception):
    """The call was over before what was waited for could happen."""


class CallState(enum.Enum):
    """Where a call stands."""

    DIALLING = "dialling"
    RINGING = "ringing"
    TALKING = "talking"
    ENDED = "ended"


_NEXT = {
    (CallState.DIALLING, "rings"): CallState.RINGING,
    (CallState.DIALLING, "answered"): CallState.TALKING,
    (CallState.DIALLING, "over"): CallState.ENDED,
    (CallState.RINGING, "rings"): CallState.RINGING,
    (CallState.RINGING, "answered"): CallState.TALKING,
    (CallState.RINGING, "over"): CallState.ENDED,
    (CallState.TALKING, "over"): CallState.ENDED,
}
"""What is not here changes nothing: a 180 that a 200 overtook, a second goodbye."""


class UserAgent(Protocol):
    """What a call needs of the phone that it belongs to: RFC 3261's user agent."""

    user: str
    login: str
    secret: str | None
    server: sip.Address
    loop: asyncio.AbstractEventLoop
    wire: sip.Wire

    @property
    def contact(self) -> str: ...

    def via(self) -> str: ...

    def media(self, port: int) -> sdp.Media: ...

    def forget(self, call: Call) -> None: ...


class Call:
    """One call. Times are of the loop's clock (monotonic seconds), None until they happen."""

    def __init__(
        self, phone: UserAgent, rtp: Endpoint, target: URI, call_id: str, *, invite: Request | None = None
    ) -> None:
        self.phone = phone
        self.rtp = rtp
        self.invite = invite
        """The INVITE, if the call came in."""
        self.number = (invite.from_address.uri if invite else target).user or "anonymous"
        """The other side: the number dialled, or the caller's."""
        self.state = CallState.DIALLING
        self.code: int | None = None
        """The final SIP code of the INVITE."""
        self.reason = ""
        """How it ended, in words."""
        self.digits = ""
        """Digits that came as SIP INFO; those in the stream are `rtp.digits`."""
        self.progress: list[int] = []
        """What became of a transfer that was asked for: SIP codes, as the other side told them."""
        self.invite_at = phone.loop.time()
        self.ringing_at: float | None = None
        self.ok_at: float | None = None
        self.ended_at: float | None = None
        self.call_id = call_id
        self.tag = secrets.token_hex(6)
        self._cseq = secrets.randbelow(1000)
        self._local = f"{invite.headers['To']};tag={self.tag}" if invite else ""
        self._remote = invite.headers["From"] if invite else f"<{target}>"
        self._early = ""
        """The other side's name in a dialog that is not answered yet."""
        self._target = target
        self._routes = [str(one) for one in invite.record_route] if invite else []
        self._hop = phone.server
        self._pending: Request | None = None
        self._proceeding = False
        self._cancelled = False
        self._source: Source | None = QUIET
        self._versions = 0
        self._changed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        if invite:
            self._route()

    @property
    def first_audio_at(self) -> float | None:
        """When the first packet with sound in it arrived."""
        return self.rtp.first_audio_at

    # What can be waited for

    async def ringing(self, within: float = 5.0) -> None:
        """Wait until it rings; a call that was answered has rung."""
        await self._reach(lambda: self.ringing_at is not None or self.ok_at is not None, "ring", within)

    async def answered(self, within: float = 10.0) -> None:
        """Wait until it is answered."""
        await self._reach(lambda: self.ok_at is not None, "get answered", within)

    async def ended(self, within: float = 10.0) -> str:
        """Wait until it is over; returns `reason`."""
        await self._reach(lambda: self.state is CallState.ENDED, "end", within)
        return self.reason

    async def heard(self, hz: float | None = None, *, above: float = -35.0, within: float = 5.0) -> None:
        """Wait until the tone of `hz` (None: any sound) is heard from now on; see `Endpoint.heard`."""
        await self.rtp.heard(hz, above=above, within=within)

    async def pressed(self, digits: str, within: float = 5.0) -> None:
        """Wait until the last digits that came, as SIP INFO, are `digits`."""
        await self._reach(lambda: self.digits.endswith(digits), f"bring the digits {digits}", within)

    async def told(self, code: int, within: float = 10.0) -> None:
        """Wait until the other side has told this SIP code of the transfer that was asked for, over or not."""
        try:
            async with asyncio.timeout(within):
                while code not in self.progress:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"of the transfer {self.progress} was told within {within:g} s, not {code}") from None

    async def _reach(self, holds: Callable[[], bool], what: str, within: float) -> None:
        try:
            async with asyncio.timeout(within):
                while not holds():
                    if self.state is CallState.ENDED:
                        raise CallEnded(f"the call with {self.number} did not {what}: {self.reason}")
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            text = f"the call with {self.number} did not {what} within {within:g} s: it is {self.state.value}"
            raise TimeoutError(text) from None

    # What can be done

    async def answer(self, source: Source | None = QUIET) -> None:
        """Answer a call that came in and play `source` (None: send no sound)."""
        self._must_ring("answered")
        self.pick_up(source)

    async def decline(self, code: int = 603) -> None:
        """Refuse a call that came in, with a SIP code: 486 busy, 603 declined, 480 not available."""
        self._must_ring("refused")
        self.refuse(code)

    async def press(self, digits: str, *, via: str = "rfc2833", seconds: float = 0.1) -> None:
        """Press keys for `seconds` each: as RFC 2833 events in the stream, or as SIP INFO (`via="info"`)."""
        if self.state is not CallState.TALKING:
            raise CallEnded(f"keys need a conversation: the call with {self.number} is {self.state.value}")
        if via == "rfc2833":
            await self.rtp.press(digits, seconds=seconds)
        elif via == "info":
            for digit in digits:
                body = f"Signal={digit}\r\nDuration={round(seconds * 1000)}\r\n".encode()
                response = await self._request("INFO", [("Content-Type", "application/dtmf-relay")], body)
                if response.code >= 300:
                    raise CallEnded(f"{self.number} refused the digit {digit}: {response.code} {response.phrase}")
        else:
            raise ValueError(f"digits go via rfc2833 or info, not {via}")

    async def hold(self, on: bool = True) -> None:
        """Put the other side on hold, or take it off; our sound goes on only when it is off."""
        ours = replace(self.phone.media(self.rtp.port), direction="sendonly" if on else "sendrecv")
        self._versions += 1
        response = await self._request("INVITE", [_SDP], sdp.render(ours, self._versions))
        if response.code >= 300:
            raise CallEnded(f"{self.number} refused the hold: {response.code} {response.phrase}")
        self.rtp.play(None if on else self._source)

    async def refer(self, user: str, replaces: Call | None = None) -> int:
        """Press the transfer key: ask the other side to call `user`, or to take the place of us in another call.

        Returns the answer's SIP code; `told` waits for what comes of it.
        """
        target = str(URI("sip", self.phone.server[0], user=user, port=self.phone.server[1]))
        if replaces is not None:
            to, ours = sip.tag_of(replaces._early or replaces._remote), replaces.tag
            named = quote(f"{replaces.call_id};to-tag={to};from-tag={ours}", safe="")
            target += f"?Replaces={named}"
        headers = [("Refer-To", f"<{target}>"), ("Referred-By", f"<sip:{self.phone.user}@{self.phone.server[0]}>")]
        return (await self._request("REFER", headers)).code

    def play(self, source: Source | None) -> None:
        """Send `source` from now on; None: no sound at all."""
        self._source = source
        self.rtp.play(source)

    async def change(self, direction: str, within: float = 5.0) -> None:
        """Offer the sound anew, by a re-INVITE: sendonly and inactive are hold, sendrecv takes it off hold."""
        self._versions += 1
        offer = replace(self.phone.media(self.rtp.port), direction=direction)
        response = await asyncio.wait_for(self._request("INVITE", [_SDP], sdp.render(offer, self._versions)), within)
        if response.code >= 300:
            raise CallEnded(f"{self.number} refused {direction}: {response.code} {response.phrase}")
        self.rtp.play(self._source if direction in ("sendrecv", "sendonly") else None)

    async def hangup(self, within: float = 5.0) -> None:
        """End it in any state: cancel, refuse or say goodbye. A call that is over stays as it is.

        Waits up to `within` seconds for the other side to agree, and is over even if it says nothing.
        """
        try:
            if self.state is CallState.TALKING:
                self.over("we hung up")
                await asyncio.wait_for(self._request("BYE"), within)
            elif self.invite:
                self.refuse(480)
            elif self.state is not CallState.ENDED:
                self._cancelled = True
                if self._proceeding:
                    self._cancel()
                await self._reach(lambda: self.state is CallState.ENDED, "end", within)
        except (TimeoutError, ConnectionError):
            self.over("we gave up, and heard nothing of it")

    def _must_ring(self, done: str) -> None:
        if self.invite is None or self.state not in (CallState.DIALLING, CallState.RINGING):
            raise CallEnded(f"only a call that comes in and rings is {done}: that with {self.number} is not one")

    # Outgoing: the INVITE and what comes back

    async def dial(self, local: str, headers: Iterable[sip.Header], source: Source | None) -> None:
        """Carry the INVITE to its end. Everything that happens shows in `state`, `code` and `reason`."""
        self._local, self._source = f"{local};tag={self.tag}", source
        try:
            offer = self.phone.media(self.rtp.port)
            response = await self._request("INVITE", [*headers, _SDP], sdp.render(offer, self._versions))
            if response.code >= 300:
                refused = f"{self.number} refused: {response.code} {response.phrase}"
                self.over("we gave up" if self._cancelled else refused, response.code)
            elif self._cancelled:
                # The answer crossed our CANCEL on its way.
                self.over("we gave up", response.code)
                await self._request("BYE")
            else:
                self._listen_to(sdp.answer(sdp.parse(response.body), offer), sdp.parse(response.body))
                self._to("answered", response.code)
        except (TimeoutError, ConnectionError, ValueError) as error:
            self.over(str(error))

    def _progress(self, response: Response) -> None:
        self._proceeding = True
        if response.code > 100:
            self._early = response.headers["To"]
            self._to("rings")
        if self._cancelled:
            self._cancel()

    def _cancel(self) -> None:
        invite, self._pending = self._pending, None
        if invite is None:
            return
        cancel = Request("CANCEL", invite.uri)
        names = ("Via", "Max-Forwards", "From", "To", "Call-ID", "Route")
        headers = [(name, value) for name in names for value in invite.headers.getlist(name)]
        headers.append(("CSeq", f"{invite.cseq.sequence} CANCEL"))
        self.phone.wire.request(sip.compose(cancel, headers), self._hop)

    async def _request(self, method: str, headers: Iterable[sip.Header] = (), body: bytes = b"") -> Response:
        """Send a request of this dialog and return its final response; a challenge is answered once."""
        headers, proof = list(headers), list[sip.Header]()
        while True:
            request = self._compose(method, headers + proof, body)
            if method == "INVITE":
                self._pending, self._proceeding = request, False
            progress = self._progress if method == "INVITE" else None
            response = await self.phone.wire.request(bytes(request), self._hop, progress)
            if method == "INVITE" and response.code < 300:
                self._establish(request, response)
            if response.code not in (401, 407) or proof or self._cancelled or self.phone.secret is None:
                return response
            proof = [digest.proof(response, method, str(request.uri), self.phone.login, self.phone.secret)]

    def _compose(self, method: str, headers: Iterable[sip.Header], body: bytes = b"", cseq: int = 0) -> Request:
        if not cseq:
            self._cseq += 1
        request = Request(method, self._target)
        fields = [("Via", self.phone.via()), ("Max-Forwards", "70"), ("From", self._local), ("To", self._remote)]
        fields += [("Call-ID", self.call_id), ("CSeq", f"{cseq or self._cseq} {method}")]
        fields += [("Contact", f"<{self.phone.contact}>"), ("User-Agent", sip.USER_AGENT), ("Allow", sip.ALLOW)]
        fields += [("Route", route) for route in self._routes]
        sip.compose(request, [*fields, *headers], body)
        return request

    def _establish(self, invite: Request, response: Response) -> None:
        """A 2xx makes the dialog: the other side's tag, where it is, and by which way."""
        self._remote = response.headers["To"]
        self._routes = [str(one) for one in reversed(response.record_route)]
        if response.contact:
            self._target = response.contact[0].uri
        self._route()
        ack = self._compose("ACK", (), cseq=invite.cseq.sequence)
        self.phone.wire.acknowledge(response, bytes(ack), self._hop)

    def _route(self) -> None:
        """Requests go to the first route, or to the contact; a name that needs a lookup, to our server."""
        uri = sip.uri_of(self._routes[0]) if self._routes else self._target
        try:
            self._hop = (str(ipaddress.ip_address(uri.host)), uri.port or 5060)
        except ValueError:
            self._hop = self.phone.server

    # Incoming: what the other side asks of this call

    def ring(self, code: int = 180) -> None:
        """Tell the caller that it rings, or another provisional answer."""
        assert self.invite
        self.phone.wire.respond(self.invite, code, [("Contact", f"<{self.phone.contact}>")], tag=self.tag)
        self._to("rings")

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        """Do `what` then, if it still rings."""
        self._timer = self.phone.loop.call_later(seconds, what)

    def pick_up(self, source: Source | None) -> None:
        """Answer with 200 OK, or refuse with 488 if there is no codec in common."""
        self._source = source
        if self.invite and self.state in (CallState.DIALLING, CallState.RINGING) and self._agree(self.invite):
            self._to("answered", 200)

    def refuse(self, code: int, headers: Iterable[sip.Header] = ()) -> None:
        """Answer with a refusal, if it still rings."""
        if self.invite and self.state in (CallState.DIALLING, CallState.RINGING):
            self.phone.wire.respond(self.invite, code, headers, tag=self.tag)
            self.over(f"we refused: {code}", code)

    def receive(self, request: Request) -> None:
        """A request within the dialog, or the CANCEL of its INVITE."""
        respond = self.phone.wire.respond
        if request.method == "BYE":
            respond(request, 200)
            self.over("they hung up")
        elif request.method == "CANCEL" and self.invite:
            respond(request, 200)
            if self.state in (CallState.DIALLING, CallState.RINGING):
                respond(self.invite, 487, tag=self.tag)
                self.over("they gave up", 487)
        elif request.method == "INVITE":
            self._agree(request)
        elif request.method == "NOTIFY":
            respond(request, 200)
            words = request.body.decode("ascii", "replace").split()
            self.progress += [int(words[1])] if len(words) > 1 and words[1].isdecimal() else []
            self._changed.set()
        elif request.method == "INFO":
            self._key(request.body.decode("ascii", "replace"))
            respond(request, 200)
        else:
            respond(request, 200 if request.method == "OPTIONS" else 501, [("Allow", sip.ALLOW)])

    def _agree(self, request: Request) -> bool:
        """Answer the offer of an INVITE; without one, repeat what we have."""
        ours = self.phone.media(self.rtp.port)
        try:
            if request.body:
                offer = sdp.parse(request.body)
                ours = sdp.answer(offer, ours)
                self._listen_to(ours, offer)
        except ValueError as error:
            self.phone.wire.respond(request, 488, tag=self.tag)
            if request is self.invite:
                self.over(f"we refused: {error}", 488)
            return False
        if request.contact:
            self._target = request.contact[0].uri
            self._route()
        self._versions += 1
        headers = [("Contact", f"<{self.phone.contact}>"), ("Allow", sip.ALLOW), _SDP]
        self.phone.wire.respond(request, 200, headers, sdp.render(ours, self._versions), tag=self.tag)
        return True

    def _key(self, body: str) -> None:
        fields = dict(line.strip().partition("=")[::2] for line in body.splitlines())
        self.digits += fields.get("Signal", "").strip()[:1]
        self._changed.set()

    # What became of it

    def _listen_to(self, ours: sdp.Media, theirs: sdp.Media) -> None:
        """Send where they listen, in the codec agreed on; nothing while they hold us."""
        self.rtp.connect(theirs.host, theirs.port, ours.payload_types[0], theirs.event_type)
        self.rtp.play(self._source if ours.direction in ("sendrecv", "sendonly") else None)

    def over(self, reason: str, code: int | None = None) -> None:
        """It is over; nothing is sent any more, what was heard stays."""
        if self.state is not CallState.ENDED:
            self.reason = reason
            self._to("over", code)
            self.rtp.close()
            self.phone.forget(self)

    def _to(self, signal: str, code: int | None = None) -> None:
        new = _NEXT.get((self.state, signal))
        if new is None:
            return
        now = self.phone.loop.time()
        if new is CallState.RINGING:
            self.ringing_at = self.ringing_at or now
        elif new is CallState.TALKING:
            self.ok_at = now
        else:
            self.ended_at = now
        if self._timer and new is not CallState.RINGING:
            self._timer.cancel()
        self.code = code or self.code
        self.state = new
        self._changed.set()
