"""Clients of live rows that cost as little as they can: one thread reads all their sockets, and reads most of it away.

What the clients of interest are told is kept with the instant at which it came out of the socket, and read afterwards.
"""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

AT_ONCE = 50
"""Clients that come together."""
PATIENCE = 60.0
"""Seconds within which they are told the first rows."""
MOST = 1 << 18
"""Bytes read from a socket at once."""


@dataclass(eq=False, slots=True)
class Client:
    """One client. `kept`: what it is told is kept."""

    token: str
    kept: bool = False
    told: list[tuple[float, bytes]] = field(default_factory=list)
    """(UTC epoch seconds at which it came, bytes)."""
    begun: bool = False

    def events(self, after: float) -> Iterator[tuple[float, dict[str, Any]]]:
        """(when it had come, data) of each event that came after this instant."""
        left = b""
        for at, piece in self.told:
            *lines, left = (left + piece).split(b"\n")
            for line in lines:
                if line.startswith(b"data: ") and at >= after:
                    yield at, json.loads(line[6:])


class Clients:
    """Clients of the server at this port of 127.0.0.1."""

    def __init__(self, port: int, clients: list[Client]) -> None:
        self._port, self._clients = port, clients
        self._poll = select.epoll()
        self._of: dict[int, tuple[Client, socket.socket]] = {}
        self._over = False
        self._thread = threading.Thread(target=self._read, daemon=True)

    def come(self) -> None:
        """Connect all of them, and return when each has been told the first rows. Raises TimeoutError."""
        self._thread.start()
        for start in range(0, len(self._clients), AT_ONCE):
            some = self._clients[start : start + AT_ONCE]
            for client in some:
                self._connect(client)
            end = time.monotonic() + PATIENCE
            while not all(client.begun for client in some):
                if time.monotonic() > end:
                    raise TimeoutError("the server does not tell its clients the first rows")
                time.sleep(0.02)

    def go(self) -> None:
        """Leave."""
        self._over = True
        if self._thread.is_alive():
            self._thread.join(5)
        for _, connection in self._of.values():
            connection.close()
        self._poll.close()

    def _connect(self, client: Client) -> None:
        connection = socket.create_connection(("127.0.0.1", self._port))
        head = f"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {client.token}\r\n\r\n"
        connection.sendall(head.encode())
        connection.setblocking(False)
        self._of[connection.fileno()] = client, connection
        self._poll.register(connection, select.EPOLLIN)

    def _read(self) -> None:
        space = bytearray(MOST)
        while not self._over:
            ready = [self._of[number] for number, _ in self._poll.poll(0.2)]
            ready.sort(key=lambda each: not each[0].kept)
            for client, connection in ready:
                if client.kept:
                    told = connection.recv(MOST)
                    client.told.append((time.time(), told))
                    client.begun |= b"data: " in told
                    size = len(told)
                else:
                    size = connection.recv_into(space)
                    client.begun = client.begun or b"data: " in space[:size]
                if not size:
                    self._poll.unregister(connection)
