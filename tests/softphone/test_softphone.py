"""The softphone against another of its kind, and against a wire that loses, repeats and garbles."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sipmessage import Request, Response

from softphone import digest, sdp, sip
from softphone.audio import Tone
from softphone.phone import Answer, CallEnded, CallState, Ignore, Phone, Refuse, Refused, Ring

Sent = tuple[bytes, tuple[str, int]]


@pytest.fixture
async def agent() -> AsyncIterator[Phone]:
    async with Phone("1001", "127.0.0.1", 9) as phone:
        yield phone


@pytest.fixture
async def caller(agent: Phone) -> AsyncIterator[Phone]:
    async with Phone("13800001111", "127.0.0.1", agent.port) as phone:
        yield phone


class Peer(asyncio.DatagramProtocol):
    """The other end of the wire, message by message."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[tuple[Request | Response, tuple[str, int]]] = asyncio.Queue()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport
        self.port: int = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.inbox.put_nowait((sip.parse(data), addr))

    async def receive(self, what: str) -> Request | Response:
        """The next message that is a request of this method or a response of this code."""
        async with asyncio.timeout(3):
            while True:
                message, self.peer = await self.inbox.get()
                if what == (message.method if isinstance(message, Request) else str(message.code)):
                    return message

    def send(self, data: bytes, port: int | None = None) -> None:
        self.transport.sendto(data, ("127.0.0.1", port) if port else self.peer)

    def reply(
        self, request: Request, code: int, phrase: str, headers: str = "", body: str = "", tag: str = "t"
    ) -> bytes:
        """Answer, as a proxy between us and the phone would pass it on."""
        copied = "".join(f"{name}: {request.headers[name]}\r\n" for name in ("Via", "From", "Call-ID", "CSeq"))
        to = request.headers["To"]
        copied += f"To: {to}\r\n" if ";tag=" in to else f"To: {to};tag={tag}\r\n"
        data = f"SIP/2.0 {code} {phrase}\r\n{copied}{headers}Content-Length: {len(body)}\r\n\r\n{body}".encode()
        self.send(data)
        return data


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    transport, peer = await asyncio.get_running_loop().create_datagram_endpoint(Peer, local_addr=("127.0.0.1", 0))
    yield peer
    transport.close()


@pytest.fixture
async def phone(peer: Peer) -> AsyncIterator[Phone]:
    async with Phone("1002", "127.0.0.1", peer.port, secret="geheim") as phone:
        yield phone


def answer(port: int = 40000) -> str:
    return sdp.render(sdp.Media("127.0.0.1", port, (8,)), 1).decode()


SDP = "Content-Type: application/sdp\r\n"


async def test_two_phones_talk_and_hang_up(caller: Phone, agent: Phone) -> None:
    call = await caller.dial("1001", source=Tone(1000), name="张三")
    other = await agent.incoming()
    await call.ringing()
    assert (other.number, other.invite and other.invite.from_address.name) == ("13800001111", "张三")
    await other.answer(Tone(600))
    await call.answered()
    await asyncio.gather(call.heard(600), other.heard(1000))
    await other.hangup()
    assert await call.ended() == "they hung up"
    assert other.reason == "we hung up"
    times = [call.invite_at, call.ringing_at, call.ok_at, call.first_audio_at, call.ended_at]
    assert times == sorted(time for time in times if time is not None)


@pytest.mark.parametrize(
    ("policy", "code", "reason"),
    [
        (Refuse(486), 486, "1001 refused: 486 Busy Here"),
        (Refuse(603, after=0.1), 603, "1001 refused: 603 Decline"),
        (Refuse(480), 480, "1001 refused: 480 Temporarily Unavailable"),
    ],
)
async def test_a_refusal_says_its_code(caller: Phone, agent: Phone, policy: Refuse, code: int, reason: str) -> None:
    agent.on_invite = policy
    call = await caller.dial("1001")
    assert await call.ended() == reason
    assert (call.code, call.ok_at) == (code, None)
    assert (call.ringing_at is not None) == (policy.after > 0)
    with pytest.raises(CallEnded, match="did not get answered: 1001 refused"):
        await call.answered()


