"""Three years of surveys: complete, signable, and with the faults that were planned."""

from datetime import timedelta

import pytest

from kerma.authority.facts import AppointmentFact, AuthorisationFact, CredentialFact, PersonFacts
from kerma.authority.rules import Context, allowed
from kerma.core import Quantity, parse_quantity
from kerma.protocols import Inputs, Protocol, available, evaluate, load_protocol
from kerma.simulate.department import build_department
from kerma.simulate.history import History, PlannedSurvey, build_history
from kerma.simulate.readings import rule_for
from kerma.simulate.seeding import stream
from tests.simulate.conftest import TODAY

_MODELLED = [load_protocol(getattr(p, "id", p)) for p in available()]


def _protocol(equipment: str) -> Protocol:
    return next(p for p in _MODELLED if equipment in p.equipment)


def _outcomes(history: History, survey: PlannedSurvey, protocol: Protocol) -> dict[str, str]:
    readings = history.readings_for(protocol, survey)
    values: dict[str, list[Quantity]] = {
        name: [parse_quantity(text) for text in texts] for name, texts in readings.items()
    }
    outcomes = evaluate(protocol, Inputs(readings=values, analyses={}, baselines={}), phase=None)
    return {o.test.id: str(o.judgement.verdict) for o in outcomes}


def _person(history: History, key: str) -> PersonFacts:
    d = history.department
    person = next(p for p in d.persons if p.key == key)
    return PersonFacts(
        id=key,
        name=person.name,
        role=person.role,
        credentials=tuple(
            CredentialFact(c.type, c.number, c.issued, c.expires)
            for c in d.credentials
            if c.person == key
        ),
        authorisations=tuple(
            AuthorisationFact(a.task, a.modality, a.level, a.given)
            for a in d.authorisations
            if a.person == key
        ),
        appointments=tuple(
            AppointmentFact(a.employer, a.role, a.modalities, a.start, a.end)
            for a in d.appointments
            if a.person == key
        ),
    )


def test_same_department_same_history(history: History) -> None:
    assert build_history(history.department) == history


@pytest.mark.parametrize("days", [1, 4, 40, 200])
def test_any_day_can_be_today(days: int) -> None:
    later = build_history(build_department(today=TODAY + timedelta(days=days), seed=days))
    states = {s.state for s in later.surveys}
    assert {"issued", "in review", "measured", "in progress"} <= states
    assert all(s.day.weekday() < 5 for s in later.surveys if s.phase == "routine")


def test_every_system_is_tested_and_in_order(history: History) -> None:
    days = [s.day for s in history.surveys]
    assert days == sorted(days)
    assert len({s.key for s in history.surveys}) == len(history.surveys)
    for system in history.department.systems:
        mine = history.of(system.key)
        assert mine, system.key
        assert all(s.day >= system.installed for s in mine)
    breast = [s for s in history.of("hs-mg1") if s.phase == "routine"]
    general = [s for s in history.of("ag-dr1") if s.phase == "routine"]
    assert len(breast) >= 5
    assert 2 <= len(general) <= 4


def test_every_phase_and_every_state_occurs(history: History) -> None:
    assert {s.phase for s in history.surveys} == {
        *("critical_exam", "acceptance", "commissioning", "routine", "after_repair"),
    }
    assert {s.state for s in history.surveys} == {
        *("issued", "in review", "measured", "in progress", "planned"),
    }
    assert all((s.day > TODAY) == (s.state == "planned") for s in history.surveys)


def test_new_systems_are_commissioned_and_new_components_reset_baselines(
    history: History,
) -> None:
    window = TODAY - timedelta(days=1095)
    for system in history.department.systems:
        mine = history.of(system.key)
        if system.installed >= window:
            assert {"acceptance", "commissioning"} <= {s.phase for s in mine}
        for part in system.components:
            if part.removed and part.removed >= window:
                assert any(part.reason_removed in s.sets_baseline for s in mine), system.key


def test_the_signatories_were_entitled_under_the_services_own_rules(history: History) -> None:
    for survey in (s for s in history.surveys if s.state == "issued"):
        system = history.department.system(survey.system)
        work = {"acceptance": "commissioning", "after_repair": "routine"}.get(
            survey.phase, survey.phase
        )
        if survey.fault and work == "routine":
            work = "routine_breach"
        signed = {"perform": survey.performer, "check": survey.checker, "approve": survey.approver}
        assert len(set(signed.values())) == 3, survey.key
        for act, person in signed.items():
            context = Context(
                work,
                survey.day,
                modality=system.equipment_type,
                employer=system.employer,
                performed=frozenset({survey.performer} if act != "perform" else ()),
                checked=frozenset({survey.checker} if act == "approve" else ()),
            )
            decision = allowed(act, _person(history, person), context)
            assert decision.allowed, (survey.key, act, person, decision.message)


def test_the_new_cone_beam_unit_waits_for_somebody_entitled(history: History) -> None:
    waiting = [s for s in history.of("pp-cb1") if s.state != "planned"]
    assert waiting
    assert {(s.approver, s.state) for s in waiting} == {("", "in review")}


