"""The readiness check names the missing port: Asterisk boots without it and reports no error."""

from __future__ import annotations

import asyncio
import re
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from server.telephony.asterisk.configure import AMI_SECRET
from server.telephony.asterisk.ready import NotReady, ask_ami, readiness, ready

from .conftest import Machine, another, free_port


async def test_two_run_side_by_side_and_each_is_ready(machine: Machine) -> None:
    with another(machine) as other:
        await readiness(other.site)()
        await ready(machine.site, 3)


async def test_a_sip_port_held_by_another_asterisk_is_named(machine: Machine) -> None:
    held = rf"SIP port {machine.site.sip_port} \(UDP\) is held by another program"
    with another(machine, sip_port=machine.site.sip_port) as other, pytest.raises(NotReady, match=held):
        await ready(other.site, 10)


async def test_a_sip_port_held_by_a_silent_program_is_named(machine: Machine) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        silent = rf"SIP port {port} \(UDP\) is held by another program.*SANSHENG_SIP_PORT"
        with another(machine, sip_port=port) as other, pytest.raises(NotReady, match=silent):
            await ready(other.site, 10)


async def test_a_tcp_port_that_is_taken_is_found_though_udp_works(machine: Machine) -> None:
    port = free_port()
    with socket.socket() as held:
        held.bind(("127.0.0.1", port))
        held.listen()
        with another(machine, sip_port=port) as other, pytest.raises(NotReady, match=rf"SIP port {port} \(TCP\)"):
            await ready(other.site, 10)


async def test_management_of_another_installation_is_not_ours(machine: Machine, tmp_path: Path) -> None:
    stranger = replace(machine.site, home=tmp_path)
    with pytest.raises(NotReady, match="refuses our secret"):
        await ask_ami(stranger)
    assert (tmp_path / "secrets" / AMI_SECRET).exists()


async def test_nothing_there_is_said_in_a_sentence(machine: Machine) -> None:
    nowhere = replace(machine.site, ami_port=free_port())
    with pytest.raises(NotReady, match=r"management port \d+ does not answer"):
        await ready(nowhere, 0.2)


async def test_a_browsers_phone_can_connect(machine: Machine) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", machine.site.http_port)
    lines = (
        "GET /ws HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: sip",
    )
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    assert b"101" in await asyncio.wait_for(reader.readline(), 3)
    writer.close()


async def test_a_stranger_is_told_neither_the_name_nor_the_version(machine: Machine) -> None:
    version = machine.command("core show version").split()[1]
    name = re.search(r"System name: +(\S+)", machine.command("core show settings"))
    assert name
    answers = b""
    for question in (
        "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        f"OPTIONS sip:{name[1]}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK1;rport\r\n"
        "From: <sip:x@127.0.0.1>;tag=1\r\nTo: <sip:x@127.0.0.1>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
        "Contact: <sip:x@127.0.0.1:9>\r\nContent-Length: 0\r\n\r\n",
    ):
        port = machine.site.sip_port if question.startswith("OPTIONS") else machine.site.http_port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(question.encode())
        answers += await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 3)
        writer.close()
    assert b"SIP/2.0 " in answers
    assert b"HTTP/1.1 404" in answers
    for told in (b"\nserver:", b"\nuser-agent:", b"asterisk", version.encode(), name[1].encode()):
        assert told.lower() not in answers.lower()
