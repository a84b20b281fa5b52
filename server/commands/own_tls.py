"""Commands ask the server under TLS: it must be the one whose certificate lies on this machine."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from contextlib import suppress
from http.client import HTTPSConnection
from pathlib import Path


class PinnedConnection(HTTPSConnection):
    """A connection to the server that has the certificate in one of these files, whatever the names in it."""

    def __init__(self, address: str, files: Sequence[Path], seconds: float) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        super().__init__(address, timeout=seconds, context=context)
        self._files = files

    def connect(self) -> None:
        """As http.client's. Raises ConnectionError when another certificate is shown, OSError."""
        super().connect()
        assert isinstance(self.sock, ssl.SSLSocket)
        shown = self.sock.getpeercert(binary_form=True)
        if shown is None or shown not in map(_certificate, self._files):
            self.close()
            raise ConnectionError(f"what answers has another certificate than {self._files[-1]}")


def _certificate(file: Path) -> bytes:
    """The first certificate in this file; nothing where there is none."""
    with suppress(OSError, ValueError):
        first, _, _ = file.read_text("ascii").partition("-----END CERTIFICATE-----")
        return ssl.PEM_cert_to_DER_cert(first[first.find("-----BEGIN CERT") :] + "-----END CERTIFICATE-----\n")
    return b""