async def test_a_caller_gives_up_while_it_rings(caller: Phone, agent: Phone) -> None:
    agent.on_invite = Ring()
    call = await caller.dial("1001")
    other = await agent.incoming()
    await call.ringing()
    await call.hangup()
    assert (call.reason, call.code) == ("we gave up", 487)
    assert await other.ended() == "they gave up"


async def test_a_phone_without_network_is_given_up_in_time(caller: Phone, agent: Phone) -> None:
    agent.on_invite = Ignore()
    call = await caller.dial("1001")
    await agent.incoming()
    with pytest.raises(TimeoutError, match=r"the call with 1001 did not ring within 0.1 s: it is dialling"):
        await call.ringing(within=0.1)
    await call.hangup(within=0.1)
    assert call.state is CallState.ENDED


async def test_a_phone_answers_by_itself_after_a_while(caller: Phone, agent: Phone) -> None:
    agent.on_invite = Answer(0.1, Tone(440))
    call = await caller.dial("1001")
    await call.answered()
    assert (call.ok_at or 0) - (call.ringing_at or 0) >= 0.09
    await call.heard(440)
    await call.hangup()
    await agent.calls[0].ended()


async def test_the_policy_may_look_at_the_call(caller: Phone, agent: Phone) -> None:
    agent.on_invite = lambda call: Refuse(486) if len(agent.calls) else Refuse(603)
    first, second = await caller.dial("1001"), await caller.dial("1001")
    await asyncio.gather(first.ended(), second.ended())
    assert {first.code, second.code} == {486, 603}


@pytest.mark.parametrize("via", ["rfc2833", "info"])
async def test_keys_arrive_either_way(caller: Phone, agent: Phone, via: str) -> None:
    agent.on_invite = Answer()
    call = await caller.dial("1001")
    await call.answered()
    await call.press("1*2#", via=via, seconds=0.06)
    other = agent.calls[0]
    await (other.rtp.received("1*2#") if via == "rfc2833" else other.pressed("1*2#"))


async def test_several_calls_at_once_stay_apart(caller: Phone, agent: Phone) -> None:
    agent.on_invite = Answer()
    calls = [await caller.dial("1001", caller_id=f"1380000{n:04}") for n in range(5)]
    await asyncio.gather(*(call.answered() for call in calls))
    assert {call.number for call in agent.calls} == {f"1380000{n:04}" for n in range(5)}
    await calls[2].hangup()
    assert [call.state for call in calls] == [
        CallState.TALKING,
        CallState.TALKING,
        CallState.ENDED,
        CallState.TALKING,
        CallState.TALKING,
    ]


async def test_closing_leaves_no_task_and_no_socket() -> None:
    before = asyncio.all_tasks()
    async with Phone("1001", "127.0.0.1", 9) as agent, Phone("1002", "127.0.0.1", agent.port) as caller:
        agent.on_invite = Answer(source=Tone(600))
        call = await caller.dial("1001", source=Tone(1000))
        await call.answered()
        unanswered = await agent.dial("nobody")
        port = caller.port
    assert call.state is unanswered.state is CallState.ENDED
    assert asyncio.all_tasks() == before
    async with Phone("1002", "127.0.0.1", 9, port=port):
        pass


async def test_an_invite_is_repeated_until_something_comes_back(phone: Phone, peer: Peer) -> None:
    call = await phone.dial("4008001234")
    first = await peer.receive("INVITE")
    second = await peer.receive("INVITE")
    assert bytes(first) == bytes(second)
    assert isinstance(second, Request)
    peer.reply(second, 486, "Busy Here")
    ack = await peer.receive("ACK")
    assert ack.via == second.via
    assert await call.ended() == "4008001234 refused: 486 Busy Here"


