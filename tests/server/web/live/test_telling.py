"""A client that takes what it is told gets it at once, one that does not gets it in order, and neither waits."""

from __future__ import annotations

import asyncio

from server.usecases.principal import Principal, Role
from server.web.live.audiences import Audience, Listener
from server.web.live.telling import MOST_WAITING, Stream, event_of

ONE, TWO, THREE = (event_of(b"data: %d\n\n" % number) for number in (1, 2, 3))
NOBODY = Listener(Audience(frozenset(), None), "", frozenset())


class Client:
    """A connection as uvicorn has it: `takes` is whether its buffer has room."""

    def __init__(self) -> None:
        self.stream = Stream(Principal("wang", Role.SUPERVISOR, "here"), NOBODY, ())
        self.got: list[bytes] = []
        self.takes = True
        self.stream.write = self.write
        self.drained = asyncio.Event()
        self.drained.set()
        self.sending = asyncio.create_task(self.send())

    def write(self, chunk: bytes) -> bool:
        if self.takes:
            self.got.append(chunk)
        return self.takes

    async def send(self) -> None:
        """What the route does: everything that was kept, when the client takes it."""
        while (told := await self.stream.next()) is not None:
            await self.drained.wait()
            self.got.append(told)

    async def end(self) -> None:
        self.stream.close()
        await asyncio.wait_for(self.sending, 5)


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_told_is_written_within_the_tick_as_a_chunk() -> None:
    client = Client()
    await turns()
    client.stream.tell(ONE)
    assert client.got == [b"9\r\ndata: 1\n\n\r\n"]
    await client.end()


async def test_nothing_overtakes_what_is_still_being_sent() -> None:
    client = Client()
    client.stream.tell(ONE)  # before the answer has begun
    client.drained.clear()
    await turns()
    client.stream.tell(TWO)
    assert client.got == []
    client.drained.set()
    await turns()
    client.stream.tell(THREE)
    assert client.got == [ONE.text, TWO.text, THREE.chunk]
    await client.end()


async def test_what_a_client_does_not_take_is_kept_for_it_up_to_a_limit() -> None:
    client = Client()
    await turns()
    client.takes = False
    client.drained.clear()
    for _ in range(3):
        client.stream.tell(ONE)
    await turns()
    client.drained.set()
    await turns()
    assert b"".join(client.got) == ONE.text * 3
    client.drained.clear()
    for _ in range(MOST_WAITING + 2):
        client.stream.tell(ONE)
    assert client.stream.cut_off
    client.drained.set()
    await client.end()
