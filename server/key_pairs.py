"""Law: a certificate and its key are read together and tried before anybody uses them; a half-written pair is refused.

What was read is used as it was read: the files may be exchanged at any moment.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

SOON = timedelta(days=14)
"""How long before its end a certificate is warned of."""


class PairError(Exception):
    """These files are no pair; the text says why."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate, with those between it and its root, and its key, both PEM. `shown` is the certificate as peers
    see it (DER), `until` its end."""

    certificate: bytes
    key: bytes
    shown: bytes
    until: datetime

    def load(self, context: ssl.SSLContext) -> None:
        """Let this context speak with the pair. Raises PairError; the context is not to be used then."""
        file = os.memfd_create("pair", os.MFD_CLOEXEC)  # the library reads files alone, and the key is to be in none
        try:
            with open(file, "wb", closefd=False) as both:
                both.write(self.key + b"\n" + self.certificate)
            context.load_cert_chain(f"/proc/self/fd/{file}", password=b"")
        except (OSError, ValueError) as error:  # SSLError is an OSError
            why = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
            raise PairError(why.lower().replace("_", " ")) from None
        finally:
            os.close(file)

    def ending(self, where: Path, now: datetime) -> str:
        """A sentence on a certificate that ends soon; empty when it lasts."""
        if self.until >= now + SOON:
            return ""
        ends = "ended" if self.until <= now else "ends"
        return f"the certificate {where} {ends} at {self.until:%Y-%m-%d %H:%M} UTC: renew it"


def read_pair(certificate: Path, key: Path) -> KeyPair:
    """The pair in these files, which works. Raises PairError."""
    try:
        chain, secret = certificate.read_bytes(), key.read_bytes()
    except OSError as error:
        raise PairError(f"{error.filename} cannot be read: {error.strerror}") from None
    try:
        first = x509.load_pem_x509_certificate(chain)
    except ValueError:
        raise PairError(f"{certificate} has no whole certificate in it") from None
    found = KeyPair(chain, secret, first.public_bytes(Encoding.DER), first.not_valid_after_utc)
    try:
        found.load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    except PairError as error:
        raise PairError(f"{certificate} and {key} are no pair: {error}") from None
    return found