async def test_each_repeated_ok_is_acknowledged_again(phone: Phone, peer: Peer) -> None:
    call = await phone.dial("4008001234")
    invite = await peer.receive("INVITE")
    assert isinstance(invite, Request)
    ok = peer.reply(invite, 200, "OK", f"{SDP}Contact: <sip:127.0.0.1:{peer.port}>\r\n", answer())
    first = await peer.receive("ACK")
    peer.send(ok)
    assert bytes(await peer.receive("ACK")) == bytes(first)
    assert first.via[0].parameters["branch"] != invite.via[0].parameters["branch"]
    assert call.state is CallState.TALKING


async def test_requests_in_a_call_take_the_recorded_route(phone: Phone, peer: Peer) -> None:
    call = await phone.dial("4008001234")
    invite = await peer.receive("INVITE")
    assert isinstance(invite, Request)
    routes = f"Record-Route: <sip:192.0.2.7;lr>, <sip:127.0.0.1:{peer.port};lr>\r\n"
    peer.reply(invite, 200, "OK", f"{SDP}{routes}Contact: <sip:400@192.0.2.9:5070>\r\n", answer())
    await call.answered()
    ending = asyncio.create_task(call.hangup())
    bye = await peer.receive("BYE")
    assert isinstance(bye, Request)
    assert str(bye.uri) == "sip:400@192.0.2.9:5070"
    assert [str(route.uri) for route in bye.route] == [f"sip:127.0.0.1:{peer.port};lr", "sip:192.0.2.7;lr"]
    assert bye.cseq.sequence == invite.cseq.sequence + 1
    assert bye.to_address.parameters["tag"] == "t"
    peer.reply(bye, 200, "OK")
    await ending


async def test_an_answer_that_crosses_our_cancel_is_hung_up(phone: Phone, peer: Peer) -> None:
    call = await phone.dial("4008001234")
    invite = await peer.receive("INVITE")
    assert isinstance(invite, Request)
    ending = asyncio.create_task(call.hangup())
    await asyncio.sleep(0)
    peer.reply(invite, 180, "Ringing")
    cancel = await peer.receive("CANCEL")
    assert isinstance(cancel, Request)
    assert (cancel.via, cancel.cseq.sequence) == (invite.via, invite.cseq.sequence)
    peer.reply(invite, 200, "OK", f"{SDP}Contact: <sip:127.0.0.1:{peer.port}>\r\n", answer())
    await peer.receive("ACK")
    bye = await peer.receive("BYE")
    assert isinstance(bye, Request)
    peer.reply(bye, 200, "OK")
    await ending
    assert call.reason == "we gave up"


CHALLENGE = 'Digest realm="a, b", nonce="n1", qop="auth,auth-int", algorithm={}, opaque="o"'


