"""Small protocols for tests: only what the test is about has to be written."""

from __future__ import annotations

from typing import Any

import yaml

from kerma.core import Quantity, quantity
from kerma.protocols import Inputs, Outcome, Protocol, evaluate, parse_protocol

BASE: dict[str, Any] = {
    "protocol": "small",
    "version": 1,
    "title": "A small protocol",
    "equipment": ["radiography"],
    "levels_from": ["radiography", "dr"],
    "instruments": {"meter": {"title": "Multimeter", "kind": "multimeter"}},
    "setups": {
        "kv80": {
            "title": "80 kV, 20 mAs, 1 m", "kv": "80 kV", "mas": "20 mAs",
            "distance": "1000 mm", "focus": "broad",
        },
    },
    "readings": [
        {"id": "kv_80", "title": "Tube voltage", "setup": "kv80", "unit": "kV", "repeats": 3,
         "instrument": "meter"},
        {"id": "k_80", "title": "Air kerma", "setup": "kv80", "unit": "uGy", "repeats": 3,
         "instrument": "meter"},
    ],
}  # fmt: skip


def text_of(tests: list[dict[str, Any]], **more: Any) -> str:
    """Return the YAML of the base protocol with these tests (and other keys replaced)."""
    return yaml.safe_dump(
        {**BASE, **more, "tests": tests}, sort_keys=False, width=1000, allow_unicode=True
    )


def entry(**fields: Any) -> dict[str, Any]:
    """Return one test entry; fields given as None are left out."""
    usual: dict[str, Any] = {
        "id": "kv", "title": "Tube voltage, 80 kV", "section": "Tube", "test_id": "kv_accuracy",
        "formula": "mean(kv_80)", "unit": "kV", "nominal": "setup.kv",
    }  # fmt: skip
    return {k: v for k, v in {**usual, **fields}.items() if v is not None}


def small(*tests: dict[str, Any], **more: Any) -> Protocol:
    """Return the base protocol with these tests."""
    return parse_protocol(text_of(list(tests) or [entry()], **more), "small.yaml")


def values(unit: str, *numbers: float | None, u: float | None = None) -> list[Quantity | None]:
    """Return readings; ``None`` for one that is missing."""
    return [None if n is None else quantity(n, unit, u) for n in numbers]


def only(protocol: Protocol, inputs: Inputs, **more: Any) -> Outcome:
    """Return the outcome of a protocol with one test."""
    (found,) = evaluate(protocol, inputs, **more)
    return found
