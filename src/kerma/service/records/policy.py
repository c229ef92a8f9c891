"""The service's own particulars, from ``policy.yaml``."""

from __future__ import annotations

from functools import cache
from importlib import resources

import yaml

from kerma.reports.parts import Organisation


@cache
def service() -> Organisation:
    """Return the service as it is named at the head of every report."""
    text = (resources.files("kerma.service.records") / "policy.yaml").read_text("utf-8")
    named = yaml.safe_load(text)["service"]
    return Organisation(named["name"], tuple(named["address"]), named["contact"])
