"""Shared by the server's tests: Twisted on the loop of the test, and Asterisk's side of FastAGI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from twisted.internet.asyncioreactor import AsyncioSelectorReactor

from server.telephony.agi.server import AgiCall, AgiFactory
from server.telephony.tokens import ChannelTokens

AGI_HEADER = (Path(__file__).parent / "telephony/agi/wire/agi_header.txt").read_bytes()
TOKENS = ChannelTokens("the recorded channel's secret")
PATIENCE = 5.0


@pytest.fixture
async def reactor() -> AsyncIterator[AsyncioSelectorReactor]:
    """A running reactor on this test's own loop; what it still holds at the end is closed."""
    reactor = AsyncioSelectorReactor(asyncio.get_running_loop())
    reactor.startRunning(installSignalHandlers=False)
    yield reactor
    for selectable in reactor.removeAll():
        selectable.connectionLost(None)
    for call in reactor.getDelayedCalls():
        call.cancel()
    for reader in list(reactor._internalReaders):
        reactor.removeReader(reader)
        reader.connectionLost(None)


class AgiPeer:
    """Asterisk's side of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    async def heard(self) -> str:
        return (await asyncio.wait_for(self.reader.readline(), PATIENCE)).decode().rstrip("\n")

    async def answer(self, *replies: bytes) -> list[str]:
        """Hear one command for each reply and answer it; the commands."""
        commands = []
        for reply in replies:
            commands.append(await self.heard())
            self.say(reply)
        return commands

    async def closed(self) -> bool:
        try:
            return await asyncio.wait_for(self.reader.read(), PATIENCE) == b""
        except ConnectionResetError:
            return True


class AgiLine:
    """A factory that listens, and everything the test wants to know of its handlers."""

    def __init__(self, reactor) -> None:
        self.reactor = reactor
        self.header = AGI_HEADER
        self.results: asyncio.Queue = asyncio.Queue()
        self.peers: list[AgiPeer] = []
        self.talking = asyncio.Event()

    def listen(self, talk: Callable[[AgiCall], Awaitable[object]], **limits: float) -> None:
        async def handler(call: AgiCall) -> None:
            self.talking.set()
            try:
                result: object = await talk(call)
            except BaseException as problem:
                self.results.put_nowait(problem)
                raise
            self.results.put_nowait(result)

        self.factory = AgiFactory(handler, TOKENS, **limits)
        self.port = self.reactor.listenTCP(0, self.factory, interface="127.0.0.1").getHost().port

    async def dial(self, first: bytes = AGI_HEADER) -> AgiPeer:
        """Connect, and send `first`: the recorded header, or what a test makes of it."""
        peer = AgiPeer(*await asyncio.open_connection("127.0.0.1", self.port))
        peer.say(first)
        self.peers.append(peer)
        return peer

    async def began(self) -> None:
        await asyncio.wait_for(self.talking.wait(), PATIENCE)

    async def result(self) -> object:
        return await asyncio.wait_for(self.results.get(), PATIENCE)

    async def one_call(self, talk: Callable[[AgiCall], Awaitable[object]], *replies: bytes) -> tuple[object, list]:
        """Run `talk` against the replies; its result (or what it raised) and the commands that Asterisk heard."""
        self.listen(talk)
        peer = await self.dial()
        commands = await peer.answer(*replies)
        return await self.result(), commands


@pytest.fixture
async def line(reactor) -> AsyncIterator[AgiLine]:
    line = AgiLine(reactor)
    yield line
    await line.factory.close()
    for peer in line.peers:
        peer.writer.close()
