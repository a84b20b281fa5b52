"""Programs out of Debian packages and the Python environment, without root, for `make` and the server.

Begin with `making`.
"""

from provision.making import PARTS, Console, ProvisionError, Tool, default_cache, provision

__all__ = ["PARTS", "Console", "ProvisionError", "Tool", "default_cache", "provision"]
