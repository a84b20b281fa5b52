"""Versions of the definitions over HTTP: read, checked, published, undone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, model_validator

from server.hotline.published import Head
from server.usecases.definition_trial import Change, Checked
from server.usecases.definition_versions import Unusable, VersionActs
from server.usecases.errors import ChangedSince
from server.web.api.shapes import Asked, Body, Page, Reason, Who, instant, router
from server.web.problems import MOST_ERRORS, Wrong, answers, problem

_PART = r"^(hotline|holidays|prompts|flow\.[A-Za-z0-9][A-Za-z0-9_-]{0,47})$"
_TAG = re.compile(r'(?:W/)?"v([0-9]{1,9})"')
PartName = Annotated[str, Path(pattern=_PART, description="hotline, holidays, prompts or flow.NAME.")]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=255, description='The ETag of the definitions that were seen, such as "v12".'),
]


class ChangeIn(Body):
    """One change: a part's whole `text` (null: the product's own again), or one `key` with its new `value`, or with
    `remove`."""

    part: str = Field(pattern=_PART, examples=["hotline", "flow.complaint"])
    text: str | None = Field(None, max_length=500_000)
    key: list[str | int] = Field([], max_length=10, examples=[["queues", "complaint", "ring_for"]])
    value: Any = Field(None, description="Of JSON's kinds; a day is written 2027-02-05.")
    remove: bool = False

    @model_validator(mode="after")
    def _is_one(self) -> ChangeIn:
        given = self.model_fields_set
        if sum(("text" in given, "value" in given, self.remove)) != 1 or ("text" in given) == bool(self.key):
            raise ValueError("give the part's text, or a key with its value, or a key and remove")
        return self

    def change(self) -> Change:
        """As the acts take it."""
        if "text" in self.model_fields_set:
            return Change(self.part, text=self.text)
        return (
            Change(self.part, key=tuple(self.key))
            if self.remove
            else Change(self.part, key=tuple(self.key), value=self.value)
        )


Changes = Annotated[list[ChangeIn], Field(min_length=1, max_length=200)]


class CheckIn(Body):
    """Changes on trial."""

    changes: list[ChangeIn] = Field(default_factory=list, max_length=200)


class PublishIn(Body):
    """Changes to publish."""

    changes: Changes
    reason: Reason = ""


class UndoIn(Body):
    """The version whose texts are to hold again; left out, the one before."""

    to: int | None = Field(None, ge=0, le=2**31)
    reason: Reason = ""


class VersionOut(BaseModel):
    """One version. `how`: published, undone (`restores` names the version that holds again), by hand (edited in the
    files of `node`) or found there at the first start. `refused`: why it never held."""

    version: int
    at: str
    by: str
    role: str
    reason: str
    how: Literal["published", "undone", "by hand", "found"]
    restores: int | None
    node: str
    refused: str | None
    parts: list[str]


class PartOut(BaseModel):
    """One part. `source`: whether the operator's own text holds, or the product's; `head`: who gave it its text."""

    part: str
    file: str
    source: Literal["own", "product"]
    shipped: bool = Field(description="Whether the product has a text of its own for it.")
    head: VersionOut | None


class DefinitionsOut(BaseModel):
    """The version in force; 0 while only the product's own texts hold."""

    version: int
    head: VersionOut | None
    parts: list[PartOut]


class PartText(PartOut):
    """One part with its text in force."""

    version: int
    text: str


class FindingOut(BaseModel):
    """One thing that a check found. `own`: in the operator's file."""

    severity: Literal["error", "warning"]
    part: str
    file: str
    own: bool
    line: int
    key: str
    sentence: str


class KeyChangeOut(BaseModel):
    """What becomes of one key; values as TOML writes them."""

    key: str
    kind: Literal["added", "removed", "changed", "moved"]
    before: str | None
    after: str | None
    sentence: str


class PartDiffOut(BaseModel):
    """What changes in one part."""

    part: str
    file: str
    was_own: bool
    is_own: bool
    unified: str
    keys: list[KeyChangeOut]


class CheckedOut(BaseModel):
    """What a check found with these changes on top of `version`; with `usable` they can be published."""

    version: int
    usable: bool
    findings: list[FindingOut]
    changes: list[PartDiffOut]


class VersionDetail(VersionOut):
    """One version with what it changed."""

    changes: list[PartDiffOut]


