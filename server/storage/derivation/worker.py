"""`python -m server.storage.derivation.worker`: makes copies of recordings, one a line, at the lowest priority.

The first line on stdin are the settings, each further one a recording; each answer is one line. It ends with its
stdin, so no worker outlives its server.
"""

from __future__ import annotations

import os
import sys

import msgspec

from server.config import load_settings
from server.storage.derivation.copies import Changed, derive
from server.storage.recording_store import ObjectError
from server.storage.stores import open_store

LOWEST = 19


class Job(msgspec.Struct):
    """One recording of which copies are wanted."""

    key: str
    sha256: str


class Answer(msgspec.Struct):
    """`what` is empty when it was done, else changed, gone or failed."""

    what: str = ""
    why: str = ""


def main() -> None:
    """Work until stdin ends."""
    os.nice(LOWEST)
    environment = msgspec.json.decode(sys.stdin.buffer.readline(), type=dict[str, str])
    store = open_store(load_settings(environment), environment)
    for line in sys.stdin.buffer:
        job = msgspec.json.decode(line, type=Job)
        try:
            derive(store, job.key, job.sha256)
            answer = Answer()
        except Changed as error:
            answer = Answer("changed", str(error))
        except ObjectError as error:
            answer = Answer("gone", str(error))
        except Exception as error:
            answer = Answer("failed", f"{type(error).__name__}: {error}")
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
