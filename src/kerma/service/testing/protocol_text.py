"""The protocol a survey follows: its own copy of the text, as it stood when it was planned."""

from __future__ import annotations

from functools import lru_cache

from kerma.protocols import Protocol, parse_protocol
from kerma.service.testing.models import Survey


@lru_cache(maxsize=64)
def _parsed(sha256: str, text: str, name: str) -> Protocol:
    return parse_protocol(text, name)


def protocol_of(survey: Survey) -> Protocol:
    """Return the protocol as it stood when the survey was planned."""
    return _parsed(survey.protocol_sha256, survey.protocol_text, survey.protocol)
