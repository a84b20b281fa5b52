"""The operator's certificates: of the API, and of the trunks with TLS."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from server.commands.checks import Findings, fail, ok, warn
from server.config import Settings


def check_certificates(settings: Settings) -> Findings:
    """Each is a whole pair, and does not end soon."""
    from server.hotline import definitions

    if settings.tls_cert is not None:
        yield from _check(*settings.tls_files, "the server does not start with them: write both files again")
    try:
        trunks = definitions.load(settings.root).trunks
    except ValueError:
        return
    folder = (settings.asterisk_home or settings.root) / "secrets" / "sip"
    files = folder / "certificate.pem", folder / "key.pem"
    if any(trunk.transport == "tls" for trunk in trunks) and any(each.exists() for each in files):
        yield from _check(*files, "trunks with TLS do not take them: write both files again")


def _check(certificate: Path, key: Path, otherwise: str) -> Findings:
    from server.key_pairs import PairError, read_pair

    try:
        pair = read_pair(certificate, key)
    except PairError as error:
        yield fail("certificate", f"{error}; {otherwise}")
        return
    if ending := pair.ending(certificate, datetime.now(UTC)):
        yield warn("certificate", ending)
    else:
        yield ok("certificate", f"{certificate} lasts until {pair.until:%Y-%m-%d}")
