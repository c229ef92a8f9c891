"""The workload of a system from the dose room: counted, scaled by days covered, nothing assumed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from kerma.core import InputError
from kerma.physics.shielding.plan.uses import USES
from kerma.service.doses import columnar
from kerma.service.estate.models import System
from kerma.service.protection.shielding import dose_counts
from kerma.service.protection.shielding.workload import (
    LEAST_DAYS,
    as_uses,
    transmission_kv,
    workload,
)
from tests.service import doses_world, factory
from tests.service.test_doses_columnar import take_all

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)
WEEKS = 10
UNTIL = MONDAY + timedelta(days=7 * WEEKS - 1)


def fill(of: System, studies: list[dict[str, Any]]) -> None:
    """Put studies into the columns as the dose room would; each with its ``events``."""
    rows: dict[str, list[dict[str, Any]]] = {"studies": [], "events": []}
    held = columnar.store().scan("studies").collect().height
    for number, given in enumerate(studies, held + 1):
        context = {"study": number, "system": of.asset, "date": given["date"],
                   "patient": given.get("patient", True)}  # fmt: skip
        totals = {k: v for k, v in given.items() if k not in ("events", "date", "patient")}
        rows["studies"].append({**context, **totals})
        for place, event in enumerate(given.get("events", ()), 1):
            rows["events"].append({**context, "event": place, **event})
    columnar.store().write([r["study"] for r in rows["studies"]], rows, mark="test")


def weekly(event: dict[str, Any], weeks: int = WEEKS, a_week: int = 5, **more: Any) -> list[Any]:
    return [
        {"date": MONDAY + timedelta(days=7 * week + n), "events": [event], **more}
        for week in range(weeks)
        for n in range(a_week)
    ]


@pytest.fixture
def tube() -> System:
    return factory.system()


@pytest.fixture
def scanner() -> System:
    return factory.system(modality="ct")


def counted(of: System, **more: Any) -> Any:
    return workload(of, **{"since": MONDAY, "until": UNTIL, **more})


def uses(of: System, method: str = "uk", **more: Any) -> list[dict[str, Any]]:
    found = as_uses(of, method, **{"since": MONDAY, "until": UNTIL, **more})
    for use in found["uses"]:
        kind = USES[use["kind"]]
        assert method in kind.methods
        assert use["given"].keys() <= {p.key for p in kind.parameters}
    made: list[dict[str, Any]] = found["uses"]
    return made


def test_kap_is_counted_by_the_top_of_a_bin_of_5_kv(tube: System) -> None:
    fill(tube, [
        *weekly({"kvp_kv": 80.0, "kap_gy_cm2": 0.5}),
        *weekly({"kvp_kv": 80.1, "kap_gy_cm2": 0.25}),
        *weekly({"kvp_kv": 76.0, "kap_gy_cm2": 1.0}, a_week=1),
    ])  # fmt: skip
    found = counted(tube)
    assert found.kap_bins == pytest.approx({80.0: 35.0, 85.0: 12.5})
    assert found.kap_without_kv == 0.0
    assert found.totals.covered_days == 70
    (use,) = uses(tube)
    assert use["kind"] == "kap_bins"
    assert use["given"]["bins"] == pytest.approx({"80": 35 * 365 / 70, "85": 12.5 * 365 / 70})


def test_kap_without_a_voltage_is_a_use_that_stays_incomplete(tube: System) -> None:
    fill(tube, [
        *weekly({"kvp_kv": 80.0, "kap_gy_cm2": 0.5}),
        *weekly({"kvp_kv": None, "kap_gy_cm2": 0.1}),
        *weekly({"kvp_kv": 0.0, "kap_gy_cm2": 0.1}),
        # Fluoroscopy the device states in the total only.
        *weekly({"kvp_kv": 80.0, "kap_gy_cm2": 0.5}, a_week=1, kap_gy_cm2=2.5),
    ])  # fmt: skip
    found = counted(tube)
    assert found.kap_bins == pytest.approx({80.0: 30.0})
    assert found.kap_without_kv == pytest.approx(10.0 + 20.0)
    _, apart = uses(tube)
    assert apart["kind"] == "kap"
    assert apart["given"] == {"kap_gy_cm2": pytest.approx(30 * 365 / 70, rel=1e-5)}
    assert any("50 % of it without a stated tube voltage" in s for s in found.sentences)


def test_the_rounding_of_a_stated_total_is_no_use(tube: System) -> None:
    fill(tube, weekly({"kvp_kv": 80.0, "kap_gy_cm2": 0.5}, kap_gy_cm2=0.5001))
    assert counted(tube).kap_without_kv == 0.0


def test_weeks_without_a_record_do_not_lower_the_workload(tube: System) -> None:
    whole = weekly({"kvp_kv": 80.0, "kap_gy_cm2": 0.5})
    gap = [s for s in whole if not 14 <= (s["date"] - MONDAY).days < 35]
    fill(tube, gap)
    found = counted(tube)
    assert found.totals.covered_days == 49
    assert uses(tube)[0]["given"]["bins"] == pytest.approx({"80": 35 * 0.5 * 365 / 49}, rel=1e-5)
    assert any("21 days in weeks without any record are left out" in s for s in found.sentences)


def test_days_before_the_span_do_not_count_as_covered(tube: System) -> None:
    fill(tube, weekly({"kvp_kv": 80.0, "kap_gy_cm2": 0.5}))
    found = counted(tube, since=MONDAY + timedelta(days=4), until=MONDAY + timedelta(days=40))
    assert found.totals.covered_days == 37


@pytest.mark.parametrize(("weeks", "fine"), [(4, True), (3, False)])
def test_few_days_are_refused(tube: System, weeks: int, fine: bool) -> None:
    fill(tube, weekly({"kvp_kv": 80.0, "kap_gy_cm2": 0.5}, weeks=weeks))
    if fine:
        assert counted(tube).totals.covered_days == LEAST_DAYS
        return
    with pytest.raises(InputError, match="cover 21 days") as caught:
        counted(tube)
    assert caught.value.code == "few-days"


def test_no_record_and_bad_questions_are_refused(tube: System) -> None:
    for more, code in (
        ({}, "no-records"), ({"since": UNTIL + timedelta(days=1)}, "bad-span"),
        ({"growth": 0.0}, "bad-growth"), ({"growth": float("nan")}, "bad-growth"),
        ({"growth": 50.0}, "bad-growth"),
    ):  # fmt: skip
        with pytest.raises(InputError) as caught:
            counted(tube, **more)
        assert caught.value.code == code
    with pytest.raises(InputError):
        as_uses(tube, "another")


def test_growth_multiplies_everything_and_is_said(tube: System) -> None:
    fill(tube, weekly({"kvp_kv": 80.0, "kap_gy_cm2": 0.5}))
    plain, grown = uses(tube), uses(tube, growth=1.5)
    before, after = plain[0]["given"]["bins"]["80"], grown[0]["given"]["bins"]["80"]
    assert after == pytest.approx(1.5 * before, rel=1e-5)
    found = counted(tube, growth=1.5)
    assert found.patients_per_week == pytest.approx(7.5)
    assert "Multiplied by 1.5 for growth, as given." in found.sentences


def test_tests_irradiate_walls_and_are_no_patients(tube: System) -> None:
    fill(tube, [
        *weekly({"kvp_kv": 80.0, "kap_gy_cm2": 0.5}),
        *weekly({"kvp_kv": 80.0, "kap_gy_cm2": 0.5}, a_week=1, patient=False),
    ])  # fmt: skip
    found = counted(tube)
    assert found.kap_bins == pytest.approx({80.0: 30.0})
    assert (found.patients_per_week, found.procedures_per_week) == (5.0, 6.0)
    assert any("10 of them tests" in s for s in found.sentences)


def test_the_busiest_week_is_told(tube: System) -> None:
    day = MONDAY + timedelta(days=23)
    fill(tube, [
        *weekly({"kvp_kv": 80.0, "kap_gy_cm2": 0.5}), *[{"date": day}] * 7,
    ])  # fmt: skip
    found = counted(tube)
    assert (found.busiest.monday, found.busiest.studies) == (MONDAY + timedelta(days=21), 12)


def test_values_that_are_no_doses_count_for_nothing(tube: System) -> None:
    fill(tube, [
        *weekly({"kvp_kv": 80.0, "kap_gy_cm2": 0.5}),
        *[{"date": MONDAY, "events": [{"kvp_kv": 80.0, "kap_gy_cm2": v}]}
          for v in (float("nan"), float("inf"), -3.0, 0.0)],
    ])  # fmt: skip
    assert counted(tube).kap_bins == pytest.approx({80.0: 25.0})


def test_another_system_and_other_days_are_not_counted(tube: System, scanner: System) -> None:
    fill(tube, [
        *weekly({"kvp_kv": 80.0, "kap_gy_cm2": 0.5}),
        {"date": MONDAY - timedelta(days=1), "events": [{"kvp_kv": 80.0, "kap_gy_cm2": 9.0}]},
    ])  # fmt: skip
    fill(scanner, weekly({"kvp_kv": 120.0, "dlp_mgy_cm": 300.0, "phantom": "body"}))
    assert counted(tube).kap_bins == pytest.approx({80.0: 25.0})
    assert counted(tube).ct == ()


def test_ct_by_phantom_and_the_voltage_whose_transmission_stands_for_it(scanner: System) -> None:
    fill(scanner, [
        *weekly({"kvp_kv": 120.0, "dlp_mgy_cm": 300.0, "phantom": "body"}),
        *weekly({"kvp_kv": 100.0, "dlp_mgy_cm": 100.0, "phantom": "body"}),
        *weekly({"kvp_kv": 140.0, "dlp_mgy_cm": 50.0, "phantom": "body"}, a_week=1),
        *weekly({"kvp_kv": 120.0, "dlp_mgy_cm": 900.0, "phantom": "head"}, a_week=2),
    ])  # fmt: skip
    given = {(u["given"]["region"], u["given"]["kv"]): u["given"] for u in uses(scanner)}
    year = 365 / 70
    assert given.keys() == {("body", 120.0), ("body", 140.0), ("head", 120.0)}
    assert given["body", 120.0]["dlp_mgy_cm"] == pytest.approx(20_000 * year, rel=1e-5)
    assert given["body", 140.0]["dlp_mgy_cm"] == pytest.approx(500 * year, rel=1e-5)
    assert given["head", 120.0]["dlp_mgy_cm"] == pytest.approx(18_000 * year, rel=1e-5)
    words = counted(scanner).sentences
    assert any("at 100 to 140 kV" in s for s in words)
    by_week = uses(scanner, "ncrp147")
    total = sum(u["given"]["procedures"] * u["given"]["dlp_mgy_cm"] for u in by_week)
    assert total == pytest.approx(38_500 / 10, rel=1e-5)
    assert {u["kind"] for u in by_week} == {"ct_procedures"}


def test_ct_without_phantom_or_voltage_stays_incomplete(scanner: System) -> None:
    fill(scanner, [
        *weekly({"kvp_kv": 120.0, "dlp_mgy_cm": 300.0, "phantom": None}),
        *weekly({"kvp_kv": None, "dlp_mgy_cm": 100.0, "phantom": "head"}),
        *weekly({}, a_week=1, dlp_mgy_cm=70.0),
    ])  # fmt: skip
    made = [u["given"] for u in uses(scanner)]
    assert [sorted(g) for g in made] == [
        ["dlp_mgy_cm", "kv"], ["dlp_mgy_cm", "region"], ["dlp_mgy_cm"],
    ]  # fmt: skip
    assert any("100 % of it without a stated phantom" in s for s in counted(scanner).sentences)


def test_the_transmission_of_ct_never_understates() -> None:
    assert [transmission_kv(v) for v in (80.0, 120.0, 121.0, 140.0, 150.0, None)] == [
        120.0, 120.0, 140.0, 140.0, 150.0, None,
    ]  # fmt: skip


def test_ncrp_takes_patients_and_the_systems_own_load(tube: System) -> None:
    fill(tube, weekly({"kvp_kv": 80.0, "exposure_mas": 12.0, "kap_gy_cm2": 0.5}))
    by_patients, own = uses(tube, "ncrp147")
    assert by_patients["given"] == {"patients": 5.0}
    assert own["given"] == {"bins": {"80": pytest.approx(0.2)}, "patients": 5.0}
    grown = uses(tube, "ncrp147", growth=2.0)[1]["given"]
    assert grown == {"bins": {"80": pytest.approx(0.2)}, "patients": 10.0}


def test_no_histogram_is_made_of_a_load_that_is_partly_unknown(tube: System) -> None:
    fill(tube, [
        *weekly({"kvp_kv": 80.0, "exposure_mas": 12.0}), *weekly({"exposure_mas": 12.0}),
    ])  # fmt: skip
    assert [u["kind"] for u in uses(tube, "ncrp147")] == ["patients"]
    assert any("no histogram is made" in s for s in counted(tube).sentences)


@pytest.mark.parametrize("method", ["uk", "ncrp147"])
def test_mammography_takes_patients_by_both_methods(method: str) -> None:
    of = factory.system(modality="mammography")
    fill(of, weekly({"kvp_kv": 28.0, "kap_gy_cm2": 0.01}))
    (use,) = uses(of, method)
    period = 365 if method == "uk" else 7
    assert use["given"] == {"patients": pytest.approx(50 * period / 70, rel=1e-5)}


def test_dental_takes_kap_at_the_top_of_each_bin() -> None:
    of = factory.system(modality="dental_panoramic")
    fill(of, weekly({"kvp_kv": 66.0, "kap_gy_cm2": 0.1}))
    (use,) = uses(of)
    assert (use["kind"], use["given"]["kv"]) == ("dental", 70.0)


def test_many_systems_are_looked_at_once(tube: System, scanner: System) -> None:
    fill(tube, weekly({"kvp_kv": 80.0, "kap_gy_cm2": 0.5}))
    fill(scanner, weekly({"dlp_mgy_cm": 300.0}, a_week=2))
    found = dose_counts.totals(columnar.store(), [tube.asset, scanner.asset, "none"], MONDAY, UNTIL)
    assert found.keys() == {tube.asset, scanner.asset}
    assert found[tube.asset].kap_gy_cm2 == pytest.approx(25.0)
    assert found[tube.asset].dlp_mgy_cm is None
    assert (found[scanner.asset].dlp_mgy_cm, found[scanner.asset].studies) == (6000.0, 20)
    assert dose_counts.totals(columnar.store(), [], MONDAY, UNTIL) == {}


def test_it_agrees_with_the_records_of_a_simulated_department() -> None:
    """KAP and DLP of every device's events, from real reports through the door to a use."""
    take_all()
    columnar.refresh()
    store = columnar.store()
    events = store.scan("events").collect()
    made = doses_world.build_world()
    for device in events["device"].unique().drop_nulls():
        of = events.filter(events["device"] == device)
        asset = made.quill.asset
        rows = [{**r, "system": asset} for r in of.to_dicts()]
        whole = sum(r["kap_gy_cm2"] or 0.0 for r in rows)
        store.write([r["study"] for r in rows], {"events": rows, "studies": []}, mark="x")
        days = (min(r["date"] for r in rows), max(r["date"] for r in rows))
        found = dose_counts.by_kv(store, asset, *days, "kap_gy_cm2")
        unknown = sum(r["kap_gy_cm2"] or 0.0 for r in rows if not r["kvp_kv"])
        assert sum(found.values()) == pytest.approx(whole - unknown, rel=1e-9, abs=1e-12)
        parts = dose_counts.ct_parts(store, asset, *days)
        dlp = sum(r["dlp_mgy_cm"] or 0.0 for r in rows)
        assert sum(p.dlp_mgy_cm for p in parts) == pytest.approx(dlp, rel=1e-9, abs=1e-12)
        store.clear()
