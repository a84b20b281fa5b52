"""Commands ask the server under TLS: it must be the one whose certificate lies on this machine."""

from __future__ import annotations

import ssl
from http.client import HTTPSConnection
from pathlib import Path


class PinnedConnection(HTTPSConnection):
    """A connection to the server that has the certificate in this file, whatever the names in it."""

    def __init__(self, address: str, file: Path, seconds: float) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        super().__init__(address, timeout=seconds, context=context)
        self._file = file

    def connect(self) -> None:
        """As http.client's. Raises ConnectionError when another certificate is shown, OSError."""
        super().connect()
        assert isinstance(self.sock, ssl.SSLSocket)
        first, _, _ = self._file.read_text("ascii").partition("-----END CERTIFICATE-----")
        wanted = ssl.PEM_cert_to_DER_cert(first[first.find("-----BEGIN") :] + "-----END CERTIFICATE-----\n")
        if self.sock.getpeercert(binary_form=True) != wanted:
            self.close()
            raise ConnectionError(f"what answers has another certificate than {self._file}")
