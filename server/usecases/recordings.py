"""Acts on recordings. Each copy of a recording is in the audit before a byte leaves."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from server.eventlog.access_events import ActAudited
from server.storage.queries.records import Queries
from server.storage.recording_store import FolderStore, ObjectError
from server.usecases.audit import audited
from server.usecases.errors import Conflict, Forbidden, Invalid, NotFound
from server.usecases.permissions import Act, Reach, reach_of
from server.usecases.principal import Principal
from server.usecases.records import RecordActs


class RecordingActs(RecordActs):
    """Reading recordings' data: an agent's are those of the agent's own conversations."""

    kind, act = "recordings", Act.READ_RECORDINGS


class RecordingPulls:
    """Copies of recordings, with or without a running server. `audit` keeps an entry of the audit durably."""

    def __init__(self, records: Queries, store: FolderStore, audit: Callable[[ActAudited], None]) -> None:
        self._records, self._store, self._audit = records, store, audit

    def pull(self, who: Principal, number: int, to: Path, reason: str = "") -> dict[str, Any]:
        """Copy a recording's stereo WAV (caller left, agent right) to the file `to`; returns its row.

        Raises Forbidden, NotFound, Conflict for a recording without a file, Invalid for a file that cannot be written.
        """
        if reach_of(who, Act.PULL_RECORDING) is not Reach.ALL:
            raise Forbidden(f"{who.name} does not reach all recordings, and here no server says which: ask the server")
        found = self._records.recording_show(number)
        if found is None:
            raise NotFound(f"there is no recording {number}: see `sansheng recording list`")
        if not found["path"]:
            raise Conflict(f"recording {number} is {found['state']}: {found['problem'] or 'it is not joined yet'}")
        half_done = to.with_name(f".{to.name}.part")
        try:
            with self._store.open(found["path"]) as source, half_done.open("wb") as target:
                for entry in audited(who, Act.PULL_RECORDING, f"recording {number}", reason):
                    self._audit(entry)
                shutil.copyfileobj(source, target)
            os.replace(half_done, to)
        except ObjectError as error:
            raise Conflict(f"the file of recording {number} is missing: {error}") from None
        except OSError as error:
            with suppress(OSError):
                half_done.unlink()
            raise Invalid("file", f"{to} cannot be written: {error.strerror}") from None
        return found