def test_a_tube_change_steps_output_and_half_value_layer(history: History) -> None:
    system = history.department.system("sq-dr1")
    changed = next(p.removed for p in system.components if p.removed)
    before = history.state("sq-dr1", changed - timedelta(days=1))
    after = history.state("sq-dr1", changed)
    assert after["filtration_mm_al"] - before["filtration_mm_al"] == pytest.approx(0.35)
    assert after["output_scale"] > before["output_scale"]
    earlier = history.state("sq-dr1", changed - timedelta(days=400))
    assert earlier["output_scale"] > before["output_scale"]  # it wears


def test_faults_last_from_beginning_to_repair(history: History) -> None:
    assert len(history.faults) == 12
    assert {f.severity for f in history.faults} == {"remedial", "suspension"}
    for fault in history.faults:
        found = [s for s in history.of(fault.system) if s.day == fault.found]
        assert any(fault.title in s.fault for s in found)
        assert fault in history.state(fault.system, fault.found).faults
        assert fault not in history.state(fault.system, fault.began - timedelta(days=1)).faults
        if fault.repaired and fault.repaired <= TODAY:
            assert fault not in history.state(fault.system, fault.repaired).faults
            again = [s for s in history.of(fault.system) if s.day == fault.repaired]
            assert [s.phase for s in again] == ["after_repair"]


@pytest.mark.parametrize("protocol", _MODELLED, ids=lambda p: p.id)
def test_every_reading_of_every_protocol_has_a_model_of_its_own(
    history: History, protocol: Protocol
) -> None:
    for system in history.department.systems:
        if system.equipment_type not in protocol.equipment:
            continue
        for reading in protocol.readings:
            rule = rule_for(protocol, reading, system)
            assert not rule.get("generic"), (protocol.id, reading.id)


@pytest.mark.parametrize("protocol", _MODELLED, ids=lambda p: p.id)
def test_systems_in_good_order_pass_most_tests(history: History, protocol: Protocol) -> None:
    for system in history.department.systems:
        if system.equipment_type not in protocol.equipment:
            continue
        plain = [
            s
            for s in history.of(system.key)
            if not s.fault and s.day <= TODAY and not history.state(system.key, s.day).faults
        ]
        verdicts = list(_outcomes(history, plain[-1], protocol).values())
        breaches = sum(v in ("remedial", "suspension") for v in verdicts)
        assert breaches <= 0.1 * len(verdicts), (system.key, verdicts)


@pytest.mark.parametrize(
    ("system", "breached", "verdict"),
    [
        ("sq-hyb", "rate_max", "suspension"),
        ("sq-mob1", "kv_accuracy_80", "suspension"),
        ("ag-dr2", "kv_accuracy_80", "remedial"),
        ("bd-io1", "ped", "remedial"),
        ("ag-ct1", "ctdi_head", "suspension"),
        ("hs-mg1", "mgd_45", "remedial"),
        ("ag-rf1", "kap_accuracy", "remedial"),
        ("ag-mob1", "safety_warning_lights", "remedial"),
    ],
)
def test_planned_faults_are_found_and_gone_after_repair(
    history: History, system: str, breached: str, verdict: str
) -> None:
    fault = next(f for f in history.faults if f.system == system)
    protocol = _protocol(history.department.system(system).equipment_type)
    for survey in history.of(system):
        if survey.day == fault.found:
            assert _outcomes(history, survey, protocol)[breached] == verdict
        elif survey.day == fault.repaired:
            assert _outcomes(history, survey, protocol)[breached] == "pass"


def test_a_reading_is_what_the_uncorrected_meter_shows(history: History) -> None:
    """Indicated kerma times the certificate's factor is the kerma of the physical model."""
    protocol = load_protocol("radiography-dr")
    survey = next(s for s in history.of("ag-dr1") if s.phase == "routine")
    meter = next(
        i for i in history.department.instruments if i.key == survey.instruments["multimeter"]
    )
    certificate = meter.certificate_on(survey.day)
    assert certificate is not None
    factor = next(f.factor for f in certificate.factors if f.quantity == "air kerma")
    state = history.state("ag-dr1", survey.day)
    from kerma.simulate.conditions import Conditions

    kerma = Conditions("radiography", state, protocol.setups["kv80"].values).kerma_ugy()
    shown = [parse_quantity(t) for t in history.readings_for(protocol, survey)["k_80"]]
    mean = sum(q.to("uGy").value for q in shown) / len(shown)
    assert mean * factor == pytest.approx(kerma, rel=0.006)
    assert factor != 1.0


def test_readings_depend_on_their_stream_only(history: History) -> None:
    protocol = load_protocol("radiography-dr")
    survey = history.of("ag-dr1")[0]
    assert history.readings_for(protocol, survey) == history.readings_for(protocol, survey)
    assert stream(1, "a").random() == stream(1, "a").random() != stream(1, "b").random()


def test_the_meter_of_the_round_was_exchanged(history: History) -> None:
    meters = [
        (s.day, s.instruments["multimeter"]) for s in history.of("sq-dr2") if s.state != "planned"
    ]
    assert {m for _, m in meters} == {"xm1", "xm2"}
    assert [m for _, m in sorted(meters)] == sorted(m for _, m in meters)
