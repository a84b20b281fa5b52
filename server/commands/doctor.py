"""`sansheng doctor`: each fault of the installation, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from server.commands.output import Json, print_json, say
from server.commands.shared import settings

if TYPE_CHECKING:
    from server.commands.checks import Findings


def doctor(as_json: Json = False) -> None:
    """Check ports, versions, sounds, disk, clock and permissions.

    Works with the server up or down. Each line is ok, warn or fail, and says what to do. Exit 1 if one fails.
    """
    from server.commands.checks import Finding, Verdict

    found: list[Finding] = []
    for line in _lines():
        found.append(line)
        if not as_json:
            say(f"{line.verdict:<5} {line.check:<12} {line.sentence}")
    if as_json:
        print_json([asdict(line) for line in found])
    if any(line.verdict is Verdict.FAIL for line in found):
        raise typer.Exit(1)


def _lines() -> Findings:
    from server.commands.checks import certificates, machine, service, sockets
    from server.hotline import definitions
    from tables.toml import DefinitionFault

    here = settings()
    running = sockets.home_processes(here)
    try:
        most = definitions.load(here.root).admission.max_calls
    except DefinitionFault:
        most = definitions.Admission().max_calls
    yield from service.check_settings(here)
    yield from service.check_server(here, running)
    yield from sockets.check_ports(here, running)
    yield from machine.check_versions(here)
    yield from service.check_definitions(here)
    for folder in dict.fromkeys((here.root, here.recordings_folder)):
        yield from machine.check_disk(folder, flush=folder == here.root)
    yield from machine.check_clock()
    yield from machine.check_permissions(here, running)
    yield from machine.check_limits(running, most)
    yield from machine.check_audio_ports(here, most)
    yield from service.check_log(here, running)
    yield from service.check_unreadable(here)
    yield from service.check_records(here, running)
    yield from service.check_calling_back(here)
    yield from service.check_trunks(here)
    yield from service.check_spool(here, running)
    yield from certificates.check_certificates(here)
