"""The service's own choices about dose reports, from ``policy.yaml``."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import yaml

from kerma.dicom.dose.records import Identity
from kerma.dicom.notpatient import matches


@cache
def policy() -> dict[str, Any]:
    """Return the patterns that tell test objects from patients."""
    text = (resources.files("kerma.service.doses") / "policy.yaml").read_text("utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def not_patient(identity: Identity) -> list[str]:
    """Return the patterns that show that this is no patient; none: taken for a patient."""
    patterns = policy()["not_patient"]
    found = matches(
        identity.patient_id,
        identity.name,
        id_patterns=patterns["id"],
        name_patterns=patterns["name"],
    )
    return [str(match) for match in found]
