"""Law: beyond this machine passwords and voices travel under TLS alone, without the operator having to do anything.

The certificate is the operator's (`SANSHENG_TLS_CERT`), or one of a private authority of this home, which is made when
the server is bound to more than loopback and no proxy stands in front. Renewed files are taken over while the server
runs.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from cryptography import x509
from trustme import CA

from server.config import Settings
from server.key_pairs import KeyPair, PairError, read_pair

LASTS, RENEWED = timedelta(days=397), timedelta(days=30)
"""How long a certificate of the private authority lasts, and how long before its end it is renewed."""
EVERY = 60.0
"""Seconds between two looks at the files."""
_log = structlog.get_logger("tls")


class CertificateError(Exception):
    """The certificate cannot be used; the text says why, and what to do."""


class Certificates:
    """The certificate of one server, and its files. `now` gives the present instant."""

    def __init__(self, settings: Settings, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._settings, self._now = settings, now
        self._given = bool(settings.tls_cert)
        self._cert, self._key = settings.tls_files
        self._context: ssl.SSLContext | None = None
        self._pair: KeyPair | None = None
        """What is shown to peers."""
        self.problem = ""
        """Why a renewed certificate could not be taken over, as a sentence; empty when nothing is wrong."""

    @property
    def authority(self) -> bytes:
        """The certificate of the private authority, for browsers to trust; empty when the operator gave one."""
        return b"" if self._given else self._settings.tls_authority.read_bytes()

    def context(self) -> ssl.SSLContext:
        """What the server speaks TLS with; the certificate is made first if it is the private authority's.

        Raises CertificateError.
        """
        self._make()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            self._take(self._read(), context)
        except PairError as error:
            raise CertificateError(f"{error}: see {self._named}") from None
        self._context = context
        return context

    def look(self) -> None:
        """Renew what is about to end, and take renewed files over: new connections have them.

        Files that are no pair change nothing.
        """
        self.problem = ""
        try:
            self._make()
            if self._context is not None and (pair := self._read()) != self._pair:
                self._take(pair, self._context)
                _log.info("a renewed certificate was taken over", file=str(self._cert))
        except CertificateError as error:
            self.problem = str(error)
        except PairError as error:
            self.problem = f"{error}. The pair of before is served on: write both files again ({self._named})"
        if self._given and self._pair is not None and (ending := self._pair.ending(self._cert, self._now())):
            self.problem = f"{self.problem}; {ending}" if self.problem else ending

    @property
    def _named(self) -> str:
        return "SANSHENG_TLS_CERT and SANSHENG_TLS_KEY" if self._given else "remove both, and they are made anew"

    def _read(self) -> KeyPair:
        return read_pair(self._cert, self._key)

    def _take(self, pair: KeyPair, context: ssl.SSLContext) -> None:
        """Show this pair, and say so to the commands of this machine."""
        pair.load(context)
        self._pair = pair
        try:
            if self._given:
                _write(self._settings.tls_shown, pair.certificate)
        except OSError as error:
            _log.warning("commands are not told of the certificate", why=str(error))

    # The private authority

    def _make(self) -> None:
        if self._given:
            return
        try:
            authority = self._authority()
            names = names_of(self._settings)
            if not self._holds(names):
                ends = (self._now() + LASTS).replace(tzinfo=None)
                made = authority.issue_cert(*names, common_name=socket.gethostname()[:64], not_after=ends)
                _write(self._key, made.private_key_pem.bytes())
                _write(self._cert, b"".join(blob.bytes() for blob in made.cert_chain_pems))
        except OSError as error:
            raise CertificateError(f"{error.filename} cannot be used ({error.strerror}): mend it") from None
        except ValueError as error:
            where = self._settings.tls_authority.parent
            raise CertificateError(f"the private authority in {where} cannot be read ({error}): delete it") from None

    def _authority(self) -> CA:
        """The private authority; a new one where there is none."""
        cert, key = self._settings.tls_authority, self._settings.tls_authority.with_name("ca-key.pem")
        if not (cert.exists() and key.exists()):
            made = CA(organization_name="Sansheng", organization_unit_name=f"hotline at {socket.gethostname()}"[:64])
            _write(key, made.private_key_pem.bytes())
            _write(cert, made.cert_pem.bytes())
        return CA.from_pem(cert.read_bytes(), key.read_bytes())

    def _holds(self, names: Iterable[str]) -> bool:
        """Whether the certificate that is there is of this authority, lasts, and has all names."""
        try:
            cert = x509.load_pem_x509_certificate(self._cert.read_bytes())
            authority = x509.load_pem_x509_certificate(self._settings.tls_authority.read_bytes())
            cert.verify_directly_issued_by(authority)
            found = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (FileNotFoundError, ValueError, x509.ExtensionNotFound):
            return False
        except Exception as error:  # InvalidSignature
            _log.info("the certificate is of another authority: it is made anew", error=type(error).__name__)
            return False
        has = {str(each) for each in found.get_values_for_type(x509.IPAddress)}
        has |= {each.lower() for each in found.get_values_for_type(x509.DNSName)}
        return (
            self._key.exists()
            and {each.lower() for each in names} <= has
            and (cert.not_valid_after_utc > self._now() + RENEWED)
        )


def names_of(settings: Settings) -> list[str]:
    """The names and addresses by which browsers may address the server."""
    host = socket.gethostname()
    names = {"localhost", "127.0.0.1", "::1", host, *settings.tls_names}
    with suppress(OSError):
        names.add(socket.getfqdn())
    bind = ipaddress.ip_address(settings.bind)
    names |= {str(bind)} if not bind.is_unspecified else addresses_of_this_machine()
    names |= {settings.external_address} - {""}
    return sorted(each for each in names if _is_name(each))


def addresses_of_this_machine() -> set[str]:
    """The addresses that the kernel has, without those that change by themselves (link-local ones)."""
    found: set[str] = set()
    with suppress(OSError):
        before = ""
        for line in Path("/proc/net/fib_trie").read_text("ascii").splitlines():
            word = line.split()
            if line.lstrip().startswith("|--"):
                before = word[1]
            elif word[:2] == ["/32", "host"] and word[2:3] == ["LOCAL"]:
                found.add(before)
    with suppress(OSError):
        for line in Path("/proc/net/if_inet6").read_text("ascii").splitlines():
            found.add(str(ipaddress.IPv6Address(bytes.fromhex(line.split()[0]))))
    return {each for each in found if not ipaddress.ip_address(each).is_link_local}


def _is_name(text: str) -> bool:
    """Whether a certificate can have this name."""
    with suppress(ValueError):
        return bool(ipaddress.ip_address(text))
    labels = text.rstrip(".").split(".")
    return len(text) <= 253 and all(
        0 < len(each) <= 63 and each.isascii() and each.replace("-", "a").replace("_", "a").isalnum() for each in labels
    )


def _write(path: Path, content: bytes) -> None:
    """The file is there whole or not at all, and for its owner alone."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)
