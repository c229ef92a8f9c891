"""What the manual says is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from kerma.core import Verdict, quantity
from kerma.protocols import (
    PHASES,
    USUAL_PHASES,
    Inputs,
    check_analyses,
    evaluate,
    parse_protocol,
)
from kerma.protocols.formula import FUNCTIONS, LANGUAGE_VERSION

DOCS = Path(__file__).parents[2] / "docs"
LANGUAGE = (DOCS / "methods" / "formula-language.md").read_text(encoding="utf-8")
FILES = (DOCS / "protocol-files.md").read_text(encoding="utf-8")


def test_every_function_is_in_the_manual_with_its_least_number() -> None:
    told = {
        m[1]: (m[2].strip(), int(m[3]))
        for m in re.finditer(r"^\| `(\w+)\([^`]*\)` \| (.*) \| (\d+) \|$", LANGUAGE, re.M)
    }
    assert told == {name: (f.summary, f.least) for name, f in FUNCTIONS.items()}
    assert f"Version {LANGUAGE_VERSION} " in LANGUAGE


def test_the_manuals_protocol_works() -> None:
    text = re.search(r"```yaml\n(.*?)```", FILES, re.S)
    assert text
    protocol = parse_protocol(text[1], "protocol-files.md")
    check_analyses(protocol)
    readings = {
        "k_al": [quantity(v, "uGy") for v in (100, 80, 64, 51.2, 40.96)],
        "kv_80": [quantity(80.4, "kV")] * 5,
        "stops": [quantity(1, "1")],
    }
    found = {o.test.id: o for o in evaluate(protocol, Inputs(readings=readings))}
    assert found["hvl_80"].value is not None
    assert round(found["hvl_80"].value.value, 3) == 3.106
    assert found["hvl_80"].verdict is Verdict.PASS
    assert found["kv_accuracy_80"].verdict is Verdict.PASS
    assert found["stp"].verdict is Verdict.NOT_DONE


def test_the_manual_names_the_phases() -> None:
    for phase in PHASES:
        assert f"`{phase}`" in FILES
    assert ", ".join(USUAL_PHASES) in FILES
