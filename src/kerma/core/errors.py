"""The errors Kerma raises, each with a code, a plain sentence and whether trying again can help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class KermaError(Exception):
    """Base of every error Kerma raises on purpose.

    Parameters
    ----------
    message
        Plain English: what is wrong and what to do about it.
    code
        Short kebab-case name, stable between versions; programs branch on it.
    detail
        Machine-readable facts (file, line, offending value).
    permanent
        False when the same call may succeed later (a locked file, a busy server).
    """

    code = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        detail: Mapping[str, Any] | None = None,
        permanent: bool = True,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.detail = dict(detail or {})
        self.permanent = permanent

    def as_dict(self) -> dict[str, Any]:
        """Return the error as plain data for JSON, quarantine records and exit reports."""
        return {
            "code": self.code,
            "message": self.message,
            "detail": self.detail,
            "permanent": self.permanent,
        }


class InputError(KermaError):
    """What was given is wrong: a file, a number, a unit, a blank."""

    code = "input"


class UnsupportedError(KermaError):
    """What was given is well formed, but not something Kerma handles."""

    code = "unsupported"


class AnalysisError(KermaError):
    """An image measurement could not be made; `stage` names the step that stopped it."""

    code = "analysis"

    def __init__(self, message: str, *, stage: str, **more: Any) -> None:
        super().__init__(message, **more)
        self.stage = stage
        self.detail.setdefault("stage", stage)


class IntegrityError(KermaError):
    """Stored data does not match its hash or its chain."""

    code = "integrity"


class NotEntitled(KermaError):
    """A person may not do this act; `rule` names the rule and `missing` what would satisfy it."""

    code = "not-entitled"

    def __init__(self, message: str, *, rule: str, missing: str, **more: Any) -> None:
        super().__init__(message, **more)
        self.rule = rule
        self.missing = missing
        self.detail.update(rule=rule, missing=missing)
