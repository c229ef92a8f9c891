"""Every public calculation: by name, from its stored record to the same bits, in any units."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest

from kerma.core import InputError, KermaError, Quantity, quantity
from kerma.physics import calculation, ct, registry
from kerma.physics.calculation import Calculation
from kerma.physics.calls import plain
from kerma.reference import Row, row
from tests.physics.calculation_cases import CASES

OTHER = {  # another unit of the same kind, so that every conversion is met
    "mGy": "uGy", "kV": "V", "mm": "cm", "cm": "mm", "m": "mm", "mAs": "As", "deg": "rad",
    "mm Al": "m Al", "Gy.cm2": "uGy.m2", "mGy.cm2": "Gy.m2", "mGy.cm": "Gy.mm", "cm2": "m2",
    "uGy/mAs": "mGy/mAs", "1": "%", "mSv": "Sv", "y": "y", "mGy/(Gy.cm2)": "Gy/(Gy.cm2)",
}  # fmt: skip


def stored(made: Calculation) -> Calculation:
    """Return a calculation as it comes out of the database."""
    return Calculation.from_dict(json.loads(json.dumps(made.as_dict())))


def in_other_units(value: Any) -> Any:
    """Return an argument with every quantity in it in another unit."""
    if isinstance(value, Quantity):
        return value.to(OTHER[str(value.unit)])
    if isinstance(value, Calculation):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        held = {f.name: in_other_units(getattr(value, f.name)) for f in fields(value)}
        return replace(value, **held)
    if isinstance(value, dict):
        return {k: in_other_units(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return tuple(in_other_units(v) for v in value)
    return value


def of_library(names: Any) -> list[str]:
    """Return the names but those of designs, which have tests of their own."""
    return [n for n in names if not n.startswith("shielding.plan.")]


def test_every_public_calculation_has_a_case() -> None:
    assert of_library(registry.functions()) == sorted(CASES)


def test_every_function_that_returns_a_calculation_is_registered() -> None:
    known = {f"{f.__module__}.{f.__name__}" for f in registry.functions().values()}
    made_of_others = {"registry.make", "registry.again"}
    for name in registry._modules():
        module = importlib.import_module(name)
        for function_name, function in inspect.getmembers(module, inspect.isfunction):
            short = f"{name.removeprefix('kerma.physics.')}.{function_name}"
            if function.__module__ != name or function_name.startswith("_"):
                continue
            if ".plan" in name or short in made_of_others:
                continue
            if inspect.signature(function).return_annotation == "Calculation":
                assert f"{name}.{function_name}" in known


@pytest.mark.parametrize("name", CASES)
def test_made_again_from_its_record_it_has_the_same_bits(name: str) -> None:
    made = stored(registry.make(name, **CASES[name]))
    found = registry.compared(made)
    assert found.same
    assert found.relative is None
    assert found.rows_changed == ()
    assert "every bit" in found.text()
    assert made.working
    assert made.inputs
    plain_products = ("shielding.barrier.standard_lead", "ctdi.dose_length")
    assert made.limits or made.assumptions or name in plain_products


@pytest.mark.parametrize("name", CASES)
def test_units_never_change_the_answer(name: str) -> None:
    made = registry.make(name, **CASES[name])
    other = registry.make(name, **{k: in_other_units(v) for k, v in CASES[name].items()})
    other_value = other.value.to(made.value.unit)
    assert other_value.value == pytest.approx(made.value.value, rel=1e-7)
    assert (other_value.u or 0.0) == pytest.approx(made.value.u or 0.0, rel=1e-4, abs=1e-12)


EXTREMES = (1e308, -1e308, 1e-308, 5e-324, 0.0, -1.0, 1e15)


def extremes(value: Any) -> Iterator[Any]:
    """Yield an argument with one quantity in it far out of any range, or of another kind."""
    if isinstance(value, Quantity):
        yield from (Quantity(x, value.unit) for x in EXTREMES)
        yield from (Quantity(value.value, value.unit, u) for u in (1e15, 1e200))
        yield quantity(1, "s")
    elif isinstance(value, tuple) and value and isinstance(value[0], Quantity):
        for n, part in enumerate(value):
            yield from ((*value[:n], other, *value[n + 1 :]) for other in extremes(part))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", CASES)
def test_absurd_values_end_in_a_sentence_or_a_number(name: str) -> None:
    refused = []
    for argument, value in CASES[name].items():
        for other in extremes(value):
            try:
                assert registry.make(name, **{**CASES[name], argument: other}).text()
            except KermaError as refusal:
                refused.append(refusal)
    assert all(r.message.endswith(".") and r.code != "error" for r in refused)


def test_arguments_are_named_in_order() -> None:
    found = registry.arguments("ct.ssde")
    assert [(a.name, a.required) for a in found] == [
        ("ctdivol", True), ("diameter", True), ("phantom", True), ("region", False)]  # fmt: skip
    assert found[-1].default == "body"


@pytest.mark.parametrize(
    ("name", "given", "code"),
    [
        ("ct.nonsense", {}, "unknown-calculation"),
        ("os.system", {}, "unknown-calculation"),
        ("registry.make", {}, "unknown-calculation"),
        ("", {}, "unknown-calculation"),
        ("ct.ssde", {"ctdivol": quantity(1, "mGy")}, "missing-argument"),
        ("ct.ssde", {**CASES["ct.ssde"], "colour": "blue"}, "unknown-argument"),
    ],
)
def test_what_cannot_be_made_by_name_is_refused(
    name: str, given: dict[str, Any], code: str
) -> None:
    with pytest.raises(InputError) as refusal:
        registry.make(name, **given)
    assert refusal.value.code == code


def test_a_record_from_before_calls_keeps_its_hash_and_says_why_it_is_not_made_again() -> None:
    made = registry.make("ct.ssde", **CASES["ct.ssde"])
    old = replace(made, call=None)
    data = old.as_dict()
    assert "call" not in data
    assert Calculation.from_dict(data).sha256 == old.sha256 != made.sha256
    with pytest.raises(InputError) as refusal:
        registry.compared(Calculation.from_dict(data))
    assert refusal.value.code == "no-call"


def corrected(monkeypatch: pytest.MonkeyPatch, row_id: str, **more: str) -> None:
    """Let a row have another content, as a newer edition of the data would."""
    held = row(row_id)
    new = replace(held, fields={**held.fields, **more})

    def found(wanted: str) -> Row:
        return new if wanted == row_id else row(wanted)

    monkeypatch.setattr(calculation, "row", found)
    whole = ct.rows
    monkeypatch.setattr(ct, "rows", lambda name: [found(r.id) for r in whole(name)])


def test_a_newer_edition_of_a_row_is_named_and_its_effect_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = stored(registry.make("ct.ssde", **CASES["ct.ssde"]))
    corrected(monkeypatch, "ssde/aapm-204/f32", a="3.89")
    found = registry.compared(made)
    assert not found.same
    assert found.rows_changed == ("ssde/aapm-204/f32",)
    assert found.relative == pytest.approx(3.89 / 3.704369 - 1)
    assert "+5.01 %" in found.text()
    assert "ssde/aapm-204/f32" in found.text()


def test_calculations_among_the_arguments_are_made_again_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dose = ct.effective_dose(**CASES["ct.effective_dose"])
    made = stored(registry.make("beam.output.deviation", measured=quantity(6, "mSv"),
                                expected=dose))  # fmt: skip
    assert made.call is not None
    assert made.call.arguments["expected"] == {"~call": {
        "function": "ct.effective_dose", "arguments": dose.call.arguments}}  # type: ignore[union-attr]  # fmt: skip
    name = dose.sources[0].row
    corrected(monkeypatch, name, k_mSv_per_mGy_cm="0.015")
    found = registry.compared(made)
    assert found.rows_changed == (name,)
    assert found.now is not None
    assert found.now.value.value == pytest.approx(100 * (6 / (400 * 0.015) - 1))


def test_a_row_that_is_gone_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    made = stored(registry.make("ct.effective_dose", **CASES["ct.effective_dose"]))
    monkeypatch.setattr(ct, "coefficient_sets", dict)
    found = registry.compared(made)
    assert found.now is None
    assert "not given any more" in found.text()


@pytest.mark.parametrize("where", ["os:system", "kerma.physics.calls:plain", "kerma.core:Level",
                                   "kerma.physics.nonsense:X", ""])  # fmt: skip
def test_stored_arguments_cannot_name_anything_but_records(where: str) -> None:
    made = registry.make("ct.ssde", **CASES["ct.ssde"])
    data = made.as_dict()
    data["call"]["arguments"]["region"] = {"~object": where, "fields": {}}
    with pytest.raises(InputError) as refusal:
        registry.again(Calculation.from_dict(data))
    assert refusal.value.code == "stored-data"


def test_a_record_whose_fields_changed_is_refused_in_words() -> None:
    made = registry.make("shielding.archer.transmission", **CASES["shielding.archer.transmission"])
    data = made.as_dict()
    data["call"]["arguments"]["beam"]["fields"]["colour"] = "blue"
    found = registry.compared(Calculation.from_dict(data))
    assert found.now is None
    assert "no record of a calculation as it is now" in found.text()


def test_what_no_argument_may_be_is_found_at_once() -> None:
    for wrong in (object(), b"bytes", {1, 2}):
        with pytest.raises(TypeError):
            plain(wrong)
