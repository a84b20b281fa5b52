"""The management account may serve calls. It loads no module, rewrites no file and runs no program."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from provision.parts import RUNS_PROGRAMS
from server.telephony.ami.link import AmiFailed
from server.telephony.asterisk.configure import AMI_SECRET, secret
from server.telephony.asterisk.control import OwnAmi, control_socket
from softphone.audio import Tone
from softphone.phone import Answer

from .conftest import TONES, Machine, Management, Server, Session, free_port
from .test_agents import LEG, Hotline, fixed


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that leaves the file `ran` beside itself."""
    path = tmp_path / "program"
    path.write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("ModuleLoad", {"Module": "app_system.so", "LoadType": "load"}),
        ("ModuleLoad", {"Module": "../../../../tmp/x.so", "LoadType": "load"}),
        ("ModuleLoad", {"Module": "res_agi.so", "LoadType": "unload"}),
        ("Reload", {"Module": "manager"}),
        ("Command", {"Command": "core show version"}),
        ("UpdateConfig", {"SrcFilename": "musiconhold.conf", "DstFilename": "musiconhold.conf"}),
        ("GetConfig", {"Filename": "manager.conf"}),
        ("DialplanExtensionAdd", {"Context": "x", "Extension": "s", "Priority": "1", "Application": "AGI"}),
        ("MixMonitor", {"Channel": "x", "File": "x.wav", "Command": "touch x"}),
        ("AGI", {"Channel": "x", "Command": "EXEC AGI /bin/true"}),
        ("Getvar", {"Variable": "SHELL(id)"}),
        ("Setvar", {"Variable": "SHELL(id)", "Value": "x"}),
        ("DBPut", {"Family": "x", "Key": "x", "Val": "x"}),
    ],
)
async def test_the_account_may_not(management: Management, action: str, fields: dict[str, str]) -> None:
    reply = await management.action(action, **fields)
    assert reply["Response"] == "Error"
    assert re.search("Permission denied|Forbidden|not set", reply["Message"])


@pytest.mark.parametrize(
    ("application", "data"),
    [
        ("System", "touch {}"),
        ("TrySystem", "touch {}"),
        ("AGI", "/usr/bin/touch,{}"),
        ("EAGI", "/usr/bin/touch,{}"),
        ("Exec", "AGI(/usr/bin/touch,{})"),
        ("TryExec", "AGI(/usr/bin/touch,{})"),
        ("ExecIf", "1?AGI(/usr/bin/touch,{})"),
        ("ExternalIVR", "/usr/bin/touch({})"),
        ("MixMonitor", "x.wav,,touch {}"),
        ("Originate", "Local/s@called,app,System,touch {}"),
        ("NoOp", "${{SHELL(touch {})}}"),
    ],
)
async def test_no_application_that_runs_programs_can_be_originated(
    management: Management, tmp_path: Path, application: str, data: str
) -> None:
    reply = await management.action(
        "Originate", Channel="Local/s@callback-line", Application=application, Data=data.format(tmp_path / "ran")
    )
    assert (reply["Response"], reply["Message"].partition(":")[0]) == ("Error", "Originate Access Forbidden")
    assert not (tmp_path / "ran").exists()


def test_asterisk_finds_no_module_that_is_not_listed(machine: Machine) -> None:
    for name in (*RUNS_PROGRAMS, "pbx_spool", "res_ari", "cdr_csv"):
        assert "Unable to load module" in machine.command(f"module load {name}.so")
    folder = machine.site.layout.modules
    loaded = set(re.findall(r"(?m)^(\S+\.so) .* Running", machine.command("module show")))
    assert {each.name for each in folder.iterdir()} == loaded


def test_a_private_asterisk_has_no_module_that_runs_programs(machine: Machine) -> None:
    if ".cache" in machine.site.modules.parts:
        assert not [name for name in RUNS_PROGRAMS if (machine.site.modules / f"{name}.so").exists()]


async def test_no_variable_names_the_fallbacks_program(machine: Machine, management: Management, program: Path) -> None:
    await management.action("Setvar", Variable="TAKE_NUMBER", Value=str(program))
    async with machine.phone("13800001111") as phone:
        call = await phone.dial("4008001234")
        await call.heard(TONES["fallback-number"], within=12)
        await call.hangup()
    assert not program.with_name("ran").exists()


async def test_no_variable_names_the_server(machine: Machine, management: Management) -> None:
    asked: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def done(session: Session) -> None:
        await session.set("SANSHENG_DONE", "1")
        asked.set_result(None)

    stranger = Server(free_port())
    await stranger.start(done)
    await machine.servers[0].start(done)
    try:
        await management.action("Setvar", Variable="server", Value=f"127.0.0.1:{stranger.port}")
        async with machine.phone("13800001111") as phone:
            call = await phone.dial("4008001234")
            await asyncio.wait_for(asked, 5)
            await call.ended(5)
        assert (machine.servers[0].paths, stranger.paths) == (["hotline"], [])
    finally:
        await stranger.die()


async def test_no_recording_names_a_program(
    machine: Machine, management: Management, fixed_ports: dict[str, int], program: Path
) -> None:
    hotline = Hotline(f"{fixed(fixed_ports)},20,{LEG}", __SANSHENG_REC=f"{program.with_name('x')}.wav),{program} ")
    await machine.servers[0].start(hotline)
    async with machine.phone("13800001111") as phone, machine.phone("1001", port=fixed_ports["1001"]) as agent:
        agent.on_invite = Answer(source=Tone(600))
        call = await phone.dial("4008001234", source=Tone(1000))
        leg = await agent.incoming(5)
        await call.heard(600, within=5)
        await leg.hangup()
        await call.ended(5)
    assert [path.name for path in program.parent.iterdir()] == [program.name]


async def test_what_the_account_may_not_is_done_over_the_control_socket(machine: Machine) -> None:
    site = machine.site
    user = ("127.0.0.1", site.ami_port, "sansheng", secret(site.layout, AMI_SECRET))
    link = OwnAmi(control_socket(site.layout), *user)
    link.start()
    try:
        await link.up(5)
        assert (await link.action("Reload", Module="manager")).success
        with pytest.raises(AmiFailed, match="No such module"):
            await link.action("Reload", Module="nonsense")
        with pytest.raises(AmiFailed, match="No channel matching"):
            await link.action("MixMonitor", Channel="PJSIP/1001-00000000", File="", Options='br(a "b".wav)')
    finally:
        await link.close()
    assert control_socket(site.layout).stat().st_mode & 0o777 == 0o600
