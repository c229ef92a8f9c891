"""The service's own choices, from ``policy.yaml``."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import yaml


@cache
def policy() -> dict[str, Any]:
    """Return who owns actions, when they are due, how often to survey."""
    text = (resources.files("kerma.service.testing") / "policy.yaml").read_text("utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded
