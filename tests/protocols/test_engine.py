"""The engine: what is missing stays missing, and every verdict is the one function's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.core import (
    Analysis,
    Criterion,
    InputError,
    Level,
    Provenance,
    Source,
    Verdict,
    quantity,
)
from kerma.protocols import Inputs, evaluate, load_protocol, missing
from tests.protocols.make import entry, only, small, values

OUTPUT = entry(
    id="output",
    test_id="output_absolute_rp162",
    formula="inverse_square(mean(k_80), setup.distance, q(1000, 'mm')) / setup.mas",
    unit="uGy/mAs",
    nominal=None,
)
REPEAT = entry(
    id="repeat", test_id="kv_repeatability_cv", formula="cov(kv_80)", unit="%", nominal=None
)
SMALL_OUTPUT = small(OUTPUT)
CHECKED = entry(
    id="lights",
    test_id="general_safety/emergency_off",
    formula="lights_ok",
    unit="yes/no",
    nominal=None,
)
CHECK_READING = {"readings": [{"id": "lights_ok", "title": "Stops work", "unit": "yes/no"}]}


def kv(*numbers: float | None) -> Inputs:
    return Inputs(readings={"kv_80": values("kV", *numbers)})


# ------------------------------------------------------------------ values and verdicts


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        (80.0, Verdict.PASS),
        (84.0, Verdict.PASS),
        (84.001, Verdict.REMEDIAL),
        (88.0, Verdict.REMEDIAL),
        (88.001, Verdict.SUSPENSION),
        (71.999, Verdict.SUSPENSION),
    ],
)
def test_a_value_on_its_bound_passes(measured: float, verdict: Verdict) -> None:
    found = only(small(), kv(measured, measured, measured))
    assert found.verdict is verdict
    assert found.value is not None
    assert found.value.to("kV").value == pytest.approx(measured)


def test_the_comparison_comes_before_the_rounding() -> None:
    """84.04 kV is shown as 84.04 or 84 kV and is beyond 84 kV either way."""
    assert only(small(), kv(84.04, 84.04, 84.04)).verdict is Verdict.REMEDIAL


def test_an_outcome_can_be_checked_by_hand() -> None:
    found = only(small(), kv(86.1, 86.2, 86.3))
    assert found.verdict is Verdict.REMEDIAL
    assert found.formula == "mean(kv_80)"
    assert found.explanation == (
        "mean(kv_80) = 86.2 kV; Tube voltage (86.1, 86.2, 86.3 kV); set kv (80 kV)."
    )
    assert found.judgement.reason.startswith("86.2 kV, 6.2 kV (7.8 %) above the nominal of 80 kV")
    assert found.nominal == quantity(80, "kV")
    assert found.test.setup == "kv80"
    assert str(found.inputs["kv_80"]) == "Tube voltage (86.1, 86.2, 86.3 kV)"
    assert [lv.level_class for lv in found.levels] == ["remedial", "suspension"]
    plain = found.as_dict()
    assert plain["language"] == "1"
    assert plain["judgement"]["breached"]["source"]["row"] == "qa-tests/radiography/kv_accuracy"
    assert plain["inputs"]["kv_80"]["values"][0]["value"] == 86.1


def test_output_is_divided_by_mas_and_moved_to_one_metre() -> None:
    """1600 uGy at 0.5 m and 20 mAs are 400 uGy at 1 m: 20 uGy/mAs, below 25."""
    setups = {"kv80": {"title": "At 0.5 m", "kv": "80 kV", "mas": "20 mAs", "distance": "500 mm"}}
    found = only(
        small(OUTPUT, setups=setups), Inputs(readings={"k_80": values("uGy", 1600, 1600, 1600)})
    )
    assert found.value is not None
    assert found.value.value == pytest.approx(20)
    assert found.verdict is Verdict.SUSPENSION


@given(
    st.lists(st.floats(100, 4000), min_size=3, max_size=3), st.sampled_from(["mGy", "uGy", "Gy"])
)
def test_the_unit_a_reading_comes_in_changes_nothing(micro: list[float], symbol: str) -> None:
    protocol = SMALL_OUTPUT
    plain = only(protocol, Inputs(readings={"k_80": values("uGy", *micro)}))
    scaled = [quantity(n, "uGy").to(symbol) for n in micro]
    other = only(protocol, Inputs(readings={"k_80": scaled}))
    assert other.verdict is plain.verdict
    assert other.value is not None
    assert plain.value is not None
    assert other.value.value == pytest.approx(plain.value.value, rel=1e-12)
    assert other.value.unit == plain.value.unit


def test_a_fraction_and_a_percentage_are_the_same_number() -> None:
    """The fault seen elsewhere: an error kept as 0.3 and compared with 25 (per cent)."""
    setups = {"kv80": {"title": "80 kV", "kv": "80 kV"}}
    kap = entry(
        id="kap",
        test_id="dap_meter_accuracy",
        formula="shown",
        unit="mGy.cm2",
        nominal="k * width * length",
    )
    protocol = small(
        kap,
        setups=setups,
        readings=[
            {"id": "shown", "title": "KAP shown", "unit": "mGy.cm2"},
            {"id": "k", "title": "Air kerma", "unit": "uGy"},
            {"id": "width", "title": "Width", "unit": "cm"},
            {"id": "length", "title": "Length", "unit": "mm"},
        ],
    )

    def at(shown: float) -> Verdict:
        return only(
            protocol,
            Inputs(
                readings={
                    "shown": values("mGy.cm2", shown),
                    "k": values("uGy", 1000.0),
                    "width": values("cm", 10.0),
                    "length": values("mm", 100.0),
                }
            ),
        ).verdict

    assert at(125.0) is Verdict.PASS  # 1 mGy x 100 cm2, 25 % above
    assert at(125.1) is Verdict.REMEDIAL
    assert at(130.0) is Verdict.REMEDIAL
    as_fraction = small(
        entry(
            id="kap", test_id=None, nominal=None, formula="deviation(mean(k_80), k_80b)", unit="1",
            levels=[{"class": "remedial", "document": "Local rules", "max": "25 %"}],
        ),
        readings=[
            {"id": "k_80", "title": "Shown", "unit": "uGy"},
            {"id": "k_80b", "title": "Measured", "unit": "uGy"},
        ],
    )  # fmt: skip
    readings = {"k_80": values("uGy", 130.0), "k_80b": values("uGy", 100.0)}
    assert only(as_fraction, Inputs(readings=readings)).verdict is Verdict.REMEDIAL


def test_hvl_below_its_minimum_fails_at_every_voltage() -> None:
    """The fault seen elsewhere: at low kV only a remark was printed."""
    for kilovolts, low in (("50 kV", 1.7), ("60 kV", 2.1), ("120 kV", 4.2)):
        protocol = small(
            entry(
                id="hvl",
                test_id="hvl_min",
                formula="hvl",
                unit="mm Al",
                nominal=None,
                context={"kv": "setup.kv"},
            ),
            setups={"s": {"title": kilovolts, "kv": kilovolts}},
            readings=[{"id": "hvl", "title": "HVL", "setup": "s", "unit": "mm Al"}],
        )
        found = only(protocol, Inputs(readings={"hvl": values("mm Al", low)}))
        assert found.verdict is Verdict.SUSPENSION


# ------------------------------------------------------------------ missing is never a pass


def test_nothing_entered_is_not_done() -> None:
    for inputs in (Inputs(), kv(None, None, None), Inputs(readings={"kv_80": []})):
        found = only(small(), inputs)
        assert found.verdict is Verdict.NOT_DONE
        assert found.value is None
        assert "Tube voltage" in found.judgement.reason


def test_a_missing_repeat_is_not_a_pass() -> None:
    found = only(small(), kv(80, 80, None))
    assert found.verdict is Verdict.NOT_ENOUGH_DATA
    assert found.judgement.reason == "“Tube voltage” has 2 of 3 readings."
    assert found.value is not None  # shown, not judged


def test_a_struck_repeat_may_be_spared_where_the_protocol_says_so() -> None:
    readings = [
        {"id": "kv_80", "title": "Tube voltage", "setup": "kv80", "unit": "kV", "repeats": 5,
         "minimum": 4},
    ]  # fmt: skip
    protocol = small(readings=readings)
    assert only(protocol, kv(80, 80, None, 80, 80)).verdict is Verdict.PASS
    assert only(protocol, kv(80, 80, None, None, 80)).verdict is Verdict.NOT_ENOUGH_DATA


def test_one_reading_has_no_spread() -> None:
    """The fault seen elsewhere: the CV of one reading is 0 and passes."""
    readings = [
        {"id": "kv_80", "title": "kV", "setup": "kv80", "unit": "kV", "repeats": 3, "minimum": 1}
    ]
    found = only(small(REPEAT, readings=readings), kv(80, None, None))
    assert found.verdict is Verdict.NOT_ENOUGH_DATA
    assert found.value is None
    assert "at least 2" in found.judgement.reason


def test_no_baseline_is_not_a_pass() -> None:
    protocol = small(
        entry(id="aec", test_id="aec_receptor_dose", formula="mean(k_80)", unit="uGy", nominal=None)
    )
    inputs = Inputs(readings={"k_80": values("uGy", 3, 3, 3)})
    assert only(protocol, inputs).verdict is Verdict.NOT_ENOUGH_DATA
    with_baseline = Inputs(inputs.readings, baselines={"aec": quantity(3, "uGy")})
    assert only(protocol, with_baseline).verdict is Verdict.PASS
    drifted = Inputs(inputs.readings, baselines={"aec": quantity(2, "uGy")})
    assert only(protocol, drifted).verdict is Verdict.REMEDIAL


def test_commissioning_sets_what_routine_is_compared_with() -> None:
    test = entry(
        id="aec",
        test_id=["aec_receptor_dose", "aec_receptor_dose_rp162"],
        formula="mean(k_80)",
        unit="uGy",
        nominal=None,
    )
    protocol = small(test)
    fine = Inputs(readings={"k_80": values("uGy", 3, 3, 3)})
    found = only(protocol, fine, phase="commissioning")
    # The absolute level is judged; the one against the baseline waits for it.
    assert found.verdict is Verdict.PASS
    assert found.becomes_baseline
    assert [lv.source.row for lv in found.judgement.applied] == [
        "qa-tests/radiography/aec_receptor_dose_rp162"
    ]
    high = Inputs(readings={"k_80": values("uGy", 10, 10, 10)})
    assert only(protocol, high, phase="commissioning").verdict is Verdict.SUSPENSION
    assert not only(protocol, high, phase="routine").becomes_baseline
    alone = small({**test, "test_id": "aec_receptor_dose"})
    found = only(alone, fine, phase="commissioning")
    assert found.verdict is Verdict.NOT_APPLICABLE
    assert "is to become it" in found.judgement.reason


def test_a_division_by_zero_does_not_lose_the_survey() -> None:
    protocol = small(entry(), REPEAT)
    found = evaluate(protocol, kv(0, 0, 0))
    assert [o.verdict for o in found] == [Verdict.SUSPENSION, Verdict.NOT_ENOUGH_DATA]
    assert "divides by zero" in found[1].judgement.reason


def test_a_reading_in_a_wrong_unit_is_said_and_the_others_go_on() -> None:
    protocol = small(entry(), OUTPUT)
    inputs = Inputs(
        readings={"kv_80": values("uGy", 1, 1, 1), "k_80": values("uGy", 1000, 1000, 1000)}
    )
    wrong, right = evaluate(protocol, inputs)
    assert wrong.verdict is Verdict.NOT_ENOUGH_DATA
    assert "measure different things" in wrong.error
    assert right.verdict is Verdict.PASS


@pytest.mark.parametrize("n", [1e300, 1.7e308])
def test_numbers_out_of_reach_do_not_lose_the_survey(n: float) -> None:
    found = only(small(REPEAT), kv(n, -n, n / 2))
    assert found.verdict is Verdict.NOT_ENOUGH_DATA
    assert found.value is None


def test_reasons_given_by_people_stand() -> None:
    protocol = small(entry())
    inputs = Inputs(kv(80, 80, 80).readings, not_done={"kv": "Meter failed"})
    found = only(protocol, inputs)
    assert (found.verdict, found.judgement.reason) == (Verdict.NOT_DONE, "Meter failed")
    found = only(protocol, Inputs(not_applicable={"kv": "No fine focus"}))
    assert (found.verdict, found.judgement.reason) == (Verdict.NOT_APPLICABLE, "No fine focus")


# ------------------------------------------------------------------ checks


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [(1.0, Verdict.PASS), (0.0, Verdict.SUSPENSION), (None, Verdict.NOT_DONE)],
)
def test_a_check_passes_only_when_answered_yes(answer: float | None, verdict: Verdict) -> None:
    protocol = small(CHECKED, **CHECK_READING)
    assert only(protocol, Inputs(readings={"lights_ok": values("1", answer)})).verdict is verdict


def test_an_inequality_over_a_set_is_a_check() -> None:
    """T mean >= 5 (T max - T min), 105 CMR 120.407(A)(2); equality holds."""
    protocol = small(
        entry(
            id="timer",
            test_id="dental_intraoral/timer_reproducibility_us",
            formula="mean(t) >= 5 * (max(t) - min(t))",
            unit="yes/no",
            nominal=None,
        ),
        readings=[{"id": "t", "title": "Time", "unit": "ms", "repeats": 4}],
    )

    def at(*t: float) -> Verdict:
        return only(protocol, Inputs(readings={"t": values("ms", *t)})).verdict

    assert at(90, 110, 100, 100) is Verdict.PASS  # 100 = 5 x 20
    assert at(89.9, 110, 100, 100) is Verdict.REMEDIAL


# ------------------------------------------------------------------ images

MTF = entry(id="mtf", test_id="mtf10_site", formula="edge_mtf.mtf10", unit="1/mm", nominal=None)
IMAGES = [
    {
        "id": "edge",
        "title": "Edge image",
        "analyses": [{"id": "edge_mtf", "analysis": "planar-mtf-edge"}],
    }
]


def analysis(**fields: object) -> Analysis:
    return Analysis(
        **{
            "name": "planar-mtf-edge",
            "status": "measured",
            "provenance": Provenance("planar-mtf-edge", "1"),
            "values": {"mtf10": quantity(4.0, "lp/mm", 0.05)},
            **fields,
        }
    )


def test_a_measured_image_is_judged_in_the_tests_unit() -> None:
    protocol = small(MTF, images=IMAGES)
    found = only(protocol, Inputs(analyses={"edge_mtf": analysis()}))
    assert found.verdict is Verdict.PASS
    assert found.value is not None
    assert found.value.u == pytest.approx(0.05)
    cm = analysis(values={"mtf10": quantity(46, "lp/cm")})
    assert only(protocol, Inputs(analyses={"edge_mtf": cm})).verdict is Verdict.SUSPENSION


def test_an_image_not_analysed_is_not_done() -> None:
    found = only(small(MTF, images=IMAGES), Inputs())
    assert found.verdict is Verdict.NOT_DONE
    assert "Edge image" in found.judgement.reason


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        (
            Inputs(analyses={"edge_mtf": analysis(status="not measurable", reason="No edge.")}),
            "No edge.",
        ),
        (Inputs(analyses={"edge_mtf": analysis(values={})}), "no value “mtf10”"),
        (Inputs(refused={"edge_mtf": "A clinical image."}), "A clinical image."),
    ],
)
def test_an_image_that_gives_no_value_is_not_measurable(inputs: Inputs, says: str) -> None:
    found = only(small(MTF, images=IMAGES), inputs)
    assert found.verdict is Verdict.NOT_MEASURABLE
    assert says in found.judgement.reason
    assert missing(small(MTF, images=IMAGES), inputs) == []


def test_a_measured_value_of_another_kind_is_an_error_not_a_verdict() -> None:
    wrong = analysis(values={"mtf10": quantity(4, "HU")})
    found = only(small(MTF, images=IMAGES), Inputs(analyses={"edge_mtf": wrong}))
    assert found.verdict is Verdict.NOT_ENOUGH_DATA
    assert "measure different things" in found.error


# ------------------------------------------------------------------ levels, phases, what is asked


def level(high: float, unit: str = "kV") -> Level:
    source = Source("local/limit", "Letter of 3 May", "local")
    return Level("kv", "suspension", Criterion("max", high=quantity(high, unit)), source)


def test_a_site_may_have_a_level_of_its_own() -> None:
    protocol = small()
    inputs = kv(81, 81, 81)
    assert only(protocol, inputs).verdict is Verdict.PASS
    found = only(protocol, inputs, levels={"kv": [level(80.5)]})
    assert found.verdict is Verdict.SUSPENSION
    assert found.judgement.breached is not None
    assert found.judgement.breached.source.document == "Letter of 3 May"


def test_a_level_that_does_not_fit_is_said_not_raised() -> None:
    found = only(small(), kv(81, 81, 81), levels={"kv": [level(5, "mGy")]})
    assert found.verdict is Verdict.NOT_ENOUGH_DATA
    assert found.error


def test_a_level_for_another_phase_is_left_out() -> None:
    from dataclasses import replace

    only_acceptance = replace(level(80.5), phases=("acceptance",))
    inputs, levels = kv(81, 81, 81), {"kv": [only_acceptance]}
    assert only(small(), inputs, levels=levels, phase="acceptance").verdict is Verdict.SUSPENSION
    assert only(small(), inputs, levels=levels).verdict is Verdict.NOT_ENOUGH_DATA


def test_recorded_only_is_never_a_pass() -> None:
    protocol = small(entry(test_id=None, nominal=None, record_only="no level yet"))
    found = only(protocol, kv(80, 80, 80))
    assert found.verdict is Verdict.NOT_APPLICABLE
    assert found.value is not None
    assert only(protocol, kv(80, 80, 80), levels={"kv": [level(79)]}).verdict is Verdict.SUSPENSION


def test_the_phase_chooses_the_tests_and_optional_ones_are_asked_for() -> None:
    protocol = small(
        entry(phases=["acceptance"]), entry(id="foreign", default=False, basis="elsewhere")
    )
    inputs = kv(80, 80, 80)
    assert [o.test.id for o in evaluate(protocol, inputs, phase="acceptance")] == ["kv"]
    assert evaluate(protocol, inputs, phase="routine") == []
    asked = evaluate(protocol, inputs, phase="routine", include=["foreign"])
    assert [o.test.id for o in asked] == ["foreign"]
    for wrong in ({"phase": "whenever"}, {"include": ["kv_"]}):
        with pytest.raises(InputError):
            evaluate(protocol, inputs, **wrong)


def test_inputs_of_another_protocol_are_refused_at_once() -> None:
    for inputs in (
        Inputs(readings={"kv_81": []}),
        Inputs(baselines={"kvv": quantity(1, "kV")}),
        Inputs(not_done={"other": "why"}),
        Inputs(refused={"edge": "why"}),
    ):
        with pytest.raises(InputError) as error:
            evaluate(small(), inputs)
        assert error.value.code == "unknown-input"


# ------------------------------------------------------------------ completeness


def test_what_is_missing_is_named() -> None:
    protocol = small(entry(), OUTPUT, MTF, images=IMAGES)
    found = missing(protocol, kv(80, 80, None))
    assert [str(m) for m in found] == [
        "Tube voltage, 80 kV: “Tube voltage” has 2 of 3 readings.",
        "Tube voltage, 80 kV: “Air kerma” is not entered.",
        "Tube voltage, 80 kV: “Edge image” has not been analysed.",
    ]
    assert found[0].readings == ("kv_80",)
    assert found[2].analyses == ("edge_mtf",)


def test_a_reason_completes_a_test() -> None:
    protocol = small(entry(), OUTPUT)
    inputs = Inputs(not_done={"kv": "Meter failed"}, not_applicable={"output": "No meter"})
    assert missing(protocol, inputs) == []
    assert [m.test for m in missing(protocol, Inputs())] == ["kv", "output"]


def test_a_whole_survey_is_quick() -> None:
    """A budget wide enough for a busy machine: the form asks after every field."""
    import time

    protocol = load_protocol("radiography-dr")
    start = time.perf_counter()
    evaluate(protocol, Inputs(), phase="routine")
    assert time.perf_counter() - start < 1.0
