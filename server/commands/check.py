"""`sansheng check`: are the definitions, the flows and the prompts usable?"""

from __future__ import annotations

import time
from pathlib import Path

import typer

from server import definitions
from server.commands.shared import settings
from server.toml import DefinitionFault, shown
from server.voice.shelf import findings as prompt_findings


def check() -> None:
    """Check hotline.toml, the flows and the prompts; each finding names file, line and key."""
    home = settings().root
    try:
        loaded = definitions.load(home)
    except DefinitionFault as error:
        typer.echo(f"error: {error}")
        raise typer.Exit(1) from None
    errors = 0
    for finding, file, line in definitions.findings(home, loaded, time.time()):
        typer.echo(f"{finding.severity}: {_short(file)}:{line}: {shown(finding.key)}: {finding.sentence}")
        errors += finding.severity == "error"
    for sentence in prompt_findings(definitions.PROMPTS):
        typer.echo(f"error: {sentence}")
        errors += 1
    if errors:
        raise typer.Exit(1)
    queues = len(loaded.policy.queues)
    typer.echo(f"{_short(Path(loaded.source))}: {queues} queues, {len(loaded.flows)} flows, prompts complete: usable")


def _short(file: Path) -> str:
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)
