"""The table of transmission coefficients agrees with itself; published slips are found."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerma.core import IntegrityError
from kerma.physics.shielding import ncrp, selfcheck
from kerma.physics.shielding.workload import workload
from kerma.reference import Row, rows

TABLE = {r.id: r for r in rows("archer")}
A1, B1, C1 = (f"archer/ncrp147-{t}" for t in ("A.1-primary", "B.1-primary", "C.1-secondary"))
NCRP = [name for name, r in TABLE.items() if r.text("method") == "NCRP147"]
COLUMNS = ("alpha_per_mm", "beta_per_mm", "gamma")

# ncrp147.yaml, public_transcription_errors: row, column, the wrong figure, and what it should be.
PUBLISHED = [
    (f"{B1}-Mammography_Room-lead", "beta_per_mm", 17.76, 177.6),
    (f"{C1}-70-concrete", "alpha_per_mm", 0.059, 0.0509),
    (f"{C1}-100-lead", "gamma", 729.5, None),
    (f"{C1}-30-concrete", "gamma", 3.705, 0.3705),
    (f"{C1}-50-concrete", "alpha_per_mm", 0.03e-2, 0.0903),
    *((f"{C1}-{kv}-wood", "beta_per_mm", None, 0.1) for kv in (125, 150)),
    *((f"{A1}-{kv}-wood", "beta_per_mm", None, 0.1) for kv in (125, 130, 135, 140, 145, 150)),
]  # fmt: skip


def copied(name: str, column: str, wrong: float) -> list[Row]:
    """Return the table with one figure copied wrongly."""
    bad = replace(TABLE[name], fields={**TABLE[name].fields, column: repr(wrong)})
    return [bad if r.id == name else r for r in TABLE.values()]


def test_the_table_is_as_it_was_checked() -> None:
    selfcheck.check()
    assert selfcheck.doubts() == []
    assert selfcheck.changed() == []
    assert set(selfcheck.fingerprints()) == set(TABLE)


@pytest.mark.parametrize(("name", "column", "wrong", "right"), PUBLISHED)
def test_published_slips_are_found(
    name: str, column: str, wrong: float | None, right: float | None
) -> None:
    """Physics finds each without the fingerprints, and the row is named."""
    true = TABLE[name].number(column)
    if wrong is None:
        wrong = true * float(right or 1)
    elif right is not None:
        assert true == pytest.approx(right)  # the table itself has the right one
    table = copied(name, column, wrong)
    suspects = [d.row for d in selfcheck.doubts(table)]
    assert suspects
    with pytest.raises(IntegrityError) as refusal:
        selfcheck.check(table)
    assert refusal.value.code == "bad-coefficients"
    assert name in refusal.value.message
    assert refusal.value.detail["row"] == name


def test_the_last_digit_of_a_gamma_shows_in_the_fingerprint_only() -> None:
    """0.5679 for 0.5678 of lead at 150 kV moves no thickness by 0.1 %."""
    name = f"{C1}-150-lead"
    assert TABLE[name].number("gamma") == 0.5678
    table = copied(name, "gamma", 0.5679)
    assert selfcheck.doubts(table) == []
    with pytest.raises(IntegrityError) as refusal:
        selfcheck.check(table)
    assert refusal.value.detail["row"] == name
    assert "not those that were checked" in refusal.value.message


def test_a_missing_or_foreign_row_shows() -> None:
    name = f"{C1}-150-lead"
    assert selfcheck.changed([r for r in TABLE.values() if r.id != name]) == [name]
    more = replace(TABLE[name], id=f"{name}-copy")
    assert selfcheck.changed([*TABLE.values(), more]) == [more.id]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(NCRP), st.sampled_from(COLUMNS), st.sampled_from([10.0, 0.1]))
def test_a_slipped_decimal_point_is_always_found(name: str, column: str, by: float) -> None:
    table = copied(name, column, TABLE[name].number(column) * by)
    with pytest.raises(IntegrityError) as refusal:
        selfcheck.check(table)
    assert refusal.value.detail["row"] == name


def test_physics_alone_finds_nine_in_ten_slipped_decimal_points() -> None:
    """Without the fingerprints; the rest move no thickness by the tolerance (small β, large γ)."""
    found, tried = 0, 0
    for name in NCRP[::7]:
        for column in COLUMNS:
            for by in (10.0, 0.1):
                tried += 1
                table = copied(name, column, TABLE[name].number(column) * by)
                found += bool(selfcheck.doubts(table))
    assert found / tried > 0.9


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan")])
def test_what_is_no_transmission_is_found(column: str, wrong: float) -> None:
    name = f"{A1}-100-lead"
    if column == "beta_per_mm" and wrong == -1.0:
        wrong = -60.0
    if column == "beta_per_mm" and wrong == 0.0:
        assert name in [d.row for d in selfcheck.doubts(copied(name, column, wrong))]
        return
    worst = selfcheck.doubts(copied(name, column, wrong))[0]
    assert worst.row == name
    assert "no transmission" in worst.why


def test_the_published_slip_in_a_workload_shows_in_the_rebuilt_kerma() -> None:
    """0.105 for 0.0105 mA min at 105 kV in the R&F tube: K1p comes out 8 % above Table 4.5."""
    name = "Rad Tube (R&F room)"
    bins = workload(name)
    assert bins[105.0] == 0.0105

    def k1p(of: dict[float, float]) -> float:
        return sum((1.222 - 5.664e-2 * v + 1.227e-3 * v**2 - 3.136e-6 * v**3) * w
                   for v, w in of.items() if v >= 50)  # fmt: skip

    printed = ncrp.distributions()[name]["K1p"]
    assert k1p(bins) == pytest.approx(printed, rel=0.035)
    assert k1p({**bins, 105.0: 0.105}) != pytest.approx(printed, rel=0.035)


def test_the_slips_are_those_of_the_methods_data() -> None:
    """The data file names four public files with wrong figures; one is of a workload."""
    listed = [r for r in rows("ncrp147") if "public_transcription_errors" in r.id]
    assert len(listed) == 4
    said = " ".join(r.text("error") for r in listed)
    for figure in ("17.76", "0.059", "7295e-1", "0.5679", "3.705", "0.030e-2", "0.105"):
        assert figure in said