def version_routes(acts: VersionActs) -> APIRouter:
    """The routes of versions."""
    routes = router("definitions")

    @routes.get("/definitions", response_model=DefinitionsOut)
    async def show_definitions(who: Who, response: Response) -> dict[str, Any]:
        """The version in force, and every part there is. The ETag names the version."""
        found = acts.overview(who)
        response.headers["ETag"] = f'"v{found["version"]}"'
        parts = [each | {"head": _head(each["head"])} for each in found["parts"]]
        return found | {"head": _head(found["head"]), "parts": parts}

    @routes.get("/definitions/parts/{part}", response_model=PartText, responses=answers(404, 422))
    async def show_part(who: Who, part: PartName, response: Response) -> dict[str, Any]:
        """One part with its text in force."""
        found = acts.part(who, part)
        response.headers["ETag"] = f'"v{found["version"]}"'
        return found | {"head": _head(found["head"])}

    @routes.post("/definitions/check", response_model=CheckedOut, responses=answers(422))
    async def check(who: Who, wanted: CheckIn) -> dict[str, Any]:
        """What `sansheng check` finds with these changes, and what differs; nothing is changed."""
        return _checked(await acts.check(who, [each.change() for each in wanted.changes]))

    @routes.post("/definitions/publish", response_model=VersionOut, responses=answers(409, 412, 422, 503))
    async def publish(who: Who, wanted: PublishIn, if_match: IfMatch = None) -> Any:
        """Let these changes hold from now on, on every server. If-Match names the version that was seen."""
        base = _base(if_match)
        if base is None:
            return _without_condition()
        changes = [each.change() for each in wanted.changes]
        try:
            return _head(await acts.publish(who, changes, base, wanted.reason))
        except (ChangedSince, Unusable) as error:
            return _refused(error)

    @routes.post("/definitions/undo", response_model=VersionOut, responses=answers(404, 409, 412, 422, 503))
    async def undo(who: Who, wanted: UndoIn, if_match: IfMatch = None) -> Any:
        """Let the texts of a former version hold again, as a version of its own."""
        try:
            return _head(await acts.undo(who, wanted.to, _base(if_match), wanted.reason))
        except (ChangedSince, Unusable) as error:
            return _refused(error)

    @routes.get("/definitions/versions", response_model=Page[VersionOut], responses=answers(400, 422))
    async def list_versions(who: Who, asked: Annotated[Asked, Query()]) -> dict[str, Any]:
        """Every version, newest first."""
        return await acts.versions(who, asked.limit, asked.cursor)

    @routes.get("/definitions/versions/{version}", response_model=VersionDetail, responses=answers(404, 422))
    async def show_version(who: Who, version: Annotated[int, Path(ge=1, le=2**31)]) -> dict[str, Any]:
        """One version with what it changed."""
        found = await acts.version(who, version)
        return found | {"changes": [asdict(each) for each in found["changes"]]}

    return routes


def _base(if_match: str | None) -> int | None:
    if if_match is None:
        return None
    found = _TAG.fullmatch(if_match.strip())
    return int(found[1]) if found else -1


def _head(head: Head | None) -> dict[str, Any] | None:
    if head is None:
        return None
    shown = asdict(head) | {"at": instant(head.at), "parts": list(head.parts)}
    return shown | {"restores": head.restores or None, "refused": head.refused or None}


def _checked(checked: Checked) -> dict[str, Any]:
    return {
        "version": checked.version,
        "usable": not checked.errors,
        "findings": [asdict(each) for each in checked.findings],
        "changes": [asdict(each) for each in checked.changes],
    }


def _without_condition() -> JSONResponse:
    sentence = "give If-Match: the ETag of the definitions that the changes were made on, as GET /definitions has it"
    return problem(422, "Request cannot be used", sentence, errors=[Wrong(where="header.If-Match", sentence=sentence)])


def _refused(error: ChangedSince | Unusable) -> JSONResponse:
    if isinstance(error, ChangedSince):
        return problem(412, "Changed since", str(error), headers={"ETag": f'"v{error.version}"'})
    found: Sequence[Any] = error.checked.errors[:MOST_ERRORS]
    wrong = [
        Wrong(where=f"{each.file}:{each.line}", sentence=f"{each.key}: {each.sentence}" if each.key else each.sentence)
        for each in found
    ]
    return problem(422, "Value cannot be used", str(error), reason="definitions", errors=wrong)
