"""The operator's pair for trunks with TLS: Asterisk has a copy of it, which was tried."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from trustme import CA

from server.hotline.trunks import Trunk
from server.telephony.asterisk.configure import RESTART, configure
from server.telephony.asterisk.site import Site
from server.telephony.asterisk.trunk_certificate import PAIR_FILE, own_pair
from tests.server.telephony.asterisk.test_configure import here

__all__ = ["here"]


def write_pair(folder: Path, authority: CA, until: datetime | None = None) -> None:
    """A pair of this authority, as an ACME client leaves it."""
    made = authority.issue_cert("127.0.0.1", not_after=until)
    for name, content in (
        ("key.pem", made.private_key_pem.bytes()),
        ("certificate.pem", b"".join(each.bytes() for each in made.cert_chain_pems)),
    ):
        (folder / f"{name}.new").write_bytes(content)
        (folder / f"{name}.new").rename(folder / name)


@pytest.fixture
def secured(here: Site) -> Site:
    """A site with a trunk with TLS; its folder for the pair is empty."""
    (here.home / "secrets" / "sip").mkdir(parents=True)
    trunk = Trunk("secured", "203.0.113.7", transport="tls", addresses=("203.0.113.7",))
    return replace(here, trunks=(trunk,))


def test_a_pair_that_is_exchanged_reloads_sip_alone(secured: Site) -> None:
    folder, copy = secured.home / "secrets" / "sip", secured.layout.etc / PAIR_FILE
    configure(secured)
    assert not copy.exists()
    write_pair(folder, CA())
    assert configure(secured).reloads == ("res_pjsip.so", RESTART), "the transport had no certificate"
    before = copy.read_text()
    assert configure(secured).changed == ()
    write_pair(folder, CA())
    assert own_pair(secured).differs
    assert (configure(secured).changed, configure(secured).changed) == ((PAIR_FILE,), ())
    assert copy.read_text() != before
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert not own_pair(secured).differs


@pytest.mark.parametrize("broken", ["half", "other", "one gone", "both gone"])
def test_a_broken_pair_never_reaches_asterisk(secured: Site, broken: str) -> None:
    folder, copy = secured.home / "secrets" / "sip", secured.layout.etc / PAIR_FILE
    write_pair(folder, CA())
    configure(secured)
    before, certificate = copy.read_bytes(), folder / "certificate.pem"
    if broken == "half":
        certificate.write_bytes(certificate.read_bytes()[:400])
    elif broken == "other":
        (folder / "key.pem").write_bytes(CA().issue_cert("127.0.0.1").private_key_pem.bytes())
    else:
        for each in (certificate, folder / "key.pem")[: 1 if broken == "one gone" else 2]:
            each.unlink()
    assert configure(secured).changed == ()
    assert copy.read_bytes() == before
    found = own_pair(secured)
    assert "go on with the pair of before: write both files again" in found.problem
    assert (found.differs, found.text) == (False, before.decode())


def test_a_first_pair_that_is_broken_is_told_and_not_used(secured: Site) -> None:
    (secured.home / "secrets" / "sip" / "key.pem").write_text("nonsense")
    assert PAIR_FILE not in configure(secured).changed
    found = own_pair(secured)
    assert found.text == ""
    assert "have no certificate: write both files again" in found.problem
    assert own_pair(replace(secured, trunks=())).problem == "", "nobody needs it"


def test_a_pair_that_ends_within_two_weeks_is_told(secured: Site) -> None:
    now = datetime.now(UTC)
    write_pair(secured.home / "secrets" / "sip", CA(), now + timedelta(days=20))
    assert own_pair(secured, now).problem == ""
    assert "renew it" in own_pair(secured, now + timedelta(days=7)).problem
    assert " ended at " in own_pair(secured, now + timedelta(days=21)).problem
