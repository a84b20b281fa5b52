"""A carrier that is named by a domain alone: its SRV records say where it is."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from softphone.phone import Answer, Phone
from tests.e2e import brisk
from tests.e2e.carrier import free_port
from tests.e2e.conftest import COMMAND, TREE, Hotline, make_home

pytestmark = pytest.mark.e2e

DOMAIN, NODE = "carrier.test", "node1.carrier.test"
CARRIER = "127.0.0.21"
NAME_SERVER = f"127.53.{os.getpid() >> 8 & 255}.{os.getpid() & 255 or 1}"
"""A name server has port 53, so each run has an address of its own."""
A, SRV = 1, 33


class Names(asyncio.DatagramProtocol):
    """A name server that knows one carrier, at `port` of its node."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.asked: list[tuple[str, int]] = []

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        labels, at = [], 12
        while length := data[at]:
            labels.append(data[at + 1 : at + 1 + length].decode())
            at += 1 + length
        name, (kind,) = ".".join(labels).lower(), struct.unpack_from(">H", data, at + 1)
        self.asked.append((name, kind))
        value = b""
        if (name, kind) == (f"_sip._udp.{DOMAIN}", SRV):
            value = struct.pack(">HHH", 10, 100, self._port) + _written(NODE)
        elif (name, kind) == (NODE, A):
            value = socket.inet_aton(CARRIER)
        record = struct.pack(">HHHIH", 0xC00C, kind, 1, 60, len(value)) + value if value else b""
        head = data[:2] + struct.pack(">HHHHH", 0x8580, 1, int(bool(value)), 0, 0)
        self._transport.sendto(head + data[12 : at + 5] + record, addr)


def _written(name: str) -> bytes:
    return b"".join(bytes((len(label),)) + label.encode() for label in name.split(".")) + b"\0"


class Elsewhere(Hotline):
    """A hotline whose machine asks NAME_SERVER, and nobody else."""

    resolv: Path
    """Where to write the name server's address."""

    def spawn(self) -> None:
        self.resolv.write_text(f"nameserver {NAME_SERVER}\n")
        inside = f"mount --bind {self.resolv} /etc/resolv.conf && exec {COMMAND} run"
        with (self.home / "output").open("a") as output:
            self.process = subprocess.Popen(
                ["unshare", "-m", "sh", "-c", inside],
                cwd=TREE,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                text=True,
            )


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Elsewhere]:
    """A hotline that is not started yet."""
    may = os.geteuid() == 0 and shutil.which("unshare") and not subprocess.run(["unshare", "-m", "true"]).returncode
    if not may or not Path("/etc/resolv.conf").exists():
        pytest.skip("only root may give a process a name server of its own")
    hotline = Elsewhere(make_home())
    hotline.resolv = tmp_path / "resolv.conf"
    yield hotline
    hotline.end()
    shutil.rmtree(hotline.home, ignore_errors=True)


async def test_a_carriers_srv_records_say_where_it_is(elsewhere: Elsewhere) -> None:
    port = free_port(CARRIER)
    brisk.install(elsewhere.home)
    with (elsewhere.home / "hotline.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[trunks.named]\naddress = "{DOMAIN}"\naddresses = ["{CARRIER}"]\nqualify_seconds = 1\n')
    loop = asyncio.get_running_loop()
    transport, names = await loop.create_datagram_endpoint(lambda: Names(port), local_addr=(NAME_SERVER, 53))
    try:
        async with Phone("carrier", "127.0.0.1", 0, bind=CARRIER, port=port) as carrier:
            carrier.on_invite = Answer(0.0)
            await asyncio.to_thread(elsewhere.start)

            await elsewhere.until(
                lambda: not any("named" in each for each in elsewhere.health()["warnings"]), "it is up"
            )
            answer = await elsewhere.request("POST", "/api/v1/trunks/test", {"number": "13800138000"})
            assert (answer["answered"], answer["trunk"]) == (True, "named")
            (call,) = carrier.calls
            assert call.invite is not None
            assert str(call.invite.uri).startswith(f"sip:13800138000@{DOMAIN}")
        assert (f"_sip._udp.{DOMAIN}", SRV) in names.asked
    finally:
        transport.close()
