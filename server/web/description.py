"""Law: the description of the API is drawn from its routes alone, without a server.

python -m server.web.description      the OpenAPI document on standard output
"""

from __future__ import annotations

import json
import sys
from typing import Any

from fastapi import FastAPI

from server.web.api.application import make_api


class _Nothing:
    """Stands for every act: drawing asks none."""

    def __getattr__(self, name: str) -> _Nothing:
        return self

    def __call__(self, *args: Any, **named: Any) -> _Nothing:
        return self


def application() -> FastAPI:
    """The API with nothing behind it."""
    nothing: Any = _Nothing()
    return make_api(nothing, nothing, nothing)


def description() -> dict[str, Any]:
    """The OpenAPI document."""
    return application().openapi()


def main() -> int:
    """Write the document."""
    json.dump(description(), sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
