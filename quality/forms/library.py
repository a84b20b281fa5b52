"""A version of a form is taken once: the same again changes nothing, another content under its number is refused."""

from __future__ import annotations

from collections.abc import Iterable

from quality.errors import QualityError
from quality.forms.definitions import Form


class Library:
    """All versions of all forms, so that a score of long ago still has its questions."""

    def __init__(self, forms: Iterable[Form] = ()) -> None:
        self._versions: dict[str, dict[int, Form]] = {}
        for form in forms:
            self.add(form)

    def add(self, form: Form) -> bool:
        """Take a form; whether it is new. Raises QualityError for a changed form with a number that was given before,
        and for a new one whose number is not the highest of its name."""
        versions = self._versions.get(form.name, {})
        known = versions.get(form.version)
        if known is not None:
            if known.digest == form.digest:
                return False
            raise QualityError(
                f"form {form} is not what it was (SHA-256 {known.digest[:12]}…, now {form.digest[:12]}…): "
                f"a changed form is a new version, {max(versions) + 1} or higher"
            )
        if versions and form.version < max(versions):
            raise QualityError(
                f"form {form} comes after version {max(versions)}: number it {max(versions) + 1} or higher"
            )
        self._versions.setdefault(form.name, {})[form.version] = form
        return True

    def latest(self, name: str) -> Form:
        """The version to score by now. Raises QualityError when there is no such form."""
        versions = self._versions.get(name)
        if not versions:
            raise QualityError(f"there is no form {name}; there are {', '.join(sorted(self._versions)) or 'none'}")
        return versions[max(versions)]

    def get(self, name: str, version: int) -> Form:
        """One version. Raises QualityError when there is no such version."""
        try:
            return self._versions[name][version]
        except KeyError:
            raise QualityError(f"there is no form {name} version {version}") from None

    def all(self) -> list[Form]:
        """Every version, by name and number."""
        return [
            self._versions[name][version] for name in sorted(self._versions) for version in sorted(self._versions[name])
        ]
