"""What the server is made to run with, without root: programs out of Debian packages, and the Python environment."""

from provision.making import PARTS, Console, ProvisionError, Tool, default_cache, provision

__all__ = ["PARTS", "Console", "ProvisionError", "Tool", "default_cache", "provision"]
