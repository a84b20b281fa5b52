"""The private Redis: on a socket of its own, and durable before it answers."""

from __future__ import annotations

from pathlib import Path

from provision import Tool
from server.processes.children import Child


def redis_child(tool: Tool, socket: Path) -> Child:
    """The child that runs the private Redis; its data stand beside its socket."""
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(socket.parent),
        "appendonly": "yes",
        # A decision is acted upon when its entry is written: it must survive the machine, too.
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return Child("redis", tool.argv("redis-server", *words), socket.parent, tool.env)