async def test_a_challenge_is_answered_with_the_strongest_digest(phone: Phone, peer: Peer) -> None:
    call = await phone.dial("4008001234")
    first = await peer.receive("INVITE")
    assert isinstance(first, Request)
    both = "".join(f"Proxy-Authenticate: {CHALLENGE.format(name)}\r\n" for name in ("MD5", "SHA-256"))
    peer.reply(first, 407, "Proxy Authentication Required", both)
    await peer.receive("ACK")
    second = await peer.receive("INVITE")
    assert isinstance(second, Request)
    given = digest.parse_keqv_list(digest.parse_http_list(second.headers["Proxy-Authorization"].partition(" ")[2]))
    assert (given["algorithm"], given["username"], given["opaque"], given["qop"]) == ("SHA-256", "1002", "o", "auth")

    def sha(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    ours, theirs = sha("1002:a, b:geheim"), sha(f"INVITE:{second.uri}")
    assert given["response"] == sha(f"{ours}:n1:00000001:{given['cnonce']}:auth:{theirs}")
    assert second.cseq.sequence == first.cseq.sequence + 1
    assert second.call_id == first.call_id
    peer.reply(second, 403, "Forbidden")
    assert await call.ended() == "4008001234 refused: 403 Forbidden"


async def test_a_phone_signs_on_renews_and_signs_off(peer: Peer) -> None:
    async with Phone("1002", "127.0.0.1", peer.port, secret="geheim") as phone:
        signing = asyncio.create_task(phone.register(expires=60))
        request = await peer.receive("REGISTER")
        assert isinstance(request, Request)
        peer.reply(request, 401, "Unauthorized", f"WWW-Authenticate: {CHALLENGE.format('MD5')}\r\n")
        request = await peer.receive("REGISTER")
        assert isinstance(request, Request)
        assert request.headers.get("Authorization")
        peer.reply(request, 200, "OK", "Expires: 1\r\n")
        await signing
        assert phone.registered
        renewal = await peer.receive("REGISTER")
        assert isinstance(renewal, Request)
        assert (renewal.call_id, renewal.expires) == (request.call_id, 60)
        peer.reply(renewal, 200, "OK")
        closing = asyncio.create_task(phone.close())
        goodbye = await peer.receive("REGISTER")
        assert isinstance(goodbye, Request)
        assert goodbye.expires == 0
        peer.reply(goodbye, 200, "OK")
        await closing


async def test_a_wrong_secret_is_refused_in_words(phone: Phone, peer: Peer) -> None:
    signing = asyncio.create_task(phone.register())
    for _ in range(2):
        request = await peer.receive("REGISTER")
        assert isinstance(request, Request)
        peer.reply(request, 401, "Unauthorized", f"WWW-Authenticate: {CHALLENGE.format('MD5')}\r\n")
    with pytest.raises(Refused, match="does not take 1002: 401 Unauthorized"):
        await signing
    assert not phone.registered


def message(
    method: str, phone: Phone, peer: Peer, *, cseq: int = 1, headers: str = "", body: str = "", **parts: str
) -> bytes:
    branch, to = parts.get("branch", f"z9hG4bK{method}{cseq}"), parts.get("to", "<sip:1002@x>")
    return (
        f"{method} sip:1002@127.0.0.1:{phone.port} SIP/2.0\r\n"
        f"v: SIP/2.0/UDP 127.0.0.1:{peer.port};rport;branch={branch}\r\nf: <sip:1380@y>;tag=theirs\r\nt: {to}\r\n"
        f"i: call-1\r\nCSeq: {cseq} {method}\r\nm: <sip:1380@127.0.0.1:{peer.port}>\r\n{headers}"
        f"l: {len(body)}\r\n\r\n{body}"
    ).encode()


async def talking(phone: Phone, peer: Peer) -> str:
    """A call from the peer that the phone took; returns the phone's To header."""
    phone.on_invite = Answer()
    peer.send(message("INVITE", phone, peer, headers=SDP, body=answer()), phone.port)
    ok = await peer.receive("200")
    peer.send(message("ACK", phone, peer, to=ok.headers["To"], branch="z9hG4bKack"))
    return ok.headers["To"]


async def test_an_answer_is_repeated_until_it_is_confirmed(phone: Phone, peer: Peer) -> None:
    phone.on_invite = Answer()
    peer.send(message("INVITE", phone, peer, headers=SDP, body=answer()), phone.port)
    first, second = await peer.receive("200"), await peer.receive("200")
    assert bytes(first) == bytes(second)
    peer.send(message("ACK", phone, peer, to=first.headers["To"], branch="z9hG4bKack"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(peer.receive("200"), 1.3)
    assert phone.calls[0].state is CallState.TALKING


async def test_an_invite_that_comes_twice_is_one_call(phone: Phone, peer: Peer) -> None:
    for _ in range(2):
        peer.send(message("INVITE", phone, peer, headers=SDP, body=answer()), phone.port)
        await peer.receive("180")
    assert len(phone.calls) == 1


async def test_a_refused_offer_says_what_we_speak(phone: Phone, peer: Peer) -> None:
    phone.on_invite = Answer()
    video = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 111\r\n"
    peer.send(message("INVITE", phone, peer, headers=SDP, body=video), phone.port)
    await peer.receive("488")
    assert phone.calls[0].reason == "we refused: the other side offers payload types (111,), we speak (8, 0)"


async def test_a_call_on_hold_is_silent_until_it_is_taken_back(phone: Phone, peer: Peer) -> None:
    to = await talking(phone, peer)
    held = answer().replace("a=sendrecv", "a=sendonly")
    peer.send(message("INVITE", phone, peer, cseq=2, to=to, headers=SDP, body=held))
    ok = await peer.receive("200")
    assert b"a=recvonly" in ok.body
    peer.send(message("ACK", phone, peer, cseq=2, to=to, branch="z9hG4bKack2"))
    peer.send(message("INVITE", phone, peer, cseq=3, to=to, headers=SDP, body=answer()))
    again = await peer.receive("200")
    while again.cseq.sequence != 3:
        again = await peer.receive("200")
    assert b"a=sendrecv" in again.body
    peer.send(message("ACK", phone, peer, cseq=3, to=to, branch="z9hG4bKack3"))
    assert phone.calls[0].state is CallState.TALKING


async def test_a_server_may_ask_whether_the_phone_is_there(phone: Phone, peer: Peer) -> None:
    peer.send(message("OPTIONS", phone, peer), phone.port)
    reply = await peer.receive("200")
    assert reply.headers["Allow"] == sip.ALLOW
    assert reply.via[0].parameters["rport"] == str(peer.port)


@pytest.mark.parametrize(("method", "code"), [("PUBLISH", "501"), ("BYE", "481"), ("CANCEL", "481")])
async def test_a_phone_says_what_it_cannot_do(phone: Phone, peer: Peer, method: str, code: str) -> None:
    peer.send(message(method, phone, peer), phone.port)
    await peer.receive(code)


async def test_a_call_that_is_over_stays_over(phone: Phone, peer: Peer) -> None:
    to = await talking(phone, peer)
    peer.send(message("BYE", phone, peer, cseq=2, to=to))
    await peer.receive("200")
    call = phone.calls[0]
    assert await call.ended() == "they hung up"
    for doing in (call.answer, call.decline, lambda: call.press("1")):
        refused: Callable[[], Awaitable[None]] = doing
        with pytest.raises(CallEnded):
            await refused()
    await call.hangup()
    assert call.reason == "they hung up"


async def test_garbage_on_the_wire_is_ignored(phone: Phone, peer: Peer) -> None:
    for garbage in (b"\r\n\r\n", b"\0", b"GET / HTTP/1.1\r\n\r\n", b"\xff\xfe", message("BYE", phone, peer)[:80]):
        peer.send(garbage, phone.port)
    peer.send(message("OPTIONS", phone, peer), phone.port)
    await peer.receive("200")


VALID = (
    b"INVITE sip:1002@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\n"
    b"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContact: <sip:a@b>\r\n\r\nv=0\r\n"
)


@given(
    st.one_of(
        st.binary(max_size=400),
        st.builds(
            lambda at, size, put: VALID[:at] + put + VALID[at + size :],
            st.integers(0, len(VALID)),
            st.integers(0, 30),
            st.binary(max_size=20) | st.sampled_from([b"\r\n", b";self=1", b",", b'"', b"<", b"\t", b" "]),
        ),
    )
)
def test_a_datagram_is_a_message_or_malformed_and_nothing_else(data: bytes) -> None:
    try:
        parsed = sip.parse(data)
    except sip.Malformed:
        return
    assert parsed.via[0].parameters["branch"]
    assert sip.parse(bytes(parsed)).cseq == parsed.cseq


@given(
    st.binary(max_size=200)
    | st.text("vcmax=IN IP4127.0.0.1\r\n audio RTP/AVP 8 0 101 rtpmap:", max_size=120).map(str.encode)
)
def test_a_description_is_understood_or_refused_with_a_reason(body: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert sdp.parse(body).host


@given(port=st.integers(1, 65535), types=st.permutations([0, 8]), events=st.sampled_from([None, 96, 101]))
def test_a_description_is_read_back_as_written(port: int, types: list[int], events: int | None) -> None:
    media = sdp.Media("127.0.0.1", port, tuple(types), events, "sendonly")
    assert sdp.parse(sdp.render(media, 3)) == media
